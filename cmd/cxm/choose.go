package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"cxm/internal/app"
)

// screenful is how much of a list is shown at once.
const screenful = 12

// item is one line of a choice.
type item struct {
	text  string
	unfit string // why it cannot be chosen; empty: it can
}

// choice is a list to choose from that is fetched as needed: by its number, after
// looking for it by what people type.
type choice[T any] struct {
	ask    *asker
	what   string // one of them: "repository"
	open   func(search string) *app.Pages[T]
	show   func(T) item
	none   string            // what number 0 stands for, which chooses none of the list; empty: nothing
	whole  func(string) bool // says that what was typed names one by itself, so that it is no search; nil: nothing does
	search string
	pages  *app.Pages[T]
	found  []T // fetched so far
	shown  int
	more   bool
}

// choose asks until something is chosen: an item, or what was typed instead, or
// neither of both for number 0.
func (c *choice[T]) choose(ctx context.Context) (chosen T, typed string, err error) {
	c.restart("")
	for {
		if err := c.page(ctx); err != nil {
			return chosen, "", err
		}
		answer, err := c.ask.line(c.prompt())
		if err != nil {
			return chosen, "", err
		}
		n, number := strconv.Atoi(answer)
		switch {
		case answer == "" && c.atEnd():
			fmt.Fprintf(c.ask.out, "That was all. Type the number of the %s, or a part of its name to search.\n", c.what)
		case answer == "":
		case number == nil && n == 0 && c.none != "":
			return chosen, "", nil
		case number == nil && n >= 1 && n <= c.shown:
			if it := c.show(c.found[n-1]); it.unfit != "" {
				fmt.Fprintf(c.ask.out, "%s cannot be used: %s.\n", it.text, it.unfit)
				continue
			}
			return c.found[n-1], "", nil
		case number == nil:
			fmt.Fprintf(c.ask.out, "There is no number %d here.\n", n)
		case c.whole != nil && c.whole(answer):
			return chosen, answer, nil
		case answer == "*":
			c.restart("")
		default:
			c.restart(answer)
		}
	}
}

func (c *choice[T]) restart(search string) {
	c.search, c.pages, c.found, c.shown, c.more = search, c.open(search), nil, 0, true
	if c.none != "" {
		fmt.Fprintf(c.ask.out, "%4d  %s\n", 0, c.none)
	}
}

func (c *choice[T]) atEnd() bool { return !c.more && c.shown == len(c.found) }

// page shows the next items, fetching no more than it takes.
func (c *choice[T]) page(ctx context.Context) error {
	until := c.shown + screenful
	for c.more && len(c.found) < until {
		some, more, err := c.pages.Next(ctx)
		if err != nil {
			return err
		}
		c.found, c.more = append(c.found, some...), more
	}
	for ; c.shown < min(until, len(c.found)); c.shown++ {
		it := c.show(c.found[c.shown])
		if it.unfit != "" {
			fmt.Fprintf(c.ask.out, "   -  %s (not usable: %s)\n", oneLine(it.text), it.unfit)
			continue
		}
		fmt.Fprintf(c.ask.out, "%4d  %s\n", c.shown+1, oneLine(it.text))
	}
	if len(c.found) == 0 {
		if c.search == "" && c.none == "" {
			return errors.New("there is no " + c.what + " to choose from: make the account a member of one in GitLab, with the role that the guide asks for (Maintainer), and run the same again")
		}
		if c.search != "" {
			fmt.Fprintf(c.ask.out, "No %s has %q in its name.\n", c.what, c.search)
		}
	}
	return nil
}

func (c *choice[T]) prompt() string {
	text := "Number of the " + c.what + ", or text to search"
	if c.search != "" {
		text += " (* for all)"
	}
	if !c.atEnd() {
		text += ", or Enter for more"
	}
	return text + ": "
}
