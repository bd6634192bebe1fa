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
	"github.com/chromedp/cdproto/page"
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

// tallest is how much of a page a picture shows. Below that a huge page only repeats itself.
const tallest = 5000

// Take takes a PNG of the page at url for each of looks, from its top, and gives them
// to done one by one. The page is opened once for each size: a colour scheme needs no
// new one.
func Take(ctx context.Context, url string, looks []Look, done func(Look, []byte) error) error {
	var before Look
	for _, look := range looks {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := look.As(ctx); err != nil {
			return err
		}
		if look.Width != before.Width || look.Height != before.Height || look.Phone != before.Phone {
			if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
				return fmt.Errorf("opening %s: %w", url, err)
			}
		}
		before = look
		image, err := look.capture(ctx, tallest)
		if err != nil {
			return fmt.Errorf("taking a screenshot of %s: %w", url, err)
		}
		if err := done(look, image); err != nil {
			return err
		}
	}
	return nil
}

// Picture is the top of the page at url, as high as the look's screen, as PNG.
func (l Look) Picture(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := l.As(ctx); err != nil {
		return nil, err
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		return nil, fmt.Errorf("opening %s: %w", url, err)
	}
	image, err := l.capture(ctx, l.Height)
	if err != nil {
		return nil, fmt.Errorf("taking a picture of %s: %w", url, err)
	}
	return image, nil
}

// capture is the page that the tab shows, from its top to at most the height.
func (l Look) capture(ctx context.Context, height int64) ([]byte, error) {
	full, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollHeight"))
	if err != nil {
		return nil, fmt.Errorf("asking for its height: %w", err)
	}
	beyond, quick := true, true
	clip := page.Viewport{Width: float64(l.Width), Height: float64(min(full, height)), Scale: 1}
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormatPng, Clip: &clip, CaptureBeyondViewport: &beyond, OptimizeForSpeed: &quick,
	})
	if err != nil {
		return nil, err
	}
	return shot.Data, nil
}
