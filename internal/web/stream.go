package web

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// Stream sends parts of a page that is being looked at (server-sent events). A
// part takes the place of the element with its id (ui/static/live.js).
type Stream struct {
	w       http.ResponseWriter
	flusher *http.ResponseController
	render  *Renderer
}

// Stream begins to send.
func (r *Renderer) Stream(w http.ResponseWriter) *Stream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep the parts until the end
	return &Stream{w: w, flusher: http.NewResponseController(w), render: r}
}

// patience is how long a part may take to be sent, and the next one to come: a stream
// lasts longer than the server lets other answers last.
const patience = time.Minute

// Part sends a component anew. An error means that nobody listens any more.
func (s *Stream) Part(name string, model any) error {
	html, err := s.render.Part(name, model)
	if err != nil {
		return err
	}
	return s.send("part", html)
}

// Next says that nothing more will come, and where the browser goes on: at an address
// of this server.
func (s *Stream) Next(to string) error { return s.send("next", []byte(to)) }

// Done says that nothing more will come, so that the browser does not ask again.
func (s *Stream) Done() error { return s.send("done", []byte("done")) }

func (s *Stream) send(event string, data []byte) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "event: %s\n", event)
	data = bytes.ReplaceAll(data, []byte("\r"), nil) // it would end a line, and with it the data
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		fmt.Fprintf(&out, "data: %s\n", line)
	}
	out.WriteString("\n")
	_ = s.flusher.SetWriteDeadline(time.Now().Add(patience)) // where there is none the connection lasts as long as it does
	if _, err := s.w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("sending a part of a page: %w", err)
	}
	if err := s.flusher.Flush(); err != nil {
		return fmt.Errorf("sending a part of a page: %w", err)
	}
	return nil
}
