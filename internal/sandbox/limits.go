package sandbox

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"cxm/internal/sandbox/rest"
	"cxm/internal/sandbox/wire"
	"cxm/internal/sandbox/world/track"
)

// Limits are GitLab's rate limits and the sandbox's other dials. A limit of
// zero is off. Counts are per minute unless said otherwise.
type Limits struct {
	// AuthenticatedAPI is Rack::Attack's limit per user. When it is on, every
	// answer has RateLimit-* headers, and a 429 a Retry-After and plain text.
	AuthenticatedAPI int `json:"authenticated_api"`
	// UnauthenticatedAPI is the same per address for calls without a token.
	UnauthenticatedAPI int `json:"unauthenticated_api"`
	// IssuesCreate is per project and user; its 429 has no headers at all.
	IssuesCreate int `json:"issues_create"`
	// NotesCreate is per user; its 429 has Retry-After.
	NotesCreate int `json:"notes_create"`
	// Search is for issue lists with search=, per user.
	Search int `json:"search"`
	// ProjectsAPI is for GET /projects, per user and ten minutes.
	ProjectsAPI int `json:"projects_api"`
	// ProjectAPI is for GET /projects/:id, per user.
	ProjectAPI int `json:"project_api"`
	// GroupsAPI is for GET /groups, per user.
	GroupsAPI int `json:"groups_api"`
	// MembersAPI is for members/all, per user.
	MembersAPI int `json:"members_api"`
	// HookTests is for tests of a project's or group's webhooks, per user.
	HookTests int `json:"hook_tests"`
	// HookResends is for deliveries made again, per user and project or group.
	HookResends int `json:"hook_resends"`
	// ServiceAccounts is for making service accounts, per user.
	ServiceAccounts int `json:"service_accounts"`
	// NotesPerIssue is how many comments an issue takes; 0 is GitLab's 5,000.
	NotesPerIssue int `json:"notes_per_issue"`
	// TextBytes is how long a description or note may be; 0 is GitLab's 1 MiB.
	TextBytes int `json:"text_bytes"`
	// SearchLag is how long after a change search still sees the old text.
	SearchLag time.Duration `json:"search_lag"`
	// FineGrained takes only fine-grained tokens below projects and groups, as
	// an instance or a top-level group can demand. The sandbox makes none.
	FineGrained bool `json:"fine_grained"`
	// TrimTexts stores descriptions and notes as GitLab's quick-action
	// extractor leaves them even when they hold no quick action: without
	// carriage returns, without white space at the end.
	TrimTexts bool `json:"trim_texts"`
}

// Limits gives the limits in force.
func (s *Server) Limits() Limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits
}

// SetLimits replaces the limits and begins all counts anew.
func (s *Server) SetLimits(l Limits) {
	s.mu.Lock()
	s.limits = l
	s.mu.Unlock()
	s.meters.reset()
}

func (s *Server) trackLimits() track.Limits {
	l := s.Limits()
	out := track.Limits{SearchLag: l.SearchLag, NoteLimit: l.NotesPerIssue, TextLimit: l.TextBytes}
	if out.NoteLimit == 0 {
		out.NoteLimit = 5000
	}
	if out.TextLimit == 0 {
		out.TextLimit = 1 << 20
	}
	return out
}

// meters counts calls in windows that begin at whole multiples of their period.
type meters struct {
	mu     sync.Mutex
	counts map[string]*window
}

type window struct {
	began time.Time
	count int
}

func (m *meters) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts = nil
}

// hit counts a call and gives how many there were in this window.
func (m *meters) hit(key string, now time.Time, period time.Duration) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts = map[string]*window{}
	}
	began := now.Truncate(period)
	w := m.counts[key]
	if w == nil || !w.began.Equal(began) {
		w = &window{began: began}
		m.counts[key] = w
	}
	w.count++
	return w.count
}

// rack applies Rack::Attack's limit: headers for every answer, and a refusal
// over the limit.
func (s *Server) rack(id rest.Identity, address string) (http.Header, error) {
	l, now := s.Limits(), s.opts.Clock()
	limit, name, key := l.UnauthenticatedAPI, "throttle_unauthenticated_api", "ip "+address
	if id.User != nil {
		limit, name, key = l.AuthenticatedAPI, "throttle_authenticated_api", "user "+strconv.FormatInt(id.User.ID, 10)
	}
	if limit == 0 {
		return nil, nil
	}
	observed := s.meters.hit(name+" "+key, now, time.Minute)
	reset := now.Truncate(time.Minute).Add(time.Minute)
	h := http.Header{}
	h.Set("RateLimit-Limit", strconv.Itoa(limit))
	h.Set("RateLimit-Name", name)
	h.Set("RateLimit-Observed", strconv.Itoa(observed))
	h.Set("RateLimit-Remaining", strconv.Itoa(max(0, limit-observed)))
	h.Set("RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	if observed <= limit {
		return h, nil
	}
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(reset.Sub(now).Seconds()))))
	h.Set("RateLimit-ResetTime", reset.UTC().Format(http.TimeFormat))
	return h, &wire.Error{Status: http.StatusTooManyRequests, Header: h, Text: &wire.Text{ContentType: "text/plain", Bytes: []byte("Retry later\n")}}
}

// appLimit is one of GitLab's application limits.
type appLimit struct {
	limit  int
	period time.Duration
	silent bool // the 429 has no Retry-After
}

func (l Limits) app(name string) appLimit {
	return map[string]appLimit{
		"issues_create":            {l.IssuesCreate, time.Minute, true},
		"notes_create":             {l.NotesCreate, time.Minute, false},
		"search":                   {l.Search, time.Minute, false},
		"projects_api":             {l.ProjectsAPI, 10 * time.Minute, false},
		"project_api":              {l.ProjectAPI, time.Minute, false},
		"groups_api":               {l.GroupsAPI, time.Minute, false},
		"project_members_api":      {l.MembersAPI, time.Minute, false},
		"web_hook_test":            {l.HookTests, time.Minute, false},
		"web_hook_event_resend":    {l.HookResends, time.Minute, false},
		"service_account_creation": {l.ServiceAccounts, time.Minute, false},
	}[name]
}

type tooMany struct {
	Error string `json:"error"`
}

// throttle counts a call against an application limit and refuses over it.
func (s *Server) throttle(name string, userID, key int64) error {
	limit := s.Limits().app(name)
	if limit.limit == 0 {
		return nil
	}
	count := s.meters.hit(fmt.Sprintf("%s %d %d", name, userID, key), s.opts.Clock(), limit.period)
	if count <= limit.limit {
		return nil
	}
	refusal := wire.Message(http.StatusTooManyRequests, tooMany{Error: "This endpoint has been requested too many times. Try again later."})
	if !limit.silent {
		refusal.Header = http.Header{"Retry-After": {strconv.Itoa(int(limit.period.Seconds()))}}
	}
	return refusal
}
