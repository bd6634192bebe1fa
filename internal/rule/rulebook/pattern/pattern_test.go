package pattern_test

import (
	"strings"
	"testing"

	"cxm/internal/finding"
	"cxm/internal/rule/rulebook/pattern"
)

func disk() *finding.Finding {
	return &finding.Finding{
		Kind: finding.Cost, SubAccountID: "123456789012", RegionID: "eu-west-1", SeverityID: finding.High,
		Tags: map[string]string{"team": "Payments & Co", "path": "acme/shop/web", "up": "../other", "dot": ".", "git": "x.git"},
	}
}

// TestFill says what patterns become.
func TestFill(t *testing.T) {
	for text, want := range map[string]string{
		"plain": "plain", "": "", "a {{account}} b": "a 123456789012 b", "{{SubAccountId}}": "123456789012", `{{tag "team"}}`: "Payments & Co",
		`{{tag "team" | slug}}`: "payments-co", `{{lower (tag "team")}}`: "payments & co", `{{tag "owner" | default "nobody"}}`: "nobody",
		`{{tag "owner" | default (tag "team") | lower | slug}}`: "payments-co", `{{severity}}`: "High", `{{"x"}}`: "x", `{{default "a" region}}`: "eu-west-1",
		`{{tag "owner"}}`: `error: {{tag "owner"}} is empty for this finding`, `{{zone}}/{{region}}`: "error: {{zone}} is empty for this finding",
	} {
		p, err := pattern.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := p.Fill(disk())
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestWrong says what is no pattern.
func TestWrong(t *testing.T) {
	for text, want := range map[string]string{
		`{{`: "unclosed", `{{regoin}}`: "did you mean region?", `{{.Title}}`: "not used", `{{range account}}x{{end}}`: "not used", `{{if account}}x{{end}}`: "not used",
		`{{$x := account}}`: "variables", `{{printf "%d" 1}}`: "no fact and no function", `{{tag}}`: "needs 1", `{{account "x"}}`: "needs 0", `{{define "a"}}b{{end}}{{template "a"}}`: "not used",
		`{{tag 5}}`: "not used", `{{lower slug}}`: "stands where a value belongs", `{{true}}`: "", `{{len account}}`: "no fact and no function", `{{break}}`: "", `{{""|account}}`: "needs 0",
		`{{tag "a" | default}}`: "needs 2",
	} {
		_, err := pattern.Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestPath says which projects come out of patterns.
func TestPath(t *testing.T) {
	for text, want := range map[string]string{
		`acme/{{tag "team" | slug}}`: "acme/payments-co", `{{tag "path"}}`: "acme/shop/web", `acme/{{tag "path"}}`: "error", `acme/{{tag "up"}}`: "error", `{{tag "up"}}`: "error", `acme/{{tag "dot"}}/x`: "error",
		`acme/{{tag "team"}}`: "error", `{{account}}`: "123456789012", `acme/{{tag "git"}}`: "error", `{{tag "git"}}/x`: "error", `acme/a-{{region}}.b`: "acme/a-eu-west-1.b", `42`: "42", `acme`: "error", `/acme/x`: "error",
	} {
		p, err := pattern.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Path(disk())
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %q (%v), want %q", text, got, err, want)
		}
	}
}

// FuzzParse: any text is a pattern or an error with a place, and a pattern can be
// filled in.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`acme/{{tag "team"}}`, `{{lower (slug (tag "x"))}}`, `{{- account -}}`, `{{/* x */}}`, `{{"a" | lower | default "b"}}`, "{{`x`}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := pattern.Parse(text)
		if err != nil {
			return
		}
		p.Fill(disk())
		if path, err := p.Path(disk()); err == nil && pattern.ValidPath(path) != nil {
			t.Fatalf("%q", path)
		}
	})
}
