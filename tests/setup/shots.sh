#!/usr/bin/env bash
# Starts a server of its own, lets two agents and a supervisor work in browsers, and leaves pictures of every page of the console in
# $CARGO_TARGET_DIR/console-shots, or the folder that is named.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
node=$("$here/setup/browser.sh")
shots=${1:-${CARGO_TARGET_DIR:-$here/../target}/console-shots}
folder=$(mktemp -d)
password=shots1234
port=${SHOTS_PORT:-29080}
export SWITCHBOARD_DEMO_PASSWORD=$password SWITCHBOARD__DATA_DIR="$folder" SWITCHBOARD__STORAGE__URL="sqlite://$folder/s.db"
export SWITCHBOARD__HTTP__LISTEN=127.0.0.1:$port SWITCHBOARD__HTTPS__LISTEN=127.0.0.1:$((port + 1))
export SWITCHBOARD__SIP__UDP=127.0.0.1:$((port + 2)) SWITCHBOARD__SIP__TCP=127.0.0.1:$((port + 2)) SWITCHBOARD__SIP__TLS=127.0.0.1:$((port + 3))
export SWITCHBOARD__RTP__ADDRESS=127.0.0.1 SWITCHBOARD__RTP__BROWSERS=127.0.0.1:$((port + 4)) SWITCHBOARD__RTP__PORTS=$((port + 10))-$((port + 209))
"$SWITCHBOARD_BIN" serve --config "$here/../conf/switchboard.toml" >"$folder/log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; wait $server || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do
  grep -q '^ready' "$folder/log" && break
  kill -0 $server || { cat "$folder/log" >&2; exit 1; }
  sleep 0.2
done
"$node" "$here/browser/console_shots.mjs" "http://127.0.0.1:$port" "$password" "$shots"
echo "pictures: $shots"
