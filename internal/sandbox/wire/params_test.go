package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxm/internal/sandbox/wire"
)

func post(body, kind string) (*http.Request, []byte) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("Content-Type", kind)
	return r, []byte(body)
}

func TestFormNesting(t *testing.T) {
	for form, want := range map[string]string{
		"a=1&b=two+words":            `{"a":"1","b":"two words"}`,
		"a[]=1&a[]=2":                `{"a":["1","2"]}`,
		"a[b]=1&a[c]=2":              `{"a":{"b":"1","c":"2"}}`,
		"a[b][]=1&a[b][]=2":          `{"a":{"b":["1","2"]}}`,
		"x[][k]=1&x[][v]=2&x[][k]=3": `{"x":[{"k":"1","v":"2"},{"k":"3"}]}`,
		"x[][k][]=1&x[][k][]=2":      `{"x":[{"k":["1","2"]}]}`,
		"a":                          `{"a":null}`,
		"a=1&a=2":                    `{"a":"2"}`,
		"a[=1":                       `{"a[":"1"}`,
		"a%5B%5D=x%2Cy":              `{"a":["x,y"]}`,
	} {
		r, body := post(form, "application/x-www-form-urlencoded")
		got, err := wire.Read(r, body)
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		text, err := json.Marshal(got)
		if err != nil || string(text) != want {
			t.Errorf("%s reads as %s, want %s (%v)", form, text, want, err)
		}
	}
}

// FuzzRead holds hostile bodies to one promise: an answer or an error of the
// wire, and never a panic; so does what is read when it is held to a declaration.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"a[][b]=1&a[][b]=2", `{"a":[{"b":null}]}`, "a[b]=1&a=2&a[]=3", `[1]`, "null", "%zz", "a[][][]=1", "--x\r\n"} {
		f.Add(seed, "application/x-www-form-urlencoded")
		f.Add(seed, "application/json")
	}
	f.Add("--b\r\nContent-Disposition: form-data; name=\"a[]\"\r\n\r\n1\r\n--b--", "multipart/form-data; boundary=b")
	spec := wire.Spec{AtLeastOne: []string{"a", "b"}}
	for kind := wire.String; kind <= wire.IDOrWord; kind++ {
		spec.Params = append(spec.Params, wire.Param{Name: string(rune('a' + int(kind))), Kind: kind, Values: []string{"1"}})
	}
	f.Fuzz(func(t *testing.T, body, kind string) {
		r, b := post(body, kind)
		raw, err := wire.Read(r, b)
		if err != nil {
			if _, ok := errors.AsType[*wire.Error](err); !ok {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		if _, err := spec.Parse(raw); err != nil {
			if _, ok := errors.AsType[*wire.Error](err); !ok {
				t.Fatalf("%T %v", err, err)
			}
		}
	})
}

func TestCoercion(t *testing.T) {
	spec := wire.Spec{Params: []wire.Param{
		{Name: "n", Kind: wire.Integer}, {Name: "b", Kind: wire.Boolean}, {Name: "d", Kind: wire.Date}, {Name: "l", Kind: wire.List},
		{Name: "i", Kind: wire.Integers}, {Name: "s"},
	}}
	for body, want := range map[string]string{
		`{"n":"12","b":"True","d":"2026-01-02","l":"a, b,,c","i":"1,2"}`:        "12 true 2026-01-02 [a b c] [1 2]",
		`{"n":12,"b":1,"d":"2026-01-02T23:00:00Z","l":["a,b","c"],"i":[1,"2"]}`: "12 true 2026-01-02 [a b c] [1 2]",
		`{"n":"","d":"","l":"","i":""}`:                                         "0 false - [] []",
		`{"n":"x"}`:                                                             "n is invalid",
		`{"n":1.5}`:                                                             "n is invalid",
		`{"b":"maybe","d":"soon"}`:                                              "b is invalid, d is invalid",
		`{"s":{"a":1}}`:                                                         "s is invalid",
		`{"i":["x"],"l":[{}]}`:                                                  "l is invalid, i is invalid",
	} {
		r, b := post(body, "application/json")
		raw, err := wire.Read(r, b)
		if err != nil {
			t.Fatal(err)
		}
		if got := coerced(spec, raw); got != want {
			t.Errorf("%s reads as %q, want %q", body, got, want)
		}
	}
}

func coerced(spec wire.Spec, raw wire.Values) string {
	p, err := spec.Parse(raw)
	if err != nil {
		text, _ := json.Marshal(err.(*wire.Error).Body)
		var body struct{ Error string }
		_ = json.Unmarshal(text, &body)
		return body.Error
	}
	day := "-"
	if d := p.Time("d"); d != nil {
		day = d.Format("2006-01-02")
	}
	return fmtAll(p.Int("n"), p.Bool("b"), day, p.Strings("l"), p.Ints("i"))
}

// TestPagesPartitionTheList: the pages of a list put together are the list,
// whatever their size.
func TestPagesPartitionTheList(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		all := make([]int, rapid.IntRange(0, 250).Draw(rt, "length"))
		for i := range all {
			all[i] = i
		}
		size := rapid.IntRange(1, 120).Draw(rt, "per_page")
		var got []int
		for n := 1; n <= len(all)/min(size, 100)+1; n++ {
			p, err := wire.Spec{Params: wire.Pagination()}.Parse(wire.Values{"page": json.Number(fmtAll(n)), "per_page": json.Number(fmtAll(size))})
			if err != nil {
				rt.Fatal(err)
			}
			page, err := wire.PageOf(p)
			if err != nil {
				rt.Fatal(err)
			}
			got = append(got, wire.Cut(&page, all)...)
		}
		if diff := cmp.Diff(all, append([]int{}, got...)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func TestManyRecordsHaveNoTotals(t *testing.T) {
	self := &url.URL{Scheme: "http", Host: "h", Path: "/x", RawQuery: "private_token=secret&state=all"}
	for count, want := range map[int]string{10000: "10000", 10001: ""} {
		p, err := wire.Spec{Params: wire.Pagination()}.Parse(wire.Values{})
		if err != nil {
			t.Fatal(err)
		}
		page, err := wire.PageOf(p)
		if err != nil {
			t.Fatal(err)
		}
		wire.Cut(&page, make([]int, count))
		h := page.Header(self)
		if got := h.Get("X-Total"); got != want {
			t.Errorf("%d records: X-Total %q, want %q", count, got, want)
		}
		link := `<http://h/x?page=2&per_page=20&state=all>; rel="next", <http://h/x?page=1&per_page=20&state=all>; rel="first"`
		if count <= 10000 {
			link += `, <http://h/x?page=500&per_page=20&state=all>; rel="last"`
		}
		if got := h.Get("Link"); got != link {
			t.Errorf("%d records: Link %s", count, got)
		}
	}
}

// fmtAll writes values with a blank between them.
func fmtAll(values ...any) string { return strings.TrimSuffix(fmt.Sprintln(values...), "\n") }
