#!/usr/bin/env bash
# Fails when go.mod or go.sum of any module here is not what go mod tidy would
# make of it, and shows the difference.
set -euo pipefail

untidy=0
while read -r gomod; do
	dir=$(dirname "$gomod")
	if ! go -C "$dir" mod tidy -diff; then
		printf 'tidy: %s is not tidy: run go -C %s mod tidy\n' "$gomod" "$dir" >&2
		untidy=1
	fi
done < <(find . -name go.mod -not -path './build/*' -not -path '*/testdata/*' | sort)
exit "$untidy"
