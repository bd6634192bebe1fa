package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"cxm/internal/issue/inert/inerttest"
	"cxm/internal/source"
)

// kind is what sort of thing a subject is.
type kind int

const (
	volume kind = iota // a cost opportunity in a snapshot, some with a second claim in an event
	alert              // fires and is resolved
	event              // of the company's own
)

// subject is one piece of work: what one group of findings, and so one issue at
// a time, is about.
type subject struct {
	number  int
	kind    kind
	scope   int
	token   string // only this subject's issues hold it
	members []*member
	title   string // hostile, of alerts and events
	rounds  []belief
}

// member is one finding of a subject.
type member struct {
	on     bool  // whether the thing is there
	cents  int64 // a month; 0: says nothing of money
	severe bool

	sent    bool // it has been part of a delivery
	said    claim
	present bool // cxm may take it for present
	absent  bool // cxm may take it for absent, or never have heard of it
	least   int  // snapshots in a row that it was certainly missing from
	most    int  // and may have been missing from, when one was taken in twice
}

// claim is what a delivery says of a member.
type claim struct {
	cents  int64
	severe bool
}

// belief is what cxm may have believed of a subject at some time of a round.
type belief struct {
	present, absent bool
	claim           // the most that may have been said
}

// scopes is how many accounts send snapshots of their own.
const scopes = 3

// newSubjects makes n subjects that are not there yet.
func newSubjects(rng *rand.Rand, n int) []*subject {
	var out []*subject
	for i := range n {
		s := &subject{number: i, scope: rng.IntN(scopes), title: hostile(rng)}
		switch k := rng.IntN(10); {
		case k < 7:
			s.kind, s.token = volume, fmt.Sprintf("vol-%017x", 0xabc000000+i)
			s.members = append(s.members, newMember(rng))
			if k == 0 {
				s.members = append(s.members, newMember(rng))
			}
		case k < 9:
			s.kind, s.token = alert, fmt.Sprintf("host-%06d", i)
			s.members = append(s.members, newMember(rng))
		default:
			s.kind, s.token = event, fmt.Sprintf("order-%06d", i)
			s.members = append(s.members, newMember(rng))
		}
		out = append(out, s)
	}
	return out
}

func newMember(rng *rand.Rand) *member {
	return &member{cents: 500 + rng.Int64N(20_000), absent: true}
}

// evolve lets a day pass for the subject: things appear and disappear, amounts
// jitter and jump.
func (s *subject) evolve(rng *rand.Rand) {
	for _, m := range s.members {
		switch p := rng.IntN(100); {
		case !m.on && p < 8, m.on && p < 4:
			m.on = !m.on
		case p < 40:
			m.cents += m.cents * (rng.Int64N(9) - 4) / 100
		case p < 45:
			m.cents = max(300, m.cents*(40+rng.Int64N(60))/100)
		case p < 50 && m.cents < 1_000_000:
			m.cents = m.cents * (140 + rng.Int64N(260)) / 100
		case p < 52:
			m.severe = !m.severe
		}
	}
}

// now is what cxm may believe of the subject at this moment. What is said of
// money and severity is the most of what is there or may be remembered.
func (s *subject) now() belief {
	b := belief{absent: true}
	for _, m := range s.members {
		b.present = b.present || m.present
		b.absent = b.absent && m.absent
		if m.sent {
			b.cents, b.severe = max(b.cents, m.said.cents), b.severe || m.said.severe
		}
	}
	return b
}

// begin opens a round with what is believed at its start.
func (s *subject) begin() { s.rounds = append(s.rounds, s.now()) }

// believed adds what may be believed now to the round.
func (s *subject) believed() {
	b, last := s.now(), &s.rounds[len(s.rounds)-1]
	last.present, last.absent = last.present || b.present, last.absent || b.absent
	last.cents, last.severe = max(last.cents, b.cents), last.severe || b.severe
}

// between sums up the beliefs of some rounds, both ends included.
func (s *subject) between(from, to int) belief {
	var b belief
	for _, r := range s.rounds[max(0, from):min(len(s.rounds), to+1)] {
		b.present, b.absent = b.present || r.present, b.absent || r.absent
		b.cents, b.severe = max(b.cents, r.cents), b.severe || r.severe
	}
	return b
}

// report is a delivery together with what it says of whom.
type report struct {
	delivery
	scope     int // -1: events
	listed    []*member
	resolved  []*member
	of        map[*member]*subject
	says      map[*member]claim
	complete  bool // a snapshot in which absence counts
	broken    bool // it cannot be read: nothing of it may be kept
	delivered bool
}

// attempted notes that the delivery is on its way: from now on it may be known.
func (r *report) attempted(all []*subject) {
	if r.broken {
		return
	}
	for _, m := range r.listed {
		m.sent, m.present, m.said = true, true, r.says[m]
		r.of[m].believed()
	}
	for _, m := range r.resolved {
		m.absent = true
		r.of[m].believed()
	}
	for s, m := range r.missing(all) {
		if m.most++; m.most >= 2 {
			m.absent = true
			s.believed()
		}
	}
}

// confirmed notes that the delivery was taken in.
func (r *report) confirmed(all []*subject) {
	if r.delivered = true; r.broken {
		return
	}
	for s, m := range r.missing(all) {
		if m.least++; m.least >= 2 {
			m.present, m.absent = false, true
			s.believed()
		}
	}
	for _, m := range r.listed {
		m.present, m.absent, m.least, m.most = true, false, 0, 0
	}
	for _, m := range r.resolved {
		m.present, m.absent = false, true
	}
}

