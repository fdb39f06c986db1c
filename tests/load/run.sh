#!/usr/bin/env bash
# Load on the real binary, row by row, beside what a bare loop of the same packets costs in the same minute.
# Needs b2bbench.c, bare.c and speech.ul: in SWITCHBOARD_LOAD_TOOLS, or in the folder the project's machines have.
# SWITCHBOARD_BIN names the binary (release build). `run.sh long` adds the memory row (two minutes).
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=${SWITCHBOARD_LOAD_TOOLS:-../shared/tools/load}
if [ ! -f "$tools/b2bbench.c" ]; then
  echo "no load tools in $tools: set SWITCHBOARD_LOAD_TOOLS to run the load rows"
  exit 0
fi
bin=${SWITCHBOARD_BIN:?names the release binary}
work=$(mktemp -d /tmp/switchboard-load.XXXXXX)
server=
sink=

cleanup() {
  for pid in $sink $server; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

gcc -O2 -w -pthread -o "$work/b2bbench" "$tools/b2bbench.c" -lm
gcc -O2 -w -pthread -o "$work/bare" "$tools/bare.c" -lm

start() {
  SWITCHBOARD__DATA_DIR="$work/data" "$bin" serve --config conf/bench.toml >"$work/server.log" 2>&1 &
  server=$!
  for _ in $(seq 200); do
    curl -fs -o /dev/null localhost:8080/readyz && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/server.log" >&2
  exit 1
}

cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) * 1000 / hz}' "/proc/$server/stat"; }
rss_kb() { awk '/^VmRSS/ {print $2}' "/proc/$server/status"; }
threads() { awk '/^Threads/ {print $2}' "/proc/$server/status"; }
# field NAME: a number of the last run; latencies stand in an object of their own and have their own names.
field() { tail -n 1 "$work/out.jsonl" | grep -o "\"$1\": *[-0-9.]*" | head -n 1 | sed 's/.*: *//'; }
row() { printf '%-34s %10s   %s\n' "$1" "$2" "$3"; }

media_row() { # NAME WANTED ARGUMENTS...
  local name=$1 wanted=$2
  shift 2
  "$work/b2bbench" --peer 127.0.0.1:5060 --pid "$server" --audio "$tools/speech.ul" --json "$work/out.jsonl" \
    --label "$name" --settle 3 "$@" >/dev/null 2>"$work/bench.log" || { cat "$work/bench.log" >&2; return; }
  row "$name" "$(field cpu_ms_per_call_s)" "CPU ms a call-second ($wanted); up $(field up)/$(field calls), loss $(field loss_pct) %"
}

setup_row() { # NAME WANTED RATE CALLS
  local before after failed=""
  before=$(cpu_ms)
  sipp -sn uac -s 1000 -i 127.0.0.1 -p 6061 -r "$3" -m "$4" -d 0 -nostdin -timeout 120s 127.0.0.1:5060 >"$work/uac.log" 2>&1 ||
    failed=", some FAILED: $(grep -m 1 'Failed call' "$work/uac.log" || true)"
  after=$(cpu_ms)
  row "$1" "$(awk -v a="$after" -v b="$before" -v n="$4" 'BEGIN {printf "%.2f", (a - b) / n}')" "CPU ms a call ($2)$failed"
}

start
idle_kb=$(rss_kb)
idle_cpu=$(cpu_ms)
sleep 5
row "idle" "$(awk -v a="$(cpu_ms)" -v b="$idle_cpu" 'BEGIN {printf "%.2f", (a - b) / 5}')" "CPU ms a second (<= 1), $idle_kb kB, $(threads) threads"
media_row "relay, 200 calls" "<= 0.5" --calls 200 --ext 1000 --cps 20 --window 20
relay=$(field cpu_ms_per_call_s)
row "  one way p50 / p99" "$(field p50) / $(field p99)" "ms (<= 0.2 / 1.0)"
row "  memory a call" "$(field rss_per_call_kb)" "kB (<= 40); $(field threads_window) threads (<= 24)"
bare=$("$work/bare" 200 10 | sed -n 's/^bare relay.*: \([0-9.]*\) CPU ms.*/\1/p')
row "  bare loop, same minute" "$bare" "CPU ms a call-second; ratio $(awk -v a="$relay" -v b="$bare" 'BEGIN {printf "%.2f", a / b}') (<= 1.5)"
media_row "relay + recording, 50 calls" "<= 0.7" --calls 50 --ext 3000 --cps 20 --window 20
media_row "PCMU to PCMA, 100 calls" "<= 0.6" --calls 100 --ext 1100 --uas-pt 8 --cps 20 --window 20

media_row "conference, 20 rooms of 3" "<= 0.4" --calls 60 --rooms 20 --ext 40 --no-magic --cps 20 --window 20

# How late rooms and players are while passwords are hashed and lists are read: the share of deadlines met within 2 ms.
deadlines() { curl -fs localhost:8080/metrics | sed -n "s/^switchboard_media_deadlines_total{le=\"$1\"} //p"; }
disturb() {
  local end=$((SECONDS + 25))
  while [ "$SECONDS" -lt "$end" ]; do
    curl -fs -o /dev/null -X POST localhost:8080/api/v1/session -H 'content-type: application/json' \
      -d '{"login":"admin","password":"not this one"}' || true
    curl -fs -o /dev/null "localhost:8080/metrics" || true
  done
}
sleep 2
within=$(deadlines 0.002) all=$(deadlines +Inf)
disturb &
disturber=$!
media_row "conference while others hash" "p99.9 < 2 ms" --calls 60 --rooms 20 --ext 40 --no-magic --cps 20 --window 15
wait "$disturber" || true
row "  deadlines met within 2 ms" "$(awk -v a="$(deadlines 0.002)" -v b="$within" -v c="$(deadlines +Inf)" -v d="$all" \
  'BEGIN {printf "%.3f", (a - b) * 100 / (c - d)}')" "% of them (>= 99.9)"

sipp -sn uas -i 127.0.0.1 -p 7070 -nostdin >"$work/uas.log" 2>&1 &
sink=$!
setup_row "set-up and tear-down at 20/s" "<= 1.0" 20 400
setup_row "set-up and tear-down at 300/s" "<= 0.5" 300 6000
setup_row "set-up and tear-down at 800/s" "none may fail" 800 8000
if [ "${1:-}" = long ]; then
  sleep 60
  row "memory after 14,400 calls, 60 s on" "$(($(rss_kb) - idle_kb))" "kB above idle (<= 20480)"
fi
