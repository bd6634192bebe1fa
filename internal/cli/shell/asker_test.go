package shell

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
)

// A question ends when the program is told to stop, although nobody answers.
func TestAskedUntilStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	var shown atomic.Bool
	a := NewAsker(ctx, r, seen(func() {
		if shown.CompareAndSwap(false, true) {
			stop()
		}
	}))
	if _, err := a.Line("Who? "); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("%v", err)
	}
}

// seen calls a function for whatever is written.
type seen func()

func (s seen) Write(p []byte) (int, error) {
	s()
	return len(p), nil
}
