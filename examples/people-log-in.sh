#!/bin/sh
# A company's move to its end: from the export to people who log in and find their history.
#
#   examples/people-log-in.sh     against a rehearsal server of its own, with a chat server beside it
#
# It stops at the first command that does not end as it should. With OPENIM_API it goes to that server: try it on a copy
# of yours, never on the one that people use. In the environment:
#
#   OPENIM_IMPORT         the binary [openim-import]
#   MIGRATION             the folder to work in [a new one]
#   EXPORT                the export [the Slack workspace of fixtures/]
#   PEOPLE                columns that the export does not have, for `paste`: a header, then a line for each of `users`
#                         [a first password for everybody]
#   POSITIONS             how far everybody has read, for `mark-read` [all of it]
#   OPENIM_API OPENIM_SECRET OPENIM_ACCOUNTS_API OPENIM_CHAT_API OPENIM_CHAT_PASSWORD    the servers
set -eu

binary=${OPENIM_IMPORT:-openim-import}
project=$(cd "$(dirname "$0")/.." && pwd)
export=${EXPORT:-$project/fixtures/slack}
folder=${MIGRATION:-$(mktemp -d)}
mkdir -p "$folder" && cd "$folder"

# Shows a command and carries it out. Its progress goes to standard error, its verdict to standard output.
step() {
    printf '\n$ openim-import'
    printf ' %s' "$@"
    printf '\n'
    "$binary" "$@"
}

servers() {
    "$binary" rehearse --listen 127.0.0.1:0 --chat-listen 127.0.0.1:0 >server.log &
    server=$!
    trap 'kill $server' EXIT
    until grep -q '^chat admin on ' server.log; do sleep 0.1; done
    OPENIM_API=$(sed -n 's/^listening on //p' server.log)
    OPENIM_CHAT_API=$(sed -n 's/^chat server on //p' server.log)
    OPENIM_ACCOUNTS_API=$(sed -n 's/^chat admin on //p' server.log)
    OPENIM_SECRET=openIM123 OPENIM_CHAT_PASSWORD=chatAdmin
    export OPENIM_API OPENIM_CHAT_API OPENIM_ACCOUNTS_API OPENIM_SECRET OPENIM_CHAT_PASSWORD
}

[ -n "${OPENIM_API:-}" ] || servers

# On a real server, look `retainChatRecords` up before you allow this: for how long does it keep messages?
retention='--allow retention'

step init "$export" --force
(unset OPENIM_API && step check)

# Who is who, with the e-mails that the export tells; what it does not tell is put beside.
step users -o who.csv --force
if [ -z "${PEOPLE:-}" ]; then
    PEOPLE=first-passwords.csv
    (umask 077 && sed '1s/.*/password/; 1!s/.*/change-me/' who.csv >"$PEOPLE")
fi
(umask 077 && paste -d , who.csv "$PEOPLE" >people.csv)
(unset OPENIM_API && step check --accounts people.csv) # who will be able to log in, and who won't

step provision                                         # users, groups, members; who has left, too: he wrote
step run $retention
step verify --client                                   # read back, and whether apps can scroll it
step mark-read ${POSITIONS:+--positions "$POSITIONS"}  # nobody wakes up to thousands of unread messages
step provision --leave-former                          # who has left, leaves again
step provision --accounts people.csv --codes-are-set-up
step provision                                         # nothing more is made: who has left stays out
step report --html report.html --force
