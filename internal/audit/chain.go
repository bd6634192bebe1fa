package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// layout is how a line writes a time: of one width, in UTC.
const layout = "2006-01-02T15:04:05.000000Z"

// Hash is a SHA-256, in hex digits when people or files see it. The zero one
// stands before the first line.
type Hash [sha256.Size]byte

// String is 64 hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads 64 hex digits, small ones; nothing is the zero hash.
func ParseHash(text string) (Hash, error) {
	var h Hash
	if text == "" {
		return h, nil
	}
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(h) || hex.EncodeToString(raw) != text {
		return h, fmt.Errorf("a hash in the audit log is not 64 hex digits")
	}
	return Hash(raw), nil
}

// record is a line as JSON: its fields in the order that canonical JSON has.
type record struct {
	Action   string         `json:"action"`
	Actor    named          `json:"actor"`
	After    jsontext.Value `json:"after"`
	At       string         `json:"at"`
	Before   jsontext.Value `json:"before"`
	Hash     string         `json:"hash,omitempty"`
	Object   named          `json:"object"`
	Previous string         `json:"previous"`
	Request  string         `json:"request"`
	Run      int64          `json:"run"`
	Sequence int64          `json:"sequence"`
	Tenant   string         `json:"tenant"`
	Type     string         `json:"type"`
	Why      string         `json:"why"`
}

type named struct {
	ID   string `json:"id,omitempty"`
	Kind string `json:"kind"`
	Name string `json:"name"`
}

func (l Line) record() record {
	return record{
		Action: l.Action, Actor: named{Kind: string(l.Actor.Kind), Name: l.Actor.Name},
		After: jsontext.Value(l.After.kept()), At: l.At.UTC().Format(layout), Before: jsontext.Value(l.Before.kept()),
		Object: named{ID: l.Object.ID, Kind: l.Object.Kind, Name: l.Object.Name}, Previous: l.Previous.String(), Request: l.Request, Run: l.Run,
		Sequence: l.Sequence, Tenant: l.Tenant, Type: "line", Why: l.Why,
	}
}

// Sum is the hash that the line must have. The error says that it is no line that
// cxm wrote.
func (l Line) Sum() (Hash, error) {
	text, err := canonical(l.record())
	if err != nil {
		return Hash{}, err
	}
	return sha256.Sum256(text), nil
}

// Encode is the line as it is exported: what Sum hashes, and the hash in it.
func (l Line) Encode() ([]byte, error) {
	r := l.record()
	r.Hash = l.Hash.String()
	return canonical(r)
}

// Chain joins lines to those that are there: it numbers and hashes them.
func Chain(last Head, lines []Line) (Head, error) {
	for i, l := range lines {
		l = l.Clean()
		l.Tenant, l.Sequence, l.Previous = last.Tenant, last.Sequence+1, last.Hash
		sum, err := l.Sum()
		if err != nil {
			return last, fmt.Errorf("writing the line %s of the audit log: %w", l.Action, err)
		}
		l.Hash = sum
		last.Sequence, last.Hash = l.Sequence, sum
		lines[i] = l
	}
	return last, nil
}

// Head is the end of a log, as it was at some time.
type Head struct {
	Tenant   string
	Sequence int64 // of the last line; 0: there was none
	Hash     Hash  // of the last line
	Anchored int64 // the sequence of the last anchor; 0: none, or not known
	At       time.Time
}
