#!/usr/bin/env bash
# People write into conversations while their history is being imported into a real server: what `run` says, and what OpenIM's
# own clients show of it before and after the rest was sent behind, or the whole history in its place.
# Usage: benches/overtaken.sh KIT DIR PORT-BASE RELEASE CLIENT…
#     benches/overtaken.sh ../shared/real /tmp/openim-a 13000 main 14 main
#     benches/overtaken.sh ../shared/real /tmp/openim-b 14000 3.8.3 14 13
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
run=o$(date +%s)
conversations=4 messages=${MESSAGES:-300}
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
# In the first two conversations somebody writes, five messages each, when a third of all is confirmed.
write() {
  python3 - "$api" "$OPENIM_SECRET" "$run" <<'PYTHON'
import json, sys, urllib.request
api, secret, run = sys.argv[1:]
def call(path, body, token=''):
    headers = {'Content-Type': 'application/json', 'operationID': 'people', 'token': token}
    request = urllib.request.Request(api + path, json.dumps(body).encode(), headers)
    answer = json.load(urllib.request.urlopen(request, timeout=20))
    assert answer['errCode'] == 0, answer
    return answer['data']
token = call('/auth/get_admin_token', {'secret': secret, 'userID': 'imAdmin'})['token']
for n in range(5):
    for c in range(2):
        call('/msg/send_msg', {'sendID': f'{run}{c}a', 'recvID': f'{run}{c}b', 'senderPlatformID': 1, 'sessionType': 1,
                               'contentType': 101, 'content': {'content': f'today {n}'}}, token)
PYTHON
}
cd "$work"
confirmed() {
  local said
  said=$("$importer" status --json 2>/dev/null | sed -n 's/.*"confirmed":\([0-9]*\).*/\1/p')
  echo "${said:-0}"
}
say() { # what a command says last, and its exit code
  local code=0
  "$importer" "$@" --quiet >said 2>>log || code=$?
  echo "$1 ${2:-}: exit $code: $(tail -n 1 said)"
}
pairs=()
for c in $(seq 0 $((conversations - 1))); do pairs+=(--pair "$run${c}a,$run${c}b"); done
look() {
  "$kit/settle" --dir "$dir" --release "$release" >/dev/null
  for c in $(seq 0 $((conversations - 1))); do
    echo "in the store of conversation $c: $("$kit/store-count" "si_$run${c}a_$run${c}b" --dir "$dir" --release "$release")"
  done
  say verify --client
  (cd "$house" && benches/clients.py --api "$api" --ws "ws://127.0.0.1:$((base + 1))" "${pairs[@]}" "$@") || echo "clients and judge differ"
}
"$importer" run chat.jsonl --provision --allow retention --rate 100 --quiet >said 2>>log &
pid=$!
until [ "$(confirmed)" -ge "$((conversations * messages / 3))" ] || ! kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
write
code=0
wait "$pid" || code=$?
echo "run: exit $code: $(tail -n 1 said)"
look "$@"
say run --behind "si_${run}0a_${run}0b"
say undo --only "si_${run}1a_${run}1b" --cut --yes
say run --again
look "$@"
