#!/usr/bin/env bash
# Installs oidc-provider-mock, a provider of OpenID Connect on Authlib, for the tests into a Python environment of its own, outside the clone, and
# prints its program.
set -euo pipefail

version=0.3.4
home=${XDG_CACHE_HOME:-$HOME/.cache}/switchboard-oidc-provider-mock-$version
if [ ! -e "$home/ready" ]; then
  rm -rf "$home"
  python3 -m venv "$home"
  "$home/bin/pip" install --quiet --disable-pip-version-check "oidc-provider-mock==$version"
  touch "$home/ready"
fi
echo "$home/bin/oidc-provider-mock"
