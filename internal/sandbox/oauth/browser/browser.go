// Package browser plays the person at the browser in tests: it signs in to a
// sandbox, reads the page that asks for consent, and says yes or no. It knows
// the pages as a browser does, by their forms alone.
package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Person is somebody with an account and a browser.
type Person struct {
	Username, Password string
	Transport          http.RoundTripper // nil: the default one
	jar                http.CookieJar
}

// Refusal is a page that ended the way: it told of a fault.
type Refusal struct{ Page string }

// Error gives what the page said.
func (r *Refusal) Error() string { return "the page says: " + r.Page }

// Decide opens an authorization request, signs in where it must, and agrees to
// it or not. What comes back is the address the browser is sent to, which is
// not opened. A page that tells of a fault is a *Refusal.
func (p *Person) Decide(ctx context.Context, address string, agree bool) (string, error) {
	if p.jar == nil {
		p.jar, _ = cookiejar.New(nil) // never fails without options
	}
	next := request{method: http.MethodGet, url: address}
	for range 10 {
		page, to, err := p.open(ctx, next)
		switch {
		case err != nil:
			return "", err
		case to != "" && !sameHost(address, to):
			return to, nil
		case to != "":
			next = request{method: http.MethodGet, url: to}
			continue
		}
		if next, err = p.answer(page, next.url, agree); err != nil {
			return "", err
		}
	}
	return "", errors.New("the pages lead nowhere")
}

// Visit opens an address, as the browser does when it is sent there, and gives
// the page's text and status.
func (p *Person) Visit(ctx context.Context, address string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	res, err := p.client().Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

type request struct {
	method, url string
	form        url.Values
}

func (p *Person) client() *http.Client {
	return &http.Client{
		Transport: p.Transport, Jar: p.jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// open sends a request and gives the page, or where it leads to.
func (p *Person) open(ctx context.Context, r request) (*html.Node, string, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, strings.NewReader(r.form.Encode()))
	if err != nil {
		return nil, "", err
	}
	if r.method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := p.client().Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	if to, err := res.Location(); err == nil {
		return nil, to.String(), nil
	}
	page, err := html.Parse(res.Body)
	return page, "", err
}

// answer fills in the form of a page.
func (p *Person) answer(page *html.Node, at string, agree bool) (request, error) {
	for _, form := range find(page, "form") {
		values := url.Values{}
		for _, input := range find(form, "input") {
			values.Set(attr(input, "name"), attr(input, "value"))
		}
		to, err := resolve(at, attr(form, "action"))
		if err != nil {
			return request{}, err
		}
		next := request{http.MethodPost, to, values}
		switch {
		case values.Has("user[login]"):
			if fault := alert(page); fault != "" {
				return request{}, &Refusal{fault}
			}
			values.Set("user[login]", p.Username)
			values.Set("user[password]", p.Password)
			return next, nil
		case values.Has("client_id") && (values.Get("_method") != "delete") == agree:
			return next, nil
		}
	}
	if fault := alert(page); fault != "" {
		return request{}, &Refusal{fault}
	}
	return request{}, fmt.Errorf("the page at %s has no form to go on with", at)
}

// alert is what a page tells of a fault.
func alert(page *html.Node) string {
	for _, p := range find(page, "p") {
		if attr(p, "role") == "alert" && p.FirstChild != nil {
			return p.FirstChild.Data
		}
	}
	return ""
}

func find(n *html.Node, name string) []*html.Node {
	var out []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == name {
			out = append(out, d)
		}
	}
	return out
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func resolve(base, ref string) (string, error) {
	b, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	r, err := b.Parse(ref)
	if err != nil {
		return "", err
	}
	return r.String(), nil
}

func sameHost(a, b string) bool {
	x, err := url.Parse(a)
	y, yerr := url.Parse(b)
	return err == nil && yerr == nil && x.Host == y.Host
}
