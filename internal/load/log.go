package main

import (
	"bytes"
	"encoding/json"
	"sync"
)

// kept is how much of a log is kept, in bytes.
const kept = 4 << 10

// serverLog is the log of a server: its address is read from it, and its end is kept
// for whoever wants to know why it ended.
type serverLog struct {
	address chan string // gets the address, once it is known

	mu    sync.Mutex
	found bool
	text  []byte
}

func newServerLog() *serverLog { return &serverLog{address: make(chan string, 1)} }

// Write implements io.Writer.
func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if !l.found {
		l.look()
	}
	if len(l.text) > 2*kept {
		l.text = bytes.Clone(l.text[len(l.text)-kept:])
	}
	return len(p), nil
}

// look looks for the line with the address.
func (l *serverLog) look() {
	for line := range bytes.Lines(l.text) {
		var entry struct{ Msg, Listener, Address string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "cxm listens" && entry.Listener == "public" {
			l.found = true
			l.address <- "http://" + entry.Address
			return
		}
	}
}

// tail is the end of the log.
func (l *serverLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text[max(0, len(l.text)-kept):])
}
