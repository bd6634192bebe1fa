package shell

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// ErrNoAnswer says that the input ended, or the program was told to stop, while cxm
// was asking.
var ErrNoAnswer = errors.New("there was no answer: nothing was changed")

// Asker asks a person. A question ends when the program is told to stop, also
// while nobody answers.
type Asker struct {
	ctx context.Context
	in  *bufio.Reader
	out io.Writer
}

// AskerOf asks on standard error, so that standard output stays data; nil when
// nobody is there to answer.
func AskerOf(cmd *cobra.Command) *Asker {
	if !Terminal(cmd.InOrStdin()) {
		return nil
	}
	return NewAsker(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr())
}

// NewAsker asks on out and reads the answers from in, until ctx ends.
func NewAsker(ctx context.Context, in io.Reader, out io.Writer) *Asker {
	return &Asker{ctx: ctx, in: bufio.NewReader(in), out: out}
}

// Say tells whom is asked, as fmt.Printf would.
func (a *Asker) Say(format string, args ...any) { fmt.Fprintf(a.out, format, args...) }

// answered is what a read brought.
type answered struct {
	text string
	err  error
}

// Line asks for one line, and returns it without the spaces around it; ErrNoAnswer
// when none comes.
func (a *Asker) Line(prompt string) (string, error) {
	fmt.Fprint(a.out, prompt)
	text, err := a.wait(func() (string, error) { return a.in.ReadString('\n') })
	if errors.Is(err, io.EOF) {
		if err = nil; text == "" {
			err = ErrNoAnswer
		}
	}
	return strings.TrimSpace(text), err
}

// wait does what may take for ever, and gives up when the program is to stop.
func (a *Asker) wait(read func() (string, error)) (string, error) {
	got := make(chan answered, 1)
	go func() {
		text, err := read()
		got <- answered{text, err}
	}()
	select {
	case <-a.ctx.Done():
		fmt.Fprintln(a.out)
		return "", ErrNoAnswer
	case x := <-got:
		return x.text, x.err
	}
}

// secret asks for a line that is not shown. It asks once the terminal shows
// nothing any more, since many answer, or paste, as soon as they are asked; and
// whatever happens, what is typed is shown again afterwards.
func (a *Asker) secret(prompt string) (string, error) {
	fd := int(os.Stdin.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("preparing the terminal: %w", err)
	}
	text, err := a.wait(func() (string, error) {
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			a.quiet(fd, *before)
			fmt.Fprint(a.out, prompt)
		}()
		typed, err := term.ReadPassword(fd)
		<-asked
		return string(typed), err
	})
	if a.ctx.Err() != nil {
		return "", errors.Join(err, term.Restore(fd, before))
	}
	fmt.Fprintln(a.out)
	if errors.Is(err, io.EOF) {
		err = ErrNoAnswer
	}
	return text, err
}

// quiet waits until the terminal's state is another than before: until it shows
// nothing.
func (a *Asker) quiet(fd int, before term.State) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if now, err := term.GetState(fd); err != nil || *now != before {
			return
		}
		select {
		case <-tick.C:
		case <-a.ctx.Done():
			return
		}
	}
}
