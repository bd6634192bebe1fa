// Package oracle is what a chaos run's sources say, and what must be true in the
// end because they said it. It knows nothing of what cxm decides.
//
// What always holds: where cxm cannot know yet, or any more, whether a thing is
// there, the oracle believes both.
package oracle

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

// Kind is what sort of thing a subject is.
type Kind int

// The kinds of subjects.
const (
	Volume Kind = iota // a cost opportunity in a snapshot, some with a second claim in an event
	Alert              // fires and is resolved
	Event              // of the company's own
)

// Subject is one piece of work: what one group of findings, and so one issue at
// a time, is about.
type Subject struct {
	Number  int
	Kind    Kind
	Scope   int
	Token   string // only this subject's issues hold it
	Members []*Member
	Title   string // hostile, of alerts and events
	Rounds  []Belief
}

// Member is one finding of a subject.
type Member struct {
	On     bool  // whether the thing is there
	Cents  int64 // a month; 0: says nothing of money
	Severe bool

	Sent    bool // it has been part of a delivery
	Said    Claim
	Present bool // cxm may take it for present
	Absent  bool // cxm may take it for absent, or never have heard of it
	Least   int  // snapshots in a row that it was certainly missing from
	Most    int  // and may have been missing from, when one was taken in twice
}

// Claim is what a delivery says of a member.
type Claim struct {
	Cents  int64
	Severe bool
}

// Belief is what cxm may have believed of a subject at some time of a round.
type Belief struct {
	Present, Absent bool
	Claim           // the most that may have been said
}

// Scopes is how many accounts send snapshots of their own.
const Scopes = 3

// NewSubjects makes n subjects that are not there yet.
func NewSubjects(rng *rand.Rand, n int) []*Subject {
	var out []*Subject
	for i := range n {
		s := &Subject{Number: i, Scope: rng.IntN(Scopes), Title: hostile(rng)}
		switch k := rng.IntN(10); {
		case k < 7:
			s.Kind, s.Token = Volume, fmt.Sprintf("vol-%017x", 0xabc000000+i)
			s.Members = append(s.Members, newMember(rng))
			if k == 0 {
				s.Members = append(s.Members, newMember(rng))
			}
		case k < 9:
			s.Kind, s.Token = Alert, fmt.Sprintf("host-%06d", i)
			s.Members = append(s.Members, newMember(rng))
		default:
			s.Kind, s.Token = Event, fmt.Sprintf("order-%06d", i)
			s.Members = append(s.Members, newMember(rng))
		}
		out = append(out, s)
	}
	return out
}

func newMember(rng *rand.Rand) *Member {
	return &Member{Cents: 500 + rng.Int64N(20_000), Absent: true}
}

// Evolve lets a day pass for the subject: things appear and disappear, amounts
// jitter and jump.
func (s *Subject) Evolve(rng *rand.Rand) {
	for _, m := range s.Members {
		switch p := rng.IntN(100); {
		case !m.On && p < 8, m.On && p < 4:
			m.On = !m.On
		case p < 40:
			m.Cents += m.Cents * (rng.Int64N(9) - 4) / 100
		case p < 45:
			m.Cents = max(300, m.Cents*(40+rng.Int64N(60))/100)
		case p < 50 && m.Cents < 1_000_000:
			m.Cents = m.Cents * (140 + rng.Int64N(260)) / 100
		case p < 52:
			m.Severe = !m.Severe
		}
	}
}

// Now is what cxm may believe of the subject at this moment. What is said of
// money and severity is the most of what is there or may be remembered.
func (s *Subject) Now() Belief {
	b := Belief{Absent: true}
	for _, m := range s.Members {
		b.Present = b.Present || m.Present
		b.Absent = b.Absent && m.Absent
		if m.Sent {
			b.Cents, b.Severe = max(b.Cents, m.Said.Cents), b.Severe || m.Said.Severe
		}
	}
	return b
}

