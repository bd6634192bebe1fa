// Package scenario holds cxm to the hard scenarios: what goes wrong between a
// finding and its issue in real life, one test each, end to end: the real
// program against a real HTTP server, on every database, with real processes
// that are really killed. It has no code of its own.
//
// What always holds: every scenario is judged by what GitLab has in the end,
// not by what cxm believes; the doc comment of each test says in plain words
// what happens and what is expected, and docs/reliability.md is made of these
// comments and of nothing else (UPDATE=1 go test ./internal/scenario -run Table).
package scenario
