#!/usr/bin/env bash
# Runs a command beside a PostgreSQL cluster of its own, with SWITCHBOARD_TEST_POSTGRES set to its URL.
# The cluster lives in a temporary folder, listens on loopback only and is gone afterwards.
set -euo pipefail

if [ -n "${SWITCHBOARD_TEST_POSTGRES:-}" ]; then
  exec "$@"
fi

bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
if [ -z "$bin" ]; then
  echo "PostgreSQL is missing: run tests/setup/packages.sh test" >&2
  exit 1
fi
dir=$(mktemp -d /tmp/switchboard-postgres.XXXXXX)
as_owner=()
if [ "$(id -u)" -eq 0 ]; then
  # The server refuses to run as root.
  chown postgres "$dir"
  as_owner=(runuser -u postgres --)
fi

stop() {
  (cd / && "${as_owner[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1) || true
  rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM

(cd / && "${as_owner[@]}" "$bin/initdb" -D "$dir/data" -U switchboard -A trust -E UTF8 --locale=C --no-sync >"$dir.log" 2>&1) || {
  cat "$dir.log" >&2
  exit 1
}
rm -f "$dir.log"
# Durability of a throw-away cluster is worth nothing. The ports are below the range the kernel gives to clients.
settings="-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 -c listen_addresses=127.0.0.1"
started=no
for _ in 1 2 3 4 5 6 7 8; do
  port=$((30000 + RANDOM % 2700))
  if (cd / && "${as_owner[@]}" "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 -o "-p $port -k $dir $settings" start >/dev/null); then
    started=yes
    break
  fi
done
if [ "$started" = no ]; then
  cat "$dir/log" >&2
  exit 1
fi
"$bin/createdb" -h 127.0.0.1 -p "$port" -U switchboard switchboard_test

export SWITCHBOARD_TEST_POSTGRES="postgres://switchboard@127.0.0.1:$port/switchboard_test"
"$@"
