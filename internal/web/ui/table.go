package ui

import (
	"net/url"
	"strconv"
	"time"
)

// Table is rows under columns; on a phone it is a list.
type Table struct {
	Caption string // what it lists, for who cannot see it
	Columns []Column
	Rows    [][]Cell
}

// Column is the head of a column.
type Column struct {
	Label   string
	Number  bool   // its cells are numbers and stand at the right
	SortURL string // sorts by it; empty: it cannot be sorted by
	Sorted  string // "ascending" or "descending"; empty: not sorted by it
}

// Cell is what stands in one row under one column.
type Cell struct {
	Text   string
	Sub    string // a second, smaller line
	URL    string // Text leads there
	Badges []Badge
	Unit   string // behind a number
	Time   time.Time
}

// Placed is a cell with its column.
type Placed struct {
	Cell
	Column
	First bool // names its row
}

// Lines are the rows with their columns. A row that is too short ends early.
func (t Table) Lines() [][]Placed {
	out := make([][]Placed, 0, len(t.Rows))
	for _, row := range t.Rows {
		var line []Placed
		for i, cell := range row[:min(len(row), len(t.Columns))] {
			line = append(line, Placed{Cell: cell, Column: t.Columns[i], First: i == 0})
		}
		out = append(out, line)
	}
	return out
}

// Pager leads through the pages of a list.
type Pager struct {
	From, To, All  int
	Previous, Next string // empty: there is none
	Text           string // in place of the numbers, where nobody counts the whole list
}

// Place is where a list is looked at: its path with the filters, the order and
// the page in the address, so that every view can be linked to.
type Place struct {
	Path   string
	Values url.Values
}

// With is the address with one value changed; an empty one is taken out. The list
// begins at its first page again.
func (p Place) With(name, value string) string {
	values := p.copy()
	values.Del("page")
	if values.Del(name); value != "" {
		values.Set(name, value)
	}
	return p.at(values)
}

// Page is the address of a page of the list; the first is 1.
func (p Place) Page(n int) string {
	values := p.copy()
	if values.Del("page"); n > 1 {
		values.Set("page", strconv.Itoa(n))
	}
	return p.at(values)
}

// Number is the page that is looked at, at least 1.
func (p Place) Number() int {
	n, err := strconv.Atoi(p.Values.Get("page"))
	if err != nil {
		return 1
	}
	return max(n, 1)
}

// Pager is the pager of a list of all rows, with size on a page. Every row of a
// page that is past the end is on the last one.
func (p Place) Pager(all, size int) Pager {
	last := max((all+size-1)/size, 1)
	n := min(p.Number(), last)
	out := Pager{From: min((n-1)*size+1, all), To: min(n*size, all), All: all}
	if n > 1 {
		out.Previous = p.Page(n - 1)
	}
	if n < last {
		out.Next = p.Page(n + 1)
	}
	return out
}

// Sortable is a column that the list can be ordered by: "sort=name" is ascending,
// "sort=-name" descending, which comes first for numbers.
func (p Place) Sortable(label, name string, number bool) Column {
	c := Column{Label: label, Number: number}
	first, second := name, "-"+name
	if number {
		first, second = second, first
	}
	c.SortURL = p.With("sort", first)
	switch p.Values.Get("sort") {
	case name:
		c.Sorted = "ascending"
	case "-" + name:
		c.Sorted = "descending"
	}
	if p.Values.Get("sort") == first {
		c.SortURL = p.With("sort", second)
	}
	return c
}

func (p Place) copy() url.Values {
	out := url.Values{}
	for name, values := range p.Values {
		out[name] = append([]string(nil), values...)
	}
	return out
}

func (p Place) at(values url.Values) string {
	if len(values) == 0 {
		return p.Path
	}
	return p.Path + "?" + values.Encode()
}
