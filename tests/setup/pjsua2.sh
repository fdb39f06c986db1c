#!/usr/bin/env bash
# Installs PJSUA2 for the tests into a Python environment of its own, outside the clone, and prints its interpreter.
set -euo pipefail

version=2.15.1.post1
home=${XDG_CACHE_HOME:-$HOME/.cache}/switchboard-pjsua2-$version
if [ ! -e "$home/ready" ]; then
  rm -rf "$home"
  python3 -m venv "$home"
  "$home/bin/pip" install --quiet --disable-pip-version-check "pjsua2-python==$version"
  touch "$home/ready"
fi
echo "$home/bin/python"