// Begin opens a round with what is believed at its start.
func (s *Subject) Begin() { s.Rounds = append(s.Rounds, s.Now()) }

// Believed adds what may be Believed now to the round.
func (s *Subject) Believed() {
	b, last := s.Now(), &s.Rounds[len(s.Rounds)-1]
	last.Present, last.Absent = last.Present || b.Present, last.Absent || b.Absent
	last.Cents, last.Severe = max(last.Cents, b.Cents), last.Severe || b.Severe
}

// Between sums up the beliefs of some rounds, both ends included.
func (s *Subject) Between(from, to int) Belief {
	var b Belief
	for _, r := range s.Rounds[max(0, from):min(len(s.Rounds), to+1)] {
		b.Present, b.Absent = b.Present || r.Present, b.Absent || r.Absent
		b.Cents, b.Severe = max(b.Cents, r.Cents), b.Severe || r.Severe
	}
	return b
}

// Visible is what of a claim the subject's issue shows.
func (s *Subject) Visible(c Claim) Claim {
	if s.Kind != Volume {
		c.Cents = 0
	}
	c.Severe = c.Severe && s.Kind == Alert
	return c
}

// Delivery is what a source sends.
type Delivery struct {
	Type  source.Type
	Scope string
	Text  string
}

// Report is a delivery together with what it says of whom.
type Report struct {
	Delivery
	Scope     int // -1: events
	Listed    []*Member
	Resolved  []*Member
	Of        map[*Member]*Subject
	Says      map[*Member]Claim
	Complete  bool // a snapshot in which absence counts
	Broken    bool // it cannot be read: nothing of it may be kept
	Delivered bool
}

// Attempted notes that the delivery is on its way: from now on it may be known.
func (r *Report) Attempted(all []*Subject) {
	if r.Broken {
		return
	}
	for _, m := range r.Listed {
		m.Sent, m.Present, m.Said = true, true, r.Says[m]
		r.Of[m].Believed()
	}
	for _, m := range r.Resolved {
		m.Absent = true
		r.Of[m].Believed()
	}
	for s, m := range r.missing(all) {
		if m.Most++; m.Most >= 2 {
			m.Absent = true
			s.Believed()
		}
	}
}

// Confirmed notes that the delivery was taken in.
func (r *Report) Confirmed(all []*Subject) {
	if r.Delivered = true; r.Broken {
		return
	}
	for s, m := range r.missing(all) {
		if m.Least++; m.Least >= 2 {
			m.Present, m.Absent = false, true
			s.Believed()
		}
	}
	for _, m := range r.Listed {
		m.Present, m.Absent, m.Least, m.Most = true, false, 0, 0
	}
	for _, m := range r.Resolved {
		m.Present, m.Absent = false, true
	}
}

// missing yields the members of the snapshot's scope that it does not list.
func (r *Report) missing(all []*Subject) func(func(*Subject, *Member) bool) {
	return func(yield func(*Subject, *Member) bool) {
		if !r.Complete {
			return
		}
		for _, s := range all {
			if s.Kind != Volume || s.Scope != r.Scope || !s.Members[0].Sent || slices.Contains(r.Listed, s.Members[0]) {
				continue
			}
			if !yield(s, s.Members[0]) {
				return
			}
		}
	}
}

// Snapshot is what an account's hub lists now.
func Snapshot(all []*Subject, scope int, day int) *Report {
	r := &Report{Scope: scope, Complete: true, Of: map[*Member]*Subject{}, Says: map[*Member]Claim{}, Delivery: Delivery{Type: source.CostOptimizationHub, Scope: fmt.Sprintf("account-%d", scope)}}
	var items []string
	for _, s := range all {
		if m := s.Members[0]; s.Kind == Volume && s.Scope == scope && m.On {
			r.Listed, r.Of[m], r.Says[m] = append(r.Listed, m), s, Claim{m.Cents, m.Severe}
			items = append(items, s.item(m, day))
		}
	}
	r.Text = `{"items":[` + strings.Join(items, ",\n") + `]}`
	r.Complete = len(items) > 0
	return r
}

