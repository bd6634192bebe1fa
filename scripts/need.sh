#!/usr/bin/env bash
# Sees to it that the machine has what is named, and installs what it lacks:
#
#   scripts/need.sh compiler make
#
# It says what it installs, works as root or through sudo, knows Debian's
# packages (apt-get), and on any other system says what to install by hand.
# A new need is one line in each of the three functions below.
set -euo pipefail

# has NAME: is it there, and does it work?
has() {
	case $1 in
	compiler) printf '#include <stdlib.h>\n' | "$(go env CC)" -E - >/dev/null 2>&1 ;;
	make) command -v make >/dev/null ;;
	python) command -v python3 >/dev/null ;;
	postgresql)
		command -v initdb >/dev/null ||
			[ -x "$(pg_config --bindir 2>/dev/null)/initdb" ] ||
			compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
		;;
	chromium) command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ;;
	*) fail "need.sh does not know '$1'; it knows: chromium compiler make postgresql python" ;;
	esac
}

# packages NAME: Debian's names for it.
packages() {
	case $1 in
	compiler) echo gcc libc6-dev ;;
	python) echo python3 ;;
	make) echo make ;;
	postgresql) echo postgresql ;;
	chromium) echo chromium ;;
	esac
}

# purpose NAME: why this project wants it.
purpose() {
	case $1 in
	compiler) echo "a C compiler, for go test's race detector" ;;
	python) echo "Python, which checks an export of the audit log with nothing of cxm" ;;
	make) echo "make, which runs every target of this project" ;;
	chromium) echo "Chromium, in which tests look at the pages" ;;
	postgresql) echo "PostgreSQL's server, which tests start for themselves (no service is needed)" ;;
	esac
}

fail() {
	printf 'need.sh: %s\n' "$*" >&2
	exit 1
}

# as_root COMMAND...: runs it as root, or says that it cannot.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		fail "installing needs root, and there is no sudo: run as root: $*"
	fi
}

install() {
	local names=("$@")
	command -v apt-get >/dev/null ||
		fail "this system has no apt-get: install ${names[*]} with its own package manager, then try again"
	printf 'need.sh: installing %s\n' "${names[*]}"
	as_root apt-get update -qq || fail "apt-get update failed: check this machine's package sources"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${names[@]}" >/dev/null ||
		fail "apt-get could not install ${names[*]}: install them by hand, then try again"
}

command -v go >/dev/null || fail "this machine has no go: install Go 1.26 or later from https://go.dev/dl/ and put it on PATH"
for name in "$@"; do
	if ! has "$name"; then
		printf 'need.sh: this machine lacks %s\n' "$(purpose "$name")"
		# shellcheck disable=SC2046 # the names are words
		install $(packages "$name")
		has "$name" || fail "$(packages "$name") was installed, but $name still does not work"
	fi
done
