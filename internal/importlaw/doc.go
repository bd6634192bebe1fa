// Package importlaw is a test and nothing else: it holds the table of who may
// import whom, and the few rules of the house that a linter does not know.
//
// What always holds: the test reads the source files itself, in its own
// process. A test that asks the go command which packages import which passes
// from go test's cache after the law was broken, since go test cannot know
// what another process read; files that the test opens itself are part of the
// cache's key.
//
// The law is in law_test.go, the checks are in check_test.go, and each case of
// a broken law is a file in testdata.
package importlaw
