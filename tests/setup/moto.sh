#!/usr/bin/env bash
# Installs moto, a server that speaks S3, for the tests into a Python environment of its own, outside the clone, and prints it.
set -euo pipefail

version=5.2.1
home=${XDG_CACHE_HOME:-$HOME/.cache}/switchboard-moto-$version
exec 9>"${TMPDIR:-/tmp}/switchboard-moto.lock"
flock 9
if [ ! -e "$home/ready" ]; then
  rm -rf "$home"
  python3 -m venv "$home"
  "$home/bin/pip" install --quiet --disable-pip-version-check "moto[server]==$version"
  touch "$home/ready"
fi
echo "$home/bin/moto_server"
