#!/usr/bin/env bash
# Refused messages on a real server go into their places: one of two people has blocked the other, the run passes over what
# that refuses, the block is lifted, `retry` takes the conversation back and sends it anew; OpenIM's own clients page it back.
# Usage: benches/retried.sh KIT DIR PORT-BASE RELEASE CLIENT…
#     benches/retried.sh ../shared/real /tmp/openim-a 13000 main 14 main
#     benches/retried.sh ../shared/real /tmp/openim-b 14000 3.8.3 14 13
# Needs a server started by the kit (`up`, in DIR) and what benches/clients.py needs; without the kit it says so.
set -eu
kit=$1 dir=$2 base=$3 release=$4
shift 4
cd "$(dirname "$0")/.."
house=$PWD
if [ ! -x "$kit/store-count" ]; then
  echo "skipped: there is no kit in $kit"
  exit 0
fi
kit=$(realpath "$kit")
importer=${IMPORTER:-${CARGO_TARGET_DIR:-target}/debug/openim-import}
[ -x "$importer" ] || cargo build -q
importer=$(realpath "$importer")
api=http://127.0.0.1:$((base + 2))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run=r$(date +%s)
conversations=3 messages=${MESSAGES:-300}
python3 - "$run" "$conversations" "$messages" >"$work/chat.jsonl" <<'PYTHON'
import json, sys
run, conversations, messages = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for n in range(messages):
    for c in range(conversations):
        sender, receiver = ('a', 'b')[:: 1 if n % 3 else -1]
        print(json.dumps({'id': f'{c}-{n}', 'sendID': f'{run}{c}{sender}', 'recvID': f'{run}{c}{receiver}',
                          'sendTime': 1_600_000_000_000 + n * 1000, 'content': {'content': f'message {n}'}}))
PYTHON
export OPENIM_SECRET=${OPENIM_SECRET:-openIM123} OPENIM_API=$api
# The second of the first conversation blocks the first, or does so no longer.
black() {
  python3 - "$api" "$OPENIM_SECRET" "$run" "$1" <<'PYTHON'
import json, sys, urllib.request
api, secret, run, act = sys.argv[1:]
def call(path, body, token=''):
    headers = {'Content-Type': 'application/json', 'operationID': 'people', 'token': token}
    request = urllib.request.Request(api + path, json.dumps(body).encode(), headers)
    answer = json.load(urllib.request.urlopen(request, timeout=20))
    assert answer['errCode'] == 0, answer
    return answer.get('data') or {}
token = call('/auth/get_admin_token', {'secret': secret, 'userID': 'imAdmin'})['token']
call(f'/friend/{act}_black', {'ownerUserID': f'{run}0b', 'blackUserID': f'{run}0a'}, token)
PYTHON
}
cd "$work"
say() { # what a command says last, and its exit code
  local code=0
  "$importer" "$@" --quiet >said 2>>log || code=$?
  echo "$*: exit $code: $(tail -n 1 said)"
}
count() {
  "$kit/settle" --dir "$dir" --release "$release" >/dev/null
  for c in $(seq 0 $((conversations - 1))); do
    echo "in the store of conversation $c: $("$kit/store-count" "si_$run${c}a_$run${c}b" --dir "$dir" --release "$release")"
  done
}
say check chat.jsonl --allow missing-users --allow retention
say provision
black add
say run --allow retention --allow blocked
count
black remove
say retry --yes
count
say verify --client
pairs=()
for c in $(seq 0 $((conversations - 1))); do pairs+=(--pair "$run${c}a,$run${c}b"); done
cd "$house"
benches/clients.py --api "$api" --ws "ws://127.0.0.1:$((base + 1))" "${pairs[@]}" "$@"
