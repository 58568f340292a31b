#!/usr/bin/env bash
# Refused messages on a real server go into their places: one of two people has blocked the other, the run passes over what
# that refuses, the block is lifted, `retry` takes the conversation back and sends it anew; OpenIM's own clients page it back.
# Usage: benches/retried.sh KIT DIR PORT-BASE RELEASE CLIENT…
#     benches/retried.sh ../shared/real /tmp/openim-a 13000 main 14 main
#     benches/retried.sh ../shared/real /tmp/openim-b 14000 3.8.3 14 13
# Needs a server started by the kit (`up`, in DIR) and what benches/clients.py needs; without the kit it says so.
set -eu
cd "$(dirname "$0")/.."
. benches/real.sh r "${@:1:4}"
shift 4
conversations 3
# The second of the first conversation blocks the first, or does so no longer.
black() {
  as_admin "$1" <<'PYTHON'
call(f'/friend/{args[0]}_black', {'ownerUserID': f'{run}0b', 'blackUserID': f'{run}0a'})
PYTHON
}
cd "$work"
say check chat.jsonl --allow missing-users --allow retention
say provision
black add
say run --allow retention --allow blocked
in_the_store
black remove
say retry --yes
in_the_store
say verify --client
clients "$@"
