package deciding_test

import (
	"cmp"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"cxm/internal/app"
	"cxm/internal/app/apptest"
	"cxm/internal/app/deciding"
	"cxm/internal/audit"
	"cxm/internal/finding"
	"cxm/internal/issue"
	"cxm/internal/plan"
	"cxm/internal/rule"
	"cxm/internal/store/rules"
)

var databases = apptest.NewDatabases()

func TestMain(m *testing.M) { os.Exit(databases.Main(m)) }

// bed is cxm connected to a sandbox GitLab.
type bed struct{ *apptest.Bed }

func onBoth(t *testing.T, test func(b *bed)) {
	databases.Each(t, func(t *testing.T, database func() string) {
		test(&bed{databases.Connected(t, database())})
	})
}

// key is that of the finding about a disk.
func (b *bed) key(n int) string {
	b.Helper()
	found := ""
	disk, _, _ := strings.Cut(strings.SplitN(apptest.Disk(n, "1"), `"resourceId":"`, 2)[1], `"`)
	err := b.App.Store.Groups(b.Context(), true, func(g rule.Group, _ []issue.Tracked) error {
		for _, m := range g.Members {
			if m.Finding.ResourceID == disk || strings.HasSuffix(m.Finding.ResourceID, "/"+disk) {
				found = string(m.Finding.FindingKey)
			}
		}
		return nil
	})
	if err != nil || found == "" {
		b.Fatalf("no finding is about disk %d: %v", n, err)
	}
	return found
}

func (b *bed) decide(n int, d finding.Decided) deciding.Decided {
	b.Helper()
	got, err := b.App.DecideFinding(audit.With(b.Context(), audit.Actor{Kind: audit.Person, Name: "ada@example.com"}), b.key(n), d)
	if err != nil {
		b.Fatal(err)
	}
	return got
}

func (b *bed) except(n int) {
	b.Helper()
	b.decide(n, finding.Decided{Decision: finding.Exception, Reason: "a test /close system"})
}

func (b *bed) snooze(n int, d time.Duration) {
	b.Helper()
	b.decide(n, finding.Decided{Decision: finding.Snoozed, Until: b.Clock.Now().Add(d)})
}

// stands says where the finding about a disk stands, and in which words.
func (b *bed) stands(n int, stage string, says ...string) {
	b.Helper()
	w, err := b.App.Why(b.Context(), b.key(n), 0)
	if err != nil || len(w.Stands) != 1 {
		b.Fatalf("%+v (%v)", w, err)
	}
	s := w.Stands[0]
	text := strings.Join(s.Path, "\n") + "\n" + s.Answer + "\n" + s.Mend
	for _, word := range says {
		if string(s.Stage) != stage || !strings.Contains(text, word) {
			b.Errorf("disk %d is %s, not %s …%s…:\n%s", n, s.Stage, stage, word, text)
		}
	}
}

func (b *bed) rules(text string) {
	b.Helper()
	now, err := b.App.Rules(b.Context())
	if err == nil {
		_, err = b.App.ApplyRules(b.Context(), "rules.yaml", []byte("version: 1\nrules:\n"+text), rules.Change{Author: "ada", Expected: now.Number})
	}
	if err != nil {
		b.Fatal(err)
	}
}

// previewed are the steps that rules would take otherwise.
func (b *bed) previewed(text string) (verbs string) {
	b.Helper()
	p, err := b.App.PreviewRules(b.Context(), 0, "rules.yaml", []byte("version: 1\nrules:\n"+text))
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range p.Steps {
		verbs += string(s.Verb)
	}
	return verbs
}

// TestExcept: of what is excepted no issue is made, and none is closed: an open one
// says so. When it is taken back, all is as before.
func TestExcept(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.AWS(apptest.Disks(1, 4)...)
		b.except(1)
		b.stands(1, "set aside", "excepted without an end by ada@example.com: a test /close system", "--decision undecided")
		b.Want("++")
		b.Want("")
		b.except(2)
		b.Want("~")
		b.Want("")
		two := b.About(2)
		if two.State != "opened" || !strings.Contains(two.Description, "### Set aside") || !strings.Contains(two.Description, "excepted without an end by ada: ") {
			b.Errorf("it is %s and says:\n%s", two.State, two.Description)
		}
		b.stands(2, "set aside", "stays open until people close it")
		b.Edit(two.IID, map[string]any{"state_event": "close"})
		b.AWS(apptest.Disks(1, 4)...)
		b.Want("")
		b.AWS(apptest.Disk(1, "900"), apptest.Disk(2, "900"), apptest.Disk(3, "10"))
		b.Want("") // what a person closed is not reopened as it grew: nothing is to be done about it
		b.decide(1, finding.Decided{Decision: finding.Undecided})
		b.Want("+")
		b.decide(3, finding.Decided{Decision: finding.Accepted, Reason: "next sprint"})
		b.Want("")
		b.stands(3, "issue", "accepted by ada@example.com: next sprint")
		if ran := b.GitLab.QuickActions(); len(ran) > 0 {
			b.Errorf("quick actions ran: %+v", ran)
		}
	})
}

