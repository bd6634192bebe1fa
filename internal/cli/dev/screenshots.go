package dev

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"iter"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"cxm/internal/web/fixture"
	"cxm/internal/web/gallery"
	"cxm/internal/web/shots"
)

// choice is what to take screenshots of; what is empty is everything.
type choice struct{ pages, states, looks []string }

func (c choice) page(p fixture.Page) bool {
	return chosen(c.pages, p.Name) && chosen(c.states, p.State)
}

func chosen(of []string, name string) bool { return len(of) == 0 || slices.Contains(of, name) }

func newScreenshots() *cobra.Command {
	var folder string
	var of choice
	cmd := &cobra.Command{
		Use:   "screenshots",
		Short: "Writes screenshots of every page in every state: light, dark, phone",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := shoot(cmd.Context(), folder, of)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d screenshots are in %s\n", n, folder)
			return err
		},
	}
	cmd.Flags().StringVar(&folder, "out", "", "folder to write to; it is made")
	cmd.Flags().StringSliceVar(&of.pages, "page", nil, "only these pages, such as findings,finding")
	cmd.Flags().StringSliceVar(&of.states, "state", nil, "only these states, such as many,one")
	cmd.Flags().StringSliceVar(&of.looks, "look", nil, "only these looks: light, dark, phone, phone-dark")
	_ = cmd.MarkFlagRequired("out") // fails only for a flag that does not exist
	return cmd
}

// shoot writes the screenshots and says how many.
func shoot(ctx context.Context, folder string, of choice) (int, error) {
	looks := slices.DeleteFunc(shots.Looks(), func(l shots.Look) bool { return !chosen(of.looks, l.Name) })
	n := 0
	err := look(ctx, folder, func(tab context.Context, url string) error {
		for _, page := range fixture.All() {
			if !of.page(page) {
				continue
			}
			err := shots.Take(tab, url+page.Path(), looks, func(look shots.Look, shot []byte) error {
				n++
				return keep(folder, fmt.Sprintf("%s-%s-%s.png", page.Name, page.State, look.Name), shot)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && n == 0 {
		err = errors.New("there is no page in such a state, or no such look: cxm dev pages lists them all")
	}
	return n, err
}

// look makes the folder, and opens a browser on the gallery at url.
func look(ctx context.Context, folder string, with func(tab context.Context, url string) error) error {
	pages, err := gallery.New(slog.New(slog.DiscardHandler), time.Hour)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	server := httptest.NewServer(pages)
	defer server.Close()
	defer server.CloseClientConnections() // a page that is being watched would hold it
	tab, stop, err := shots.Open(ctx)
	if err != nil {
		return err
	}
	defer stop()
	return with(tab, server.URL)
}

func keep(folder, name string, shot []byte) error {
	if err := os.WriteFile(filepath.Join(folder, name), shot, 0o600); err != nil {
		return fmt.Errorf("writing a screenshot: %w", err)
	}
	return nil
}

// pictures are those in the documents: the name, and the page.
func pictures() map[string]string {
	return map[string]string{"overview.png": "/dev/pages/overview/many", "finding.png": "/dev/pages/finding/many", "checks.png": "/dev/pages/checks/many"}
}

func newPictures() *cobra.Command {
	var folder string
	cmd := &cobra.Command{
		Use:   "pictures",
		Short: "Writes the pictures of the pages that are in the documents",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := paint(cmd.Context(), folder); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%d pictures are in %s\n", len(pictures()), folder)
			return err
		},
	}
	cmd.Flags().StringVar(&folder, "out", "docs/pictures", "folder to write to; it is made")
	return cmd
}

// paint writes the pictures: in light, as small as PNG makes them.
func paint(ctx context.Context, folder string) error {
	return look(ctx, folder, func(tab context.Context, url string) error {
		for name, path := range pictures() {
			shot, err := shots.Looks()[0].Picture(tab, url+path)
			if err != nil {
				return err
			}
			if shot, err = smaller(shot); err != nil {
				return err
			}
			if err := keep(folder, name, shot); err != nil {
				return err
			}
		}
		return nil
	})
}

// smaller is the same picture in its 256 most frequent colours, packed with more
// patience than the browser has.
func smaller(picture []byte) ([]byte, error) {
	read, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, fmt.Errorf("reading a picture: %w", err)
	}
	few := image.NewPaletted(read.Bounds(), frequent(read))
	nearest := map[color.Color]uint8{}
	for at := range pixels(read) {
		c := read.At(at.X, at.Y)
		index, known := nearest[c]
		if !known {
			index = uint8(few.Palette.Index(c)) // of at most 256
			nearest[c] = index
		}
		few.SetColorIndex(at.X, at.Y, index)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few); err != nil {
		return nil, fmt.Errorf("packing a picture: %w", err)
	}
	return out.Bytes(), nil
}

// frequent are the 256 colours that a picture has most of.
func frequent(picture image.Image) color.Palette {
	number := map[color.Color]int{}
	for at := range pixels(picture) {
		number[picture.At(at.X, at.Y)]++
	}
	all := slices.SortedFunc(maps.Keys(number), func(a, b color.Color) int {
		return cmp.Or(cmp.Compare(number[b], number[a]), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	return all[:min(len(all), 256)]
}

// pixels are the places of a picture.
func pixels(picture image.Image) iter.Seq[image.Point] {
	size := picture.Bounds()
	return func(yield func(image.Point) bool) {
		for y := size.Min.Y; y < size.Max.Y; y++ {
			for x := size.Min.X; x < size.Max.X; x++ {
				if !yield(image.Pt(x, y)) {
					return
				}
			}
		}
	}
}
