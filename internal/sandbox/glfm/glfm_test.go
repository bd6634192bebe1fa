package glfm_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"

	"cxm/internal/sandbox/glfm"
)

func TestQuotes(t *testing.T) {
	md := goldmark.New(goldmark.WithExtensions(glfm.Quotes{}))
	for src, want := range map[string]string{
		"> a\nb":                      "<blockquote><p>a b</p></blockquote>",
		">>>\na\n\n- b\n>>>\nc":       "<blockquote><p>a</p><ul><li>b</li></ul></blockquote><p>c</p>",
		"a\n>>>\nb\n>>>":              "<p>a</p><blockquote><p>b</p></blockquote>",
		">>>>\n>>>\na\n>>>\n>>>>\nb":  "<blockquote><blockquote><p>a</p></blockquote></blockquote><p>b</p>",
		">>>\n```\n>>>\na":            "<blockquote><pre><code></code></pre></blockquote><p>a</p>",
		"> [!NOTE]\n> a\nb":           `<div class="markdown-alert markdown-alert-note"><p class="markdown-alert-title">Note</p><p>a b</p></div>`,
		"> [!tip] <b>\na":             `<div class="markdown-alert markdown-alert-tip"><p class="markdown-alert-title">&lt;b&gt;</p></div><p>a</p>`,
		">>> [!warning]\n> a\n>>>\nb": `<div class="markdown-alert markdown-alert-warning"><p class="markdown-alert-title">Warning</p><blockquote><p>a</p></blockquote></div><p>b</p>`,
		"> [!note]\n>\ta":             `<div class="markdown-alert markdown-alert-note"><p class="markdown-alert-title">Note</p><p>a</p></div>`,
		">  [!note]\n> a":             "<blockquote><p>[!note] a</p></blockquote>",
		"> >>>\n> a\n> >>>\n\nb":      "<blockquote><blockquote><p>a</p></blockquote></blockquote><p>b</p>",
		"    >>>\na":                  "<pre><code>&gt;&gt;&gt;</code></pre><p>a</p>",
		">>>\n\n    >>>\na\n>>>":      "<blockquote><pre><code>&gt;&gt;&gt;</code></pre><p>a</p></blockquote>",
		">>> not a fence":             "<blockquote><blockquote><blockquote><p>not a fence</p></blockquote></blockquote></blockquote>",
	} {
		var out strings.Builder
		if err := md.Convert([]byte(src), &out); err != nil {
			t.Fatal(err)
		}
		got := strings.NewReplacer(">\n", ">", "\n<", "<", "\n", " ").Replace(out.String())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", src, diff)
		}
	}
}

func TestFlatten(t *testing.T) {
	deep := strings.Repeat("> ", 5000)
	for _, src := range []string{"> a", strings.Repeat(">", 5000), strings.Repeat(">", 5000) + "\n/close", ""} {
		if got := glfm.Flatten([]byte(src)); string(got) != src {
			t.Errorf("changed %.20q…", src)
		}
	}
	got := string(glfm.Flatten([]byte("a\n" + deep + "b\nc")))
	if want := "a\n" + deep[:128] + strings.Repeat(".", len(deep)-128) + "b\nc"; got != want {
		t.Errorf("got %.600q…", got)
	}
}
