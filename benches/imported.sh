#!/usr/bin/env bash
# What OpenIM's own clients show of an import on a real server: histories with runs of 50 equal times, imported while the
# process that stores is killed, paged back by the clients, and once more with thirty newer messages behind.
# Usage: benches/imported.sh RELEASE KIT DIR PORT-BASE PART CLIENT…
#     benches/imported.sh 3.8.3 ../shared/real /tmp/openim-b 14000 msgtransfer 14 13
#     benches/imported.sh main  ../shared/real /tmp/openim-a 13000 server 14 main
#     benches/imported.sh main  ../shared/real /tmp/openim-a 13000 importer 14 main       # the importer is killed instead
# Needs a server started by the kit (`up`, in DIR) and what benches/clients.py needs; without the kit it says so.
set -eu
release=$1 kit=$2 dir=$3 base=$4 part=$5
shift 5
cd "$(dirname "$0")/.."
if [ ! -x "$kit/kill" ]; then
  echo "skipped: there is no kit in $kit"
  exit 0
fi
kit=$(realpath "$kit")
importer=${IMPORTER:-${CARGO_TARGET_DIR:-target}/debug/openim-import}
[ -x "$importer" ] || cargo build -q
api=http://127.0.0.1:$((base + 2))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run=i$(date +%s)
conversations=6 messages=${MESSAGES:-500}
python3 - "$run" "$conversations" "$messages" >"$work/chat.jsonl" <<'PYTHON'
import json, sys
run, conversations, messages = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for n in range(messages):
    for c in range(conversations):
        # Half of the conversations have runs of equal times.
        at = 1_600_000_000_000 + (n // 50 * 50 if c % 2 else n) * 1000
        sender, receiver = ('a', 'b')[:: 1 if n % 3 else -1]
        print(json.dumps({'id': f'{c}-{n}', 'sendID': f'{run}{c}{sender}', 'recvID': f'{run}{c}{receiver}',
                          'sendTime': at, 'content': {'content': f'message {n}'}}))
PYTHON
export OPENIM_SECRET=${OPENIM_SECRET:-openIM123}
# The importer wants its job beside it.
command=("$(realpath "$importer")")
cd "$work"
confirmed() {
  local said
  said=$("${command[@]}" status --json 2>/dev/null | sed -n 's/.*"confirmed":\([0-9]*\).*/\1/p')
  echo "${said:-0}"
}
kills=0
for round in 1 2 3 4 5 6 7 8; do
  "${command[@]}" run chat.jsonl --provision --api "$api" --allow retention --give-up 120s --quiet >verdict 2>>run.log &
  pid=$!
  code=0
  while [ "$kills" -lt 3 ]; do
    # In the middle of it: a quarter of all is confirmed, a half, three quarters.
    until [ "$(confirmed)" -ge "$((conversations * messages * (kills + 1) / 4))" ] || ! kill -0 "$pid" 2>/dev/null; do
      sleep 0.3
    done
    kill -0 "$pid" 2>/dev/null || break
    kills=$((kills + 1))
    if [ "$part" = importer ]; then
      kill -KILL "$pid"
      break
    fi
    "$kit/kill" "$part" KILL --dir "$dir" --release "$release" >/dev/null
    # Its port may be held for a moment by what was cut off.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      sleep 1
      "$kit/start" "$part" --dir "$dir" --release "$release" >/dev/null 2>&1 && break
    done
  done
  wait "$pid" 2>/dev/null || code=$?
  echo "round $round: exit $code after $kills kills: $(tail -n 1 verdict)"
  # 8: all is there, and users can't scroll it.
  [ "$code" != 0 ] && [ "$code" != 8 ] || [ "$kills" -lt 1 ] || break
done
"${command[@]}" verify --client --api "$api" 2>&1 || echo "exit $?"
pairs=()
for c in $(seq 0 $((conversations - 1))); do pairs+=(--pair "$run${c}a,$run${c}b"); done
cd "$OLDPWD"
benches/clients.py --api "$api" --ws "ws://127.0.0.1:$((base + 1))" "${pairs[@]}" "$@"
