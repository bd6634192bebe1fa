package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cxm/internal/chaos/oracle"
	"cxm/internal/issue/inert/inerttest"
	"cxm/internal/sandbox"
)

// kept is what is remembered of one issue that cxm made: whose it is, and what
// people put into it, to be found again.
type kept struct {
	id      int64
	subject *oracle.Subject
	nonce   string

	title  string // people's; "": cxm's
	around bool   // people wrote before and after the block
	before string
	after  string
	theirs bool // people removed the block
	whole  string
	edited bool // people wrote inside the block

	added, removed []string // labels
	moved          bool
	reopened       bool // by a person, before it was moved: the move starts a new record
	hidden         bool // in a project the bot cannot see
	deleted        bool

	closes []closing
}

// closing is a person's decision, and what the issue said then.
type closing struct {
	round    int
	shown    oracle.Claim
	readable bool // shown is known
}

// closed is what the issue said when a person closed it in that round.
func (k *kept) closed(round int) (oracle.Claim, bool) {
	for _, c := range slices.Backward(k.closes) {
		if c.round == round {
			return c.shown, c.readable
		}
	}
	return oracle.Claim{}, false
}

// engineer is the person who acts, where an administrator need not.
const engineer = "engineer"

// scan learns of issues that cxm made since the last scan.
func (d *driver) scan() map[int64]sandbox.IssueRecord {
	now := map[int64]sandbox.IssueRecord{}
	for _, r := range d.gitlab.Issues() {
		now[r.ID] = r
		if r.Author != botName || d.issues[r.ID] != nil {
			continue
		}
		k := &kept{id: r.ID}
		if at := marker.FindStringSubmatch(r.Description); at != nil {
			k.nonce = at[3]
		}
		if own := itself.FindStringSubmatch(r.Title); own != nil && k.nonce != "" {
			d.ownOnce(own[1], r, now)
			continue
		}
		if k.subject = d.about(r); k.subject == nil || k.nonce == "" {
			d.fail("issue %s#%d is about nothing that was ever reported: %q", r.Project, r.IID, r.Title)
			continue
		}
		d.issues[r.ID] = k
	}
	return now
}

// ownOnce holds that what cxm reports about itself, as time goes by, has one open
// issue at most.
func (d *driver) ownOnce(name string, r sandbox.IssueRecord, now map[int64]sandbox.IssueRecord) {
	before := d.own[name]
	if before != 0 && before != r.ID && now[before].State == "opened" && r.State == "opened" {
		d.fail("issue %s#%d is one too many about cxm itself: %q", r.Project, r.IID, r.Title)
	}
	d.own[name] = r.ID
}

// What is read of an issue, with expressions of our own.
var (
	itself = regexp.MustCompile(`^(Review what cxm-integration may do|The token of cxm)`)
	marker = regexp.MustCompile(`<!-- cxm:begin v1 i=([0-9a-f]{16}) g=([0-9a-f]{32}) n=([0-9a-z]{26}) -->`)
	tokens = regexp.MustCompile(`(vol-[0-9a-f]{17}|host-\d{6}|order-\d{6})`)
	saving = regexp.MustCompile(`\| Estimated saving \| \*\*([0-9,]+)\.([0-9]{2}) USD\*\*`)
)

// about finds the subject of an issue by its token.
func (d *driver) about(r sandbox.IssueRecord) *oracle.Subject {
	for _, each := range tokens.FindAllString(r.Title+" "+r.Description, -1) {
		for _, s := range d.subjects {
			if s.Token == each {
				return s
			}
		}
	}
	return nil
}

// people lets people act on issues of the day.
func (d *driver) people(day int) {
	now := d.scan()
	latest := map[*oracle.Subject]*kept{}
	for _, k := range d.issues {
		if r, there := now[k.id]; there && r.MovedToID == 0 && (latest[k.subject] == nil || latest[k.subject].id < k.id) {
			latest[k.subject] = k
		}
	}
	for i := range 3 + len(d.subjects)/40 {
		rng := d.stream("people", day, i)
		k := latest[d.subjects[rng.IntN(len(d.subjects))]]
		if k == nil || k.deleted {
			continue
		}
		r := now[k.id]
		name, err := d.act(rng, k, r)
		if err != nil {
			d.tally["people were refused"]++
			d.logf("a person was refused: %s: %v", name, err)
			continue
		}
		d.tally["people: "+name]++
		d.logf("a person on %s#%d about %s: %s", r.Project, r.IID, k.subject.Token, name)
		now = d.scan()
		if k.deleted || now[k.id].MovedToID != 0 {
			delete(latest, k.subject)
		}
	}
}

