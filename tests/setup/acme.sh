#!/usr/bin/env bash
# Installs acme2certifier, an authority that speaks ACME, for the tests into a Python environment of its own, outside the clone, and prints that
# environment's Python: it runs acme_server.py.
set -euo pipefail

version=0.46.3
home=${XDG_CACHE_HOME:-$HOME/.cache}/switchboard-acme2certifier-$version
exec 9>"${TMPDIR:-/tmp}/switchboard-acme2certifier.lock"
flock 9
if [ ! -e "$home/ready" ]; then
  rm -rf "$home"
  python3 -m venv "$home"
  "$home/bin/pip" install --quiet --disable-pip-version-check "acme2certifier==$version"
  touch "$home/ready"
fi
echo "$home/bin/python"
