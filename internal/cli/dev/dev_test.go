package dev

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cxm/internal/web/shots"
)

// TestPages serves the pages until it is told to end.
func TestPages(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	cmd := New()
	cmd.SetArgs([]string{"pages"})
	cmd.SetOut(in)
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(ctx) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, url, found := strings.Cut(strings.TrimSpace(line), "The pages are at ")
	if !found {
		t.Fatalf("it said %q", line)
	}
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(text), "/dev/pages/overview/many") {
		t.Errorf("%.200s, %v", text, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// TestScreenshots takes those of one page.
func TestScreenshots(t *testing.T) {
	if _, err := shots.Find(); errors.Is(err, shots.ErrNoBrowser) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	folder := filepath.Join(t.TempDir(), "new")
	cmd := New()
	cmd.SetArgs([]string{"screenshots", "--out", folder, "--page", "problem", "--state", "missing,error", "--look", "light,phone-dark"})
	var out strings.Builder
	cmd.SetOut(&out)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "4 screenshots are in ") {
		t.Errorf("it said %q", out.String())
	}
	for name, width := range map[string]int{"problem-missing-light.png": 1280, "problem-error-phone-dark.png": 390} {
		file, err := os.Open(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if shot, err := png.DecodeConfig(file); err != nil || shot.Width > width || shot.Width < width-20 {
			t.Errorf("%s is %d wide, want %d: %v", name, shot.Width, width, err)
		}
	}
}

// TestNoScreenshots asks for a page that there is not.
func TestNoScreenshots(t *testing.T) {
	if _, err := shots.Find(); errors.Is(err, shots.ErrNoBrowser) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	cmd := New()
	cmd.SetArgs([]string{"screenshots", "--out", t.TempDir(), "--page", "problem", "--state", "huge"})
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "no page in such a state") {
		t.Errorf("it said %v", err)
	}
}

// TestPictures makes those of the documents: as wide as a screen, and small.
func TestPictures(t *testing.T) {
	if _, err := shots.Find(); errors.Is(err, shots.ErrNoBrowser) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	folder := t.TempDir()
	cmd := New()
	cmd.SetArgs([]string{"pictures", "--out", folder})
	cmd.SetOut(io.Discard)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name := range pictures() {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		made, err := png.DecodeConfig(bytes.NewReader(text))
		if err != nil || made.Width != 1280 || len(text) > 150_000 {
			t.Errorf("%s is %d wide and has %d bytes, want 1280 and at most 150,000: %v", name, made.Width, len(text), err)
		}
	}
}