// missing yields the members of the snapshot's scope that it does not list.
func (r *report) missing(all []*subject) func(func(*subject, *member) bool) {
	return func(yield func(*subject, *member) bool) {
		if !r.complete {
			return
		}
		for _, s := range all {
			if s.kind != volume || s.scope != r.scope || !s.members[0].sent || slices.Contains(r.listed, s.members[0]) {
				continue
			}
			if !yield(s, s.members[0]) {
				return
			}
		}
	}
}

// snapshot is what an account's hub lists now.
func snapshot(all []*subject, scope int, day int) *report {
	r := &report{scope: scope, complete: true, of: map[*member]*subject{}, says: map[*member]claim{}, delivery: delivery{Type: source.CostOptimizationHub, Scope: fmt.Sprintf("account-%d", scope)}}
	var items []string
	for _, s := range all {
		if m := s.members[0]; s.kind == volume && s.scope == scope && m.on {
			r.listed, r.of[m], r.says[m] = append(r.listed, m), s, claim{m.cents, m.severe}
			items = append(items, s.item(m, day))
		}
	}
	r.Text = `{"items":[` + strings.Join(items, ",\n") + `]}`
	r.complete = len(items) > 0
	return r
}

// item is the volume as the hub lists it.
func (s *subject) item(m *member, day int) string {
	account := fmt.Sprintf("%012d", 100_000_000_000+s.scope)
	return encode(map[string]any{
		"recommendationId": fmt.Sprintf("rotates-%d-%d", s.number, day), "accountId": account, "region": "eu-west-1",
		"resourceId": s.token, "resourceArn": "arn:aws:ec2:eu-west-1:" + account + ":volume/" + s.token,
		"currentResourceType": "EbsVolume", "recommendedResourceType": "EbsVolume", "actionType": "Upgrade", "currencyCode": "USD",
		"estimatedMonthlySavings": json.Number(dollars(m.cents)), "currentResourceSummary": "gp2 " + s.title, "recommendedResourceSummary": "gp3",
		"implementationEffort": "VeryLow", "tags": []map[string]string{{"key": "team", "value": s.title}},
	})
}

// news is a delivery of events about the members that are given.
func news(day int, typ source.Type, about map[*member]*subject, order []*member) *report {
	r := &report{scope: -1, of: about, says: map[*member]claim{}, delivery: delivery{Type: typ}}
	var texts []string
	for i, m := range order {
		s := about[m]
		r.says[m] = claim{m.cents, m.severe}
		if m.on {
			r.listed = append(r.listed, m)
		} else {
			r.resolved = append(r.resolved, m)
		}
		if typ == source.Alertmanager {
			texts = append(texts, s.firing(m))
		} else {
			texts = append(texts, s.cloudEvent(m, fmt.Sprintf("%d-%d-%d", day, s.number, i)))
		}
	}
	r.Text = "[" + strings.Join(texts, ",\n") + "]"
	if typ == source.Alertmanager {
		r.Text = `{"version":"4","status":"firing","externalURL":"https://alertmanager.example.com","alerts":` + r.Text + `}`
	}
	return r
}

func (s *subject) firing(m *member) string {
	status, severity := "resolved", "warning"
	if m.on {
		status = "firing"
	}
	if m.severe {
		severity = "critical"
	}
	return encode(map[string]any{
		"status": status, "startsAt": time.Unix(1_700_000_000, 0).UTC(), "fingerprint": fmt.Sprintf("%016x", s.number),
		"labels":      map[string]string{"alertname": "DiskFull", "severity": severity, "instance": s.token + ".example.com:9100"},
		"annotations": map[string]string{"summary": s.title, "description": s.title + "\n" + s.title},
	})
}

// cloudEvent is an event of the company's own about an order, or a finding event
// about a volume.
func (s *subject) cloudEvent(m *member, id string) string {
	e := map[string]any{"specversion": "1.0", "id": id, "source": "/acme/chaos", "time": time.Unix(1_700_000_000, 0).UTC()}
	switch {
	case s.kind == event:
		e["type"], e["subject"] = "com.example.order.resolved", s.token
		e["data"] = map[string]string{"title": s.title, "description": s.title}
		if m.on {
			e["type"] = "com.example.order.opened"
		}
	case m.on:
		account := fmt.Sprintf("%012d", 100_000_000_000+s.scope)
		e["type"], e["subject"] = "com.example.finding.observed.v1", "idle "+s.token
		e["data"] = map[string]any{
			"Title": "Delete it: " + s.title, "Kind": "cost", "ResourceId": "arn:aws:ec2:eu-west-1:" + account + ":volume/" + s.token,
			"EstimatedMonthlySavings": dollars(m.cents), "BillingCurrency": "USD", "SubAccountId": account,
		}
	default:
		e["type"], e["subject"] = "com.example.finding.resolved.v1", "idle "+s.token
	}
	return encode(e)
}

// hostile is a few pieces of text that mean something to GitLab.
func hostile(rng *rand.Rand) string {
	fragments := inerttest.Fragments()
	var parts []string
	for range rng.IntN(5) {
		parts = append(parts, strings.ReplaceAll(strings.ToValidUTF8(fragments[rng.IntN(len(fragments))], "?"), "\x00", ""))
	}
	return strings.Join(parts, " ")
}

func dollars(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of text and numbers can be encoded
	}
	return string(text)
}
