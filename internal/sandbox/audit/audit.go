// Package audit is the sandbox's audit log: what GitLab Premium writes down of
// tokens, members, service accounts and projects (doc/api/audit_events.md), and
// the routes that read it.
//
// What always holds: events are numbered in the order they arose and never
// change; only requests that were carried out are told. As in GitLab an event
// about a user's token belongs to the user who acted, so that a group's log
// does not hold it.
package audit

import (
	"net"
	"strconv"
	"time"

	"cxm/internal/sandbox/entity"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/world/people"
)

// Event is one line of the log.
type Event struct {
	ID         int64   `json:"id"`
	AuthorID   int64   `json:"author_id"`
	EntityID   int64   `json:"entity_id"`
	EntityType string  `json:"entity_type"` // User, Group, Project
	EventName  string  `json:"event_name"`
	Details    Details `json:"details"`
	CreatedAt  string  `json:"created_at"`

	at time.Time
}

// Details are what an event says. Target is an id, or a path.
type Details struct {
	Add         string `json:"add,omitempty"`
	As          string `json:"as,omitempty"`
	Change      string `json:"change,omitempty"`
	From        string `json:"from,omitempty"`
	To          string `json:"to,omitempty"`
	Remove      string `json:"remove,omitempty"`
	MemberID    int64  `json:"member_id,omitempty"`
	Message     string `json:"custom_message,omitempty"`
	EventName   string `json:"event_name"`
	AuthorName  string `json:"author_name"`
	AuthorEmail string `json:"author_email"`
	AuthorClass string `json:"author_class"`
	Target      any    `json:"target_id"`
	TargetType  string `json:"target_type"`
	TargetName  string `json:"target_details"`
	IP          string `json:"ip_address"`
	EntityPath  string `json:"entity_path"`
}

// Log is the instance's log. Whoever calls holds the world's lock.
type Log struct{ events []Event }

// of is whom or what an event is about: a user, a group or a project.
type of struct {
	kind string
	id   int64
	path string
}

func user(u *people.User) of { return of{"User", u.ID, u.Username} }

// add writes an event by the caller of a request.
func (l *Log) add(r *rest.Request, name string, scope of, d Details) {
	if r.Caller == nil {
		return
	}
	d.EventName, d.EntityPath = name, scope.path
	d.AuthorName, d.AuthorEmail, d.AuthorClass = r.Caller.Name, r.Caller.Email, "User"
	if d.IP = r.HTTP.RemoteAddr; d.IP != "" {
		if host, _, err := net.SplitHostPort(d.IP); err == nil {
			d.IP = host
		}
	}
	now := r.W.Now()
	l.events = append(l.events, Event{
		ID: int64(len(l.events) + 1), AuthorID: r.Caller.ID, EntityID: scope.id, EntityType: scope.kind,
		EventName: name, Details: d, CreatedAt: entity.Stamp(now), at: now,
	})
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
