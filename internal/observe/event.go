package observe

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"cxm/internal/issue"
)

// event is what a delivery says, as far as cxm reads it. Whatever is absent or of
// another type than GitLab's is zero: formats change, and what is not understood
// only costs time.
type event struct {
	Kind    text   `json:"object_kind"`
	User    object `json:"user"`
	Project object `json:"project"`
	// The id of the project stands beside the project too.
	ProjectID number     `json:"project_id"`
	Object    attributes `json:"object_attributes"`
	Issue     attributes `json:"issue"` // that a note or an emoji is about
}

type object struct {
	ID number `json:"id"`
}

// attributes are those of an issue, a note or an emoji.
type attributes struct {
	ID          number            `json:"id"`
	IID         number            `json:"iid"`
	ProjectID   number            `json:"project_id"`
	State       text              `json:"state"`
	Action      text              `json:"action"`
	UpdatedAt   text              `json:"updated_at"`
	Description *text             `json:"description"`
	sum         [sha256.Size]byte // of all of them
}

// number and text take anything.
type (
	number int64
	text   string
)

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(raw []byte) error {
	var v int64
	if json.Unmarshal(raw, &v) == nil {
		*n = number(v)
	}
	return nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	var v string
	if json.Unmarshal(raw, &v) == nil {
		*t = text(v)
	}
	return nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *object) UnmarshalJSON(raw []byte) error {
	type plain object
	_ = json.Unmarshal(raw, (*plain)(o)) // another type than GitLab's is zero
	return nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (a *attributes) UnmarshalJSON(raw []byte) error {
	type plain attributes
	_ = json.Unmarshal(raw, (*plain)(a)) // another type than GitLab's is zero
	a.sum = sha256.Sum256(raw)
	return nil
}

// moment is when something changed, as GitLab wrote it.
type moment struct {
	at     time.Time // zero: it did not say
	coarse bool      // in whole seconds
}

// moment reads updated_at. GitLab has written times in several ways: with
// milliseconds since 19.3, in whole seconds before.
func (a attributes) moment() moment {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700"} {
		if at, err := time.Parse(layout, string(a.UpdatedAt)); err == nil && at.Year() > 1 && at.Year() < 9999 {
			return moment{at.UTC(), at.Nanosecond() == 0}
		}
	}
	return moment{}
}

// latest is the last moment that it may stand for.
func (m moment) latest() time.Time {
	if m.coarse {
		return m.at.Add(time.Second - time.Microsecond)
	}
	return m.at
}

// read says where a delivery points; not about: at nothing that cxm looks at,
// since it is of another kind, or about something that is no issue, or what the
// account itself commented. What the account did to an issue is told apart later:
// cxm knows of it from GitLab's answers.
func read(body []byte, h http.Header, account int64) (d Delivery, about bool, err error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return d, false, fmt.Errorf("it is not JSON as GitLab writes it: %w", err)
	}
	at, changed := e.Object, e.Object.moment()
	switch e.Kind {
	case "issue", "work_item":
	case "note", "emoji":
		at = e.Issue
		if touched := at.moment(); touched.at.After(changed.at) {
			changed = touched
		}
		about = int64(e.User.ID) != account
	default:
		return d, false, nil
	}
	d = Delivery{
		Project: int64(cmp.Or(at.ProjectID, e.Project.ID, e.ProjectID)), IID: int64(at.IID),
		ChangedAt: changed.latest(), Marked: at.Description == nil || len(issue.Blocks(string(*at.Description))) > 0,
	}
	d.Keys = e.keys(h, d)
	return d, (about || e.Kind == "issue" || e.Kind == "work_item") && d.Project > 0 && d.IID > 0, nil
}

// keys are what a delivery is known by: the id that GitLab gives it and keeps
// when it sends it again, and what it says of which object, since the webhooks of
// a project and of its group tell of one change under different ids.
func (e event) keys(h http.Header, d Delivery) (keys []string) {
	if id := cmp.Or(h.Get("webhook-id"), h.Get("Idempotency-Key")); id != "" {
		keys = append(keys, "delivery "+id)
	}
	o := e.Object
	switch m := o.moment(); {
	case m.at.IsZero():
	case e.Kind == "note" || e.Kind == "emoji":
		keys = append(keys, fmt.Sprintf("%s %d %d %d %s %s", e.Kind, d.Project, d.IID, o.ID, o.Action, m.at.Format(time.RFC3339Nano)))
	case m.coarse: // several changes may carry this time
		keys = append(keys, fmt.Sprintf("issue %d %d %x", d.Project, d.IID, o.sum))
	default:
		keys = append(keys, fmt.Sprintf("issue %d %d %s %s", d.Project, d.IID, m.at.Format(time.RFC3339Nano), o.State))
	}
	return keys
}
