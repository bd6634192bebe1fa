package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxm/internal/audit"
	"cxm/internal/credential"
)

func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 123456789, time.UTC) }

func signer() *audit.Signer { return audit.NewSigner(bytes.Repeat([]byte{7}, 32)) }

// kept is a log as a database holds it: of some lines, with an anchor every tenth.
type kept struct {
	lines []audit.Line
	log   audit.Log
}

func newLog(t interface{ Fatalf(string, ...any) }, n int) kept {
	k := kept{log: audit.Log{Tenant: "default", Keys: audit.Keys{signer().Key(): {Public: signer().Public, Proved: true}}}}
	head := audit.Head{Tenant: "default"}
	for i := range n {
		line := []audit.Line{{
			At: noon().Add(time.Duration(i) * time.Minute), Actor: audit.Actor{Kind: audit.CommandLine, Name: "platform-admin"}, Action: "issue.updated",
			Object: audit.Object{Kind: "issue", ID: fmt.Sprint(i), Name: "https://gitlab.example.com/acme/platform/-/issues/1"},
			Before: audit.Of(audit.Values{"title": "before"}), After: audit.Of(audit.Values{"title": fmt.Sprint("after ", i), "labels": []string{"a", "b"}}),
			Why: "its saving doubled", Run: int64(i / 5), Request: "r",
		}}
		var err error
		if head, err = audit.Chain(head, line); err != nil {
			t.Fatalf("%v", err)
		}
		k.lines = append(k.lines, line[0])
		if (i+1)%10 == 0 {
			a := signer().Anchor(head, noon())
			k.log.Anchors, head.Anchored = append(k.log.Anchors, a), a.Sequence
		}
	}
	k.log.Head = head
	return k
}

func (k kept) verify() audit.Report {
	v := audit.NewVerifier(k.log)
	for _, l := range k.lines {
		v.Line(l)
	}
	return v.End()
}

// rehash makes the hashes from a line on anew, as somebody can who has no key.
func (k *kept) rehash(from int) {
	head := audit.Head{Tenant: "default"}
	if from > 0 {
		head.Sequence, head.Hash = k.lines[from-1].Sequence, k.lines[from-1].Hash
	}
	head, _ = audit.Chain(head, k.lines[from:])
	head.Anchored = k.log.Head.Anchored
	k.log.Head = head
}

// TestWhole: what nobody touched has no fault.
func TestWhole(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 37, 250} {
		r := newLog(t, n).verify()
		if len(r.Faults) > 0 || len(r.Remarks) > 0 || r.Lines != int64(n) || r.Unanchored != int64(n%10) {
			t.Errorf("%d lines: %+v", n, r)
		}
	}
}

