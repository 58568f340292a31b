#!/usr/bin/env bash
# People write into conversations while their history is being imported into a real server: what `run` says, and what OpenIM's
# own clients show of it before and after the rest was sent behind, or the whole history in its place.
# Usage: benches/overtaken.sh KIT DIR PORT-BASE RELEASE CLIENT…
#     benches/overtaken.sh ../shared/real /tmp/openim-a 13000 main 14 main
#     benches/overtaken.sh ../shared/real /tmp/openim-b 14000 3.8.3 14 13
# Needs a server started by the kit (`up`, in DIR) and what benches/clients.py needs; without the kit it says so.
set -eu
cd "$(dirname "$0")/.."
. benches/real.sh o "${@:1:4}"
shift 4
conversations 4
cd "$work"
confirmed() {
  local said
  said=$("$importer" status --json 2>/dev/null | sed -n 's/.*"confirmed":\([0-9]*\).*/\1/p')
  echo "${said:-0}"
}
look() {
  in_the_store
  say verify --client
  clients "$@" || echo "clients and judge differ"
}
"$importer" run chat.jsonl --provision --allow retention --rate 100 --quiet >said 2>>log &
pid=$!
until [ "$(confirmed)" -ge "$((conversations * messages / 3))" ] || ! kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
# In the first two conversations somebody writes, five messages each.
as_admin <<'PYTHON'
for n in range(5):
    for c in range(2):
        call('/msg/send_msg', {'sendID': f'{run}{c}a', 'recvID': f'{run}{c}b', 'senderPlatformID': 1, 'sessionType': 1,
                               'contentType': 101, 'content': {'content': f'today {n}'}})
PYTHON
code=0
wait "$pid" || code=$?
echo "run: exit $code: $(tail -n 1 said)"
look "$@"
say run --behind "si_${run}0a_${run}0b"
say undo --only "si_${run}1a_${run}1b" --cut --yes
say run --again
look "$@"
