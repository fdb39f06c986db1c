#!/usr/bin/env bash
# Installs Schemathesis for the tests into a Python environment of its own, outside the clone, and prints its interpreter.
set -euo pipefail

version=4.32.5
home=${XDG_CACHE_HOME:-$HOME/.cache}/switchboard-schemathesis-$version
if [ ! -e "$home/ready" ]; then
  rm -rf "$home"
  python3 -m venv "$home"
  "$home/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version"
  touch "$home/ready"
fi
echo "$home/bin/python"
