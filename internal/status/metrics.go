package status

import (
	"context"
	"slices"
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
	e := emitter{out: out}
	e.put("cxm_build_info", "1, labelled with the version that runs.", 1, pair{"version", r.Version})
	e.queue(r)
	for _, t := range r.Tenants {
		e.tenant(t)
	}
}

// tenant tells of one tenant, with its name on everything.
func (e emitter) tenant(t Tenant) {
	e.common = []pair{{"tenant", t.Name}}
	e.tokens(t)
	e.numbers(t)
	for _, s := range t.Scopes {
		e.put("cxm_snapshot_last_timestamp_seconds", "When a source last delivered, by whether the delivery was complete.", float64(s.At.Unix()),
			pair{"source", s.Source}, pair{"scope", s.Scope}, pair{"complete", strconv.FormatBool(s.Complete)})
	}
	for _, w := range t.Whole {
		e.put("cxm_snapshot_complete_timestamp_seconds", "When a scope was last delivered complete: absence is told from that.", float64(w.At.Unix()), pair{"source", w.Source}, pair{"scope", w.Scope})
	}
	for _, b := range t.Breakers {
		open := 0.0
		if b.Open {
			open = 1
		}
		e.put("cxm_breaker_open", "1 while cxm leaves what is called alone, since it only fails.", open, pair{"integration", strconv.FormatInt(b.Integration, 10)}, pair{"target", b.Target})
	}
}

// numbers tells how much there is.
func (e emitter) numbers(t Tenant) {
	for _, c := range t.Issues {
		e.put("cxm_issues", "Issues that cxm keeps, by state.", float64(c.Number), pair{"state", c.Of})
	}
	for _, c := range t.Findings {
		e.put("cxm_findings", "Findings that are present, by kind, and those proved absent.", float64(c.Number), pair{"of", c.Of})
	}
	for _, a := range t.Savings {
		e.put("cxm_savings_estimated_monthly", "What present findings would save in a month; one resource counts once.", a.Float, pair{"currency", a.Currency})
	}
	for _, s := range t.States {
		e.put("cxm_savings_per_month", "What can be saved in a month (open), of it what is being worked on (working), and what became of the rest, as the overview says; one resource counts once in a state.", s.Float, pair{"currency", s.Currency}, pair{"state", s.State})
	}
	e.put("cxm_deliveries_waiting", "Deliveries accepted and not taken in yet.", float64(t.Queue.Deliveries))
	e.put("cxm_deliveries_refused", "Deliveries that cannot be taken in, kept for a person to look at.", float64(t.Queue.Refused))
	e.put("cxm_runs_waiting_approval", "Runs that a brake holds until somebody approves them.", float64(t.Queue.Approvals))
	e.put("cxm_troubles", "What is left alone for a while, or waits for somebody; the page says what.", float64(len(t.Troubles)))
}

type pair struct{ name, value string }

type emitter struct {
	out    chan<- prometheus.Metric
	common []pair // labels of everything
}

func (e emitter) put(name, help string, value float64, labels ...pair) {
	var names, values []string
	for _, l := range append(slices.Clone(e.common), labels...) {
		names, values = append(names, l.name), append(values, l.value)
	}
	e.out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), prometheus.GaugeValue, value, values...)
}

// queue tells of the jobs. Of a kind of which none waits the age is 0, so that
// "none waits" is another thing than "not known".
func (e emitter) queue(r Report) {
	kinds := map[string]time.Duration{}
	for _, j := range r.Jobs {
		kinds[j.Kind] = r.Oldest[j.Kind]
		e.put("cxm_queue_jobs", "Jobs by kind and state; those that ended are counted for as long as they are kept, a day or a week.", float64(j.Number), pair{"kind", j.Kind}, pair{"state", j.State})
	}
	for kind, age := range kinds {
		e.put("cxm_queue_oldest_job_age_seconds", "How long the oldest job of a kind has waited, a pull for deliveries; 0: none waits.", age.Seconds(), pair{"kind", kind})
	}
}

// tokens tells of each token how long it still works. One that never expires has
// no such metric, rather than one that could be taken for 0.
func (e emitter) tokens(of Tenant) {
	for _, t := range of.Tokens {
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
