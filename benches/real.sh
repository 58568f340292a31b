# What the scripts for a real server share: `. benches/real.sh NAME KIT DIR PORT-BASE RELEASE`, with the project as the place.
# Sets importer, api, work (a folder that goes when the script ends), run (a name of this run), house.
kit=$2 dir=$3 base=$4 release=$5
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
run=$1$(date +%s)
messages=${MESSAGES:-300}
export OPENIM_SECRET=${OPENIM_SECRET:-openIM123} OPENIM_API=$api

# chat.jsonl: so many single chats of $messages messages, a second apart.
conversations() {
  conversations=$1
  python3 - "$run" "$conversations" "$messages" >"$work/chat.jsonl" <<'PYTHON'
import json, sys
run, conversations, messages = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for n in range(messages):
    for c in range(conversations):
        sender, receiver = ('a', 'b')[:: 1 if n % 3 else -1]
        print(json.dumps({'id': f'{c}-{n}', 'sendID': f'{run}{c}{sender}', 'recvID': f'{run}{c}{receiver}',
                          'sendTime': 1_600_000_000_000 + n * 1000, 'content': {'content': f'message {n}'}}))
PYTHON
}

# Python as the admin: `call(path, body)` is there, `run`, and what stands behind as `args`.
as_admin() {
  python3 -c '
import json, sys, urllib.request
api, secret, run, *args = sys.argv[1:]
token = ""
def call(path, body):
    headers = {"Content-Type": "application/json", "operationID": "people", "token": token}
    request = urllib.request.Request(api + path, json.dumps(body).encode(), headers)
    answer = json.load(urllib.request.urlopen(request, timeout=20))
    assert answer["errCode"] == 0, answer
    return answer.get("data") or {}
token = call("/auth/get_admin_token", {"secret": secret, "userID": "imAdmin"})["token"]
exec(sys.stdin.read())' "$api" "$OPENIM_SECRET" "$run" "$@"
}

# What a command of the importer says last, and its exit code.
say() {
  local code=0
  "$importer" "$@" --quiet >said 2>>log || code=$?
  echo "$*: exit $code: $(tail -n 1 said)"
}

in_the_store() {
  "$kit/settle" --dir "$dir" --release "$release" >/dev/null
  for c in $(seq 0 $((conversations - 1))); do
    echo "in the store of conversation $c: $("$kit/store-count" "si_$run${c}a_$run${c}b" --dir "$dir" --release "$release")"
  done
}

# OpenIM's own clients, named, beside the judge.
clients() {
  local pairs=()
  for c in $(seq 0 $((conversations - 1))); do pairs+=(--pair "$run${c}a,$run${c}b"); done
  (cd "$house" && benches/clients.py --api "$api" --ws "ws://127.0.0.1:$((base + 1))" "${pairs[@]}" "$@")
}
