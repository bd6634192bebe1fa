package table

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// TestTable drives a table and a map side by side, in the order of entry.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, numbers := New[[4]byte, int](), map[[4]byte]uint32{}
		for range rapid.IntRange(0, 500).Draw(t, "steps") {
			key := [4]byte{byte(rapid.IntRange(0, 255).Draw(t, "key"))}
			number, known := numbers[key]
			if found, at := table.Find(key); (found != nil) != known || known && (*found != int(number) || at != number) {
				t.Fatalf("%v is %v, known %t as %d", key, found, known, number)
			}
			if !known {
				number = uint32(len(numbers))
				numbers[key] = number
			}
			value, at := table.Enter(key)
			if at != number || *value != 0 && *value != int(number) {
				t.Fatalf("%v has number %d and value %d, not %d", key, at, *value, number)
			}
			*value = int(number)
		}
		if table.Len() != len(numbers) {
			t.Fatalf("%d entries, not %d", table.Len(), len(numbers))
		}
		for key, number := range numbers {
			if got, value := table.At(number); got != key || *value != int(number) {
				t.Fatalf("number %d is %v with %d", number, got, *value)
			}
		}
	})
}

// TestAddressesStay: what was found before the table grew is found after it.
func TestAddressesStay(t *testing.T) {
	const many = 3*perPiece + 1
	table := New[[8]byte, uint32]()
	key := func(i uint32) (k [8]byte) { binary.BigEndian.PutUint32(k[:], i); return k }
	first, _ := table.Enter(key(0))
	for i := range uint32(many) {
		value, _ := table.Enter(key(i))
		*value = i
	}
	*first = 7
	for i := range uint32(many) {
		want := i
		if i == 0 {
			want = 7
		}
		if value, _ := table.Find(key(i)); value == nil || *value != want {
			t.Fatalf("%d is %v, not %d", i, value, want)
		}
	}
	if value, _ := table.Find(key(many)); value != nil {
		t.Error("a key that was never entered is found")
	}
}

func BenchmarkFind(b *testing.B) {
	const many = 1 << 20
	table := New[[32]byte, [20]byte]()
	key := func(i int) (k [32]byte) { binary.BigEndian.PutUint64(k[:], uint64(i)*0x9e3779b97f4a7c15); return k }
	for i := range many {
		table.Enter(key(i))
	}
	b.ResetTimer()
	for i := range b.N {
		if value, _ := table.Find(key(i % many)); value == nil {
			b.Fatal("lost")
		}
	}
}