// TestSnooze: a snooze passes by the clock alone, whether its issue is there or not.
func TestSnooze(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.AWS(apptest.Disks(1, 3)...)
		b.Want("++")
		b.AWS(apptest.Disks(1, 4)...)
		b.snooze(2, 48*time.Hour)
		b.snooze(3, 24*time.Hour)
		b.Want("~")
		b.Want("")
		b.stands(3, "set aside", "snoozed until ")
		b.Clock.Forward(23 * time.Hour)
		b.Want("")
		b.Clock.Forward(time.Hour)
		b.stands(3, "planned", "(that has passed)", "creates its issue")
		b.Want("+")
		b.Clock.Forward(24 * time.Hour)
		b.Want("~")
		b.Want("")
		if two := b.About(2); strings.Contains(two.Description, "Set aside") || two.State != "opened" {
			b.Errorf("the snooze is over, and it says:\n%s", two.Description)
		}
	})
}

// TestDecisionStays: a decision survives that its finding is taken in again, goes,
// comes back, and is put elsewhere by other rules, which the preview knows.
func TestDecisionStays(t *testing.T) {
	onBoth(t, func(b *bed) {
		const apart, together = "  - {name: apart}\n", "  - {name: together, group_by: [account], checklist: true}\n"
		b.AWS(apptest.Disk(1, "10"), apptest.Disk(2, "20"), apptest.Disk(3, "40"))
		b.except(1)
		b.Want("++")
		b.AWS(apptest.Disk(1, "11"), apptest.Disk(2, "20"), apptest.Disk(3, "40"))
		b.Want("")
		for range 2 {
			b.AWS(apptest.Disk(2, "20"), apptest.Disk(3, "40"))
		}
		b.stands(1, "absent", "excepted without an end")
		b.Want("")
		b.AWS(apptest.Disk(1, "12"), apptest.Disk(2, "20"), apptest.Disk(3, "40"))
		b.stands(1, "set aside", "excepted")
		b.Want("")
		if got := b.previewed(apart); got != "" {
			b.Errorf("rules that change nothing take %q", got)
		}
		said := b.previewed(together)
		b.rules(together)
		verbs, report := b.Apply()
		if !report.Whole() || sorted(verbs) != sorted(said) {
			b.Errorf("the preview says %q, and it was %q", said, verbs)
		}
		b.Want("")
		list := b.About(2)
		if !strings.Contains(list.Title, "60.00 USD") || !strings.Contains(list.Description, "### Set aside") || strings.Count(list.Description, "\n- [ ] ") != 2 {
			b.Errorf("%q says:\n%s", list.Title, list.Description)
		}
		b.stands(1, "set aside", "is about the other findings of its group")
		b.rules(apart)
		b.Apply()
		b.Want("")
		b.stands(1, "set aside", "excepted")
		for _, i := range b.Issues("acme%2Fplatform") {
			if strings.Contains(i.Title, "vol-00000000000000001") && i.State == "opened" {
				b.Errorf("there is an issue of what is excepted: %s", i.Title)
			}
		}
	})
}

func sorted(verbs string) string {
	signs := strings.Split(verbs, "")
	for i := range signs {
		for j := range i {
			if cmp.Compare(signs[j], signs[i]) > 0 {
				signs[i], signs[j] = signs[j], signs[i]
			}
		}
	}
	return strings.Join(signs, "")
}

// TestHeldCreate: what was held, and is excepted before somebody lets it go, is not
// made.
func TestHeldCreate(t *testing.T) {
	onBoth(t, func(b *bed) {
		b.Reopen(func(c *app.Config) { c.Brakes = &plan.Brakes{Creates: 1, Admit: true} })
		b.AWS(apptest.Disks(1, 4)...)
		b.Apply()
		held, err := b.App.Store.OpenRuns(b.Context(), 1)
		if err != nil || len(held) != 1 {
			b.Fatalf("%+v (%v)", held, err)
		}
		b.except(1)
		b.Writes.Take()
		if _, err := b.App.Approve(b.Context(), held[0].ID, "ada", nil); err != nil {
			b.Fatal(err)
		}
		if n := len(b.Issues("acme%2Fplatform")); n != 2 || b.Writes.Take() != 2 {
			b.Errorf("%d issues were made", n)
		}
	})
}

// TestNamed: a finding is named by its key or how that begins, and by nothing else.
func TestNamed(t *testing.T) {
	b := &bed{databases.Connected(t, "")}
	b.AWS(apptest.Disks(1, 40)...)
	key := b.key(1)
	for _, asked := range []string{key, strings.TrimPrefix(key, "v1:"), strings.ToUpper(key[3:15]), " " + key + " "} {
		if got, err := b.App.FindingNamed(b.Context(), asked); err != nil || string(got.Finding.FindingKey) != key || got.Decision.Decision != finding.Undecided {
			b.Errorf("%q is %+v (%v)", asked, got.Finding.FindingKey, err)
		}
	}
	for _, asked := range []string{"", "v1:", "00", "vol-1", "%", "ffffffffffffffffffff"} {
		_, err := b.App.FindingNamed(b.Context(), asked)
		if _, ok := errors.AsType[*deciding.NotOneError](err); !ok {
			b.Errorf("%q: %v", asked, err)
		}
	}
	_, err := b.App.DecideFinding(b.Context(), key, finding.Decided{Decision: finding.Exception})
	if fault, ok := errors.AsType[*finding.Fault](err); !ok || fault.Field != "reason" {
		b.Errorf("an exception without a reason: %v", err)
	}
	got, err := b.App.FindingDecisions(b.Context(), finding.Key(key), 0, 10)
	if err != nil || len(got) != 0 {
		b.Errorf("what was refused is kept: %+v (%v)", got, err)
	}
}
