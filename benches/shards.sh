#!/usr/bin/env bash
# One export as one process and as four shards side by side, each with the same connections in all, into a fresh rehearsal
# server each: how many messages a second all of them send, from the first process's start to the last one's end, preparing
# apart. Usage: benches/shards.sh [MESSAGES [CONNECTIONS [ROUNDS]]]
set -euo pipefail
cd "$(dirname "$0")/.."
messages=${1:-400000} connections=${2:-32} rounds=${3:-3}
target=${CARGO_TARGET_DIR:-$PWD/target}/release
program=${PROGRAM:-$target/openim-import}
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
export OPENIM_SECRET=openIM123
"$target/examples/make-export" --messages "$messages" --conversations 2000 --giant 0 --text 75 >"$folder/export.jsonl"
options=(--max-lag off --allow retention --allow would-not-scroll --provision --quiet)

for round in $(seq "$rounds"); do
    for of in 1 4; do
        "$program" rehearse --listen 127.0.0.1:0 --users auto --answer-time 5ms --batch-interval 20ms >"$folder/url" &
        server=$!
        until grep -q listening "$folder/url"; do sleep 0.05; done
        url=$(sed -n 's/^listening on //p' "$folder/url")
        for no in $(seq "$of"); do
            "$program" check "$folder/export.jsonl" --shard "$no/$of" --job "$folder/$no.job" --quiet \
                --allow would-not-scroll >/dev/null
        done
        began=$(date +%s.%N) running=()
        for no in $(seq "$of"); do
            /usr/bin/time -o "$folder/$no.time" -f '%U %S %M' "$program" run "$folder/export.jsonl" --job "$folder/$no.job" \
                --shard "$no/$of" --api "$url" --connections $((connections / of)) "${options[@]}" >/dev/null &
            running+=($!)
        done
        for pid in "${running[@]}"; do wait "$pid"; done
        ended=$(date +%s.%N)
        curl -s -X POST "$url/_rehearsal/settle" -d '{}' -o "$folder/audit"
        python3 - "$folder" "$of" "$messages" "$began" "$ended" "$round" <<'P'
import json, sys
folder, of, messages, began, ended, round = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]), sys.argv[6]
times = [list(map(float, open(f"{folder}/{no}.time").read().split()[-3:])) for no in range(1, of + 1)]
total = json.load(open(f"{folder}/audit"))["total"]
print(f"round {round}, {of} of them: {messages / (ended - began):,.0f} a second, {sum(u + s for u, s, _ in times) / messages * 1e6:.0f} us "
      f"of CPU a message, {max(m for *_, m in times) / 1024:.0f} MiB; stored {total['stored']:,}", flush=True)
P
        kill "$server"
        wait "$server" 2>/dev/null || true
        server=
        rm -rf "$folder"/*.job
    done
done
