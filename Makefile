# Everything this project does with itself. CI runs `make check` and `make test`
# (.ci/run); a clean clone needs nothing but Go and make.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# What `cxm version` says: the tag, or the commit, or "dev" outside git.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# More flags for go test, such as TESTFLAGS='-run TestPlan -v'.
TESTFLAGS ?=

# SQLite is C, translated to Go, in memory of its own that the race detector does not
# look at: to instrument it finds nothing, and takes longer than all of cxm does. The
# driver around it is instrumented, as everything else is.
UNSEEN := -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false

# Tools have modules of their own, so that what they need is no part of what
# cxm needs. Go builds them once and keeps them in its cache.
LINT := go tool -modfile=tools/golangci-lint/go.mod golangci-lint
SQLC := go tool -modfile=tools/sqlc/go.mod sqlc
SQLC_CONFIG := internal/store/sqlc.yaml

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build ./build/cxm, one static binary
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o build/cxm ./cmd/cxm

.PHONY: demo
demo: build ## Build, and play the story against a sandbox GitLab on this machine
	./build/cxm demo

.PHONY: test
test: ## Run every test with the race detector; install what the tests need
	scripts/need.sh compiler postgresql chromium python
	CGO_ENABLED=1 go test -race $(UNSEEN) -timeout 20m $(TESTFLAGS) ./...

.PHONY: bench
bench: ## Measure, print the table of numbers, write build/bench.json
	go run ./internal/bench

# More flags for make chaos, such as CHAOSFLAGS='-seed 7 -v'.
CHAOSFLAGS ?=

.PHONY: chaos
chaos: ## Let everything go wrong for about five minutes, then compare what GitLab recorded with what must be
	go run ./internal/chaos $(CHAOSFLAGS)

# More flags for make load, such as LOADFLAGS='-seconds 30 -postgres'.
LOADFLAGS ?=

.PHONY: load
load: ## Send events to the real program, kill it, restore it, restart it; then compare what it answered for with what it knows
	go run ./internal/load $(LOADFLAGS)

.PHONY: generate
generate: ## Write generated code again
	$(SQLC) generate -f $(SQLC_CONFIG)

.PHONY: check
check: format vet lint fresh tidy vuln ## Run every check that is not a test; CI runs this

.PHONY: format
format: ## Fail when gofmt would change a file
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then printf 'not formatted (make fmt mends it):\n%s\n' "$$unformatted" >&2; exit 1; fi

.PHONY: vet
vet: ## Run go vet
	go vet ./...

.PHONY: lint
lint: ## Run the linters; .golangci.yml says which and why
	$(LINT) run ./...

.PHONY: fresh
fresh: ## Fail when generated code is not what `make generate` would write
	$(SQLC) diff -f $(SQLC_CONFIG)

.PHONY: tidy
tidy: ## Fail when a go.mod is not tidy
	scripts/tidy.sh

.PHONY: vuln
vuln: ## Look for known vulnerabilities; skipped where their database cannot be reached
	scripts/vuln.sh

.PHONY: fmt
fmt: ## Format every file and its imports
	$(LINT) fmt ./...

.PHONY: fix
fix: ## Let the linters mend what they can
	$(LINT) run --fix ./...

.PHONY: clean
clean: ## Remove what was built
	rm -rf build
