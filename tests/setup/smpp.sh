#!/usr/bin/env bash
# Installs smpp34, an SMPP centre, for the tests into a Python environment of its own, outside the clone, and prints its interpreter.
set -euo pipefail

version=1.5.0
home=${XDG_CACHE_HOME:-$HOME/.cache}/switchboard-smpp34-$version
if [ ! -e "$home/ready" ]; then
  rm -rf "$home"
  python3 -m venv "$home"
  "$home/bin/pip" install --quiet --disable-pip-version-check "smpp34==$version"
  touch "$home/ready"
fi
echo "$home/bin/python"
