#!/usr/bin/env bash
# How many send_msg a second the rehearsal server answers, with answer time 0, and what a stored message costs
# in memory. Needs wrk and curl. Usage: benches/rehearsal.sh [SECONDS [CONNECTIONS [RELEASE]]]
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-10} connections=${2:-32} release=${3:-3.8.3}
server=${CARGO_TARGET_DIR:-target}/release/openim-import
out=$(mktemp)
"$server" rehearse --listen 127.0.0.1:0 --release "$release" --users auto --answer-time 0s >"$out" &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; rm -f "$out"' EXIT
until grep -q listening "$out"; do sleep 0.05; done
url=$(sed -n 's/^listening on //p' "$out")
resident() { awk '/VmRSS/ { print $2 * 1024 }' "/proc/$pid/status"; }
TOKEN=$(curl -s "$url/auth/get_admin_token" -H operationID:bench -d '{"secret":"openIM123","userID":"imAdmin"}' |
  sed 's/.*"token":"\([^"]*\)".*/\1/')
export TOKEN
before=$(resident)
wrk -t2 -c"$connections" -d"${seconds}s" -s benches/send_msg.lua "$url"
curl -s -X POST "$url/_rehearsal/settle" -d '{}' -o "$out"
after=$(resident)
python3 - "$out" "$before" "$after" <<'P' 2>/dev/null || sed -n 's/.*"total":/total: /p' "$out" | cut -c1-300
import json, sys
total = json.load(open(sys.argv[1]))["total"]
print("acknowledged %d, stored %d, dropped %s, %.0f bytes of memory a stored message" % (
    total["acknowledged"], total["stored"], total["dropped"],
    (int(sys.argv[3]) - int(sys.argv[2])) / max(1, total["stored"])))
P
