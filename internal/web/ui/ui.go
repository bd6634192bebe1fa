// Package ui is what the pages are made of: the shell around each page, the
// components in it with their view models, and the stylesheet and scripts.
//
// What always holds: a view model is a value that is complete before a template
// sees it, so that no template can fail on data or ask for any; text is text and
// is escaped where it is written (html/template); nothing here needs a script to
// be read, or anything from another host.
package ui

import (
	"embed"
	"io/fs"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
)

//go:embed templates static
var files embed.FS

// Templates are the layout and the components, one template a file.
func Templates() fs.FS { return sub("templates") }

// Static are the stylesheet, the scripts and the icon.
func Static() fs.FS { return sub("static") }

func sub(folder string) fs.FS {
	tree, err := fs.Sub(files, folder)
	if err != nil {
		panic(err) // the folder's name is a constant
	}
	return tree
}

// Shell is what stands around a page.
type Shell struct {
	Title   string   // of the page: its only h1, and the window's title
	Lead    string   // one sentence below it; empty: none
	Trail   []Link   // the pages above it, the highest first
	Actions []Action // what can be done on the page as a whole
	Badge   *Badge   // the state of what the page is about; nil: none

	Nav     []NavGroup
	Tenant  string
	Tenants []string // that the person works in: with several they can choose
	Person  Person
	Search  string // what was searched for

	Notices []Notice // what just happened, shown once
	Problem *Problem // why there is no page; nil: there is one
	Theme   string   // "light" or "dark"; empty: as the system has it
	Bare    bool     // without navigation: before anybody is signed in
}

// Person is who looks at the page. The zero value is nobody.
type Person struct{ Name, Address, Role string }

// Link leads somewhere.
type Link struct{ Text, URL string }

// NavGroup is a part of the side navigation; an empty Name has no heading.
type NavGroup struct {
	Name  string
	Items []NavItem
}

// NavItem is a place in the navigation.
type NavItem struct {
	Link
	Icon    string
	Current bool
	Count   int // of what waits there; 0: nothing
}

// Tone says how something stands. It is never told by colour alone: what bears a
// tone says it in words.
type Tone string

// The tones.
const (
	Neutral Tone = "neutral"
	Info    Tone = "info"
	Good    Tone = "good"
	Warn    Tone = "warn"
	Bad     Tone = "bad"
)

// Badge is a state in one or two words.
type Badge struct {
	Text string
	Tone Tone
}

// Action is something that can be done: a link, or with Post a button that sends.
type Action struct {
	Text, URL string
	Kind      string // "primary", "danger" or empty
	Post      bool   // it changes something
	Dialog    bool   // the page it leads to is shown in a dialog where scripts run
}

// Notice says what just happened.
type Notice struct {
	Text string
	Tone Tone
}

// Problem takes the place of a page that cannot be shown. Next is what to do.
type Problem struct {
	Title, Text, Next string
	Action            *Action
}

// Empty takes the place of a list with nothing in it, and says why and what next.
type Empty struct {
	Title, Text string
	Action      *Action
}

// Quantity is a number as people read it, and what it counts.
type Quantity struct{ Number, Unit string }

// Money is an amount a month; one that is not known says so and is not zero.
func Money(amount decimal.NullDecimal, currency string) Quantity {
	if !amount.Valid {
		return Quantity{Number: "not known"}
	}
	number := strings.TrimSuffix(money.Show(amount.Decimal, currency), " "+currency) // with as many decimals as the currency has
	return Quantity{Number: number, Unit: currency}
}

// Figure is a key figure. Amounts in different currencies are never added, so it
// may have several quantities.
type Figure struct {
	Label      string
	Quantities []Quantity
	Per        string // such as "a month"; empty: it is no rate
	Note       string
	URL        string // of the list behind it; empty: there is none
	Tone       Tone
}

// Event is a line of a timeline.
type Event struct {
	At     time.Time
	Who    string
	Text   string
	Detail string
	URL    string
	Tone   Tone
}

// Step is one of several that are done in order.
type Step struct {
	Title, Text string
	State       string // "done", "current" or "later"
	Action      *Action
}

// DiffLine is a line of a text that was kept (" "), added ("+") or taken out ("-").
type DiffLine struct{ Op, Text string }

// Diff is what changes between two texts.
type Diff struct {
	Title string
	Lines []DiffLine
}

// Code is text to be copied.
type Code struct {
	ID    string // unique on its page
	Label string // what it is
	Text  string
}

// Fact is a line of a list of facts. Of the ways to say it the first that is
// filled in counts.
type Fact struct {
	Name   string
	Badge  *Badge
	Time   time.Time
	Text   string
	URL    string // Text leads there
	Detail string // below it
}

// Check is one check of a connection, as it stands.
type Check struct {
	Name     string // stable: "token.scopes"
	Asks     string
	Outcome  string // ok, warning, failed, not checked, waiting
	Evidence string
	Cause    string
	Mend     string
}

// Tone is that of the check's outcome.
func (c Check) Tone() Tone {
	switch c.Outcome {
	case "ok":
		return Good
	case "warning":
		return Warn
	case "failed":
		return Bad
	}
	return Neutral
}

// CheckGroup is the checks about one thing.
type CheckGroup struct {
	Name   string
	Checks []Check
}
