package shell

import (
	"context"
	"errors"
	"strconv"

	"cxm/internal/app"
)

// screenful is how much of a list is shown at once.
const screenful = 12

// Item is one line of a choice.
type Item struct {
	Text  string // foreign text may be in it
	Unfit string // why it cannot be chosen; empty: it can
}

// Choice is a list to choose from that is fetched as needed: by its number, after
// looking for it by what people type. Ask, What, Open and Show are required.
type Choice[T any] struct {
	Ask    *Asker
	What   string                            // one of them: "repository"
	Open   func(search string) *app.Pages[T] // the list; search empty: all of it
	Show   func(T) Item
	None   string            // what number 0 stands for, which chooses none of the list; empty: nothing
	Whole  func(string) bool // says that what was typed names one by itself, so that it is no search; nil: nothing does
	search string
	pages  *app.Pages[T]
	found  []T // fetched so far
	shown  int
	more   bool
}

// Choose asks until something is chosen: an item, or what was typed instead, or
// neither of both for number 0.
func (c *Choice[T]) Choose(ctx context.Context) (chosen T, typed string, err error) {
	c.restart("")
	for {
		if err := c.page(ctx); err != nil {
			return chosen, "", err
		}
		answer, err := c.Ask.Line(c.prompt())
		if err != nil {
			return chosen, "", err
		}
		n, number := strconv.Atoi(answer)
		switch {
		case answer == "" && c.atEnd():
			c.Ask.Say("That was all. Type the number of the %s, or a part of its name to search.\n", c.What)
		case answer == "":
		case number == nil && n == 0 && c.None != "":
			return chosen, "", nil
		case number == nil && n >= 1 && n <= c.shown:
			if it := c.Show(c.found[n-1]); it.Unfit != "" {
				c.Ask.Say("%s cannot be used: %s.\n", it.Text, it.Unfit)
				continue
			}
			return c.found[n-1], "", nil
		case number == nil:
			c.Ask.Say("There is no number %d here.\n", n)
		case c.Whole != nil && c.Whole(answer):
			return chosen, answer, nil
		case answer == "*":
			c.restart("")
		default:
			c.restart(answer)
		}
	}
}

func (c *Choice[T]) restart(search string) {
	c.search, c.pages, c.found, c.shown, c.more = search, c.Open(search), nil, 0, true
	if c.None != "" {
		c.Ask.Say("%4d  %s\n", 0, c.None)
	}
}

func (c *Choice[T]) atEnd() bool { return !c.more && c.shown == len(c.found) }

// page shows the next items, fetching no more than it takes.
func (c *Choice[T]) page(ctx context.Context) error {
	until := c.shown + screenful
	for c.more && len(c.found) < until {
		some, more, err := c.pages.Next(ctx)
		if err != nil {
			return err
		}
		c.found, c.more = append(c.found, some...), more
	}
	for ; c.shown < min(until, len(c.found)); c.shown++ {
		it := c.Show(c.found[c.shown])
		if it.Unfit != "" {
			c.Ask.Say("   -  %s (not usable: %s)\n", OneLine(it.Text), it.Unfit)
			continue
		}
		c.Ask.Say("%4d  %s\n", c.shown+1, OneLine(it.Text))
	}
	if len(c.found) == 0 {
		if c.search == "" && c.None == "" {
			return errors.New("there is no " + c.What + " to choose from: make the account a member of one in GitLab, with the role that the guide asks for (Maintainer), and run the same again")
		}
		if c.search != "" {
			c.Ask.Say("No %s has %q in its name.\n", c.What, c.search)
		}
	}
	return nil
}

func (c *Choice[T]) prompt() string {
	text := "Number of the " + c.What + ", or text to search"
	if c.search != "" {
		text += " (* for all)"
	}
	if !c.atEnd() {
		text += ", or Enter for more"
	}
	return text + ": "
}
