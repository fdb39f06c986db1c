#!/usr/bin/env bash
# Installs PESQ (ITU-T P.862 with the mapping of P.862.1) for the tests into a Python environment of its own, outside the clone, and
# prints its interpreter.
set -euo pipefail

version=0.0.4
home=${XDG_CACHE_HOME:-$HOME/.cache}/switchboard-pesq-$version
if [ ! -e "$home/ready" ]; then
  rm -rf "$home"
  python3 -m venv "$home"
  "$home/bin/pip" install --quiet --disable-pip-version-check "numpy==2.2.6" "pesq==$version"
  touch "$home/ready"
fi
echo "$home/bin/python"