// TestTampered names what somebody did.
func TestTampered(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(k *kept)
		want string // kind, from and to of each fault
	}{
		"a line changed":             {func(k *kept) { k.lines[16].Why = "another reason" }, "changed 17-17"},
		"three lines changed":        {func(k *kept) { k.lines[16].Why, k.lines[17].Why, k.lines[18].Why = "x", "y", "z" }, "changed 17-19"},
		"facts written otherwise":    {func(k *kept) { k.lines[16].After += " " }, "changed 17-17"},
		"a line removed":             {func(k *kept) { k.lines = slices.Delete(k.lines, 16, 17) }, "removed 17-17"},
		"lines removed, renumbered":  {func(k *kept) { k.lines = slices.Delete(k.lines, 16, 18); renumber(k) }, "removed 17-18"},
		"a line inserted":            {func(k *kept) { k.lines = slices.Insert(k.lines, 16, forged(k.lines[15])); renumber(k) }, "inserted 17-17"},
		"two lines swapped":          {func(k *kept) { swap(k, 16, 17) }, "reordered 17-17, reordered 18-18"},
		"a line in place of another": {func(k *kept) { k.lines[16].Why = "x"; k.lines[16].Hash, _ = k.lines[16].Sum() }, "changed 17-18"},
		"hashes made anew":           {func(k *kept) { k.lines[16].Why = "x"; k.rehash(16) }, "rewritten 11-20, rewritten 11-30"},
		"the end cut off":            {func(k *kept) { k.lines = k.lines[:33] }, "cut off 34-37"},
		"the end cut off, head too":  {func(k *kept) { k.lines = k.lines[:25]; k.rehash(24) }, "cut off 26-30"},
		"a line put at the end":      {func(k *kept) { k.lines = append(k.lines, forged(k.lines[36])) }, "inserted 38-38"},
		"the head changed":           {func(k *kept) { k.log.Head.Hash[0]++ }, "signature 37-37"},
		"an anchor removed":          {func(k *kept) { k.log.Anchors = slices.Delete(k.log.Anchors, 1, 2) }, "signature 20-20"},
		"the last anchor removed":    {func(k *kept) { k.log.Anchors = k.log.Anchors[:2] }, "signature 30-30"},
		"an anchor of another": {func(k *kept) {
			k.log.Anchors[1] = other().Anchor(audit.Head{Tenant: "default", Sequence: 20, Anchored: 10, Hash: k.lines[19].Hash}, noon())
		}, "signature 20-20"},
		"an anchor changed": {func(k *kept) { k.log.Anchors[1].Hash[3]++ }, "signature 20-20"},
		"lines before a seal": {func(k *kept) {
			seal(k, 20)
			k.lines = append([]audit.Line{{Tenant: "default", Sequence: 4}}, k.lines...)
		}, "inserted 4-4"},
		"a seal removed":                {func(k *kept) { seal(k, 20); k.log.Seals = nil }, "removed 1-20, signature 20-20"},
		"a seal changed":                {func(k *kept) { seal(k, 20); k.log.Seals[0].Last[0]++ }, "signature 1-20, changed 20-21"},
		"sealed":                        {func(k *kept) { seal(k, 20) }, ""},
		"sealed behind the last anchor": {func(k *kept) { seal(k, 35) }, ""},
		"rewritten since an export":     {func(k *kept) { k.log.Known = known(k, 34); k.lines[33].Why = "x"; k.rehash(33) }, "rewritten 31-34"},
		"cut off since an export":       {func(k *kept) { k.log.Known = known(k, 36); k.lines = k.lines[:33]; k.rehash(32) }, "cut off 34-36"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newLog(t, 37)
			c.do(&k)
			var got []string
			for _, f := range k.verify().Faults {
				got = append(got, fmt.Sprintf("%s %d-%d", f.Kind, f.From, f.To))
			}
			if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("(-want +got)\n%s\n%+v", diff, k.verify().Faults)
			}
		})
	}
}

func other() *audit.Signer { return audit.NewSigner(bytes.Repeat([]byte{8}, 32)) }

func known(k *kept, n int) []audit.Known {
	return []audit.Known{{Head: audit.Head{Tenant: "default", Sequence: int64(n), Hash: k.lines[n-1].Hash}, Where: "an export"}}
}

func renumber(k *kept) {
	for i := range k.lines {
		k.lines[i].Sequence = int64(i + 1)
	}
	k.log.Head.Sequence = int64(len(k.lines))
}

func swap(k *kept, i, j int) {
	k.lines[i], k.lines[j] = k.lines[j], k.lines[i]
	k.lines[i].Sequence, k.lines[j].Sequence = int64(i+1), int64(j+1)
}

// forged is a line that fits behind another.
func forged(before audit.Line) audit.Line {
	l := before
	l.Sequence, l.Previous, l.Why = before.Sequence+1, before.Hash, "forged"
	l.Hash, _ = l.Sum()
	return l
}

func seal(k *kept, to int) {
	k.log.Seals = []audit.Seal{signer().Seal(audit.Seal{
		Tenant: "default", From: 1, To: int64(to), First: k.lines[0].Hash, Last: k.lines[to-1].Hash, FirstAt: k.lines[0].At, LastAt: k.lines[to-1].At, At: noon(),
	})}
	k.lines = k.lines[to:]
	k.log.Anchors = slices.DeleteFunc(k.log.Anchors, func(a audit.Anchor) bool { return a.Sequence <= int64(to) })
}

// TestAnyByte changes, removes, doubles or moves anything anywhere: it is found, and
// what is named holds the place.
func TestAnyByte(t *testing.T) {
	whole := newLog(t, 57)
	rapid.Check(t, func(t *rapid.T) {
		k := kept{lines: slices.Clone(whole.lines), log: whole.log}
		at := rapid.IntRange(0, len(k.lines)-1).Draw(t, "line")
		what := tamper(t, &k, at)
		r := k.verify()
		if len(r.Faults) == 0 {
			t.Fatalf("nobody noticed: %s of line %d", what, at+1)
		}
		seq := int64(at + 1)
		if !slices.ContainsFunc(r.Faults, func(f audit.Fault) bool { return f.From <= seq && seq <= f.To }) {
			t.Fatalf("%s of line %d is not among %+v", what, seq, r.Faults)
		}
	})
}

