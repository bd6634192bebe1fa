package check

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"cxm/internal/issue"
)

// Evidence is all that was found out about a connection: facts and troubles, no
// judgement, and never the token. The zero value says that nothing was.
type Evidence struct {
	Done Stage     // the last stage that is complete; 0: none
	Now  time.Time // on this machine's clock, when it was collected

	URL        string // as it was given
	Base       string // as integration.ParseURL understood it; empty: not at all
	URLTrouble string // why not
	Loopback   bool   // the instance is on this machine

	Form    Form
	Storage Storage

	Proxy Proxy
	DNS   DNS
	TCP   TCP
	TLS   TLS
	Page  Page

	User    Call
	Who     Who
	Self    Call
	PAT     PAT
	Meta    Call
	Version string // of the instance, such as "19.3.0-ee"; empty: it does not say
	Reach   Call
	Extent  Extent

	Wanted   string // the project as it was named; empty: none was
	Find     Call
	Place    Place
	Near     []string // projects that the account sees and whose paths are close to Wanted
	Member   Call     // the account's membership in the project
	Role     int      // GitLab access level by it; 0: none, or not known
	Group    Call     // the account's membership in the project's group
	Space    int      // GitLab access level by it; 0: none, or not known
	Dry      Call     // the create of an issue without a title
	Created  string   // address of an issue that it made against all expectation; empty: none
	Hooked   Call
	Hooks    []Hook
	People   Call
	Managers []string // user names of people who can manage the project's members

	Limits Limits
	Server time.Time // GitLab's clock in the answer that came at Heard; zero: it did not say
	Heard  time.Time

	Before Before
	Flow   Facts
}

// Call is one request and how it went.
type Call struct {
	Sent    bool // false: it was not made
	Method  string
	Route   string         // GitLab's, unfilled: "/projects/:id"
	Status  int            // 0: there was no answer
	Trouble *issue.Trouble // nil: it went well
}

// OK says that the call was made and went well.
func (c Call) OK() bool { return c.Sent && c.Trouble == nil }

// Is says that the call was made and ended with this trouble.
func (c Call) Is(kind issue.TroubleKind) bool {
	return c.Sent && c.Trouble != nil && c.Trouble.Kind == kind
}

// Said is GitLab's words about what went wrong, in lower case.
func (c Call) Said() string {
	if c.Trouble == nil {
		return ""
	}
	return strings.ToLower(c.Trouble.Said)
}

// String is the evidence of a call: "GET /user: 401, 401 Unauthorized".
func (c Call) String() string {
	if !c.Sent {
		return ""
	}
	text := c.Method + " " + c.Route
	switch {
	case c.Status != 0:
		text += fmt.Sprintf(": %d", c.Status)
	case c.Trouble != nil:
		text += ": no answer"
	}
	if t := c.Trouble; t != nil && t.Said != "" {
		text += ", " + t.Said
	} else if t != nil && t.Err != nil {
		text += ", " + t.Err.Error()
	}
	return text
}

// Storage is where the token lies.
type Storage struct {
	File   string // empty: in none
	Others bool   // other users of this machine can read the file
	Sealed bool   // in cxm's database, sealed
}

// Proxy is what stands between this machine and the instance.
type Proxy struct {
	Address string // without user name and password; empty: none
	Asked   bool   // it was dialled
	Fault   Fault
	Words   string
}

// Fault is why a step on the way to the instance failed; empty: it did not.
type Fault string

// The faults of a way.
const (
	NoSuchHost  Fault = "no such host"
	NoAnswer    Fault = "no answer"
	Refused     Fault = "refused"
	Unreachable Fault = "unreachable"
	NotAllowed  Fault = "not allowed" // cxm's own guard against private addresses
	Expired     Fault = "expired"     // the certificate
	NotYetValid Fault = "not yet valid"
	WrongName   Fault = "wrong name"
	SelfSigned  Fault = "self-signed"
	UnknownCA   Fault = "unknown authority"
	NoTLS       Fault = "no TLS"
	Other       Fault = "other"
)

// DNS is the look-up of the instance's name.
type DNS struct {
	Asked     bool
	Host      string
	Addresses []string
	Fault     Fault
	Words     string
}

// TCP is the connection to the instance.
type TCP struct {
	Asked   bool
	Address string // host and port
	Fault   Fault
	Words   string
	Mend    string // of cxm's own guard, for NotAllowed
}

// TLS is the handshake with the instance, and its certificate.
type TLS struct {
	Asked     bool
	Version   string // "TLS 1.3"
	Subject   string
	Issuer    string
	Names     []string // that the certificate is for
	NotBefore time.Time
	NotAfter  time.Time
	Fault     Fault
	Words     string
}

// Page is what the instance answered to a first request without a token.
type Page struct {
	Asked    bool
	Status   int
	Type     string // its Content-Type
	Title    string // of an HTML page
	Message  string // of a JSON answer, or GitLab's words in it
	JSON     bool
	Location string // scheme and host of a redirect
	GitLab   bool   // a header or a message says that GitLab answers
	Words    string // why there was no answer
}

// Who is the account, as GET /user tells.
type Who struct {
	ID       int64
	Username string
	Name     string
	Email    string
	State    string // active, blocked and so on
	Bot      bool
	Admin    bool
}

// PAT is the personal access token, as GET /personal_access_tokens/self tells.
type PAT struct {
	Name      string
	Scopes    []string
	CreatedAt time.Time // zero: not told
	ExpiresAt time.Time // midnight UTC at which it stops working; zero: never
	Granular  bool      // a fine-grained token
	Addresses []string  // from which it was used lately
}

