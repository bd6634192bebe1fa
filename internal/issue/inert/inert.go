// Package inert writes foreign text so that GitLab shows it and does nothing
// with it: as prose, as code, as a link, as a part of a title.
//
// What always holds for what Inline, Cell, Code, Fence, Link and Title write, of
// any text at all: no quick action runs, nobody is mentioned, nothing is referred
// to, no markup takes effect, and no marker of cxm's comes to be. Sizes are
// bounded. The package knows no finding and no issue.
// docs/decisions/0005-text-is-text.md says how and why.
package inert