// act is one thing a person does to an issue.
func (d *driver) act(rng *rand.Rand, k *kept, r sandbox.IssueRecord) (name string, err error) {
	switch p := rng.IntN(100); {
	case p < 25:
		return "write around the block", d.writeAround(k, r, personal(rng), personal(rng))
	case p < 31:
		return "write inside the block", d.writeInside(k, r)
	case p < 34:
		return "remove the block", d.removeBlock(k, r, personal(rng))
	case p < 42:
		return "change the title", d.retitle(k, r, fmt.Sprintf("Ours %d: %s", rng.IntN(1000), k.subject.Token))
	case p < 51:
		return "add a label", d.label(k, r, "team::x", "")
	case p < 56:
		return "remove a label", d.label(k, r, "", "cxm")
	case p < 74:
		return d.toggle(k, r, p >= 70)
	case p < 80 && r.State == "opened":
		return "move", d.move(k, r, map[string]string{"acme/platform": "shop", "acme/shop": "platform"}[r.Project])
	case p < 81 && r.State == "opened":
		return "move out of sight", d.move(k, r, "vault")
	case p < 91:
		return "clone", d.clone(r)
	case p < 94:
		return "quote another issue", d.quote(rng, k, r)
	case p < 95:
		return "delete", d.remove(k, r)
	}
	return "comment", d.as(engineer, http.MethodPost, path(r)+"/notes", map[string]any{"body": personal(rng)}, nil)
}

func path(r sandbox.IssueRecord) string {
	return fmt.Sprintf("/projects/%d/issues/%d", r.ProjectID, r.IID)
}

