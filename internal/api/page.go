package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"

	"cxm/internal/api/door"
)

// Cursor is the last row of a page. The zero value stands before the first row, and
// is what the last page ends with.
type Cursor struct {
	ID    int64
	Worth int64  // of a list by worth
	Key   string // of a list by key
}

// Slice is which rows of a list: Size of them behind After.
type Slice struct {
	After Cursor
	Size  int
}

// Paging is what every list is asked.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many at most."`
	Cursor string `query:"cursor" maxLength:"400" doc:"Where the page begins: next of the page before, with the same filters. Empty: at the beginning."`
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T     `json:"items" nullable:"false"`
	Next  *string `json:"next" doc:"The cursor of the next page; null: this is the last one."`
}

// listed is the answer of a list.
type listed[T any] struct {
	Link string `header:"Link" doc:"The address of the next page, with rel=next; absent: this is the last one."`
	Body Page[T]
}

// slice is the page that is asked for of a list with filters. A cursor of another
// list, or with other filters, is refused.
func (p Paging) slice(ctx context.Context, filters any) (Slice, error) {
	s := Slice{Size: p.Limit}
	if p.Cursor == "" {
		return s, nil
	}
	var ok bool
	if s.After, ok = openCursor(p.Cursor, place(ctx, filters)); !ok {
		detail := "this is not the cursor of a page of this list with these filters: begin at the first page, without a cursor"
		return s, &door.Problem{Status: http.StatusBadRequest, Detail: detail, Errors: []door.Place{{Message: detail, Location: "query.cursor"}}}
	}
	return s, nil
}

// page is the answer.
func page[T any](ctx context.Context, p Paging, filters any, items []T, next Cursor) *listed[T] {
	out := &listed[T]{Body: Page[T]{Items: items}}
	if items == nil {
		out.Body.Items = []T{}
	}
	if next != (Cursor{}) {
		text := next.seal(place(ctx, filters))
		out.Body.Next = &text
		at := *door.From(ctx).URL
		query := at.Query()
		query.Set("cursor", text)
		query.Set("limit", strconv.Itoa(p.Limit))
		out.Link = fmt.Sprintf("<%s?%s>; rel=\"next\"", at.EscapedPath(), query.Encode())
	}
	return out
}

// whole is the answer of a list that is not paged any further.
func whole[T any](items []T) *listed[T] {
	if items == nil {
		items = []T{}
	}
	return &listed[T]{Body: Page[T]{Items: items}}
}

// place is the list that a cursor is of.
func place(ctx context.Context, filters any) string {
	g := door.From(ctx)
	return fmt.Sprintf("%q %q %+v", g.Tenant, g.URL.Path, filters)
}

const sumLength = 9

// seal writes a cursor for a list. Nobody is to read it: what it holds is what a row
// is ordered by. Every list asks for its tenant's rows alone, whatever a cursor says.
func (c Cursor) seal(of string) string {
	b := binary.AppendVarint(binary.AppendVarint(nil, c.ID), c.Worth)
	b = append(b, c.Key...)
	return base64.RawURLEncoding.EncodeToString(append(cursorSum(of, b), b...))
}

// openCursor reads what seal wrote for the same list.
func openCursor(text, of string) (Cursor, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) <= sumLength || string(cursorSum(of, raw[sumLength:])) != string(raw[:sumLength]) {
		return Cursor{}, false
	}
	raw = raw[sumLength:]
	id, n := binary.Varint(raw)
	if n <= 0 {
		return Cursor{}, false
	}
	worth, m := binary.Varint(raw[n:])
	if m <= 0 {
		return Cursor{}, false
	}
	return Cursor{ID: id, Worth: worth, Key: string(raw[n+m:])}, true
}

func cursorSum(of string, body []byte) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "cxm page %q %s", of, body))
	return sum[:sumLength]
}
