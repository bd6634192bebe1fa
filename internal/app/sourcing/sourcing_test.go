package sourcing_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cxm/internal/app/sourcing"
	"cxm/internal/source"
	"cxm/internal/store/sources"
)

// TestAnEventBecomesAnIssue: one event opens it, however often it comes; what
// resolves closes it.
func TestAnEventBecomesAnIssue(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		plain := databases.Connected(t, database())
		token := add(t, plain.App, scanner("scanner"))
		b := newBed(t, plain)
		for range 3 {
			if status, answer, err := post(t.Context(), b.url+"/v1/events", token, "application/cloudevents+json", opened(1)); err != nil || status/100 != 2 {
				t.Fatalf("answered %d %v (%v)", status, answer, err)
			}
		}
		b.Work()
		all := b.Issues("acme%2Fplatform")
		if len(all) != 1 || !strings.Contains(all[0].Title, "Disk 1 is full") || all[0].State != "opened" {
			t.Fatalf("the issues are %+v", all)
		}
		b.event(token, resolved(1))
		b.Work()
		if all = b.Issues("acme%2Fplatform"); len(all) != 1 || all[0].State != "closed" {
			t.Errorf("the issues are %+v", all)
		}
		// The first event once more, long after: it has had its effect.
		if status, answer, err := post(t.Context(), b.url+"/v1/events", token, "application/cloudevents+json", opened(1)); err != nil || answer["result"] != "repeated" {
			t.Errorf("answered %d %v (%v)", status, answer, err)
		}
		b.Work()
		if all = b.Issues("acme%2Fplatform"); all[0].State != "closed" {
			t.Error("an event that was repeated opened the issue again")
		}
	})
}

// TestAClaimIsRefusedAlone: a source cannot change what another delivered; what it
// tried is kept with the reason, and everybody else's deliveries are taken in.
func TestAClaimIsRefusedAlone(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		plain := databases.Bed(t, database())
		one, two := add(t, plain.App, scanner("one")), add(t, plain.App, scanner("two"))
		b := newBed(t, plain)
		b.event(one, opened(1))
		if err := b.App.TakeIn(t.Context(), source.CloudEvents, "one"); err != nil {
			t.Fatal(err)
		}
		for i := range 9 {
			b.event(two, opened(10+i))
			if i == 4 {
				b.event(two, event(1, "opened", "stolen"))
				b.event(two, event(1, "resolved", "stolen too"))
			}
		}
		if err := b.App.TakeIn(t.Context(), source.CloudEvents, "two"); err != nil {
			t.Fatal(err)
		}
		refused, err := b.App.RefusedDeliveries(t.Context(), 10)
		if err != nil || len(refused) != 1 || refused[0].Scope != "two" || !strings.Contains(refused[0].Why, `was delivered by source "one"`) {
			t.Errorf("refused are %+v (%v)", refused, err)
		}
		if n := len(known(t, b.App)); n != 10 {
			t.Errorf("%d findings are known", n)
		}
		status, err := b.App.Status(t.Context())
		if err != nil || status.Deliveries != 0 {
			t.Errorf("%d deliveries wait (%v)", status.Deliveries, err)
		}
		if err := b.App.DiscardDelivery(t.Context(), refused[0].ID); err != nil {
			t.Error(err)
		}
	})
}

// TestManyAreTakenInTogether: one pull takes many deliveries, in their order.
func TestManyAreTakenInTogether(t *testing.T) {
	databases.Each(t, func(t *testing.T, database func() string) {
		plain := databases.Bed(t, database())
		token := add(t, plain.App, scanner("one"))
		b := newBed(t, plain)
		for i := range 20 {
			b.event(token, strings.NewReplacer("Disk 1 is full", fmt.Sprint("Title ", i), `"o1"`, fmt.Sprintf(`"o%d"`, i)).Replace(opened(1)))
		}
		if err := b.App.TakeIn(t.Context(), source.CloudEvents, "one"); err != nil {
			t.Fatal(err)
		}
		if got := known(t, b.App); got["disk-1"] != "Title 19" {
			t.Errorf("known is %v", got)
		}
		status, err := b.App.Status(t.Context())
		if err != nil || len(status.Pulls) != 1 || status.Pulls[0].Changed+status.Pulls[0].New != 1 {
			t.Errorf("the pulls are %+v (%v)", status.Pulls, err)
		}
	})
}

// TestRotation: both tokens work for a while, then one; a source that is disabled or
// removed delivers nothing from that moment on.
func TestRotation(t *testing.T) {
	t.Parallel()
	plain := databases.Bed(t, "")
	old := add(t, plain.App, scanner("one"))
	_, secret, err := plain.App.RotateSource(t.Context(), "one", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	try := func(token string, want int) {
		t.Helper()
		r, err := plain.App.Reception(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if status, answer, err := post(t.Context(), serve(t, r)+"/v1/events", token, "application/cloudevents+json", event(1, "opened", fmt.Sprint(time.Now().UnixNano()))); err != nil || status != want {
			t.Errorf("answered %d %v (%v), not %d", status, answer, err, want)
		}
	}
	try(old, 202)
	try(secret.Reveal(), 202)
	plain.Clock.Forward(2 * time.Hour)
	try(old, 401)
	try(secret.Reveal(), 202)

	b := newBed(t, plain) // it knows the source as enabled
	if err := plain.App.EnableSource(t.Context(), "one", false); err != nil {
		t.Fatal(err)
	}
	if status, _, err := post(t.Context(), b.url+"/v1/events", secret.Reveal(), "application/cloudevents+json", event(2, "opened", "late")); err != nil || status != 403 {
		t.Errorf("disabled: answered %d (%v)", status, err)
	}
	if err := plain.App.RemoveSource(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	if status, _, err := post(t.Context(), b.url+"/v1/events", secret.Reveal(), "application/cloudevents+json", event(2, "opened", "later")); err != nil || status/100 != 4 {
		t.Errorf("removed: answered %d (%v)", status, err)
	}
}

func TestAddIsChecked(t *testing.T) {
	t.Parallel()
	a := databases.Bed(t, "").App
	add(t, a, scanner("one"))
	for name, c := range map[string]struct {
		sourcing.Request
		says string
	}{
		"no name":         {sourcing.Request{Type: source.CloudEvents}, "no name"},
		"a path":          {scanner("a/b"), "no name"},
		"GitLab's":        {scanner("gitlab"), "cxm webhook"},
		"no type":         {sourcing.Request{Name: "x", Type: "smoke"}, "not a source type"},
		"the same name":   {scanner("one"), "cxm source list"},
		"the same scope":  {sourcing.Request{Name: "two", Type: source.CloudEvents, Scope: "one"}, "--scope"},
		"a negative rate": {sourcing.Request{Name: "two", Type: source.CloudEvents, Rate: -1}, "a rate of -1"},
		"no currency":     {sourcing.Request{Name: "two", Type: source.CloudEvents, Options: source.Options{Currency: "dollars"}}, "dollars"},
	} {
		if _, _, err := a.AddSource(t.Context(), c.Request); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := a.RotateSource(t.Context(), "none", 0); !errors.Is(err, sources.ErrNotFound) {
		t.Errorf("rotating none: %v", err)
	}
}
