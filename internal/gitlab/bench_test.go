package gitlab_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cxm/internal/gitlab"
	"cxm/internal/issue"
	"cxm/internal/sandbox"
)

// BenchmarkCreates makes 1,000 issues with 16 workers at 20 ms of latency and
// prints how much longer that takes than N*L/c, the time that nothing can beat.
func BenchmarkCreates(b *testing.B) {
	const n, latency, workers = 1000, 20 * time.Millisecond, 16
	for name, h := range map[string]func(*testing.B) (string, *gitlab.Client, int64){
		"plain server": plainServer(latency),
		"sandbox": func(b *testing.B) (string, *gitlab.Client, int64) {
			w := newWorld(b, sandbox.Options{Latency: latency})
			return w.url, w.client(), w.project
		},
	} {
		b.Run(name, func(b *testing.B) {
			_, c, project := h(b)
			createAll(b, c, project, workers) // opens the connections
			for b.Loop() {
				began := time.Now()
				createAll(b, c, project, n)
				floor := n * latency / workers
				b.ReportMetric(float64(time.Since(began))/float64(floor), "x-of-N*L/c")
			}
		})
	}
}

func plainServer(latency time.Duration) func(*testing.B) (string, *gitlab.Client, int64) {
	return func(b *testing.B) (string, *gitlab.Client, int64) {
		url := serve(b, func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(latency)
			sendIssue(w, http.StatusCreated, 1)
		})
		return url, client(b, url), 7
	}
}

// BenchmarkLook reads 1,000 changed issues of 4 KB each and prints the time for
// one of them.
func BenchmarkLook(b *testing.B) {
	tr := &tracker{updated: map[int64]time.Time{}, keyset: true}
	for iid := range int64(1000) {
		tr.updated[iid+1] = someday.Add(time.Duration(iid) * time.Second)
	}
	padded := func(w http.ResponseWriter, r *http.Request) {
		tr.ServeHTTP(&padding{ResponseWriter: w, with: strings.Repeat("text ", 800)}, r)
	}
	c := within(b, padded)
	var sweep issue.Sweep
	for b.Loop() {
		var err error
		if sweep, err = c.Look(b.Context(), 7, time.Time{}); err != nil || len(sweep.Issues) != 1000 {
			b.Fatal(len(sweep.Issues), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/issue")
}

// padding makes every description longer.
type padding struct {
	http.ResponseWriter
	with string
}

func (p *padding) Write(body []byte) (int, error) {
	return p.ResponseWriter.Write([]byte(strings.ReplaceAll(string(body), `"description":"d"`, `"description":"`+p.with+`"`)))
}
