#!/usr/bin/env python3
"""What live users feel while an import runs, and how much is stored: the importer beside a small client.

  benches/pace.py rehearsal [RELEASE]           the importer, its --max-lag off, and a sweep of fixed settings, against the
                                                rehearsal server with the capacity of that release
  benches/pace.py calls [RELEASE]               what the importer asks beside sending, by call and message, nobody else writing
  benches/pace.py real URL [SECRET]             idle, importer, small client, in turn, against a server that is there
                                                (loopback only: it writes a lot)

The small client: some callers, each fills a conversation up to 64 unconfirmed before it begins the next (depth) or
sends one message after the other to all in turn (breadth), with a fixed bound on all that is unconfirmed, or one that
follows a lag of 300 ms. Three pairs of people write twice a second and ask every 20 ms whether it can be read.
"""
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from urllib.parse import urlsplit

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.get('BIN', os.path.join(ROOT, 'target/release/openim-import'))
SECONDS = int(os.environ.get('SECONDS', 20))
CONVERSATIONS, EACH, WINDOW = int(os.environ.get('CONVERSATIONS', 200)), 400, 64
LOCAL = threading.local()


class Api:
    def __init__(self, url, secret='openIM123'):
        self.host, self.token, self.n = urlsplit(url).netloc, '', 0
        assert self.host.split(':')[0] == '127.0.0.1', 'loopback only'
        self.token = self.call('/auth/get_admin_token', {'secret': secret, 'userID': 'imAdmin'})['token']

    def call(self, path, body):
        for attempt in (0, 1):
            connection = getattr(LOCAL, 'connections', None) or {}
            LOCAL.connections = connection
            one = connection.setdefault(self.host, http.client.HTTPConnection(self.host, timeout=60))
            self.n += 1
            try:
                head = {'operationID': f'pace{os.getpid()}-{threading.get_ident()}-{self.n}', 'token': self.token}
                one.request('POST', path, json.dumps(body), head)
                answer = json.loads(one.getresponse().read())
                break
            except (http.client.HTTPException, OSError):
                connection.pop(self.host)
                if attempt:
                    raise
        if answer['errCode']:
            raise RuntimeError(f'{path}: {answer}')
        return answer.get('data') or {}

    def register(self, users):
        for at in range(0, len(users), 500):
            some = [{'userID': u, 'nickname': u} for u in users[at:at + 500]]
            self.call('/user/user_register', {'users': some})

    def send(self, sender, receiver, text, when=0):
        self.call('/msg/send_msg', {
            'sendID': sender, 'recvID': receiver, 'senderPlatformID': 1, 'contentType': 101, 'sessionType': 1,
            'sendTime': when, 'notOfflinePush': True, 'content': {'content': text}})

    def seqs(self, user, conversations):
        body = {'userID': user, 'conversationIDs': conversations}
        return self.call('/msg/get_conversations_has_read_and_max_seq', body)['seqs']


def pairs(mark, count):
    return [(f'{mark}a{n}', f'{mark}b{n}') for n in range(count)]


def name(pair):
    return 'si_' + '_'.join(sorted(pair))


