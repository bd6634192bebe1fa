package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
)

// assetsPath is where the files of the pages are served.
const assetsPath = "/assets/"

// own is a module that only a page loads whose template names it.
func own(name string) bool { return name == "editor.js" }

// Assets are the files that pages are made with, under names that change with
// their content, so that they can be kept for ever.
type Assets struct {
	urls    map[string]string // name -> address
	files   map[string]asset  // address -> file
	scripts []string          // the addresses of the modules of every page, ordered
}

type asset struct {
	kind         string
	plain, small []byte
}

// NewAssets reads all files at the top of tree.
func NewAssets(tree fs.FS) (*Assets, error) {
	names, err := fs.Glob(tree, "*")
	if err != nil {
		return nil, fmt.Errorf("listing the files of the pages: %w", err)
	}
	a := &Assets{urls: map[string]string{}, files: map[string]asset{}}
	for _, name := range names {
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return nil, fmt.Errorf("reading the files of the pages: %w", err)
		}
		a.add(name, text)
	}
	slices.Sort(a.scripts)
	return a, nil
}

func (a *Assets) add(name string, text []byte) {
	ext := path.Ext(name)
	hash := sha256.Sum256(text)
	url := fmt.Sprintf("%s%s.%x%s", assetsPath, strings.TrimSuffix(name, ext), hash[:8], ext)
	var small bytes.Buffer
	zip := gzip.NewWriter(&small)
	_, _ = zip.Write(text) // a buffer takes everything
	_ = zip.Close()
	a.urls[name] = url
	a.files[url] = asset{kind: kind(ext), plain: text, small: small.Bytes()}
	if ext == ".js" && !own(name) {
		a.scripts = append(a.scripts, url)
	}
}

// kind is the media type. It does not depend on what the machine knows of types.
func kind(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(ext)
}

// URL is the address of a file. A name that there is no file of is a mistake in a
// template, which ends the writing of the page.
func (a *Assets) URL(name string) (string, error) {
	url, ok := a.urls[name]
	if !ok {
		return "", fmt.Errorf("there is no file %q in internal/web/ui/static", name)
	}
	return url, nil
}

// Scripts are the addresses of the modules that every page loads.
func (a *Assets) Scripts() []string { return slices.Clone(a.scripts) }

// ServeHTTP serves the files under /assets/.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, ok := a.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Add("Vary", "Accept-Encoding")
	text := file.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		text = file.small
	}
	_, _ = w.Write(text) // a caller that is gone needs no answer
}
