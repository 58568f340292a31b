"""What benches/run measures with: processes, servers, exports, and the sections of README.md."""
import asyncio
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TARGET = os.environ.get('CARGO_TARGET_DIR', os.path.join(ROOT, 'target'))
BIN = os.path.join(TARGET, 'release', 'openim-import')
MAKE = os.path.join(TARGET, 'release', 'examples', 'make-export')
UNCONFIRMED = os.path.join(TARGET, 'release', 'examples', 'unconfirmed')
# `OPENIM_…` of whoever runs it would change what is measured.
ENV = {k: v for k, v in os.environ.items() if not k.startswith('OPENIM_')} | {'OPENIM_SECRET': 'openIM123'}
WORK = tempfile.mkdtemp(prefix='openim-bench-', dir=os.environ.get('BENCH_DIR'))
OUT = []


def say(text=''):
    OUT.append(text)
    print(text, flush=True)


def table(columns, rows):
    say('| ' + ' | '.join(columns) + ' |')
    say('|' + '---|' * len(columns))
    for row in rows:
        say('| ' + ' | '.join(str(c) for c in row) + ' |')
    say()


def count(n):
    return f'{n:,.0f}'


def number(text):
    return int(float(text.upper().replace('K', 'e3').replace('M', 'e6')))


def first_line(*command):
    if not shutil.which(command[0]):
        return None
    out = subprocess.run(command, capture_output=True, text=True)
    return (out.stdout + out.stderr).strip().splitlines()[0].strip()


def machine():
    cpu = next((line.split(':')[1].strip() for line in open('/proc/cpuinfo') if line.startswith('model name')), platform.processor())
    tools = [first_line('rustc', '--version'), 'Python ' + platform.python_version(), first_line('jq', '--version'), first_line('wrk', '-v'), first_line('zstd', '--version')]
    try:
        import aiohttp
        tools.append('aiohttp ' + aiohttp.__version__)
    except ImportError:
        pass
    tools = [re.sub(r' Copyright.*| \[epoll\].*|\*+ ?', '', t) for t in tools if t]
    return f'{time.strftime("%Y-%m-%d %H:%M")}, {os.cpu_count()} cores of {cpu}, {platform.system()} {platform.release()}; {", ".join(tools)}.'


def into_readme(part, title, text):
    """Puts a section in its place; the others stay as they were measured."""
    path = os.path.join(HERE, 'README.md')
    head, mark, end = open(path).read(), f'<!-- {part} -->', f'<!-- /{part} -->'
    section = f'{mark}\n## {title}\n\n{text.strip()}\n\n{end}'
    if mark in head:
        head = head[:head.index(mark)] + section + head[head.index(end) + len(end):]
    else:
        head = head.rstrip() + '\n\n' + section + '\n'
    with open(path, 'w') as out:
        out.write(head)


class Ran:
    def __init__(self, code, seconds, usage, mib, out):
        self.code, self.seconds, self.out = code, seconds, out
        self.cpu, self.mib = usage.ru_utime + usage.ru_stime, mib


