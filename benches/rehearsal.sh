#!/usr/bin/env bash
# How many send_msg a second the rehearsal server answers, with answer time 0, what each costs of one core, and
# what a stored message costs in memory. Beside it, in the same run, the same calls to a path that does not
# exist: what connections, heads, bodies and tokens alone cost. On a busy machine trust the CPU time and the
# ratio, not the rate. Needs wrk, curl and python3. Usage: benches/rehearsal.sh [SECONDS [CONNECTIONS [RELEASE]]]
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-10} connections=${2:-32} release=${3:-3.8.3}
server=${SERVER:-${CARGO_TARGET_DIR:-target}/release/openim-import}
out=$(mktemp)
"$server" rehearse --listen 127.0.0.1:0 --release "$release" --users auto --answer-time 0s >"$out" &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; rm -f "$out"' EXIT
until grep -q listening "$out"; do sleep 0.05; done
url=$(sed -n 's/^listening on //p' "$out")
resident() { awk '/VmRSS/ { print $2 * 1024 }' "/proc/$pid/status"; }
cpu() { awk '{ print ($14 + $15) * 10000 }' "/proc/$pid/stat"; } # µs, at 100 ticks a second
TOKEN=$(curl -s "$url/auth/get_admin_token" -H operationID:bench -d '{"secret":"openIM123","userID":"imAdmin"}' |
  sed 's/.*"token":"\([^"]*\)".*/\1/')
export TOKEN
load() { # CALL: calls a second, µs of CPU each
  local before calls rate
  before=$(cpu)
  wrk -t2 -c"$connections" -d"${seconds}s" -s benches/send_msg.lua "$url" >"$out"
  calls=$(awk '/requests in/ { print $1 }' "$out") rate=$(awk '/Requests.sec/ { print $2 }' "$out")
  awk -v us=$(($(cpu) - before)) -v n="$calls" -v r="$rate" 'BEGIN { printf "%.0f %.1f\n", r, us / n }'
}
read -r bare_rate bare_us <<<"$(CALL=/nothing load)"
before=$(resident)
read -r rate us <<<"$(CALL=/msg/send_msg load)"
curl -s -X POST "$url/_rehearsal/settle" -d '{}' -o "$out"
python3 - "$out" "$before" "$(resident)" "$rate" "$us" "$bare_rate" "$bare_us" <<'P'
import json, sys
total = json.load(open(sys.argv[1]))["total"]
before, after, rate, us, bare_rate, bare_us = map(float, sys.argv[2:])
print("send_msg %.0f/s, %.1f us of one core each; bare %.0f/s, %.1f us; a message costs %.1f times a bare call" % (
    rate, us, bare_rate, bare_us, us / bare_us))
print("acknowledged %d, stored %d, dropped %s, %.0f bytes of memory a stored message" % (
    total["acknowledged"], total["stored"], total["dropped"], (after - before) / max(1, total["stored"])))
P
