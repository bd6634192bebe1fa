package source

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"cxm/internal/finding"
	"cxm/internal/source/record"
)

// Prometheus Alertmanager's webhook, version "4"
// (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config),
// and Grafana's dialect of it, version "1". A file holds one payload or several,
// one after the other.
//
// Key: am, source instance (the configured name, else externalURL),
// fingerprint. A payload without fingerprints gets the ones Alertmanager gives,
// so that an upgrade of Alertmanager makes no new issues.

// payloadRecords is how many records' worth of text one payload may have. It
// is held in memory and walked twice, because what all alerts need (status,
// externalURL) comes behind them.
const payloadRecords = 16

// payload is what a delivery says beside its alerts.
type payload struct {
	version, status, externalURL string
	truncated                    string // digits
	listed                       bool   // it has a list of alerts
}

// alert is one alert of a payload.
type alert struct {
	status, generatorURL, sum string
	dashboard                 string
	labels, annotations       map[string]string
	starts, ends              time.Time
}

// webhooks reads the payloads of a file.
func (r *reader) webhooks(f *record.File) error {
	if f.Form != record.JSON {
		return f.Fail("", 1, "", errors.New("not JSON: give the body of the webhook as it was sent"))
	}
	d := record.Walk(f, 2)
	for {
		kind, err := d.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if kind == '[' {
			return d.Fail("", errors.New(`a list: the webhook's payload is an object with a list "alerts"`))
		}
		text, err := d.Value()
		if err != nil {
			return err
		}
		if err := d.End(); err != nil {
			return err
		}
		if err := r.payload(d, text); err != nil {
			return err
		}
	}
}

// payload reads one delivery and emits its alerts.
func (r *reader) payload(d *record.Document, text []byte) error {
	var p payload
	envelope := d.Again(text, payloadRecords*r.o.MaxRecord)
	if err := envelope.Object(func(name string) error { return p.member(envelope, name) }); err != nil {
		return err
	}
	if field, err := p.check(); err != nil {
		return envelope.Fail(field, err)
	}
	if p.truncated != "" && p.truncated != "0" {
		r.reasons = append(r.reasons, fmt.Sprintf("%s left out %.20s alerts (truncatedAlerts): raise max_alerts in Alertmanager's webhook_config", r.name(), p.truncated))
	}
	again := d.Again(text, r.o.MaxRecord)
	return again.Object(func(name string) error {
		if name != "alerts" {
			return again.Skip()
		}
		return again.Array(func(i int) error { return r.alert(&p, again, i) })
	})
}

func (p *payload) member(d *record.Document, name string) error {
	d.Begin()
	switch name {
	case "version":
		return d.Text(&p.version)
	case "status":
		return d.Text(&p.status)
	case "externalURL":
		return d.Text(&p.externalURL)
	case "truncatedAlerts":
		return d.Number(&p.truncated)
	case "alerts":
		p.listed = d.Kind() == '['
	}
	return d.Skip()
}

func (a *alert) member(d *record.Document, name string) (err error) {
	switch name {
	case "status":
		return d.Shared(&a.status)
	case "labels":
		a.labels, err = d.Texts()
		return err
	case "annotations":
		a.annotations, err = d.Texts()
		return err
	case "startsAt":
		return d.Time(&a.starts)
	case "endsAt":
		return d.Time(&a.ends)
	case "generatorURL":
		return d.Text(&a.generatorURL)
	case "dashboardURL":
		return d.Text(&a.dashboard)
	case "fingerprint":
		return d.Text(&a.sum)
	}
	return d.Skip()
}

// check refuses what is no payload.
func (p *payload) check() (field string, err error) {
	switch {
	case !p.listed:
		return "alerts", errors.New("missing: a payload of Alertmanager's webhook has a list of alerts")
	case p.version != "" && p.version != "4" && p.version != "1":
		return "version", fmt.Errorf("%.20q is not a version cxm knows: Alertmanager's webhook is version 4, Grafana's is 1", p.version)
	}
	return "", nil
}

// alert reads an alert and makes its finding.
func (r *reader) alert(p *payload, d *record.Document, index int) error {
	var a alert
	d.Begin()
	if err := d.Object(func(name string) error { return a.member(d, name) }); err != nil {
		return err
	}
	if err := d.End(); err != nil {
		return err
	}
	detection, err := a.detection(p.status)
	if err != nil {
		return d.Fail("status", err)
	}
	if a.sum == "" && len(a.labels) == 0 {
		return d.Fail("labels", errors.New("missing: an alert without fingerprint is known by its labels"))
	}
	f := a.finding(detection)
	f.SourceInstance = cmp.Or(r.o.Instance, p.externalURL)
	f.SourceFindingID = cmp.Or(a.sum, fingerprint(a.labels))
	f.FindingKey = finding.NewKey("am", f.SourceInstance, f.SourceFindingID)
	if p.version == "1" {
		f.SourceSystem = "grafana.alerting"
	}
	return r.emit(&f, untimed, index, d)
}

