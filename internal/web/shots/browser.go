// Package shots looks at pages with a browser: it takes screenshots of them.
//
// What always holds: the browser is one process for all pages, with a profile of
// its own that is removed; it ends with its context.
package shots

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// ErrNoBrowser says that there is no Chromium on this machine.
var ErrNoBrowser = errors.New("there is no chromium on this machine: install it (Debian: apt-get install chromium, or scripts/need.sh chromium)")

// patience is how long one page may take.
const patience = 30 * time.Second

// Look is how a page is looked at.
type Look struct {
	Name          string
	Width, Height int64
	Dark, Phone   bool
}

// Looks are a screen in light and in dark, and a phone in both.
func Looks() []Look {
	return []Look{
		{Name: "light", Width: 1280, Height: 900}, {Name: "dark", Width: 1280, Height: 900, Dark: true},
		{Name: "phone", Width: 390, Height: 844, Phone: true}, {Name: "phone-dark", Width: 390, Height: 844, Dark: true, Phone: true},
	}
}

// Find is the path of Chromium, or ErrNoBrowser.
func Find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoBrowser
}

// Open starts the browser with one tab. All that is done with the context it
// returns happens in that tab; stop ends the browser.
func Open(parent context.Context) (ctx context.Context, stop func(), err error) {
	path, err := Find()
	if err != nil {
		return nil, nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.Flag("hide-scrollbars", true))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to sandbox for root, as whom containers run
	}
	process, end := chromedp.NewExecAllocator(parent, options...)
	tab, closeTab := chromedp.NewContext(process)
	if err := chromedp.Do(tab); err != nil {
		closeTab()
		end()
		return nil, nil, fmt.Errorf("starting %s: %w", path, err)
	}
	return tab, func() { closeTab(); end() }, nil
}

// As makes the tab look at pages in one way, without motion.
func (l Look) As(ctx context.Context) error {
	scheme := "light"
	if l.Dark {
		scheme = "dark"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		return fmt.Errorf("setting the colour scheme: %w", err)
	}
	var options []chromedp.EmulateViewportOption
	if l.Phone {
		options = append(options, chromedp.EmulateMobile)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(l.Width, l.Height, options...)); err != nil {
		return fmt.Errorf("setting the size of the page: %w", err)
	}
	return nil
}

// Take is the whole page at url as PNG.
func (l Look) Take(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := l.As(ctx); err != nil {
		return nil, err
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		return nil, fmt.Errorf("opening %s: %w", url, err)
	}
	image, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return nil, fmt.Errorf("taking a screenshot of %s: %w", url, err)
	}
	return image, nil
}