class Peak(threading.Thread):
    """The most memory that a process had. `ru_maxrss` would do, but the kernel counts what this interpreter had
    when it made the process as well: 153 MiB were written down for a check that took 74."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.mib = pid, 0
        self.start()

    def run(self):
        while True:
            try:
                found = re.search(r'VmHWM:\s+(\d+) kB', open(f'/proc/{self.pid}/status').read())
            except OSError:
                return
            if not found:
                return
            self.mib = int(found.group(1)) / 1024
            time.sleep(0.02)


def run(args, err=subprocess.DEVNULL, stop_when=None):
    """Runs to the end, or is told to stop; wall time, CPU and peak memory of that process alone."""
    with open(os.path.join(WORK, 'out'), 'w+b') as out:
        start = time.monotonic()
        p = subprocess.Popen(args, stdout=out, stderr=err, env=ENV, cwd=WORK)
        peak = Peak(p.pid)
        while stop_when:
            time.sleep(0.05)
            if stop_when():
                p.send_signal(signal.SIGINT)
                break
        _, status, usage = os.wait4(p.pid, 0)
        seconds = time.monotonic() - start
        p.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        # jq prints the whole file.
        return Ran(p.returncode, seconds, usage, peak.mib, out.read(1 << 20).decode(errors='replace'))


def medians(contenders, rounds=3):
    """Alternates: a slow minute of the machine hits all alike."""
    ran = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, action in contenders.items():
            ran[name].append(action())
    return {name: sorted(all, key=lambda r: r.seconds)[len(all) // 2] for name, all in ran.items()}


def export(name, *args):
    path = os.path.join(WORK, name)
    if not os.path.exists(path):
        with open(path, 'wb') as out:
            subprocess.run([MAKE, *map(str, args)], stdout=out, check=True)
    return path


def job(name):
    return os.path.join(WORK, name)


def check(path, *options, into='check.job'):
    shutil.rmtree(job(into), ignore_errors=True)
    ran = run([BIN, 'check', path, '--job', job(into), '--quiet', *options])
    assert ran.code == 0, (path, ran.code, ran.out)
    return ran


def on_disk(into):
    """Bytes of index and of spool. What SQLite has not moved out of its log yet stands there twice."""
    sizes = {f: os.path.getsize(os.path.join(job(into), f)) for f in os.listdir(job(into))}
    return sum(v for k, v in sizes.items() if k in ('job.sqlite', 'job.sqlite-wal')), sizes.get('messages.spool', 0)


class Server:
    """The rehearsal server in a process of its own."""

    def __init__(self, *options):
        self.p = subprocess.Popen([BIN, 'rehearse', '--listen', '127.0.0.1:0', '--users', 'auto', *options], stdout=subprocess.PIPE, env=ENV, text=True)
        self.url = re.search(r'http://\S+', self.p.stdout.readline()).group().rstrip('/')

    def call(self, path, body, token=None):
        head = {'Content-Type': 'application/json', 'operationID': str(time.time_ns())}
        if token:
            head['token'] = token
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), head)
        return json.load(urllib.request.urlopen(request, timeout=3600))

    def token(self):
        return self.call('/auth/get_admin_token', {'secret': 'openIM123', 'userID': 'imAdmin'})['data']['token']

    def audit(self):
        """Once everything that was queued is stored or lost."""
        return self.call('/_rehearsal/settle', None)['total']

    def cpu(self):
        fields = open(f'/proc/{self.p.pid}/stat').read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.send_signal(signal.SIGTERM)
        self.p.wait()


def prepared(path, server, into='run.job'):
    """Check and provision first, so that what is timed is the import alone."""
    check(path, into=into)
    ran = run([BIN, 'provision', '--job', job(into), '--api', server.url, '--quiet'])
    assert ran.code == 0, ran.out


def importing(server, *options, into='run.job', api=None, **how):
    """The history of make-export is older than what the server would keep."""
    ran = run([BIN, 'run', '--job', job(into), '--api', api or server.url, '--allow', 'retention', '--quiet', '--json', *options], **how)
    ran.json = json.loads(ran.out.strip().splitlines()[-1])
    return ran


class Proxy:
    """Between importer and server: when each send_msg went by."""

    def __init__(self, server):
        self.times, host = [], server.url.split('//')[1].split(':')
        ready = threading.Event()

        async def pipe(reader, writer, seen):
            while data := await reader.read(1 << 16):
                if seen:
                    self.times += [time.monotonic()] * data.count(b'POST /msg/send_msg ')
                writer.write(data)
                await writer.drain()
            writer.close()

        async def connection(reader, writer):
            up, down = await asyncio.open_connection(host[0], int(host[1]))
            await asyncio.gather(pipe(reader, down, True), pipe(up, writer, False), return_exceptions=True)

        async def serve():
            listening = await asyncio.start_server(connection, '127.0.0.1', 0)
            self.url = f'http://127.0.0.1:{listening.sockets[0].getsockname()[1]}'
            ready.set()
            await asyncio.Event().wait()

        threading.Thread(target=asyncio.run, args=[serve()], daemon=True).start()
        ready.wait()
