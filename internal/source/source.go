// Package source reads findings: what a cloud or a tool wrote becomes a stream
// of normalised finding.Finding values.
//
// What always holds: input is hostile until read, so every fault of it is a
// *RecordError that names file, record, field and mend, never a panic; a
// finding's key depends only on the tuple its format declares; unknown amounts
// stay unknown; every finding that leaves the package passes Validate; memory
// does not grow with the input but for a few bytes a key.
package source

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"cxm/internal/finding"
	"cxm/internal/source/record"
)

// Type names a format that findings come in, as people spell it on the command
// line.
type Type string

// The formats.
const (
	// CostOptimizationHub is AWS Cost Optimization Hub: the JSON of
	// list-recommendations, or the CSV of its Data Export, gzip or not.
	CostOptimizationHub Type = "aws-cost-optimization-hub"
	// Alertmanager is Prometheus Alertmanager's webhook, version 4, and
	// Grafana's dialect of it.
	Alertmanager Type = "alertmanager"
	// CloudEvents is CloudEvents 1.0 in JSON, structured or batch.
	CloudEvents Type = "cloudevents"
)

// Types lists the formats, sorted.
func Types() []Type { return []Type{Alertmanager, CostOptimizationHub, CloudEvents} }

// ParseType finds the format of that name. The error lists the formats and
// suggests the nearest.
func ParseType(text string) (Type, error) {
	var names []string
	for _, t := range Types() {
		if string(t) == text {
			return t, nil
		}
		names = append(names, string(t))
	}
	return "", fmt.Errorf("%.40q is not a source type%s: use one of %s", text, record.Suggest(text, names), strings.Join(names, ", "))
}

// Delivery says what the absence of a finding means.
type Delivery string

// The deliveries.
const (
	Snapshots Delivery = "snapshots" // all that is open in a scope: absence in a complete one says something
	Events    Delivery = "events"    // this fires, this is resolved: absence says nothing
)

// Delivery is how the format delivers its findings.
func (t Type) Delivery() Delivery {
	if t == CostOptimizationHub {
		return Snapshots
	}
	return Events
}

// label is how people call the format.
func (t Type) label() string {
	switch t {
	case CostOptimizationHub:
		return "AWS Cost Optimization Hub"
	case Alertmanager:
		return "Alertmanager's webhook"
	}
	return "CloudEvents"
}

// Input is one file. Several inputs of a Read are the pages of one snapshot.
type Input struct {
	Name   string // shown in errors
	Reader io.Reader
}

// Options say what the data does not.
type Options struct {
	Currency   string    // of amounts that come without one, which then have CurrencyAssumed; "" is USD
	Instance   string    // which installation of the source this is (SourceInstance); "" takes it from the data
	IncludeAll bool      // Cost Optimization Hub was listed with include-all-recommendations: ActionType joins the key
	Now        time.Time // when the input was read (LastObservedAt)
	MaxRecord  int64     // bytes of text a record may have; 0 is 1 MiB
	Own        bool      `json:"-"` // cxm itself reports it: nobody else tells of what waits
}

// Skip is a record that made no finding, and why.
type Skip struct {
	File   string      `json:"file"`
	Record string      `json:"record,omitzero"` // its place: a JSON pointer or a line
	Reason string      `json:"reason"`
	Key    finding.Key `json:"key,omitzero"`
}

// Summary is what is known when all inputs are read.
type Summary struct {
	Complete bool     // everything the source had to say was in the inputs
	Reasons  []string // why it is not complete; empty when it is
	Findings int      // distinct keys
	Skipped  []Skip   // at most 10,000 and then one that counts the rest
}

// RecordError is a fault of the input: every error of Read is one, unless it
// came from yield or is about the options.
type RecordError = record.Error

// Read reads the inputs and yields their findings one at a time, in the order
// of the inputs.
//
// The Finding is valid only during the call: a shallow copy of it may be kept.
// A key that is yielded again replaces what was yielded before: in snapshots
// because a record with larger savings came later (rule R1: the smaller one is
// in Skipped), in events because it is the newer state. An error from yield
// ends the reading and is returned as it is. After an error nothing of what
// was yielded may be kept: the input was not what it should be.
func Read(t Type, inputs []Input, o Options, yield func(f *finding.Finding) error) (Summary, error) {
	r, err := newReader(t, o, yield)
	if err != nil {
		return Summary{}, err
	}
	if len(inputs) == 0 {
		return Summary{}, errors.New("no file to read: name at least one, or - for standard input")
	}
	for _, in := range inputs {
		if err := r.file(in); err != nil {
			return Summary{}, err
		}
	}
	return r.summary(), nil
}
