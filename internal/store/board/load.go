package board

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/store/db"
)

// mark changes whenever anything changes that is held here.
type mark struct {
	pull, issues, revisions, decision int64
	rules                             rules
}

// rules is how far the findings are assigned under which rules.
type rules struct {
	revision int64 // in force
	assigned int64
	stage    string
	position int64
}

func (b *Board) mark(ctx context.Context, q *db.Queries, revision int64) (mark, error) {
	m := mark{rules: rules{revision: revision}}
	var err error
	if m.pull, err = q.LastPull(ctx, b.tenant); err != nil {
		return m, err
	}
	written, err := q.WrittenIssues(ctx, b.tenant)
	if err != nil {
		return m, err
	}
	m.issues, m.revisions = written.Number, written.Revisions
	if m.decision, err = q.LastDecision(ctx, b.tenant); err != nil {
		return m, err
	}
	state, err := q.RuleState(ctx, b.tenant)
	if errors.Is(err, sql.ErrNoRows) {
		return m, nil
	}
	m.rules.assigned, m.rules.stage, m.rules.position = state.Revision, state.Stage, state.Position
	return m, err
}

// held is what is read once and kept up to date.
type held struct {
	hasher
	mark mark
	rows []row
	at   map[int64]int32           // by id
	wide map[int64]decimal.Decimal // amounts that a row has no room for, by id

	titles, accounts, services, owners, sources, currencies, rules *dict
	names                                                          map[int32]string // of accounts
	resources                                                      map[uint64]int32
	also                                                           map[int64][]uint64 // groups beside the first
	scopes                                                         map[int64]scope
}

type scope struct {
	source   int32
	last     time.Time
	complete bool
}

func newHeld() *held {
	return &held{
		hasher: hasher{maphash.MakeSeed()}, at: map[int64]int32{}, wide: map[int64]decimal.Decimal{}, names: map[int32]string{}, resources: map[uint64]int32{},
		titles: newDict(), accounts: newDict(), services: newDict(), owners: newDict(""), sources: newDict(""), currencies: newDict(""), rules: newDict(),
	}
}

// update reads what changed since what is held was read.
func (b *Board) update(ctx context.Context, tx db.DBTX, h *held, now mark, whose Whose) error {
	q := db.New(tx)
	if err := h.readScopes(ctx, q, b.tenant); err != nil {
		return err
	}
	var changed []int32
	var err error
	if again := h.mark.rules != now.rules; again || h.mark.pull == 0 {
		if changed, err = h.sight(ctx, tx, again, sightings, b.tenant); err != nil {
			return err
		}
	} else if h.mark.pull != now.pull {
		scopes, err := q.PulledScopes(ctx, b.tenant, h.mark.pull)
		if err != nil {
			return err
		}
		slices.Sort(scopes)
		for _, id := range slices.Compact(scopes) {
			more, err := h.sight(ctx, tx, false, sightings+" and f.scope_id = $2", b.tenant, id)
			if err != nil {
				return err
			}
			changed = append(changed, more...)
		}
	}
	if err := h.read(ctx, tx, b.tenant, changed, whose); err != nil {
		return err
	}
	if h.also, err = h.memberships(ctx, q, b.tenant); err != nil {
		return err
	}
	h.mark = now
	return nil
}

// sightings is what is read of every finding: what it says is read where that
// changed alone.
const sightings = `select f.id, f.scope_id, f.group_key, f.detection, f.absences, f.digest, g.rule
from findings f
cross join finding_groups g
where g.tenant = f.tenant and g.group_key = f.group_key and f.tenant = $1`

// sight reads how findings are, and lists the rows of which the rest is to be read:
// those that say something else, or with again all.
func (h *held) sight(ctx context.Context, tx db.DBTX, again bool, statement string, args ...any) ([]int32, error) {
	rows, err := tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var changed []int32
	var group, detection, digest, rule sql.RawBytes
	for rows.Next() {
		var r row
		var absences int64
		if err := rows.Scan(&r.id, &r.scope, &group, &detection, &absences, &digest, &rule); err != nil {
			return nil, err
		}
		n, known := h.at[r.id]
		if !known {
			n = int32(len(h.rows))
			h.at[r.id], h.rows = n, append(h.rows, r)
		}
		at := &h.rows[n]
		at.scope, at.group, at.absences = r.scope, h.bytes(group), uint8(min(absences, 255))
		at.detection = place(detections(), finding.Detection(detection))
		by := h.rules.number(string(rule))
		if says := h.bytes(digest); !known || again || says != at.digest || by != at.rule {
			at.digest, at.rule, changed = says, by, append(changed, n)
		}
	}
	return changed, rows.Err()
}

