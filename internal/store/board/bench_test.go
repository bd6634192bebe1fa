package board

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/money"
)

// large is a hundred thousand findings as they are held.
func large() *held {
	h := newHeld()
	for i := range 100_000 {
		id := fmt.Sprintf("vol-%017x", i)
		f := finding.Finding{
			Title: fmt.Sprintf("Upgrade %s to gp3", id), Kind: finding.Cost, ResourceID: "arn:aws:ec2:eu-west-1:123456789012:volume/" + id,
			SubAccountID: fmt.Sprint(i % 40), ServiceName: fmt.Sprint("service ", i%12), BillingCurrency: "USD",
			EstimatedMonthlySavings: money.Known(decimal.New(int64(i*7919%100_000), -2)), Detection: finding.Present,
		}
		h.at[int64(i)] = int32(i)
		h.rows = append(h.rows, row{id: int64(i), group: uint64(i)})
		h.take(int32(i), f, fmt.Sprintf("upgrade %s to gp3 arn:aws:ec2:eu-west-1:123456789012:volume/%s 123456789012 ebs eu-west-1", id, id), fmt.Sprint("team ", i%25))
	}
	return h
}

func BenchmarkSnapshot(b *testing.B) {
	h := large()
	for b.Loop() {
		h.snapshot(nil, nil, time.Now())
	}
}

func BenchmarkList(b *testing.B) {
	s := large().snapshot(nil, nil, time.Now())
	for name, c := range map[string]struct {
		filter Filter
		order  string
		from   int
	}{
		"all": {}, "search": {Filter{Search: "vol-000000000000"}, "-saving", 0}, "deep": {Filter{}, "seen", 99_500}, "few": {Filter{Search: "fffff", Account: "3"}, "title", 0},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.List(c.filter, c.order, c.from, 50)
			}
		})
	}
}

func BenchmarkParts(b *testing.B) {
	s := large().snapshot(nil, nil, time.Now())
	for b.Loop() {
		s.Parts(Filter{Kind: finding.Cost, Status: Open}, Account)
	}
}
