package audit

import (
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Exporter writes a log for others, in a form of its own: Line for each line, in
// the order of the log, then End.
type Exporter interface {
	Line(l Line) error
	End(h Head) error
}

// NewJSONL writes JSON Lines: the keys, the seals, each line with the anchor over
// it behind it, and at last the head. Each is canonical JSON; a line without its
// hash is what the hash is of.
func NewJSONL(w io.Writer, log Log) (Exporter, error) {
	e := &jsonl{w: w, anchors: map[int64]Anchor{}}
	for _, id := range slices.Sorted(maps.Keys(log.Keys)) {
		if err := e.write(map[string]any{"type": "key", "key": id, "algorithm": "Ed25519", "public": base64.StdEncoding.EncodeToString(log.Keys[id].Public)}); err != nil {
			return nil, err
		}
	}
	for _, s := range log.Seals {
		if err := e.signed(s.text(), s.Signature); err != nil {
			return nil, err
		}
	}
	for _, a := range log.Anchors {
		e.anchors[a.Sequence] = a
	}
	return e, nil
}

type jsonl struct {
	w       io.Writer
	anchors map[int64]Anchor
}

func (e *jsonl) write(v map[string]any) error {
	text, err := canonical(v)
	if err == nil {
		_, err = e.w.Write(append(text, '\n'))
	}
	return err
}

// signed writes what was signed, and the signature in it.
func (e *jsonl) signed(text, signature []byte) error {
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	v["signature"] = base64.StdEncoding.EncodeToString(signature)
	return e.write(v)
}

// Line writes a line, and the anchor over it.
func (e *jsonl) Line(l Line) error {
	text, err := l.Encode()
	if err != nil {
		return fmt.Errorf("line %d: %w", l.Sequence, err)
	}
	if _, err := e.w.Write(append(text, '\n')); err != nil {
		return err
	}
	if a, ok := e.anchors[l.Sequence]; ok {
		return e.signed(a.text(), a.Signature)
	}
	return nil
}

// End writes the head.
func (e *jsonl) End(h Head) error { return e.write(h.values()) }

func (h Head) values() map[string]any {
	return map[string]any{"type": "head", "tenant": h.Tenant, "sequence": h.Sequence, "hash": h.Hash.String(), "at": h.At.UTC().Format(layout)}
}

// Encode is the head as it is kept outside of the database.
func (h Head) Encode() []byte {
	text, _ := canonical(h.values()) // of texts and a number alone
	return append(text, '\n')
}

// ReadHead reads the head at the end of an export, or of what Encode gave.
func ReadHead(text []byte) (Head, error) {
	at := strings.LastIndex(strings.TrimRight(string(text), "\n"), "\n") + 1
	var v struct {
		Type     string `json:"type"`
		Tenant   string `json:"tenant"`
		Sequence int64  `json:"sequence"`
		Hash     string `json:"hash"`
		At       string `json:"at"`
	}
	if err := json.Unmarshal(text[at:], &v); err != nil || v.Type != "head" {
		return Head{}, fmt.Errorf("it does not end with the head of an audit log: name a file that `cxm audit export --format jsonl` wrote to its end")
	}
	hash, err := ParseHash(v.Hash)
	if err != nil {
		return Head{}, err
	}
	when, err := time.Parse(layout, v.At)
	return Head{Tenant: v.Tenant, Sequence: v.Sequence, Hash: hash, At: when}, err
}

// NewCSV writes a table with a line of titles: for reading, not for proving.
func NewCSV(w io.Writer) (Exporter, error) {
	e := &table{csv: csv.NewWriter(w)}
	return e, e.csv.Write([]string{
		"sequence", "at", "actor_kind", "actor", "action", "object_kind", "object_id", "object", "before", "after", "why", "run", "request", "previous", "hash",
	})
}

type table struct{ csv *csv.Writer }

// Line writes a row.
func (e *table) Line(l Line) error {
	row := []string{
		strconv.FormatInt(l.Sequence, 10), l.At.UTC().Format(layout), string(l.Actor.Kind), l.Actor.Name, l.Action, l.Object.Kind, l.Object.ID, l.Object.Name,
		string(l.Before.kept()), string(l.After.kept()), l.Why, strconv.FormatInt(l.Run, 10), l.Request, l.Previous.String(), l.Hash.String(),
	}
	for i := range row {
		row[i] = cell(row[i])
	}
	return e.csv.Write(row)
}

// cell is a text that no spreadsheet takes for a formula: what begins like one
// gets an apostrophe (OWASP, CSV injection).
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(text)[0]) {
		return "'" + text
	}
	return text
}

// End writes what is left.
func (e *table) End(Head) error {
	e.csv.Flush()
	return e.csv.Error()
}