// bodies is what rows are filled from.
const bodies = `select b.finding_id, b.body, b.search from finding_bodies b where b.tenant = $1 and b.finding_id in (`

// read fills rows with what their findings say.
func (h *held) read(ctx context.Context, tx db.DBTX, tenant string, changed []int32, whose Whose) error {
	for part := range slices.Chunk(changed, db.MostListed) {
		args := []any{tenant}
		for _, n := range db.Padded(part) {
			args = append(args, h.rows[n].id)
		}
		if err := h.fill(ctx, tx, whose, bodies+db.Parameters(2, len(args)-1)+")", args); err != nil {
			return err
		}
	}
	return nil
}

func (h *held) fill(ctx context.Context, tx db.DBTX, whose Whose, statement string, args []any) error {
	rows, err := tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var id int64
	var body, search string
	for rows.Next() {
		if err := rows.Scan(&id, &body, &search); err != nil {
			return err
		}
		var f finding.Finding
		if err := db.Decode(body, &f, "body of finding", id); err != nil {
			return err
		}
		n := h.at[id]
		f.Detection = detections()[h.rows[n].detection]
		h.take(n, f, search, whose(h.rules.names[h.rows[n].rule], f))
	}
	return rows.Err()
}

// take keeps what a finding says.
func (h *held) take(n int32, f finding.Finding, search, owner string) {
	r := &h.rows[n]
	r.search, r.observed, r.kind = search, unix(f.LastObservedAt), place(kinds(), f.Kind)
	r.title, r.service, r.whose = h.titles.number(f.Title), h.services.number(f.ServiceName), h.owners.number(owner)
	r.account = h.accounts.number(f.SubAccountID)
	if f.SubAccountName != "" {
		h.names[r.account] = f.SubAccountName
	}
	delete(h.wide, r.id)
	if r.money = split(f.EstimatedMonthlySavings); r.money.wide {
		h.wide[r.id] = f.EstimatedMonthlySavings.Decimal
	}
	r.currency = uint8(min(h.currencies.number(f.BillingCurrency), 255))
	resource := h.text("resource " + f.Canonical())
	if f.Canonical() == "" { // nothing says that these are about different things
		resource = h.text(fmt.Sprint("group ", r.group))
	}
	number, known := h.resources[resource]
	if !known {
		number = int32(len(h.resources))
		h.resources[resource] = number
	}
	r.resource = number
}

func (h *held) readScopes(ctx context.Context, q *db.Queries, tenant string) error {
	pulls, err := q.LastPulls(ctx, tenant)
	h.scopes = make(map[int64]scope, len(pulls))
	for _, p := range pulls {
		h.scopes[p.Pull.ScopeID] = scope{source: h.sources.number(p.Source), last: p.Pull.ReceivedAt.Time, complete: p.Pull.Complete}
	}
	return err
}

func (h *held) memberships(ctx context.Context, q *db.Queries, tenant string) (map[int64][]uint64, error) {
	rows, err := q.AllMemberships(ctx, tenant)
	if len(rows) == 0 {
		return nil, err
	}
	out := map[int64][]uint64{}
	for _, r := range rows {
		out[r.FindingID] = append(out[r.FindingID], h.text(r.GroupKey))
	}
	return out, err
}

// brief is an issue that says how far the work on its group has come.
type brief struct {
	id   int64
	work uint8
	team string
	rank int // the highest of a group speaks for it
}

// briefs are the issues that speak for groups.
func (h *held) briefs(ctx context.Context, q *db.Queries, tenant string) (map[uint64]brief, error) {
	rows, err := q.BriefIssues(ctx, tenant)
	out := make(map[uint64]brief, len(rows))
	for _, r := range rows {
		b := brief{id: r.ID, team: r.Team, work: place(works(), finding.NoWork)}
		switch {
		case issue.Phase(r.Phase) == issue.Retired:
			b.rank = 1 // another took its place
		case r.State == string(issue.Opened):
			b.rank, b.work = 4, place(works(), finding.IssueOpen)
		case r.OverrideState == string(issue.Closed):
			b.rank, b.work = 3, place(works(), finding.ClosedByPerson)
		default:
			b.rank = 2
		}
		key := h.text(r.GroupKey)
		if was, ok := out[key]; !ok || b.rank >= was.rank {
			out[key] = b
		}
	}
	return out, err
}

// decided is what people said of a finding.
type decided struct {
	decision uint8
	until    time.Time
}

func standing(ctx context.Context, q *db.Queries, tenant string) (map[int64]decided, error) {
	rows, err := q.DecidedBriefly(ctx, tenant, 0)
	out := make(map[int64]decided, len(rows))
	for _, r := range rows {
		out[r.FindingID] = decided{place(decisions(), finding.Decision(r.Decision)), r.Until.Time}
	}
	return out, err
}
