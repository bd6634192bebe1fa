package doctor_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/integration/check"
	"cxm/internal/sandbox"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// TestTroubleshooting produces every fault of docs/troubleshooting.md and wants
// the check that names it to say so.
func TestTroubleshooting(t *testing.T) {
	t.Parallel()
	all := slices.Concat(connecting(), working(), practising())
	for _, a := range check.Troubleshooting() {
		if !slices.ContainsFunc(all, func(f fault) bool { return f.advice == a.Name && f.check == a.Checks[0] }) {
			t.Errorf("no fault shows that %s names %q", a.Checks[0], a.Says)
		}
	}
	for _, f := range all {
		t.Run(f.advice+"/"+f.name, func(t *testing.T) {
			t.Parallel()
			w := ward{newBed(t)}
			x := f.arrange(w)
			got := w.examine(x)
			for _, r := range got {
				if r.Name == f.check && (r.Outcome != f.outcome || !strings.Contains(words(r), f.says)) {
					t.Errorf("%s is %q: %s; want %q with %q", r.Name, r.Outcome, words(r), f.outcome, f.says)
				}
				if x.Token.Reveal() != "" && strings.Contains(words(r), strings.TrimSpace(x.Token.Reveal())) {
					t.Errorf("%s shows the token", r.Name)
				}
			}
			w.GitLab.SetLimits(sandbox.Limits{})
			if n := len(w.Issues("acme%2Fplatform")); n > 0 {
				t.Errorf("the exam made %d issues", n)
			}
		})
	}
}

func words(r check.Result) string {
	return r.Cause + " | " + r.Mend.Words(check.Command) + " | " + r.Evidence
}

// examine runs an exam and holds its results to their promises: every check once,
// in order, told as it is known.
func (w ward) examine(x app.Exam) []check.Result {
	w.Helper()
	var told []string
	got, err := w.App.Test(w.Context(), x, func(r check.Result) { told = append(told, r.Name) })
	if err != nil {
		w.Fatal(err)
	}
	var names []string
	for _, r := range got {
		names = append(names, r.Name)
		if !slices.Contains(r.Can, r.Outcome) {
			w.Errorf("%s is %q, which its list does not have", r.Name, r.Outcome)
		}
	}
	if slices.Sort(told); !slices.Equal(told, slices.Sorted(slices.Values(names))) || len(names) != len(check.Checks()) {
		w.Errorf("told %v, returned %v", told, names)
	}
	return got
}

// TestExamOfAGoodConnection: nothing fails, nothing is written, and the create
// is refused by GitLab for its title.
func TestExamOfAGoodConnection(t *testing.T) {
	t.Parallel()
	w := ward{newBed(t)}
	w.AWS(apptest.Disk(1, "10"))
	w.Want("+")
	before := len(w.Issues("acme%2Fplatform"))
	for _, r := range w.examine(app.Exam{}) {
		if r.Outcome == check.Failed {
			t.Errorf("%s failed: %s", r.Name, words(r))
		}
		if r.Name == "project.create" && (r.Outcome != check.OK || !strings.Contains(r.Evidence, "400")) {
			t.Errorf("the dry create is %q: %s", r.Outcome, words(r))
		}
	}
	if after := len(w.Issues("acme%2Fplatform")); after != before {
		t.Errorf("%d issues before the exam, %d behind it", before, after)
	}
	w.Writes.Take()
	for _, r := range w.examine(app.Exam{ReadOnly: true}) {
		if r.Name == "project.create" && !strings.Contains(r.Evidence, "derived") {
			t.Errorf("read-only, the create is %q: %s", r.Outcome, words(r))
		}
	}
	for _, c := range w.GitLab.Calls()[len(w.GitLab.Calls())-8:] {
		if c.Method != http.MethodGet {
			t.Errorf("a read-only exam sent %s %s", c.Method, c.Path)
		}
	}
}

// TestTokenStaysHome: what does not answer like GitLab never gets the token.
func TestTokenStaysHome(t *testing.T) {
	t.Parallel()
	w := ward{newBed(t)}
	seen := ""
	x := w.answering(func(out http.ResponseWriter, r *http.Request) {
		seen += r.Header.Get("Authorization") + r.Header.Get("Private-Token") + r.URL.String()
		out.Header().Set("Content-Type", "application/json")
		io.WriteString(out, `{"version":"19.3.0"}`)
	})
	w.examine(x)
	if strings.Contains(seen, x.Token.Reveal()) || seen == "" {
		t.Errorf("the stranger saw %q", seen)
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed to %s", r.URL)
	}))
	defer elsewhere.Close()
	w.examine(w.answering(http.RedirectHandler(elsewhere.URL, http.StatusFound).ServeHTTP))
}
