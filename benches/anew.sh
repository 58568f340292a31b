#!/usr/bin/env bash
# Somebody kills a run, deletes its job and starts a fresh one at once, while what the first had sent is on its way in a real
# server: how many messages the store has in the end. A fresh job that is told what stands there goes on with `adopt`.
# Usage: benches/anew.sh KIT DIR PORT-BASE RELEASE [ROUNDS]
#     benches/anew.sh ../shared/real /tmp/openim-b 14000 3.8.3
# Needs a server started by the kit (`up`, in DIR); without the kit it says so.
set -eu
cd "$(dirname "$0")/.."
. benches/real.sh n "${@:1:4}"
rounds=${5:-5} first=$run
for round in $(seq "$rounds"); do
  run=${first}r$round
  conversations 8
  cd "$work"
  rm -rf import.job
  "$importer" run chat.jsonl --provision --allow retention --quiet >said 2>>log &
  pid=$!
  # From the moment at which the first of its messages has a number; what it sent besides has none yet, or can't be read.
  as_admin <<'PYTHON'
import time
conversation = f'si_{run}0a_{run}0b'
for _ in range(3000):
    seqs = call('/msg/get_conversations_has_read_and_max_seq', {'userID': 'imAdmin', 'conversationIDs': [conversation]})
    if (seqs.get('seqs') or {}).get(conversation, {}).get('maxSeq', 0) > 0:
        break
    time.sleep(0.005)
PYTHON
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null || true
  rm -rf import.job
  code=0
  "$importer" run chat.jsonl --allow retention --quiet >said 2>>log || code=$?
  echo "round $round: exit $code: $(tail -n 1 said)"
  if [ "$code" != 0 ]; then
    rm -rf import.job
    say adopt chat.jsonl
    say run --allow retention
  fi
  "$kit/settle" --dir "$dir" --release "$release" >/dev/null
  all=0
  for c in $(seq 0 $((conversations - 1))); do
    count=$("$kit/store-count" "si_$run${c}a_$run${c}b" --dir "$dir" --release "$release")
    all=$((all + ${count%% *}))
  done
  echo "round $round: in the store $all of $((conversations * messages))"
  cd "$house"
done
