#!/usr/bin/env bash
# The console: console.sh build | test. `build` leaves it in console/dist/www, from where the binary takes it, unless it is there already as
# the sources are; `test` lints, checks types and the generated client, runs the unit tests and builds.
set -euo pipefail

setup=$(cd "$(dirname "$0")" && pwd)
. "$setup/node.sh"
console=$(cd "$setup/../../console" && pwd)
cd "$console"
install_packages "$console"

# What it is built of.
sources() { find index.html package-lock.json vite.config.ts tsconfig.json scripts src public -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum; }
build() {
  if [ "$(sources)" != "$(cat dist/built-of 2>/dev/null)" ]; then
    $npm run --silent build
    sources >dist/built-of
  fi
}

case "${1:-}" in
build) build ;;
test)
  $npm run --silent generate:check
  $npm run --silent lint
  $npm run --silent types
  $npm run --silent test
  build
  ;;
*)
  echo "usage: $0 build|test" >&2
  exit 2
  ;;
esac
