// Package contract holds the sandbox to what GitLab itself says of its API:
// GitLab's JSON Schemas of the answers, and GitLab's OpenAPI document of paths
// and parameters. It has tests only.
//
// One story drives every route the sandbox serves, and fails for a route it
// forgot. The schemas are the law for answers (`additionalProperties: false`
// is read as a note: the Enterprise Edition adds keys); the OpenAPI document
// is the law for paths and parameters, save where an exception in the tests
// says by name that the document is wrong. Both lie outside the project, in a
// folder `shared` beside it or at $CXM_SHARED; without it the answers are
// driven but not held to anything, and the tests say so.
package contract
