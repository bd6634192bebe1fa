package form

import (
	"fmt"
	"strconv"
	"strings"
)

// kind is what YAML takes a value for.
type kind int

const (
	null kind = iota
	boolean
	number
	text
	list
	mapping
)

// said is the kind as a person would call it.
func (k kind) said() string {
	return [...]string{"nothing", "true or false", "a number", "text", "a list", "a mapping"}[k]
}

// Node is one place of a file with what stands there.
type Node struct {
	Line, Column int // of the value, from 1
	Path         string

	file    *File
	kind    kind
	text    string // of a scalar, as YAML reads it; of a number and a boolean as it is written
	style   rune   // of text: | for a block, a quote, or 0
	items   []*Node
	entries []entry
}

type entry struct {
	key          string
	line, column int
	value        *Node
}

// Wrong notes that the value is wrong, and how to mend it.
func (n *Node) Wrong(mend, message string, args ...any) {
	n.WrongAt(n.Line, n.Column, mend, message, args...)
}

// WrongIn notes what is wrong at a byte of a text value, at its place in the file.
func (n *Node) WrongIn(offset int, mend, message string, args ...any) {
	line, column := n.Place(offset)
	n.WrongAt(line, column, mend, message, args...)
}

// WrongAt notes what is wrong with the value at a place of its own.
func (n *Node) WrongAt(line, column int, mend, message string, args ...any) {
	n.file.Add(Problem{Line: line, Column: column, Field: n.Path, Message: fmt.Sprintf(message, args...), Mend: mend})
}

// Texts says whether the value is text.
func (n *Node) Texts() bool { return n.kind == text }

// unlike notes that the value is of another kind than it should be.
func (n *Node) unlike(should string) {
	mend := "write " + should
	switch {
	case n.kind == null:
		n.Wrong("leave it out, or write "+should, "is empty")
		return
	case should == text.said() && (n.kind == number || n.kind == boolean):
		mend = fmt.Sprintf("put it in quotes: %q", n.text)
	case should == text.said() && n.kind == mapping:
		mend = "write text, in quotes where it has a colon"
	}
	n.Wrong(mend, "is %s", n.kind.said())
}

// Under is the node beneath this one that a path such as chain[2].owners[0] leads
// to, or the last one on the way. An index counts what a mapping holds, too.
func (n *Node) Under(path string) *Node {
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		next := n.step(step)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

func (n *Node) step(name string) *Node {
	for _, e := range n.entries {
		if e.key == name {
			return e.value
		}
	}
	i, err := strconv.Atoi(name)
	switch {
	case err != nil || i < 0:
		return nil
	case i < len(n.items):
		return n.items[i]
	case i < len(n.entries):
		return n.entries[i].value
	}
	return nil
}

// Lists says whether the value is a list.
func (n *Node) Lists() bool { return n.kind == list }

// Items is how many values a list holds.
func (n *Node) Items() int { return len(n.items) }

// Problem is what is wrong at a byte of a text value, without noting it.
func (n *Node) Problem(offset int, message, mend string) Problem {
	line, column := n.Place(offset)
	return Problem{File: n.file.name, Line: line, Column: column, Field: n.Path, Message: message, Mend: mend}
}