// detection is the alert's own status, else the payload's.
func (a *alert) detection(payload string) (finding.Detection, error) {
	switch status := cmp.Or(a.status, payload); status {
	case "firing":
		return finding.Present, nil
	case "resolved":
		return finding.Absent, nil
	case "":
		return "", errors.New("missing in the alert and in the payload: it must be firing or resolved")
	default:
		return "", fmt.Errorf("%.40q is not a status: it must be firing or resolved", status)
	}
}

// fingerprint is Prometheus' model.LabelSet.Fingerprint: FNV-1a over the sorted
// labels, a 0xFF byte behind every name and value.
func fingerprint(labels map[string]string) string {
	h := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		_, _ = io.WriteString(h, name+"\xff"+labels[name]+"\xff") // a hash does not fail
	}
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, h.Sum64()))
}

// finding is what the alert says, without its identity.
func (a *alert) finding(detection finding.Detection) finding.Finding {
	id, resourceType := resourceOf(a.labels)
	f := finding.Finding{
		Kind: finding.System, FindingClass: finding.SystemAlert, SourceSystem: "prometheus.alertmanager",
		SourceRuleID: a.labels["alertname"], SourceURL: link(a.generatorURL),
		Title: a.title(id), Description: first(a.annotations, "description", "message"), SeverityID: severityNamed(first(a.labels, "severity", "priority")),
		References:   links(a.annotations["runbook_url"], a.annotations["runbook"], a.dashboard),
		SubAccountID: first(a.labels, "account_id", "account"), RegionID: a.labels["region"],
		ResourceID: id, ResourceType: resourceType, Tags: a.labels,
		FirstObservedAt: a.starts, Detection: detection,
	}
	if id != "" {
		f.ResourceAliases = finding.Aliases(id)
	}
	if host, _, port := strings.Cut(id, ":"); port && resourceType == "instance" {
		f.ResourceAliases = finding.Aliases(id, host)
	}
	if detection == finding.Absent {
		f.SourceUpdatedAt = a.ends
	}
	return f
}

// title is the summary, else the alert's name and what it is about.
func (a *alert) title(id string) string {
	if title := record.OneLine(first(a.annotations, "summary", "title")); title != "" {
		return title
	}
	name := record.OneLine(a.labels["alertname"])
	if name == "" {
		name = "Alert " + a.sum
	}
	return record.OneLine(name + on(id))
}

// resourceOf finds the resource in an alert's labels. The first that is there:
// resource_id, arn, instance_id; in Kubernetes, where a namespace is named, the
// workload rather than the pod, as pods come and go, written
// cluster/namespace/kind/name; a node; instance.
func resourceOf(labels map[string]string) (id, resourceType string) {
	for _, name := range [...]string{"resource_id", "arn", "instance_id"} {
		if labels[name] != "" {
			return labels[name], ""
		}
	}
	if namespace := labels["namespace"]; namespace != "" {
		for _, kind := range [...]string{"deployment", "statefulset", "daemonset", "cronjob", "job_name", "persistentvolumeclaim", "horizontalpodautoscaler", "pod"} {
			if name := labels[kind]; name != "" {
				kind = strings.TrimSuffix(kind, "_name")
				return prefixedPath(labels["cluster"], namespace+"/"+kind+"/"+name), kind
			}
		}
	}
	if node := labels["node"]; node != "" {
		return prefixedPath(labels["cluster"], "node/"+node), "node"
	}
	if labels["instance"] != "" {
		return labels["instance"], "instance"
	}
	return "", ""
}

func prefixedPath(cluster, path string) string {
	if cluster == "" {
		return path
	}
	return cluster + "/" + path
}

// severityNamed reads a severity as people write it in labels.
func severityNamed(name string) finding.Severity {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "fatal", "emergency", "disaster":
		return finding.Fatal
	case "critical", "crit", "page", "p1", "sev1":
		return finding.Critical
	case "high", "error", "major", "p2", "sev2":
		return finding.High
	case "medium", "warning", "warn", "moderate", "p3", "sev3":
		return finding.Medium
	case "low", "minor", "p4", "sev4":
		return finding.Low
	case "info", "informational", "information", "notice", "debug", "none", "p5", "sev5":
		return finding.Informational
	}
	return finding.SeverityUnknown
}

// first is the first of the names that has a value.
func first(values map[string]string, names ...string) string {
	for _, name := range names {
		if values[name] != "" {
			return values[name]
		}
	}
	return ""
}

// link is the address if a browser may follow it, else "".
func link(address string) string {
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return address
}

// on is " on " and what follows, or nothing.
func on(id string) string {
	if id == "" {
		return ""
	}
	return " on " + id
}

// links are the addresses that a browser may follow.
func links(addresses ...string) []string {
	var out []string
	for _, address := range addresses {
		if link(address) != "" && !slices.Contains(out, address) {
			out = append(out, address)
		}
	}
	return out
}