// tamper does one thing to a line, and says what.
func tamper(t *rapid.T, k *kept, at int) string {
	l := &k.lines[at]
	switch what := rapid.SampledFrom([]string{"text", "bit", "time", "number", "removal", "doubling", "swap", "anew"}).Draw(t, "what"); what {
	case "text":
		texts := []*string{
			(*string)(&l.Actor.Kind), &l.Actor.Name, &l.Action, &l.Object.Kind, &l.Object.ID, &l.Object.Name, (*string)(&l.Before), (*string)(&l.After), &l.Why, &l.Request, &l.Tenant,
		}
		text := rapid.SampledFrom(texts).Draw(t, "field")
		b := []byte(*text)
		if len(b) == 0 {
			*text = "x"
			return what
		}
		b[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 127).Draw(t, "mask"))
		*text = string(b)
		return what
	case "bit":
		h := rapid.SampledFrom([]*audit.Hash{&l.Hash, &l.Previous}).Draw(t, "hash")
		h[rapid.IntRange(0, 31).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(t, "mask"))
		return what
	case "time":
		l.At = l.At.Add(time.Duration(rapid.Int64Range(1, 1e6).Draw(t, "µs")) * time.Microsecond)
		return what
	case "number":
		l.Run += rapid.Int64Range(1, 1e6).Draw(t, "more")
		return what
	case "removal":
		k.lines = slices.Delete(k.lines, at, at+1)
		return what
	case "doubling":
		k.lines = slices.Insert(k.lines, at, *l)
		return what
	case "swap":
		if at == len(k.lines)-1 {
			at--
		}
		swap(k, at, at+1)
		return what
	default:
		l.Why += "!"
		if at >= 50 { // behind the last anchor nobody can tell (docs/audit.md)
			k.log.Known = known(k, 57)
		}
		k.rehash(at)
		return what
	}
}

// TestCanonical holds the bytes that are hashed to what docs/audit.md says.
func TestCanonical(t *testing.T) {
	l := newLog(t, 3).lines[2]
	text, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"action":"issue.updated","actor":{"kind":"command line","name":"platform-admin"},"after":{"labels":["a","b"],"title":"after 2"},` +
		`"at":"2026-03-14T12:02:00.123456Z","before":{"title":"before"},"hash":"` + l.Hash.String() + `",` +
		`"object":{"id":"2","kind":"issue","name":"https://gitlab.example.com/acme/platform/-/issues/1"},"previous":"` + l.Previous.String() + `",` +
		`"request":"r","run":0,"sequence":3,"tenant":"default","type":"line","why":"its saving doubled"}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
	without := strings.Replace(string(text), `"hash":"`+l.Hash.String()+`",`, "", 1)
	if sum := sha256.Sum256([]byte(without)); audit.Hash(sum) != l.Hash {
		t.Errorf("the hash is not that of the line without it")
	}
}

// TestOthersCheck has Python check an export, with what docs/audit.md says alone.
func TestOthersCheck(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("python3 is not installed: nobody but cxm checks the export here")
	}
	k := newLog(t, 37)
	k.lines = k.lines[:0]
	head := audit.Head{Tenant: "default"}
	for i, text := range []string{"plain", "Größe, 大きさ, 🧊 <b>&amp;\u2028", "a \"quote\" \\ \t\n\u0001\u007f", "x"} {
		line := []audit.Line{{At: noon(), Action: "rules.applied", Why: text, After: audit.Of(audit.Values{"text": text, "n": i, "ключ": true})}}
		if head, err = audit.Chain(head, line); err != nil {
			t.Fatal(err)
		}
		k.lines = append(k.lines, line...)
	}
	var out bytes.Buffer
	to, err := audit.NewJSONL(&out, audit.Log{})
	for _, l := range k.lines {
		err = errors.Join(err, to.Line(l))
	}
	if err = errors.Join(err, to.End(head)); err != nil {
		t.Fatal(err)
	}
	const script = `import hashlib, json, sys
before = "0" * 64
for text in sys.stdin.buffer:
    line = json.loads(text)
    if line["type"] != "line": continue
    said = line.pop("hash")
    made = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert hashlib.sha256(made).hexdigest() == said, line
    assert line["previous"] == before, line
    before = said
print(before)`
	cmd := exec.Command(python, "-c", script)
	cmd.Stdin = &out
	got, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(got)) != head.Hash.String() {
		t.Errorf("%v\n%s", err, got)
	}
}

