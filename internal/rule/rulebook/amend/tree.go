package amend

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// decoded is what is read from a file, in its order.
func decoded(text string) (yaml.MapSlice, error) {
	var out yaml.MapSlice
	err := yaml.UnmarshalWithOptions([]byte(plain(text)), &out, yaml.UseOrderedMap())
	return out, err
}

// plain is a text as the parser of rules reads it.
func plain(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
}

// value is what stands behind a key; nil: the key is not there.
func value(m yaml.MapSlice, key string) any {
	for _, each := range m {
		if each.Key == key {
			return each.Value
		}
	}
	return nil
}

// set is m with another value behind a key, at its end where it was not there.
func set(m yaml.MapSlice, key string, to any) yaml.MapSlice {
	for i, each := range m {
		if each.Key == key {
			m[i].Value = to
			return m
		}
	}
	return append(m, pair(key, to))
}

// under changes the mapping behind a key.
func under(m yaml.MapSlice, key string, change func(yaml.MapSlice) yaml.MapSlice) yaml.MapSlice {
	old, _ := value(m, key).(yaml.MapSlice)
	return set(m, key, change(old))
}

// within changes the list behind a key.
func within(m yaml.MapSlice, key string, change func([]any) []any) yaml.MapSlice {
	old, _ := value(m, key).([]any)
	return set(m, key, change(old))
}

// links changes the chain.
func links(own yaml.MapSlice, change func([]any) []any) yaml.MapSlice {
	return within(own, "chain", change)
}

// copied is a tree that may be changed.
func copied(m yaml.MapSlice) yaml.MapSlice {
	out, _ := clone(m).(yaml.MapSlice)
	return out
}

func clone(v any) any {
	switch v := v.(type) {
	case yaml.MapSlice:
		out := make(yaml.MapSlice, len(v))
		for i, each := range v {
			out[i] = yaml.MapItem{Key: each.Key, Value: clone(each.Value)}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, each := range v {
			out[i] = clone(each)
		}
		return out
	}
	return v
}

// sorted is a tree whose order of keys does not matter where it does not to the
// rules: everywhere but in who owns what, where the first that fits counts.
func sorted(m yaml.MapSlice) yaml.MapSlice {
	out, _ := arranged(m, "").(yaml.MapSlice)
	return out
}

func arranged(v any, key string) any {
	switch v := v.(type) {
	case yaml.MapSlice:
		out := make(yaml.MapSlice, len(v))
		for i, each := range v {
			out[i] = yaml.MapItem{Key: each.Key, Value: arranged(each.Value, fmt.Sprint(each.Key))}
		}
		if key != "owners" {
			slices.SortFunc(out, func(a, b yaml.MapItem) int { return strings.Compare(fmt.Sprint(a.Key), fmt.Sprint(b.Key)) })
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, each := range v {
			out[i] = arranged(each, "")
		}
		return out
	}
	return v
}
