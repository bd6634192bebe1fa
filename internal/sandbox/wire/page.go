package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Pagination declares page and per_page.
func Pagination() []Param {
	return []Param{{Name: "page", Kind: Integer, Default: int64(1)}, {Name: "per_page", Kind: Integer, Default: int64(20)}}
}

// maxPerPage is the largest page GitLab gives; more is cut down to it.
const maxPerPage = 100

// manyRecords is the count above which GitLab leaves out the totals.
const manyRecords = 10000

// Page is the part of a list a request asks for.
type Page struct {
	Number, Size int
	total        int
}

// PageOf reads page and per_page.
func PageOf(p Params) (Page, error) {
	number, size := p.Int("page"), p.Int("per_page")
	if p.Null("page") {
		number = 1
	}
	if p.Null("per_page") {
		size = 20
	}
	switch {
	case number < 0:
		return Page{}, Problem(http.StatusBadRequest, "page does not have a valid value")
	case size < 0:
		return Page{}, Problem(http.StatusBadRequest, "per_page does not have a valid value")
	case size == 0:
		return Page{}, Problem(http.StatusBadRequest, "per_page has a value not allowed")
	}
	return Page{Number: int(max(number, 1)), Size: int(min(size, maxPerPage))}, nil
}

// Cut gives the items of the page and remembers how many there are in all.
func Cut[T any](p *Page, all []T) []T {
	p.total = len(all)
	from := min((p.Number-1)*p.Size, len(all))
	return all[from:min(from+p.Size, len(all))]
}

// Paged cuts a list, turns each item into its view and answers with GitLab's
// headers. self is the request's own URL with the instance's host.
func Paged[T, V any](params Params, self *url.URL, all []T, view func(T) V) (Answer, error) {
	p, err := PageOf(params)
	if err != nil {
		return Answer{}, err
	}
	views := make([]V, 0, p.Size)
	for _, item := range Cut(&p, all) {
		views = append(views, view(item))
	}
	a := OK(views)
	a.Header = p.Header(self)
	return a, nil
}

// Header gives the pagination headers of a page that has been cut.
func (p Page) Header(self *url.URL) http.Header {
	h := http.Header{}
	last := max(1, (p.total+p.Size-1)/p.Size)
	next, prev := "", ""
	if p.Number < last {
		next = strconv.Itoa(p.Number + 1)
	}
	if p.Number > 1 {
		prev = strconv.Itoa(p.Number - 1)
	}
	h.Set("X-Per-Page", strconv.Itoa(p.Size))
	h.Set("X-Page", strconv.Itoa(p.Number))
	h.Set("X-Next-Page", next)
	h.Set("X-Prev-Page", prev)
	if p.total <= manyRecords {
		h.Set("X-Total", strconv.Itoa(p.total))
		h.Set("X-Total-Pages", strconv.Itoa(last))
	}
	h.Set("Link", p.links(self, next, prev, strconv.Itoa(last)))
	return h
}

func (p Page) links(self *url.URL, next, prev, last string) string {
	var out []string
	add := func(rel, page string) {
		if page != "" {
			out = append(out, fmt.Sprintf(`<%s>; rel="%s"`, p.at(self, page), rel))
		}
	}
	add("prev", prev)
	add("next", next)
	add("first", "1")
	if p.total <= manyRecords {
		add("last", last)
	}
	return strings.Join(out, ", ")
}

func (p Page) at(self *url.URL, page string) string {
	return WithQuery(self, map[string]string{"page": page, "per_page": strconv.Itoa(p.Size)})
}

// WithQuery gives a URL with some query values replaced; "" removes one.
func WithQuery(self *url.URL, values map[string]string) string {
	u := *self
	q := u.Query()
	q.Del("private_token")
	q.Del("access_token")
	for k, v := range values {
		if v == "" {
			q.Del(k)
		} else {
			q.Set(k, v)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}