// TestNoSecrets: what looks like a token is in no line, wherever it is put.
func TestNoSecrets(t *testing.T) {
	tokens := []string{
		"glpat-" + strings.Repeat("aB3", 7), "gloas-" + strings.Repeat("0f", 16), "ghp_" + strings.Repeat("a1", 18), "AKIA" + strings.Repeat("A1", 8),
		"cxm_" + strings.Repeat("k9", 12), "eyJ" + strings.Repeat("ab", 8) + "." + strings.Repeat("cd", 8) + ".sig",
		"-----BEGIN EC PRIVATE KEY-----\n" + strings.Repeat("QUJD", 9) + "\n-----END EC PRIVATE KEY-----",
		"Bearer " + strings.Repeat("t0", 10), "hvs." + strings.Repeat("zZ", 14),
	}
	for _, token := range tokens {
		secret := strings.TrimPrefix(token, "Bearer ")
		line := []audit.Line{{
			At: noon(), Actor: audit.Actor{Kind: audit.Person, Name: token}, Action: token, Object: audit.Object{Kind: token, ID: token, Name: token}, Why: "because " + token, Request: token,
			Before: audit.Of(audit.Values{"text": "with " + token + " in it", "list": []string{token}}),
			After:  audit.Of(audit.Values{"secret": secret, "held": credential.NewSecret(secret), "error": fmt.Errorf("refused: %s", token)}),
		}}
		if _, err := audit.Chain(audit.Head{}, line); err != nil {
			t.Fatal(err)
		}
		text, _ := line[0].Encode()
		if strings.Contains(string(text), secret[len(secret)-12:]) {
			t.Errorf("%q is in %s", token, text)
		}
	}
	if got := audit.Mask("https://bot:pass" + "word@gitlab.example.com/x?private_token=abc&a=b"); got != "https://[masked]@gitlab.example.com/x?[masked]&a=b" {
		t.Errorf("%s", got)
	}
	for _, plain := range []string{"the token expires in 7 days", "https://gitlab.example.com/acme/platform/-/issues/12", "vol-0a1b2c3d4e5f67890", "global-administrators-and-owners"} {
		if got := audit.Mask(plain); got != plain {
			t.Errorf("%q became %q", plain, got)
		}
	}
}

// TestCSV: no cell is a formula, and whatever is in one comes back.
func TestCSV(t *testing.T) {
	var out bytes.Buffer
	to, err := audit.NewCSV(&out)
	texts := []string{"=1+1", "+1", "-1", "@sum", "\tx", "＝1", "a,b", "a\"b", "a\nb", "plain"}
	for _, text := range texts {
		err = errors.Join(err, to.Line(audit.Line{Why: text, Actor: audit.Actor{Name: text}}))
	}
	if err = errors.Join(err, to.End(audit.Head{})); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != len(texts)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, row := range rows[1:] {
		if strings.ContainsAny(row[10][:1], "=+-@\t") || strings.HasPrefix(row[10], "＝") || strings.TrimPrefix(row[10], "'") != texts[i] || row[3] != row[10] {
			t.Errorf("%q became %q", texts[i], row[10])
		}
	}
}

// TestReadHead reads what an export ends with, and refuses what is none.
func TestReadHead(t *testing.T) {
	h := newLog(t, 7).log.Head
	h.At = noon().Truncate(time.Microsecond)
	got, err := audit.ReadHead(append([]byte("{\"type\":\"line\"}\n"), h.Encode()...))
	h.Anchored = 0
	if err != nil || got != h {
		t.Errorf("%+v, %v; want %+v", got, err, h)
	}
	for _, bad := range []string{"", "{}", "{\"type\":\"line\"}\n", `{"type":"head","hash":"00"}`} {
		if _, err := audit.ReadHead([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a head", bad)
		}
	}
}

// TestOutside: a line that nobody would keep is an error.
func TestOutside(t *testing.T) {
	if err := audit.Note(t.Context(), audit.Line{}); !errors.Is(err, audit.ErrOutside) {
		t.Errorf("%v", err)
	}
	ctx, notes := audit.Collect(audit.With(audit.WithRequest(t.Context(), "r1"), audit.Actor{Kind: audit.Person, Name: "engineer"}))
	if err := audit.Note(ctx, audit.Line{Action: "a.b"}); err != nil {
		t.Fatal(err)
	}
	if l := notes.Lines()[0]; l.Actor.Name != "engineer" || l.Request != "r1" || notes.Silent() {
		t.Errorf("%+v", l)
	}
}
