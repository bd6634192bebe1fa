// Package world is the state of the sandbox's GitLab, put together: the users
// and tokens, the namespaces and projects, the issues. It knows no HTTP.
//
// There is one lock. Every function of the packages below it is called while
// the lock is held, through Do; what they return must not be changed, nor read
// after Do has returned, by others than those functions.
package world

import (
	"sync"
	"time"

	"cxm/internal/sandbox/oauth/grant"
	"cxm/internal/sandbox/world/action"
	"cxm/internal/sandbox/world/catalog"
	"cxm/internal/sandbox/world/people"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/track"
)

// World is the whole state of one instance.
type World struct {
	People  *people.Directory
	Places  *place.Tree
	Catalog *catalog.Catalog
	Track   *track.Tracker
	Grants  *grant.Book

	clock func() time.Time
	mu    sync.Mutex
}

// Config is what a world is made from.
type Config struct {
	Clock func() time.Time // gives the present
	Plan  place.Plan       // tier of new top-level namespaces
	// Commands gives a text without its quick actions, and those.
	Commands func(text string) (rest string, found []track.Command)
	// Mentions gives the user names a text mentions outside code.
	Mentions func(text string) []string
	Limits   func() track.Limits // asked at every use
	// News is told what webhooks tell; nil tells nobody.
	News func(track.News)
}

// New makes an empty world: no users, no projects.
func New(c Config) *World {
	who, where := people.NewDirectory(c.Clock), place.NewTree(c.Clock, c.Plan)
	shelf := catalog.New(c.Clock, where)
	parse := track.Parser{Commands: c.Commands, Mentions: c.Mentions, Run: action.New(c.Clock, who, where, shelf).Run}
	return &World{
		People: who, Places: where, Catalog: shelf, Grants: grant.NewBook(c.Clock), clock: c.Clock,
		Track: track.New(c.Clock, who, where, shelf, parse, c.Limits, c.News),
	}
}

// Now gives the world's present.
func (w *World) Now() time.Time { return w.clock() }

// Do runs f with the world held still for it.
func (w *World) Do(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// DropProject removes what is left of a project that is gone.
func (w *World) DropProject(projectID int64) {
	w.Track.DropProject(projectID)
	w.Catalog.DropProject(projectID)
}

// AddUser makes a user with a personal namespace; service accounts get theirs too.
func (w *World) AddUser(a people.Account) (*people.User, error) {
	u, err := w.People.Create(a)
	if err == nil {
		w.Places.AddPersonal(u)
	}
	return u, err
}

// AddService makes a service account. host names the instance in its address.
func (w *World) AddService(a people.Account, host string) (*people.User, error) {
	u, err := w.People.CreateService(a, host)
	if err == nil {
		w.Places.AddPersonal(u)
	}
	return u, err
}
