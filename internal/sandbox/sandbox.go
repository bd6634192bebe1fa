// Package sandbox is a stateful GitLab, in memory and good enough for real
// third-party clients: users, tokens, service accounts, members, groups,
// projects, labels, issues and what hangs on them, with GitLab's own error
// bodies, pagination and limits, faults on demand, and pages that show an
// issue as a person would see it.
//
// A Server is an http.Handler. What always holds: each request sees and
// changes the world alone, as if in one transaction; time comes from the clock
// it was given; an unknown route fails loudly; nothing is kept on disk.
package sandbox

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"cxm/internal/sandbox/audit"
	"cxm/internal/sandbox/hook"
	"cxm/internal/sandbox/oauth"
	"cxm/internal/sandbox/page"
	"cxm/internal/sandbox/quick"
	"cxm/internal/sandbox/repo"
	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/rest/accounts"
	"cxm/internal/sandbox/rest/files"
	"cxm/internal/sandbox/web"
	"cxm/internal/sandbox/world"
	"cxm/internal/sandbox/world/place"
	"cxm/internal/sandbox/world/track"
)

// Options say what a sandbox is like. The zero value is an empty GitLab
// Enterprise Edition with a random administrator token.
type Options struct {
	// AdminToken is the token of root; "" makes a random one.
	AdminToken string
	// Password is with what root and the people of the seed sign in; "" makes a
	// random one.
	Password string
	// OAuthLifetime is how long an OAuth access token works; 0 is GitLab's two
	// hours.
	OAuthLifetime time.Duration
	// Clock gives the present; nil is time.Now.
	Clock func() time.Time
	// BaseURL is the instance's own address in answers, without a slash at
	// the end; "" takes it from each request's Host.
	BaseURL string
	// Edition is "ce" or "ee"; "" is "ee". New top-level groups are on the
	// Free tier in "ce" and on Premium in "ee".
	Edition string
	// Version is what the instance says it is, such as "17.2.1"; "" is the one
	// that it behaves like.
	Version string
	// Latency is how long every request takes at the least, its own work
	// included; a fault's delay comes on top.
	Latency time.Duration
	// Logger gets a warning for every unknown route; nil discards.
	Logger *slog.Logger
	// Seed is what is there at the start; "" is SeedEmpty.
	Seed Seed
	// Limits are off where zero; SetLimits changes them later.
	Limits Limits
	// HookTimeout is how long a webhook's receiver may take; 0 is GitLab's
	// 10 seconds.
	HookTimeout time.Duration
	// KeepFailingHooks never switches off a webhook whose deliveries fail.
	KeepFailingHooks bool
	// BlockLocalHooks refuses webhooks to this machine and to private
	// networks, as GitLab does unless its administrator allows them.
	BlockLocalHooks bool
}

// Server is a sandbox GitLab. Use New to make one.
type Server struct {
	opts     Options
	world    *world.World
	repos    *files.Store
	desk     *hook.Desk
	site     *web.Site
	audit    *audit.Log
	sessions *oauth.Site
	routes   []rest.Route
	muxes    map[string]*http.ServeMux // method → its routes
	token    string
	journal  journal
	faults   faults
	meters   meters

	cause cause // of what is told to webhooks; the world's lock guards it

	mu     sync.Mutex // guards limits
	limits Limits
}

// New makes a sandbox. It fails for an unknown seed or edition.
func New(o Options) (*Server, error) {
	s := &Server{opts: withDefaults(o), token: o.AdminToken, limits: o.Limits}
	if e := s.opts.Edition; e != "ce" && e != "ee" {
		return nil, fmt.Errorf("make sandbox: edition %q is unknown; use \"ce\" or \"ee\"", e)
	}
	if s.token == "" {
		s.token = "glpat-" + rand.Text()[:20]
	}
	s.world = world.New(world.Config{
		Clock: s.opts.Clock, Plan: plan(s.opts.Edition), Limits: s.trackLimits,
		Commands: s.commands, Mentions: page.Mentions, News: s.tellHooks,
	})
	s.desk = hook.NewDesk(s.hookOptions())
	s.repos = files.NewStore(func() repo.Signature { return repo.Signature{When: s.opts.Clock()} })
	s.site = web.New(s.world, s.repos, s.desk, s.opts.Version)
	s.world.Grants.SetLifetime(s.opts.OAuthLifetime)
	s.audit, s.sessions = &audit.Log{}, oauth.NewSite()
	s.mount()
	if err := s.seed(); err != nil {
		return nil, fmt.Errorf("make sandbox: %w", err)
	}
	return s, nil
}

func withDefaults(o Options) Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Edition == "" {
		o.Edition = "ee"
	}
	if o.Password == "" {
		o.Password = rand.Text()
	}
	if o.Version == "" {
		o.Version = accounts.Version
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Seed == "" {
		o.Seed = SeedEmpty
	}
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	return o
}

func plan(edition string) place.Plan {
	if edition == "ce" {
		return place.Free
	}
	return place.Premium
}

// commands finds quick actions. A text without any is kept to the byte unless
// Limits.TrimTexts asks for what GitLab's own extractor leaves.
func (s *Server) commands(text string) (string, []track.Command) {
	rest, found := quick.Extract(text)
	if len(found) == 0 && !s.Limits().TrimTexts {
		return text, nil
	}
	out := make([]track.Command, len(found))
	for i, c := range found {
		out[i] = track.Command{Name: c.Name, Args: c.Args}
	}
	return rest, out
}

// AdminToken gives the token of root.
func (s *Server) AdminToken() string { return s.token }

// QuickAction is a quick action that a description or note made GitLab run.
type QuickAction struct {
	Project  string // full path
	IssueIID int64
	Command  string // "/close", "/label ~bug"
	User     string // user name
	Applied  bool   // false: taken out of the text, but without effect
	At       time.Time
}

// QuickActions gives every quick action run since the start, oldest first.
func (s *Server) QuickActions() []QuickAction {
	var out []QuickAction
	s.world.Do(func() {
		for _, e := range s.world.Track.QuickActions() {
			project, iid := s.where(e.IssueID)
			out = append(out, QuickAction{
				Project: project, IssueIID: iid, Command: strings.TrimSpace("/" + e.Name + " " + e.Args),
				User: s.username(e.UserID), Applied: e.Applied, At: e.At,
			})
		}
	})
	return out
}

// Mention is a user name that a description or note mentioned outside code.
type Mention struct {
	Project  string // full path
	IssueIID int64
	Username string // as written, whether or not such a user exists
	User     string // user name of the author
	At       time.Time
}

// Mentions gives every mention written since the start, oldest first.
func (s *Server) Mentions() []Mention {
	var out []Mention
	s.world.Do(func() {
		for _, m := range s.world.Track.Inbox().Mentions() {
			project, iid := s.where(m.IssueID)
			out = append(out, Mention{Project: project, IssueIID: iid, Username: m.Username, User: s.username(m.AuthorID), At: m.At})
		}
	})
	return out
}

// where names an issue's project and iid; both are empty once it is deleted.
func (s *Server) where(issueID int64) (string, int64) {
	i := s.world.Track.Issue(issueID)
	if i == nil {
		return "", 0
	}
	return s.world.Places.ProjectPath(s.world.Places.Project(i.ProjectID)), i.IID
}

func (s *Server) username(id int64) string {
	if u := s.world.People.User(id); u != nil {
		return u.Username
	}
	return ""
}