// Extent is what the account reaches with the token.
type Extent struct {
	Groups   []string // full paths
	Projects []string
	More     bool // there are more than were listed
}

// Place is the project.
type Place struct {
	ID         int64
	Path       string // with its group, as GitLab spells it
	WebURL     string
	Group      string // full path of its namespace
	Personal   bool   // the namespace is a user's
	Visibility string
	Archived   bool
	Deletion   string // the day on which it is deleted; empty: it stays
	Issues     string // access level of issues: enabled, private, disabled; empty: not told
	Level      int    // access level that GET /projects/:id names; 0: none
}

// Hook is a webhook of the project.
type Hook struct {
	URL    string // without its query
	Status string // executable, temporarily_disabled, disabled; empty: not told
	Until  string // when a temporary disabling ends
}

// Limits is what the RateLimit headers said last.
type Limits struct {
	Told      bool
	Name      string
	Limit     int // per minute
	Remaining int
	Wants     int  // requests per minute that cxm makes at most; 0: any number
	Waited    bool // GitLab answered 429 during the test
}

// Before is what is known of the connection from earlier.
type Before struct {
	Connected  bool
	ID         int64 // of the integration
	VerifiedAt time.Time
	Username   string
	Project    string // path at that time
	ExpiresAt  time.Time
	ReviewedAt time.Time // when somebody last looked over what the account reaches; zero: never
	Since      time.Time // of the connection
	Owners     []string  // addresses of those who look after the account
}

// Facts is what the database knows of the flow of findings and issues.
type Facts struct {
	Known   bool // somebody looked
	Sources []Source
	Waiting int      // deliveries accepted and not taken in
	Refused int      // deliveries that cannot be taken in
	Broken  []string // breakers that are open, in words
	Held    []int64  // runs that wait for a person
	InDoubt int
	Unseen  int
	LastRun int64 // 0: there was none
	Failed  int   // steps of it

	Ruled  bool     // rules are in force, and GitLab was asked where they lead
	Astray []string // projects and integrations that they name and that cannot be used, in words
}

// Source is what a source delivered last, for one scope.
type Source struct {
	Name       string
	Scope      string
	At         time.Time
	Complete   bool
	Reasons    []string  // why not
	CompleteAt time.Time // of the last complete delivery; zero: never
	Skipped    int       // records left out of the last one
}

// Adrift says why nothing can be asked of the instance; empty: it can.
func (e *Evidence) Adrift() string {
	switch {
	case e.Base == "":
		return "the instance URL cannot be read"
	case e.Done < Reached && !e.Page.Asked:
		return ""
	case !e.Page.GitLab:
		return "GitLab was not reached"
	}
	return ""
}

// Barred says why nothing can be asked with the token; empty: it can.
func (e *Evidence) Barred() string {
	switch why := e.Adrift(); {
	case why != "":
		return why
	case e.Form.Unfit():
		return "the token cannot be sent as it is"
	case !e.User.Sent:
		return ""
	case e.User.Is(issue.Forbidden) && strings.Contains(e.User.Said(), "insufficient"):
		return "the token may not even ask who it belongs to"
	case e.User.Is(issue.Forbidden):
		return "the account may not use the API"
	case e.User.Is(issue.Unauthorized):
		return "GitLab does not accept the token"
	case !e.User.OK():
		return "GitLab did not say whose token it is"
	}
	return ""
}

// Placeless says why nothing can be asked about the project; empty: it can.
func (e *Evidence) Placeless() string {
	switch why := e.Barred(); {
	case why != "":
		return why
	case e.Wanted == "":
		return "no project was named"
	case e.Find.Sent && !e.Find.OK():
		return "the project was not found"
	}
	return ""
}

// page is the address of a page on the instance.
func (e *Evidence) page(path string) string { return e.Base + path }

// named is the project as people know it.
func (e *Evidence) named() string {
	if strings.Contains(e.Wanted, "/") || e.Before.Project == "" {
		return strings.Trim(e.Wanted, "/")
	}
	return e.Before.Project
}

// projectPage is the address of a page of the project.
func (e *Evidence) projectPage(path string) string {
	if e.Place.WebURL != "" {
		return e.Place.WebURL + path
	}
	return e.Base + "/" + e.named() + path
}

// groupPage is the address of a page of the project's group.
func (e *Evidence) groupPage(path string) string { return e.Base + "/groups/" + e.Place.Group + path }

// top is the top-level group of the project.
func (e *Evidence) top() string {
	path := cmp.Or(e.Place.Path, e.named())
	first, _, found := strings.Cut(strings.Trim(path, "/"), "/")
	if !found {
		return ""
	}
	return first
}

// tokenPage is where a token for the account is made.
func (e *Evidence) tokenPage() string {
	if e.Who.Bot && e.top() != "" {
		return e.Base + "/groups/" + url.PathEscape(e.top()) + "/-/settings/service_accounts"
	}
	return e.page("/-/user_settings/personal_access_tokens")
}

// reconnect takes a new token in.
func (e *Evidence) reconnect() Step {
	return Step{Kind: ReplaceToken, URL: e.Base, Of: cmp.Or(e.Place.Path, append(e.Near, "")[0], e.named())}
}

// account is the account's name for people.
func (e *Evidence) account() string {
	return cmp.Or(e.Who.Username, e.Before.Username, "the account")
}
