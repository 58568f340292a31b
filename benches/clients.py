#!/usr/bin/env python3
"""OpenIM's own clients beside the judge of crates/shown, over the same logs on a real server.

    benches/clients.py --api http://127.0.0.1:10002 --ws ws://127.0.0.1:10001 14 13
    benches/clients.py … --kit ../shared/real --dir /tmp/openim-real --release 3.8.3 14 13   # copies by a kill as well
    benches/clients.py … --pair a,b 14 13                                                    # a log that is there

Makes logs with different faults, each in a single chat of its own, reads them as the importer does, and lets each
client named (14: v3.8.3-patch.14, 13: v3.8.3-patch.13, main) page them back with an empty database, in pages of 20 and
40; the same once more with thirty newer messages behind. What came of it must be what the judge says: how it ended,
how many were lost, how many repeated, whether in order. Writes a table for docs/what-your-users-will-see.md; ends
with 1 where they differ.

Needs a running OpenIM that may be filled with rubbish, and the clients as `pageback-14` and so on in the folder
$OPENIM_CLIENTS (default /tmp/openim-bin/client): each a program that takes -api -ws -user -conversation -page -pages
-timeout and prints JSON lines: each message shown (page, seq, clientMsgID, sendTime), then how it ended (ended: end,
hang, endless, limit). Without them it says so and ends with 0. The kit (commands `kill` and `start` of a part of the server) is needed for copies alone.
"""
import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import time

HOUSE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
JUDGE = os.path.join(os.environ.get('CARGO_TARGET_DIR', os.path.join(HOUSE, 'target')), 'debug', 'examples', 'judge')
BEGIN = 1_600_000_000_000
RIGHT = [50, 150, 250, 350]  # ends of ranges that date nothing wrongly
NEWER = 30


def second(n):
    return BEGIN + 1000 * n


class Server:
    def __init__(self, args):
        self.args = args
        self.at = args.api.replace('http://', '').rstrip('/')
        self.line = http.client.HTTPConnection(self.at, timeout=30)
        self.log_in()
        self.run = 'c%x' % time.time_ns()

    def log_in(self):
        self.token = None
        self.token = self('/auth/get_admin_token', {'secret': self.args.secret, 'userID': 'imAdmin'})['token']

    def __call__(self, path, body):
        head = {'Content-Type': 'application/json', 'operationID': 'clients%d' % time.time_ns()}
        if self.token:
            head['token'] = self.token
        self.line.request('POST', path, json.dumps(body).encode(), head)
        answer = json.loads(self.line.getresponse().read())
        if 1501 <= answer['errCode'] <= 1507 and self.token:
            # Somebody else has logged in as the admin.
            self.log_in()
            return self(path, body)
        if answer['errCode']:
            raise SystemExit('%s: %s' % (path, answer))
        return answer.get('data') or {}


class Chat:
    """A single chat, or a group of two, sent one message at a time, never more than a window unconfirmed."""

    def __init__(self, server, users, group='', is_new=False):
        self.server, self.users, self.group = server, users, group
        self.id = 'sg_' + group if group else 'si_%s_%s' % tuple(sorted(users))
        if is_new:
            server('/user/user_register', {'users': [{'userID': u, 'nickname': u, 'faceURL': ''} for u in users]})
        self.sent = 0 if is_new else self.max_seq()

    def written(self):
        seqs = [self.server('/msg/get_conversations_has_read_and_max_seq', {'userID': user, 'conversationIDs': [self.id]})
                .get('seqs', {}).get(self.id, {}) for user in self.users]
        return max(one.get('hasReadSeq', 0) for one in seqs)

    def wait(self, until):
        best, moved = -1, time.time()
        while (now := self.written()) < until:
            if now > best:
                best, moved = now, time.time()
            elif time.time() - moved > 40:
                raise SystemExit('%s stands still at %d of %d' % (self.id, now, until))
            time.sleep(0.03)

    def send(self, times, strict=True):
        for n, at in enumerate(times):
            self.server('/msg/send_msg', {
                'sendID': self.users[0], 'senderPlatformID': 1, 'contentType': 101,
                **({'groupID': self.group, 'sessionType': 3} if self.group else {'recvID': self.users[1], 'sessionType': 1}),
                'content': {'content': 'message %d' % self.sent}, 'notOfflinePush': True, 'sendTime': at})
            self.sent += 1
            if strict and n % 40 == 39:
                self.wait(self.sent)
        if strict:
            self.wait(self.sent)
        return self

    def empty(self, *holes, ends=RIGHT):
        """Deletes slots for everybody, twice, as the store is behind; then reads so that they are dated."""
        seqs = [seq for first, last in holes for seq in range(first, last + 1)]
        for _ in range(2):
            time.sleep(self.server.args.store_lag)
            self.server('/msg/delete_msg_phsical_by_seq', {'conversationID': self.id, 'seqs': seqs})
        self.read(ends)
        return self

    def cut(self):
        self.server('/msg/clear_conversation_msg', {'userID': self.users[0], 'conversationIDs': [self.id],
                                                    'deleteSyncOpt': {'isSyncSelf': True, 'isSyncOther': True}})
        return self

    def read(self, ends=RIGHT):
        """All slots: seq, time, id or '-'."""
        last, first, slots = self.max_seq(), 1, []
        for end in [end for end in ends if end < last] + [last]:
            asked = {'userID': self.users[0], 'order': 0, 'seqRanges': [
                {'conversationID': self.id, 'begin': first, 'end': end, 'num': end - first + 1}]}
            found = (self.server('/msg/pull_msg_by_seq', asked).get('msgs') or {}).get(self.id) or {}
            slots += [(m['seq'], m['sendTime'], m['clientMsgID'] if m['serverMsgID'] else '-')
                      for m in found.get('Msgs') or []]
            first = end + 1
        return sorted(slots)

    def max_seq(self):
        found = self.server('/msg/get_conversations_has_read_and_max_seq',
                            {'userID': self.users[0], 'conversationIDs': [self.id]})
        return found['seqs'][self.id]['maxSeq']


