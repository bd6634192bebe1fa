package serve

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// readyWithin is how long all parts have to say whether they are ready.
const readyWithin = 3 * time.Second

// Part is one of the things that must be well for a program to be ready.
type Part struct {
	Name  string
	Check func(context.Context) error // nil: it is ready
}

// Health answers whether the program is up, and whether it is ready for work.
type Health struct {
	parts    []Part
	log      *slog.Logger
	stopping atomic.Bool
}

// NewHealth is ready when all parts are. Why one is not is logged, and not told to
// whoever asks.
func NewHealth(log *slog.Logger, parts ...Part) *Health {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Health{parts: parts, log: log}
}

// Stop makes it not ready for good, before the program ends.
func (h *Health) Stop() { h.stopping.Store(true) }

// Mounts are /healthz, which says that the process answers, and /readyz.
func (h *Health) Mounts() []Mount {
	return []Mount{
		{Pattern: "GET /healthz", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			tell(w, http.StatusOK, report{Status: "ok"})
		})},
		{Pattern: "GET /readyz", Handler: http.HandlerFunc(h.ready)},
	}
}

// report is what is answered.
type report struct {
	Status string            `json:"status"` // ok, not ready or stopping
	Parts  map[string]string `json:"parts,omitempty"`
}

func (h *Health) ready(w http.ResponseWriter, r *http.Request) {
	if h.stopping.Load() {
		tell(w, http.StatusServiceUnavailable, report{Status: "stopping"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	out, status := report{Status: "ok", Parts: map[string]string{}}, http.StatusOK
	for _, p := range h.parts {
		out.Parts[p.Name] = "ok"
		if err := p.Check(ctx); err != nil {
			out.Parts[p.Name], out.Status, status = "not ready", "not ready", http.StatusServiceUnavailable
			h.log.WarnContext(ctx, "cxm is not ready", "part", p.Name, "error", err)
		}
	}
	tell(w, status, out)
}

func tell(w http.ResponseWriter, status int, what report) {
	text, err := json.Marshal(what)
	if err != nil {
		status = http.StatusInternalServerError // texts always marshal
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a caller that is gone needs no answer
}
