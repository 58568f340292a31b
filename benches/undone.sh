#!/usr/bin/env bash
# People write into conversations whose history was imported into a real server; then the import is taken back. What `undo` says
# can't be scrolled, and what OpenIM's own clients show of each conversation.
# Usage: benches/undone.sh KIT DIR PORT-BASE RELEASE CLIENT…
#     benches/undone.sh ../shared/real /tmp/openim-a 13000 main 14 main
#     benches/undone.sh ../shared/real /tmp/openim-b 14000 3.8.3 14 13
# Needs a server started by the kit (`up`, in DIR) and what benches/clients.py needs; without the kit it says so.
set -eu
cd "$(dirname "$0")/.."
. benches/real.sh u "${@:1:4}"
shift 4
conversations 4
cd "$work"
say run chat.jsonl --provision --allow retention
# Into the first two somebody writes, into the first more than a page.
as_admin <<'PYTHON'
for c, count in [(0, 30), (1, 1)]:
    for n in range(count):
        call('/msg/send_msg', {'sendID': f'{run}{c}a', 'recvID': f'{run}{c}b', 'senderPlatformID': 1, 'sessionType': 1,
                               'contentType': 101, 'content': {'content': f'today {n}'}})
PYTHON
sleep 3
say undo --yes
# The others are empty: there is nothing to page.
conversations=2
clients "$@" || echo "clients and judge differ"
say undo --only "si_${run}0a_${run}0b" --cut --yes
