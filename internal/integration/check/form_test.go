package check_test

import (
	"strings"
	"testing"

	"cxm/internal/integration/check"
)

func TestParseForm(t *testing.T) {
	body := strings.Repeat("a1", 10)
	for text, want := range map[string]string{
		"glpat-" + body:                     "",
		"glpat-" + body + "\n":              "",
		"\ufeffglpat-" + body + "\r\n":      "",
		"example-glpat-" + body:             "",
		body + body:                         "", // an OAuth token, or a prefix of the instance
		"":                                  "no token",
		" \t ":                              "white space",
		" glpat-" + body:                    "before or behind",
		"glpat-" + body + " ":               "before or behind",
		"glpat-" + body + "\t\n":            "before or behind",
		"glpat-aaaa bbbb":                   "inside",
		"glpat-" + body + "\nglpat-" + body: "several lines",
		`"glpat-` + body + `"`:              "quotes",
		"“glpat-" + body + "”":              "quotes",
		"Bearer glpat-" + body:              "Bearer",
		"PRIVATE-TOKEN: glpat-" + body:      "Bearer",
		"glpat-" + body + "é":               "no token has",
		"glpat-\u200b" + body:               "no token has",
		"********************":              "placeholder",
		"[redacted]":                        "placeholder",
		strings.Repeat("a", 4096):           "longer than any",
	} {
		f := check.ParseForm(text)
		if (f.Fault == "") != (want == "") || !strings.Contains(f.Fault, want) || (f.Fault != "" && f.Given) != (f.Mend != "") {
			t.Errorf("%.30q: %q, %q; want %q", text, f.Fault, f.Mend, want)
		}
	}
	for text, want := range map[string]string{
		"glpat-" + body: "personal access token", "gldt-" + body: "deploy token", "glcbt-" + body: "CI/CD job token",
		"glrt-" + body: "runner authentication token", "glrtr-" + body: "runner registration token", "glft-" + body: "feed token",
		"glptt-" + body: "pipeline trigger token", "gloas-" + body: "OAuth application's secret", "glsoat-" + body: "SCIM token",
		"acme-glpat-" + body: "personal access token", "ghp_" + body: "GitHub token", "acme_" + body: "",
	} {
		if f := check.ParseForm(text); f.Kind != want || f.Fits != (want == "personal access token") {
			t.Errorf("%.12s…: kind %q, fits %t; want %q", text, f.Kind, f.Fits, want)
		}
	}
}

// FuzzParseForm: whatever is pasted, what is told of it holds nothing of it.
func FuzzParseForm(f *testing.F) {
	f.Add("glpat-secretsecretsecret")
	f.Add(" \"x\" ")
	f.Fuzz(func(t *testing.T, text string) {
		form := check.ParseForm("zq" + text + "qz")
		if strings.Contains(form.Fault+form.Mend+form.Prefix+form.Kind, "zq") {
			t.Errorf("it shows the token: %+v", form)
		}
	})
}
