package ui

import (
	"fmt"
	"math"
	"strings"

	"github.com/shopspring/decimal"

	"cxm/internal/money"
)

// Bars compares amounts, each with its bar and its number.
type Bars struct {
	ID    string // unique on its page
	Title string
	Unit  string // of all amounts
	Of    string // what a row is, the head of the first column
	Rows  []Bar
	Note  string
}

// Bar is one row of Bars.
type Bar struct {
	Label  string
	URL    string
	Amount decimal.Decimal
}

// DrawnBar is a bar with its length in hundredths of the longest.
type DrawnBar struct {
	Bar
	Number string
	Length string
}

// Drawn are the rows as they are drawn.
func (b Bars) Drawn() []DrawnBar {
	longest := decimal.Zero
	for _, row := range b.Rows {
		longest = decimal.Max(longest, row.Amount)
	}
	out := make([]DrawnBar, 0, len(b.Rows))
	for _, row := range b.Rows {
		length := decimal.Zero
		if longest.IsPositive() && row.Amount.IsPositive() {
			length = row.Amount.Shift(2).DivRound(longest, 1)
		}
		out = append(out, DrawnBar{Bar: row, Number: money.Show(row.Amount, ""), Length: length.String()})
	}
	return out
}

// Trend is how amounts developed, as lines, with a table of the same numbers.
type Trend struct {
	ID     string // unique on its page
	Title  string
	Unit   string   // of all amounts, such as "USD a month"
	Of     string   // what a label is, the head of the table's first column
	Labels []string // of the points in time, the oldest first
	Series []Series // at most three
}

// Series is one line of a Trend, with an amount for each of its labels. An
// amount that is not known interrupts the line.
type Series struct {
	Name    string
	Amounts []decimal.NullDecimal
}

// Plot is a Trend drawn at one width.
type Plot struct {
	Size                     string // "wide" or "narrow"
	Width, Height            int
	Left, Right, Top, Bottom int
	Grid                     []Mark // at the left, with the amounts
	Ticks                    []Mark // at the bottom, with the labels
	Lines                    []Line
}

// Mark is a text at a place.
type Mark struct {
	X, Y int
	Text string
}

// Line is a path, with its end.
type Line struct {
	Class string
	Path  string
	Ends  []Mark
}

// Plots are the trend for a screen and for a phone: text in a drawing that is
// scaled down cannot be read.
func (t Trend) Plots() []Plot {
	return []Plot{t.plot("wide", 720, 240, 8), t.plot("narrow", 340, 220, 4)}
}

// Table is the same as the drawing, in numbers.
func (t Trend) Table() Table {
	table := Table{Caption: t.Title + ", " + t.Unit, Columns: []Column{{Label: t.Of}}}
	for _, s := range t.Series {
		table.Columns = append(table.Columns, Column{Label: s.Name, Number: true})
	}
	for i, label := range t.Labels {
		row := []Cell{{Text: label}}
		for _, s := range t.Series {
			row = append(row, Cell{Text: Money(s.at(i), "").Number})
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

// Drawable says whether there is enough for a line.
func (t Trend) Drawable() bool { return len(t.Labels) > 1 && t.top() > 0 }

func (s Series) at(i int) decimal.NullDecimal {
	if i < len(s.Amounts) {
		return s.Amounts[i]
	}
	return decimal.NullDecimal{}
}

func (t Trend) top() float64 {
	top := 0.0
	for _, s := range t.Series {
		for _, a := range s.Amounts {
			if a.Valid {
				top = max(top, a.Decimal.InexactFloat64())
			}
		}
	}
	return top
}

func (t Trend) plot(size string, width, height, ticks int) Plot {
	if !t.Drawable() {
		return Plot{}
	}
	p := Plot{Size: size, Width: width, Height: height, Left: 56, Right: width - 28, Top: 12, Bottom: height - 28}
	step := even(t.top() / 4)
	steps := int(math.Ceil(t.top() / step))
	scale := float64(p.Bottom-p.Top) / (step * float64(steps))
	for i := range steps + 1 {
		p.Grid = append(p.Grid, Mark{X: p.Left, Y: p.Bottom - int(float64(i)*step*scale), Text: short(float64(i) * step)})
	}
	x := func(i int) int { return p.Left + i*(p.Right-p.Left)/(len(t.Labels)-1) }
	every := max((len(t.Labels)+ticks-1)/ticks, 1)
	for i := 0; i < len(t.Labels); i += every {
		p.Ticks = append(p.Ticks, Mark{X: x(i), Y: p.Bottom, Text: t.Labels[i]})
	}
	for i, s := range t.Series {
		p.Lines = append(p.Lines, s.draw(fmt.Sprintf("line line-%d", i+1), len(t.Labels), x, func(v float64) int { return p.Bottom - int(v*scale) }))
	}
	return p
}

// draw is the path of a series; it is interrupted where nothing is known.
func (s Series) draw(class string, points int, x func(int) int, y func(float64) int) Line {
	line, path, pen := Line{Class: class}, strings.Builder{}, "M"
	for i := range points {
		a := s.at(i)
		if !a.Valid {
			pen = "M"
			continue
		}
		m := Mark{X: x(i), Y: y(a.Decimal.InexactFloat64())}
		fmt.Fprintf(&path, "%s%d %d", pen, m.X, m.Y)
		line.Ends, pen = []Mark{m}, "L"
	}
	line.Path = path.String()
	return line
}

// even is the next number that people count in: 1, 2 or 5 with zeros.
func even(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*power {
			return m * power
		}
	}
	return 10 * power
}

// short writes the amount at a grid line, which is a round one.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%gk", v/1e3)
	}
	return fmt.Sprintf("%g", v)
}