// answer is an issue as the API returns it.
type answer struct {
	ID          int64  `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// personal is text of a person: hostile too, but no quick action, since those
// are a person's to run.
func personal(rng *rand.Rand) string {
	var parts []string
	for range 1 + rng.IntN(6) {
		all := inerttest.Fragments()
		part := strings.ReplaceAll(strings.ToValidUTF8(all[rng.IntN(len(all))], "?"), "\x00", "")
		if !strings.Contains(part, "/") {
			parts = append(parts, part)
		}
	}
	return "Note: " + strings.Join(parts, " ") + " ok"
}

// cut takes the block apart from the text around it.
func (k *kept) cut(description string) (before, block, after string, found bool) {
	end := strings.Index(description, " n="+k.nonce+" -->")
	if end < 0 {
		return "", "", "", false
	}
	start := strings.LastIndex(description[:end], "<!-- cxm:begin v1 ")
	const closing = "<!-- cxm:end -->"
	length := strings.Index(description[end:], closing)
	if start < 0 || length < 0 || strings.Contains(description[end:end+length], "<!-- cxm:begin v1 i=") {
		return "", "", "", false
	}
	stop := end + length + len(closing)
	return description[:start], description[start:stop], description[stop:], true
}

func (d *driver) writeAround(k *kept, r sandbox.IssueRecord, before, after string) error {
	_, block, _, found := k.cut(r.Description)
	if !found {
		return nil
	}
	return d.describe(k, r, before+"\n\n"+block+"\n\n"+after)
}

// describe writes a description as a person and remembers what GitLab kept of it.
func (d *driver) describe(k *kept, r sandbox.IssueRecord, text string) error {
	var got answer
	if err := d.as(engineer, http.MethodPut, path(r), map[string]any{"description": text}, &got); err != nil {
		return err
	}
	k.remember(got.Description)
	return nil
}

func (k *kept) remember(description string) {
	before, _, after, found := k.cut(description)
	k.around, k.before, k.after = found, before, after
	k.theirs, k.whole = !found, description
}

func (d *driver) writeInside(k *kept, r sandbox.IssueRecord) error {
	before, block, after, found := k.cut(r.Description)
	if !found {
		return nil
	}
	k.edited = true
	return d.describe(k, r, before+strings.Replace(block, "| Fact | Value |", "| Fact | Worth |", 1)+after)
}

func (d *driver) removeBlock(k *kept, r sandbox.IssueRecord, text string) error {
	before, _, after, found := k.cut(r.Description)
	if !found {
		return nil
	}
	return d.describe(k, r, before+text+after)
}

func (d *driver) quote(rng *rand.Rand, k *kept, r sandbox.IssueRecord) error {
	before, block, after, found := k.cut(r.Description)
	all := d.gitlab.Issues()
	other := all[rng.IntN(len(all))]
	if !found || strings.Contains(other.Description, k.nonce) {
		return nil
	}
	return d.describe(k, r, before+block+after+"\n\nSee also:\n\n"+other.Description)
}

func (d *driver) retitle(k *kept, r sandbox.IssueRecord, title string) error {
	var got answer
	err := d.as(engineer, http.MethodPut, path(r), map[string]any{"title": title}, &got)
	if err == nil {
		k.title = got.Title
	}
	return err
}

func (d *driver) label(k *kept, r sandbox.IssueRecord, add, remove string) error {
	err := d.as(engineer, http.MethodPut, path(r), map[string]any{"add_labels": add, "remove_labels": remove}, nil)
	if err != nil || k.moved {
		return err
	}
	if add != "" {
		k.added = append(k.added, add)
	}
	if remove != "" && slices.Contains(r.Labels, remove) {
		k.removed = append(k.removed, remove)
	}
	return nil
}

// toggle closes what is open and reopens what is closed, by button or by quick
// action.
func (d *driver) toggle(k *kept, r sandbox.IssueRecord, quick bool) (string, error) {
	name, verb := "reopen", "reopen"
	if r.State == "opened" {
		name, verb = "close", "close"
		shown, readable := k.says(r.Description)
		k.closes = append(k.closes, closing{len(d.starts) - 1, shown, readable})
	}
	if quick {
		return name + " with a quick action", d.as(engineer, http.MethodPost, path(r)+"/notes", map[string]any{"body": "Done.\n\n/" + verb}, nil)
	}
	return name, d.as(engineer, http.MethodPut, path(r), map[string]any{"state_event": verb}, nil)
}

func (d *driver) move(k *kept, r sandbox.IssueRecord, to string) error {
	if to == "" {
		return nil
	}
	var got answer
	if err := d.admin(http.MethodPost, path(r)+"/move", map[string]any{"to_project_id": d.projects[to]}, &got); err != nil {
		return err
	}
	next := *k
	next.reopened = next.reopened && len(r.States) == 0 || last(r) != "" && last(r) != botName
	next.id, next.moved, next.hidden, next.added, next.removed = got.ID, true, to == "vault", nil, nil
	if next.around || next.theirs {
		next.remember(got.Description)
	}
	d.issues[got.ID] = &next
	return nil
}

func (d *driver) clone(r sandbox.IssueRecord) error {
	var got answer
	if err := d.as(engineer, http.MethodPost, path(r)+"/clone", map[string]any{"to_project_id": r.ProjectID}, &got); err != nil {
		return err
	}
	for _, each := range d.gitlab.Issues() {
		if each.ID == got.ID {
			d.clones[got.ID] = each
		}
	}
	return nil
}

func (d *driver) remove(k *kept, r sandbox.IssueRecord) error {
	err := d.admin(http.MethodDelete, path(r), nil, nil)
	k.deleted = err == nil
	return err
}

// says reads the amount and the severity that the block shows.
func (k *kept) says(description string) (oracle.Claim, bool) {
	_, block, _, found := k.cut(description)
	if !found {
		return oracle.Claim{}, false
	}
	c := oracle.Claim{Severe: strings.Contains(block, "| Severity | Critical |")}
	at := saving.FindStringSubmatch(block)
	if at == nil {
		return c, k.subject.Kind != oracle.Volume
	}
	cents, err := strconv.ParseInt(strings.ReplaceAll(at[1], ",", "")+at[2], 10, 64)
	c.Cents = cents
	return c, err == nil
}
