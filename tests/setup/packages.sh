#!/usr/bin/env bash
# Installs the Debian packages named as arguments that are missing: packages.sh build | test
set -euo pipefail

build="gcc pkg-config cmake clang libopus-dev"
peers="sip-tester baresip sipsak tshark kamailio kamailio-outbound-modules postgresql sox openssl python3-venv ffmpeg libspandsp-dev chromium fonts-noto-cjk iproute2"
# Beside them: what comes from PyPI in an environment of its own.
finish() {
  [ "$1" = build ] || for script in pjsua2 browser pesq moto smpp schemathesis; do "$(dirname "$0")/$script.sh" >/dev/null; done
}

case "${1:-}" in
build) wanted=$build ;;
test) wanted="$build $peers" ;;
*)
  echo "usage: $0 build|test" >&2
  exit 2
  ;;
esac

missing=()
for package in $wanted; do
  state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  finish "$1"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "install these packages first (sudo is missing): ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
echo "installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
# No recommended packages: nothing here needs a desktop or starts a service of its own.
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
finish "$1"
