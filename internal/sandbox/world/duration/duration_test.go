package duration_test

import (
	"testing"

	"pgregory.net/rapid"

	"cxm/internal/sandbox/world/duration"
)

func TestSeconds(t *testing.T) {
	for text, want := range map[string]int64{
		"1h30m": 5400, "1w 2d": 7 * 8 * 3600, "1mo": 20 * 8 * 3600, "2": 7200, "1.5h": 5400, "-30m": -1800, "90 minutes": 5400, "45s": 45,
	} {
		if got, ok := duration.Seconds(text); got != want || !ok {
			t.Errorf("%s is %d (%v), want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "soon", "1y", "1h soon", "--1h"} {
		if got, ok := duration.Seconds(text); ok {
			t.Errorf("%q is %d, want refused", text, got)
		}
	}
}

func TestHumanIsReadBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.Int64Range(-1e7, 1e7).Filter(func(n int64) bool { return n != 0 }).Draw(rt, "seconds")
		if got, ok := duration.Seconds(duration.Human(n)); got != n || !ok {
			rt.Fatalf("%d is written %q and read %d", n, duration.Human(n), got)
		}
	})
}
