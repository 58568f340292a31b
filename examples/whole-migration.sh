#!/bin/sh
# A whole migration, from the first look at the export to the verdict, and all the way back.
#
#   examples/whole-migration.sh           both ways, against a rehearsal server of its own
#   examples/whole-migration.sh there     the migration
#   examples/whole-migration.sh back      takes it back
#
# It is the night of the README as a script, with an export of 3,000 messages from `fixtures/`. It stops at the
# first command that does not end as it should. With OPENIM_API and OPENIM_SECRET it goes to that server: try it on
# a copy of yours, never on the one that people use. In the environment:
#
#   OPENIM_IMPORT   the binary [openim-import]
#   MIGRATION       the folder to work in; `there` and `back` need the same [a new one]
set -eu

binary=${OPENIM_IMPORT:-openim-import}
project=$(cd "$(dirname "$0")/.." && pwd)
folder=${MIGRATION:-$(mktemp -d)}
mkdir -p "$folder" && cd "$folder"

# Shows a command and carries it out. Its progress goes to standard error, its verdict to standard output.
step() {
    printf '\n$ openim-import'
    printf ' %s' "$@"
    printf '\n'
    "$binary" "$@"
}

server() {
    "$binary" rehearse --listen 127.0.0.1:0 >server.log &
    server=$!
    trap 'kill $server' EXIT
    until grep -q '^listening on ' server.log; do sleep 0.1; done
    OPENIM_API=$(sed -n 's/^listening on //p' server.log)
    OPENIM_SECRET=openIM123
    export OPENIM_API OPENIM_SECRET
}

# The history of the fixture is old, and OpenIM 3.8.3 does not tell for how long it keeps messages: on a real
# server, look `retainChatRecords` up before you allow it.
retention='--allow retention'

there() {
    # An export of Monday, and one of Tuesday that begins some hours before the other ended.
    mkdir -p export
    head -n 2000 "$project/fixtures/company-chat.jsonl" >export/monday.jsonl
    tail -n +1801 "$project/fixtures/company-chat.jsonl" >tuesday.jsonl

    step init export --force               # what is it? Writes import.toml
    (unset OPENIM_API && step check)       # everything is read and checked, without a server
    step provision --dry-run               # what is missing on the server?
    step provision                         # users, groups, members
    step check $retention                  # the export and, as OPENIM_API names one, the server
    step run --canary 5 $retention         # five conversations of every kind
    step run $retention                    # the rest
    step verify --store                    # all of it, read back, and asked for in the store itself
    step mark-read                         # nobody wakes up to 2,000 unread messages
    step run --add tuesday.jsonl --provision --mark-read $retention
    step verify --store
    step receipts -o receipts.csv          # which message became which
    step report --html report.html
}

back() {
    # Exactly what was imported, and nothing else. 8: where people have written meanwhile, empty slots are left, which
    # not everybody's app gets past; the verdict says where.
    step undo --yes || [ $? = 8 ]
    step status
}

[ -n "${OPENIM_API:-}" ] || server
case ${1:-both} in
    there) there ;;
    back) back ;;
    both) there; back ;;
    *) echo "usage: $0 [there|back]" >&2; exit 2 ;;
esac