// item is the volume as the hub lists it.
func (s *Subject) item(m *Member, day int) string {
	account := fmt.Sprintf("%012d", 100_000_000_000+s.Scope)
	return encode(map[string]any{
		"recommendationId": fmt.Sprintf("rotates-%d-%d", s.Number, day), "accountId": account, "region": "eu-west-1",
		"resourceId": s.Token, "resourceArn": "arn:aws:ec2:eu-west-1:" + account + ":volume/" + s.Token,
		"currentResourceType": "EbsVolume", "recommendedResourceType": "EbsVolume", "actionType": "Upgrade", "currencyCode": "USD",
		"estimatedMonthlySavings": json.Number(Dollars(m.Cents)), "currentResourceSummary": "gp2 " + s.Title, "recommendedResourceSummary": "gp3",
		"implementationEffort": "VeryLow", "tags": []map[string]string{{"key": "team", "value": s.Title}},
	})
}

// News is a delivery of events about the members that are given.
func News(day int, typ source.Type, about map[*Member]*Subject, order []*Member) *Report {
	r := &Report{Scope: -1, Of: about, Says: map[*Member]Claim{}, Delivery: Delivery{Type: typ}}
	var texts []string
	for i, m := range order {
		s := about[m]
		r.Says[m] = Claim{m.Cents, m.Severe}
		if m.On {
			r.Listed = append(r.Listed, m)
		} else {
			r.Resolved = append(r.Resolved, m)
		}
		if typ == source.Alertmanager {
			texts = append(texts, s.firing(m))
		} else {
			texts = append(texts, s.cloudEvent(m, fmt.Sprintf("%d-%d-%d", day, s.Number, i)))
		}
	}
	r.Text = "[" + strings.Join(texts, ",\n") + "]"
	if typ == source.Alertmanager {
		r.Text = `{"version":"4","status":"firing","externalURL":"https://alertmanager.example.com","alerts":` + r.Text + `}`
	}
	return r
}

func (s *Subject) firing(m *Member) string {
	status, severity := "resolved", "warning"
	if m.On {
		status = "firing"
	}
	if m.Severe {
		severity = "critical"
	}
	return encode(map[string]any{
		"status": status, "startsAt": time.Unix(1_700_000_000, 0).UTC(), "fingerprint": fmt.Sprintf("%016x", s.Number),
		"labels":      map[string]string{"alertname": "DiskFull", "severity": severity, "instance": s.Token + ".example.com:9100"},
		"annotations": map[string]string{"summary": s.Title, "description": s.Title + "\n" + s.Title},
	})
}

// cloudEvent is an event of the company's own about an order, or a finding event
// about a volume.
func (s *Subject) cloudEvent(m *Member, id string) string {
	e := map[string]any{"specversion": "1.0", "id": id, "source": "/acme/chaos", "time": time.Unix(1_700_000_000, 0).UTC()}
	switch {
	case s.Kind == Event:
		e["type"], e["subject"] = "com.example.order.resolved", s.Token
		e["data"] = map[string]string{"title": s.Title, "description": s.Title}
		if m.On {
			e["type"] = "com.example.order.opened"
		}
	case m.On:
		account := fmt.Sprintf("%012d", 100_000_000_000+s.Scope)
		e["type"], e["subject"] = "com.example.finding.observed.v1", "idle "+s.Token
		e["data"] = map[string]any{
			"Title": "Delete it: " + s.Title, "Kind": "cost", "ResourceId": "arn:aws:ec2:eu-west-1:" + account + ":volume/" + s.Token,
			"EstimatedMonthlySavings": Dollars(m.Cents), "BillingCurrency": "USD", "SubAccountId": account,
		}
	default:
		e["type"], e["subject"] = "com.example.finding.resolved.v1", "idle "+s.Token
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

// Dollars is an amount as sources and issues write it.
func Dollars(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of text and numbers can be encoded
	}
	return string(text)
}
