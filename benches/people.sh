#!/usr/bin/env bash
# People log in on a real server: examples/people-log-in.sh with a workspace of its own, then three people log in at the chat
# server, with e-mail, phone and account name, OpenIM's own clients page the channel back as each of them, and the store is
# counted: no notice of who came or left may stand there.
# Usage: benches/people.sh KIT DIR PORT-BASE RELEASE CLIENT…
#     benches/people.sh ../shared/real /tmp/openim-a 13000 main 14 main
#     benches/people.sh ../shared/real /tmp/openim-b 14000 3.8.3 14 13
# Needs a server started by the kit (`up … --chat`, in DIR) and OpenIM's clients (see benches/clients.py); without the kit it
# says so. Everybody's first password is `change-me`.
set -eu
cd "$(dirname "$0")/.."
. benches/real.sh p "${@:1:4}"
shift 4
export OPENIM_IMPORT=$importer OPENIM_CHAT_PASSWORD=${OPENIM_CHAT_PASSWORD:-chatAdmin} MIGRATION=$work/night
export OPENIM_CHAT_API=http://127.0.0.1:$((base + 8)) OPENIM_ACCOUNTS_API=http://127.0.0.1:$((base + 9))
export EXPORT=$work/export PEOPLE=$work/more.csv
mkdir -p "$EXPORT"
# A phone and an account name that no other run has.
number=17$(date +%s)
printf 'phone,account,password\n,,change-me\n+49 %s,,change-me\n,%scat,change-me\n,,\n,,\n' "$number" "$run" >"$PEOPLE"
python3 - "$run" "$messages" "$EXPORT" <<'PYTHON'
import json, os, sys
run, messages, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
user = lambda name, email, deleted=False: {
    'id': run + name, 'name': name, 'deleted': deleted, 'profile': {'email': f'{run}{name}@e.example' if email else ''}}
def put(name, value):
    os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
    json.dump(value, open(os.path.join(folder, name), 'w'))
put('users.json', [user('ann', True), user('bea', False), user('cat', True), user('old', True, True)])
put('channels.json', [{'id': run + 'all', 'name': 'all', 'creator': run + 'ann',
                       'members': [run + name for name in ('ann', 'bea', 'cat')]}])
people = ['old', 'ann', 'cat', 'bea']
put('all/2020-09-13.json', [
    {'type': 'message', 'user': run + people[n % 4], 'ts': f'{1_600_000_000 + n // 2}.{n:06}', 'text': f'message {n}'}
    for n in range(messages)])
PYTHON
code=0
sh examples/people-log-in.sh >"$work/said" 2>"$work/log" || code=$?
grep -E 'confirmed:|scrolled|made|taken out|can log in|stay out' "$work/said" | sed 's/^/  /'
echo "the script: exit $code"
[ $code = 0 ] || { tail -n 20 "$work/said" "$work/log"; exit 1; }
"$kit/settle" --dir "$dir" --release "$release" >/dev/null
echo "in the store of the channel: $("$kit/store-count" "sg_${run}all" --dir "$dir" --release "$release") of $messages"
as_admin <<'PYTHON'
members = call('/group/get_group_member_list', {'groupID': run + 'all', 'filter': 0, 'pagination': {'pageNumber': 1, 'showNumber': 100}})
print('members of the channel:', ' '.join(sorted(one['userID'].removeprefix(run) for one in members['members'])))
PYTHON
log_in() {
  python3 - "$OPENIM_CHAT_API" "$1" <<'PYTHON'
import hashlib, json, sys, urllib.request
api, way = sys.argv[1], json.loads(sys.argv[2])
body = {'platform': 5, 'password': hashlib.md5(b'change-me').hexdigest(), **way}
headers = {'Content-Type': 'application/json', 'operationID': 'people'}
answer = json.load(urllib.request.urlopen(urllib.request.Request(api + '/account/login', json.dumps(body).encode(), headers), timeout=20))
assert answer['errCode'] == 0 and answer['data']['imToken'], answer
print('logged in with', ' '.join(way), 'as', answer['data']['userID'])
PYTHON
}
log_in "{\"email\": \"${run}ann@e.example\"}"
log_in "{\"areaCode\": \"+49\", \"phoneNumber\": \"$number\"}"
log_in "{\"email\": \"x@e.example\", \"account\": \"${run}cat\"}"
bin=${OPENIM_CLIENTS:-/tmp/openim-bin/client}
for client in "$@"; do
  for page in 20 40; do
    for who in ann bea cat old; do
      echo "client $client, pages of $page, as $who: $("$bin/pageback-$client" -api "$api" -ws "ws://127.0.0.1:$((base + 1))" \
        -user "$run$who" -conversation "sg_${run}all" -page "$page" -quiet 2>/dev/null | tail -n 1)"
    done
  done
done
