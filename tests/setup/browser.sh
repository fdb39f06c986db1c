#!/usr/bin/env bash
# Installs the packages of tests/browser, and node where the system has none that is new enough, outside the clone; prints the
# interpreter. It downloads no browser: that is Debian's.
set -euo pipefail

setup=$(cd "$(dirname "$0")" && pwd)
. "$setup/node.sh"
install_packages "$(dirname "$setup")/browser"
echo "$node"
