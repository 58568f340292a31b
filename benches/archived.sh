#!/usr/bin/env bash
# People have written before their history comes, into a real server: what `check` says, and what OpenIM's own clients show of
# the archives beside these conversations, and of the conversations themselves.
# Usage: benches/archived.sh KIT DIR PORT-BASE RELEASE CLIENT…
#     benches/archived.sh ../shared/real /tmp/openim-a 13000 main 14 main
#     benches/archived.sh ../shared/real /tmp/openim-b 14000 3.8.3 14 13
# Needs a server started by the kit (`up`, in DIR) and what benches/clients.py needs; without the kit it says so.
set -eu
cd "$(dirname "$0")/.."
. benches/real.sh v "${@:1:4}"
shift 4
conversations 3
cd "$work"
# In the first two conversations people have written, five messages each.
as_admin <<'PYTHON'
call('/user/user_register', {'users': [{'userID': f'{run}{c}{end}', 'nickname': f'{run}{c}{end}', 'faceURL': ''}
                                       for c in range(3) for end in 'ab']})
for n in range(5):
    for c in range(2):
        call('/msg/send_msg', {'sendID': f'{run}{c}a', 'recvID': f'{run}{c}b', 'senderPlatformID': 1, 'sessionType': 1,
                               'contentType': 101, 'content': {'content': f'today {n}'}})
PYTHON
sleep 3
say check chat.jsonl --api "$api" --allow retention
say check chat.jsonl --api "$api" --allow retention --archive all
say provision
say run chat.jsonl --allow retention
say verify --client --store
cat occupied.csv
archives=$(python3 -c '
import csv, sys
for row in csv.DictReader(open("occupied.csv")):
    conversation = row["conversation"].split("_")
    print(",".join(conversation[1:3] + [row["groupID"]]))')
pairs=()
for pair in $archives "${run}0a,${run}0b" "${run}2a,${run}2b"; do pairs+=(--pair "$pair"); done
cd "$house"
benches/clients.py --api "$api" --ws "ws://127.0.0.1:$((base + 1))" "${pairs[@]}" "$@"
