// Package browsertest looks at every page in a real browser: its tests are all
// there is of it.
//
// What always holds: one browser serves all tests; without Chromium they say so and
// are skipped, except in CI, where they fail.
package browsertest
