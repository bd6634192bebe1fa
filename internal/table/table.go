// Package table is a map for millions of small values: some bytes a value beside
// key and value, in pieces of one size that are never copied.
//
// What always holds: values stand in the order in which they were entered; their
// numbers and addresses never change; where a key stands is nothing that whoever
// chooses keys can choose. Keys and values without pointers cost the garbage
// collector nothing, which is what it is for: a map takes half as much again,
// and twice that while it grows.
package table

import "hash/maphash"

// Table is a map from keys to values. Make one with New.
type Table[K comparable, V any] struct {
	seed   maphash.Seed
	slots  []uint32      // number of an entry plus one; 0 is free; a power of two of them
	first  []entry[K, V] // the first few, since most tables have no more
	pieces [][]entry[K, V]
	length int
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// How many entries stand together: the first, and those that follow.
const (
	few      = 1 << 5
	perPiece = 1 << 12
)

// New is an empty table.
func New[K comparable, V any]() *Table[K, V] {
	return &Table[K, V]{seed: maphash.MakeSeed(), slots: make([]uint32, 1<<6)}
}

// Len is the number of entries.
func (t *Table[K, V]) Len() int { return t.length }

// Find is the value of a key and its number; nil: there is none.
func (t *Table[K, V]) Find(key K) (value *V, number uint32) {
	n := t.slots[t.slot(key)]
	if n == 0 {
		return nil, 0
	}
	return &t.entry(n - 1).value, n - 1
}

// Enter is the value of a key, and its number, counted from 0. A key that is new
// gets the zero value.
func (t *Table[K, V]) Enter(key K) (value *V, number uint32) {
	slot := t.slot(key)
	if n := t.slots[slot]; n != 0 {
		return &t.entry(n - 1).value, n - 1
	}
	if 4*(t.length+1) > 3*len(t.slots) {
		t.widen()
		slot = t.slot(key)
	}
	number = uint32(t.length)
	last := t.last()
	*last = append(*last, entry[K, V]{key: key})
	t.length++
	t.slots[slot] = number + 1
	return &t.entry(number).value, number
}

// last is the piece that the next entry goes into, which has room for it.
func (t *Table[K, V]) last() *[]entry[K, V] {
	if t.length < few {
		if t.first == nil {
			t.first = make([]entry[K, V], 0, few)
		}
		return &t.first
	}
	if (t.length-few)%perPiece == 0 {
		t.pieces = append(t.pieces, make([]entry[K, V], 0, perPiece))
	}
	return &t.pieces[len(t.pieces)-1]
}

// At is the entry with a number.
func (t *Table[K, V]) At(number uint32) (K, *V) {
	e := t.entry(number)
	return e.key, &e.value
}

func (t *Table[K, V]) entry(number uint32) *entry[K, V] {
	if number < few {
		return &t.first[number]
	}
	number -= few
	return &t.pieces[number/perPiece][number%perPiece]
}

// slot is where a key stands in slots, or where it would.
func (t *Table[K, V]) slot(key K) int {
	last := len(t.slots) - 1
	for i := int(maphash.Comparable(t.seed, key)) & last; ; i = (i + 1) & last {
		if number := t.slots[i]; number == 0 || t.entry(number-1).key == key {
			return i
		}
	}
}

// widen doubles the slots.
func (t *Table[K, V]) widen() {
	t.slots = make([]uint32, 2*len(t.slots))
	for number := range uint32(t.length) {
		t.slots[t.slot(t.entry(number).key)] = number + 1
	}
}
