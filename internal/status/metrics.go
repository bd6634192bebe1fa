package status

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// reading is how long a report may take while Prometheus waits.
const reading = 8 * time.Second

// gauges are what a report says, read when Prometheus asks.
type gauges struct{ read Reader }

// Describe implements prometheus.Collector. Which metrics there are depends on
// what there is to tell, so nothing is promised.
func (gauges) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (g gauges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), reading)
	defer cancel()
	r, err := g.read(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(prometheus.NewDesc("cxm_report", "What cxm knows of itself.", nil, nil), err)
		return
	}
	e := emitter{out}
	e.put("cxm_build_info", "1, labelled with the version that runs.", 1, pair{"version", r.Version})
	e.tokens(r)
	for _, c := range r.Issues {
		e.put("cxm_issues", "Issues that cxm keeps, by state.", float64(c.Number), pair{"state", c.Of})
	}
	for _, c := range r.Findings {
		e.put("cxm_findings", "Findings that are present, by kind, and those proved absent.", float64(c.Number), pair{"of", c.Of})
	}
	for _, a := range r.Savings {
		e.put("cxm_savings_estimated_monthly", "What present findings would save in a month; one resource counts once.", a.Float, pair{"currency", a.Currency})
	}
	for _, s := range r.Scopes {
		e.put("cxm_snapshot_last_timestamp_seconds", "When a source last delivered, by whether the delivery was complete.", float64(s.At.Unix()),
			pair{"source", s.Source}, pair{"scope", s.Scope}, pair{"complete", strconv.FormatBool(s.Complete)})
	}
	for _, w := range r.Whole {
		e.put("cxm_snapshot_complete_timestamp_seconds", "When a scope was last delivered complete: absence is told from that.", float64(w.At.Unix()), pair{"source", w.Source}, pair{"scope", w.Scope})
	}
	e.queue(r.Queue)
	for _, b := range r.Breakers {
		open := 0.0
		if b.Open {
			open = 1
		}
		e.put("cxm_breaker_open", "1 while cxm leaves what is called alone, since it only fails.", open, pair{"integration", strconv.FormatInt(b.Integration, 10)}, pair{"target", b.Target})
	}
	e.put("cxm_deliveries_waiting", "Deliveries accepted and not taken in yet.", float64(r.Queue.Deliveries))
	e.put("cxm_deliveries_refused", "Deliveries that cannot be taken in, kept for a person to look at.", float64(r.Queue.Refused))
	e.put("cxm_runs_waiting_approval", "Runs that a brake holds until somebody approves them.", float64(r.Queue.Approvals))
	e.put("cxm_troubles", "What is left alone for a while, or waits for somebody; the page says what.", float64(len(r.Troubles)))
}

type pair struct{ name, value string }

type emitter struct{ out chan<- prometheus.Metric }

func (e emitter) put(name, help string, value float64, labels ...pair) {
	var names, values []string
	for _, l := range labels {
		names, values = append(names, l.name), append(values, l.value)
	}
	e.out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), prometheus.GaugeValue, value, values...)
}

// queue tells of the jobs. Of a kind of which none waits the age is 0, so that
// "none waits" is another thing than "not known".
func (e emitter) queue(q Queue) {
	kinds := map[string]time.Duration{}
	for _, j := range q.Jobs {
		kinds[j.Kind] = q.Oldest[j.Kind]
		e.put("cxm_queue_jobs", "Jobs by kind and state; those that ended are counted for as long as they are kept, a day or a week.", float64(j.Number), pair{"kind", j.Kind}, pair{"state", j.State})
	}
	for kind, age := range kinds {
		e.put("cxm_queue_oldest_job_age_seconds", "How long the oldest job of a kind has waited, a pull for deliveries; 0: none waits.", age.Seconds(), pair{"kind", kind})
	}
}

// tokens tells of each token how long it still works. One that never expires has
// no such metric, rather than one that could be taken for 0.
func (e emitter) tokens(r Report) {
	for _, t := range r.Tokens {
		labels := []pair{{"integration", strconv.FormatInt(t.Integration, 10)}, {"url", t.URL}, {"project", t.Project}}
		works := 0.0
		if t.State == "active" {
			works = 1
		}
		e.put("cxm_token_active", "1 while GitLab accepts the token of the integration.", works, labels...)
		if !t.ExpiresAt.IsZero() {
			e.put("cxm_token_expires_timestamp_seconds", "When the token stops working.", float64(t.ExpiresAt.Unix()), labels...)
		}
	}
}
