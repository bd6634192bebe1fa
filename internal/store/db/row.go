package db

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// ErrNotFound says that the tenant has no such row.
var ErrNotFound = errors.New("not found")

// Encode writes what a column of JSON holds: the same text for the same value.
func Encode(v any) (string, error) {
	text, err := json.Marshal(v, json.Deterministic(true), json.FormatNilSliceAsNull(true), json.FormatNilMapAsNull(true))
	return string(text), err
}

// Decode reads what Encode wrote; what says which column of which row.
func Decode(text string, into any, what string, id any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("the %s of %v in the database cannot be read: %w", what, id, err)
	}
	return nil
}