class Live:
    """Three pairs of people."""

    def __init__(self, api, mark):
        self.api, self.over, self.felt = api, False, []
        people = pairs(mark, 3)
        api.register([user for pair in people for user in pair])
        self.threads = [threading.Thread(target=self.write, args=(pair,), daemon=True) for pair in people]
        for at, thread in enumerate(self.threads):
            time.sleep(0.17 * (at > 0))
            thread.start()

    def write(self, pair):
        turn = 0
        while not self.over:
            sender, receiver = pair if turn % 2 else pair[::-1]
            turn += 1
            self.api.send(sender, receiver, f'live {turn}')
            begun = time.monotonic()
            while True:
                seq = self.api.seqs(sender, [name(pair)])[name(pair)]
                if seq['hasReadSeq'] >= turn:
                    break
                if self.over and time.monotonic() - begun > 60:
                    break
                time.sleep(0.02)
            self.felt.append((begun, time.monotonic() - begun))
            time.sleep(max(0.0, 0.5 - (time.monotonic() - begun)))

    def between(self, start, end):
        felt = sorted(delay * 1000 for begun, delay in self.felt if start <= begun < end)
        return [round(felt[max(0, -(-len(felt) * p // 100) - 1)]) for p in (50, 95, 100)] if felt else None

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join()


class Small:
    """The small client."""

    def __init__(self, api, mark, callers, depth=True, bound=None, target=None):
        self.api, self.depth, self.target = api, depth, target
        self.bound, self.over, self.lock = bound or (10 if target else 1 << 30), False, threading.Condition()
        self.pairs = pairs(mark, CONVERSATIONS)
        api.register([user for pair in self.pairs for user in pair])
        self.waiting = [[] for _ in self.pairs]    # when each was answered, not numbered yet
        self.sent, self.seq, self.held = [0] * CONVERSATIONS, [0] * CONVERSATIONS, set()
        self.under_way, self.worst, self.limited, self.next = 0, 0.0, False, 0
        self.threads = [threading.Thread(target=self.caller, daemon=True) for _ in range(callers)]
        self.threads.append(threading.Thread(target=self.poll, daemon=True))
        for thread in self.threads:
            thread.start()

    def take(self):
        for step in range(CONVERSATIONS):
            at = (self.next + step) % CONVERSATIONS
            if at not in self.held and len(self.waiting[at]) < WINDOW:
                self.next = at + 1
                self.held.add(at)
                return at
        return None

    def caller(self):
        at = None
        while not self.over:
            with self.lock:
                if at is not None and (not self.depth or len(self.waiting[at]) >= WINDOW):
                    self.held.discard(at)
                    at = None
                at = self.take() if at is None else at
                if at is None or self.under_way >= self.bound:
                    self.limited |= at is not None
                    self.lock.wait(0.05)
                    continue
                self.under_way += 1
                n = self.sent[at]
                self.sent[at] += 1
            sender, receiver = self.pairs[at] if n % 2 else self.pairs[at][::-1]
            self.api.send(sender, receiver, f'message {n} of some usual length, like people write them', RECENT + n)
            with self.lock:
                self.waiting[at].append(time.monotonic())

    def poll(self):
        moved = time.monotonic()
        while not self.over:
            time.sleep(0.1)
            with self.lock:
                asked = [at for at, waiting in enumerate(self.waiting) if waiting]
            if not asked:
                continue
            seqs = self.api.seqs('imAdmin', [name(self.pairs[at]) for at in asked])
            now = time.monotonic()
            with self.lock:
                for at in asked:
                    seq = seqs[name(self.pairs[at])]['maxSeq']
                    done = min(seq - self.seq[at], len(self.waiting[at]))
                    self.seq[at] = max(seq, self.seq[at])
                    if done > 0:
                        self.worst = max(self.worst, now - self.waiting[at][0])
                        del self.waiting[at][:done]
                        self.under_way -= done
                oldest = min((waiting[0] for waiting in self.waiting if waiting), default=now)
                self.worst = max(self.worst, now - oldest)
                if self.target and now - moved >= 0.25:
                    if self.worst > self.target:
                        self.bound = max(4, int(self.bound * 0.7))
                    elif self.limited:
                        self.bound += 1 + self.bound // 12
                    self.worst, self.limited, moved = 0.0, False, now
                self.lock.notify_all()

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join()


RECENT = int(time.time() * 1000) - 10 * 86_400_000


def stored(api, mark):
    total, all_pairs = 0, pairs(mark, CONVERSATIONS)
    for at in range(0, CONVERSATIONS, 200):
        total += sum(one['maxSeq'] for one in api.seqs('imAdmin', [name(p) for p in all_pairs[at:at + 200]]).values())
    return total


def measured(api, live, mark, row):
    """After four seconds, for some time: stored a second, and what live users felt."""
    time.sleep(4)
    start, before = time.monotonic(), stored(api, mark)
    time.sleep(SECONDS)
    end, after = time.monotonic(), stored(api, mark)
    return {**row, 'stored': round((after - before) / (end - start)), 'from_to': (start, end)}


def importer(api, live, mark, url, secret, options):
    everybody = pairs(mark, CONVERSATIONS)
    api.register([user for pair in everybody for user in pair])
    folder = tempfile.mkdtemp()
    export = os.path.join(folder, 'export.jsonl')
    with open(export, 'w') as out:
        for n in range(EACH):
            for at, pair in enumerate(everybody):
                sender, receiver = pair if n % 2 else pair[::-1]
                text = f'message {n} of some usual length, like people write them'
                print(json.dumps({
                    'id': f'{at}-{n}', 'sendID': sender, 'recvID': receiver, 'senderPlatformID': 1, 'contentType': 101,
                    'sessionType': 1, 'sendTime': RECENT + n, 'content': {'content': text}}), file=out)
    env = {k: v for k, v in os.environ.items() if not k.startswith('OPENIM_')}
    env['OPENIM_SECRET'] = secret
    with open(os.path.join(folder, 'log'), 'w') as log:
        process = subprocess.Popen([BIN, 'run', export, '--api', url, '--job', os.path.join(folder, 'job'),
                                    '--allow', 'retention,webhooks', *options], env=env, stdout=log, stderr=log)
        waited = time.monotonic()
        while stored(api, mark) == 0 and process.poll() is None and time.monotonic() - waited < 120:
            time.sleep(0.1)
        row = measured(api, live, mark, {'who': ' '.join(['importer', *options])})
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        process.wait()
        row['stop'] = round(time.monotonic() - begun, 1)
    if process.returncode not in (0, 6, 130, -2):
        row['exit'] = process.returncode
        row['said'] = open(os.path.join(folder, 'log')).read()[-400:]
    shutil.rmtree(folder)
    return row


def small(api, live, mark, callers, **how):
    client = Small(api, mark, callers, **how)
    row = measured(api, live, mark, {'who': f'small client, {callers} callers {how}'})
    client.stop()
    return row


def show(row, live):
    start, end = row.pop('from_to')
    while live.felt and min(end, time.monotonic()) < end:
        time.sleep(0.1)
    row['live p50/p95/max'] = live.between(start, end)
    print(json.dumps(row), flush=True)


def real(url, secret):
    api, mark = Api(url, secret), f'p{int(time.time()) % 1_000_000}x'
    live = Live(api, f'{mark}live')
    time.sleep(2)
    start = time.monotonic()
    time.sleep(15)
    show({'who': 'no import', 'from_to': (start, time.monotonic())}, live)
    runs = [lambda m: importer(api, live, m, url, secret, []), lambda m: small(api, live, m, 4, target=0.3),
            lambda m: importer(api, live, m, url, secret, []), lambda m: small(api, live, m, 4, target=0.3),
            lambda m: importer(api, live, m, url, secret, ['--max-lag', 'off'])]
    for at, run in enumerate(runs):
        row = run(f'{mark}r{at}')
        # Until what it had under way is stored, so that the next one begins on an idle server.
        before = -1
        while (now := stored(api, f'{mark}r{at}')) != before:
            before = now
            time.sleep(2)
        show(row, live)
    live.stop()


def rehearsal(release):
    def against(run):
        server = subprocess.Popen([BIN, 'rehearse', '--listen', '127.0.0.1:0', '--release', release, '--capacity', 'measured'],
                                  stdout=subprocess.PIPE, text=True)
        try:
            url = server.stdout.readline().split()[-1]
            api = Api(url)
            live = Live(api, 'live')
            show(run(api, live, url), live)
            live.over = True
        finally:
            server.kill()
    against(lambda api, live, url: importer(api, live, 'r', url, 'openIM123', []))
    against(lambda api, live, url: importer(api, live, 'r', url, 'openIM123', ['--max-lag', 'off']))
    for callers in (2, 4, 8, 32):
        for bound in (32, 64, 128, 256):
            for depth in (True, False):
                against(lambda api, live, url: small(api, live, 'r', callers, bound=bound, depth=depth))


class Nobody:
    """Nobody writes meanwhile: every call is the importer's, but for the three looks at what is stored."""
    felt = ()

    def between(self, start, end):
        return None


def calls(release):
    server = subprocess.Popen([BIN, 'rehearse', '--listen', '127.0.0.1:0', '--release', release, '--capacity', 'measured'],
                              stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().split()[-1]
        show(importer(Api(url), Nobody(), 'r', url, 'openIM123', []), Nobody())
        with urllib.request.urlopen(url + '/_rehearsal/audit') as answer:
            audit = json.load(answer)
        sent = audit['calls']['/msg/send_msg']['count']
        for path, one in audit['calls'].items():
            row = {'path': path, 'calls a message': round(one['count'] / sent, 4),
                   'bytes a message': round((one['asked_bytes'] + one['answered_bytes']) / sent)}
            print(json.dumps(row), flush=True)
    finally:
        server.kill()


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    match sys.argv[1:]:
        case ['rehearsal', *release]:
            rehearsal(release[0] if release else '3.8.3')
        case ['calls', *release]:
            calls(release[0] if release else '3.8.3')
        case ['real', url, *secret]:
            real(url, secret[0] if secret else 'openIM123')
        case _:
            sys.exit(__doc__)
