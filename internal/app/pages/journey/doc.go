// Package journey goes through the pages as people do: with a real browser, cxm as
// it serves, and a sandbox GitLab.
//
// It has only tests. Every test has a browser profile and an installation of its own.
package journey