def plain(count, shift=0):
    return [second(n) + shift for n in range(1, count + 1)]


def swapped(count, place):
    times = plain(count)
    times[place - 1], times[place] = times[place], times[place - 1]
    return times


TODAY = 200_000_000_000
LOGS = [
    ('sound, a second apart', lambda c: c.send(plain(300))),
    ('runs of 3 equal times', lambda c: c.send([second(n // 3) for n in range(300)])),
    ('runs of 50 equal times', lambda c: c.send([second(n // 50) for n in range(300)])),
    ('one older at the end, 1 lower', lambda c: c.send(plain(300) + [second(299) + 1])),
    ('one older at the end, 25 lower', lambda c: c.send(plain(300) + [second(275) + 1])),
    ('one older at the end, 60 lower', lambda c: c.send(plain(300) + [second(240) + 1])),
    ('20 older at the end, 40 lower', lambda c: c.send(plain(120) + [second(80) + 1 + n for n in range(20)])),
    ('60 of today, then a history of 60', lambda c: c.send(plain(60, TODAY) + plain(60))),
    ('5 notices of today, then a history of 120', lambda c: c.send(plain(5, TODAY) + plain(120))),
    ('slots 260 and 261 swapped', lambda c: c.send(swapped(300, 260))),
    ('slots 150 to 180 empty', lambda c: c.send(plain(300)).empty((150, 180))),
    ('195 to 205 empty, read up to 200', lambda c: c.send(plain(300)).empty((195, 205), ends=[100, 200])),
    ('195 to 205 empty, read up to 250', lambda c: c.send(plain(300)).empty((195, 205))),
    ('190 to 200 empty', lambda c: c.send(plain(300)).empty((190, 200))),
    ('slot 100 empty', lambda c: c.send(plain(150)).empty((100, 100))),
    ('a document of empties, 101 to 200', lambda c: c.send(plain(300)).empty((101, 200))),
    ('the last five empty', lambda c: c.send(plain(130)).empty((126, 130))),
    ('the first 60 empty', lambda c: c.send(plain(180)).empty((1, 60))),
    ('206 deleted, 120 sent again', lambda c: c.send(plain(206)).empty((1, 206)).send(plain(120))),
    ('broken by an old one, cut, 120 sent again', lambda c: c.send(plain(205) + [second(9)]).cut().send(plain(120))),
]


def copies(chat):
    """The second stage is killed while it works, and repeats what it had not noted (3.8.3)."""
    args = chat.server.args
    chat.send(plain(200))
    chat.send([second(201 + n) for n in range(60)], strict=False)
    for command in (['kill', 'msgtransfer', 'KILL'], ['start', 'msgtransfer']):
        command[0] = os.path.join(args.kit, command[0])
        subprocess.run(command + ['--dir', args.dir, '--release', args.release], check=True, stdout=subprocess.DEVNULL)
    chat.wait(260)
    # Until nothing more comes in.
    last = -1
    while (now := chat.max_seq()) != last:
        last = now
        time.sleep(3)
    chat.sent = last
    return chat


def judged(slots):
    """What the judge says: {(client, page): (ended, lost, repeated, in order)}, and its verdict."""
    text = ''.join('%d %d %s\n' % slot for slot in slots)
    said = subprocess.run([JUDGE], input=text, capture_output=True, text=True, check=True).stdout.splitlines()
    views = {}
    for line in said[1:]:
        count = lambda what: int((re.search(r'(\d+) ' + what, line) or [0, 0])[1])
        ended = 'endless' if 'never comes' in line else 'hang' if 'hangs' in line else 'end'
        page = int(re.search(r'pages of (\d+)', line)[1])
        view = (ended, count('never shown'), count('shown again'), count('out of order') == 0)
        for client in ['14'] if 'patch.14' in line else ['13', 'main']:
            views[client, page] = view
    return said[0], views


def shown(args, client, user, conversation, page, expected):
    """The same, by the client itself."""
    command = [os.path.join(args.clients, 'pageback-' + client), '-api', args.api, '-ws', args.ws, '-user', user,
               '-conversation', conversation, '-page', str(page), '-pages', str(max(60, 4 * -(-expected // page))),
               '-timeout', '5s']
    lines = subprocess.run(command, capture_output=True, text=True, timeout=600).stdout.splitlines()
    lines = [json.loads(line) for line in lines if line.startswith('{')]
    ends = [line['ended'] for line in lines if 'ended' in line]
    if not ends:
        return ('nothing', 0, 0, False)
    messages = [line for line in lines if 'seq' in line]
    # What is paged in later stands above.
    screen = sorted(messages, key=lambda m: -m['page'])
    places = [(m['sendTime'], m['seq']) for m in screen]
    distinct = len({m['clientMsgID'] for m in messages})
    in_order = all(a < b for a, b in zip(places, places[1:]))
    return (ends[-1], expected - distinct, len(messages) - distinct, in_order)


def words(view):
    ended, lost, repeated, in_order = view
    if ended != 'end':
        return ended.upper()
    parts = ['%d lost' % lost] * bool(lost) + ['%d again' % repeated] * bool(repeated)
    parts += ['wrong order'] * (not in_order and not repeated)
    return ', '.join(parts) or 'whole'


def same(judge, client):
    # Of what never ends, figures depend on when one stops looking. Where messages repeat, order means nothing.
    if judge[0] != 'end':
        return judge[0] == client[0]
    return judge[:3] == client[:3] and (judge[2] > 0 or judge[3] == client[3])


def compare(args, user, conversation, slots):
    """A row's cells; how many runs, and how many agreed."""
    verdict, views = judged(slots)
    expected = len({name for _, _, name in slots if name != '-'})
    cells, agreed, runs = [], 0, 0
    for client in args.client:
        for page in (20, 40):
            seen = shown(args, client, user, conversation, page, expected)
            told = views[client, page]
            is_same = same(told, seen)
            runs += 1
            agreed += is_same
            cells.append(words(seen) + ('' if is_same else ' (**judge: %s**)' % words(told)))
            print('   ', client, page, seen, 'judge', told, '' if is_same else 'DIFFERS', file=sys.stderr, flush=True)
    return verdict, cells, runs, agreed


def main():
    about = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    about.add_argument('client', nargs='+', choices=['14', '13', 'main'])
    about.add_argument('--api', required=True)
    about.add_argument('--ws', required=True)
    about.add_argument('--secret', default='openIM123')
    about.add_argument('--clients', default=os.environ.get('OPENIM_CLIENTS', '/tmp/openim-bin/client'))
    about.add_argument('--store-lag', type=float, default=4, help='seconds until the store has what was written')
    about.add_argument('--kit')
    about.add_argument('--dir', default='/tmp/openim-real')
    about.add_argument('--release', default='3.8.3')
    about.add_argument('--pair', action='append', metavar='A,B[,GROUP]',
                       help='two users whose conversation, or a group of both, is there already; may be repeated')
    about.add_argument('--only', help='logs whose name has this')
    args = about.parse_args()
    lacking = [c for c in args.client if not os.path.exists(os.path.join(args.clients, 'pageback-' + c))]
    if lacking:
        print('skipped: %s has no pageback-%s' % (args.clients, ', pageback-'.join(lacking)))
        return 0
    subprocess.run(['cargo', 'build', '-q', '-p', 'importer-shown', '--example', 'judge'], cwd=HOUSE, check=True)
    server = Server(args)
    print('| log | newer | %s |' % ' | '.join('%s, %d' % (c, p) for c in args.client for p in (20, 40)))
    print('|---|---|%s' % ('---|' * 2 * len(args.client)))
    runs = agreed = 0
    made = LOGS + [('copies by a kill of the second stage', copies)] * bool(args.kit)
    if args.pair:
        pairs = [pair.split(',') for pair in args.pair]
        made = [(' and '.join(pair), lambda _, pair=pair: Chat(server, pair[:2], *pair[2:])) for pair in pairs]
    for n, (name, make) in enumerate(made):
        if args.only and args.only not in name:
            continue
        print(name, file=sys.stderr, flush=True)
        chat = make(None if args.pair else Chat(server, [server.run + 'n%d' % n + end for end in 'ab'], is_new=True))
        for newer in (0, NEWER):
            if newer:
                latest = max(at for _, at, _ in chat.read())
                chat.send([latest + 1000 * n for n in range(1, newer + 1)])
            verdict, cells, more, same_ = compare(args, chat.users[0], chat.id, chat.read())
            print('    ' + verdict, file=sys.stderr)
            print('| %s | %d | %s |' % (name, newer, ' | '.join(cells)), flush=True)
            runs, agreed = runs + more, agreed + same_
    print('\n%d runs, the judge said the same in %d.' % (runs, agreed))
    return int(runs != agreed)


if __name__ == '__main__':
    sys.exit(main())
