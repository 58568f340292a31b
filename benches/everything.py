#!/usr/bin/env python3
"""A long night with everything at once, against the rehearsal server, judged by the server's log and not by what the importer says.

    benches/everything.py [--messages N] [--release 3.8.3|main] [--binary PATH] [--keep DIR]

Records that can't be read, users who are removed under way (rejects), a server that asks for fewer calls, people who write
meanwhile and act, files, a timetable, pauses by file and by control, other rates, calls and lags; the server is killed, the
importer is killed and goes on. At the end: is every message of the log the export's, in its order, once; is each number of the
report the job's and the server's; is the importer's memory at its end what it was at its beginning.
"""
import argparse
import json
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import zlib
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from forecast import mixed

ROOT = Path(__file__).resolve().parent.parent
REMOVED = 5
FILES = 60


def png(n):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes([(n * 7 + x * 3) % 256 for x in range(96)]) for _ in range(32))
    head = struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def export(folder, messages):
    """As people write: the n-th conversation has an n-th of the longest. Gives what is to stand in each log, in its order."""
    (folder / "pictures").mkdir(parents=True)
    for n in range(FILES):
        (folder / "pictures" / f"{n}.png").write_bytes(png(n))
    sizes = [max(4, messages // 8 // rank) for rank in range(1, 100_000)]
    total, kept = 0, []
    for size in sizes:
        if total >= messages:
            break
        kept.append(size)
        total += size
    wanted, at, n, broken = {}, 1_600_000_000_000, 0, 0
    with open(folder / "export.jsonl", "w") as out:
        for which, rest in mixed(kept):
            a, b = f"u{which}a", f"u{which}b"
            sender, other = (a, b) if rest % 2 else (b, a)
            group = which % 4 == 3
            name = f"sg_g{which}" if group else "si_" + "_".join(sorted((a, b)))
            one = {"id": f"m{n}", "sendID": sender, "sendTime": at + n * 1000}
            one |= {"groupID": f"g{which}"} if group else {"recvID": other}
            if n % (total // FILES) == 0 and n // (total // FILES) < FILES:
                one["attachments"] = [f"pictures/{n // (total // FILES)}.png"]
                kind = 102
            else:
                one["text"] = f"A line as people write them, number {n}."
                kind = 101
            wanted.setdefault(name, []).append((sender, at + n * 1000, kind, one.get("text")))
            out.write(json.dumps(one) + "\n")
            n += 1
            if n % 5000 == 0:
                out.write(json.dumps({"id": f"bad{n}", "sendID": a, "recvID": b, "text": "no time"}) + "\n")
                broken += 1
    return wanted, n, broken


class Server:
    def __init__(self, binary, release):
        self.process = subprocess.Popen(
            [binary, "rehearse", "--listen", "127.0.0.1:0", "--release", release, "--capacity", "0.6ms,1.5ms", "--answer-time", "3ms",
             "--storing-lag", "60ms", "--live-probe", "3", "--watch-again"],
            stdout=subprocess.PIPE, text=True, env=os.environ | {"OPENIM_SECRET": "openIM123"})
        self.url = next(line for line in self.process.stdout if line.startswith("listening on ")).split()[-1]
        threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()

    def call(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/_rehearsal/{path}", data, timeout=600) as answer:
            return json.load(answer)

    def off(self):
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/_rehearsal/faults", method="DELETE"), timeout=60).read()


class Memory(threading.Thread):
    """Resident memory of a process, once a second, MiB."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.seen = pid, []
        self.start()

    def run(self):
        while True:
            try:
                lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
                self.seen += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")]
            except OSError:
                return
            time.sleep(1)


class Night:
    def __init__(self, args, folder):
        self.args, self.folder, self.job = args, folder, folder / "job"
        self.server, self.memory = Server(args.binary, args.release), []

    def command(self, *words):
        return [self.args.binary, *words, "--job", str(self.job)]

    def ask(self, *words):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, cwd=self.folder)
        return done.returncode, done.stdout + done.stderr if "--json" not in words else done.stdout

    def run(self, *more):
        words = ["run", "export", "--skip-invalid", "--on-reject", "skip", "--repair", "--control", "--quiet", "--json",
                 "--allow", "retention", "--order", "recent", "--api", self.server.url, *more]
        process = subprocess.Popen(self.command(*words), cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.memory.append(Memory(process.pid))
        return process

    def until(self, process, share, total):
        while True:
            if process.poll() is not None:
                sys.exit(f"the run ended with {process.returncode}: {process.stdout.read()}")
            exit_code, said = self.ask("status", "--json")
            if exit_code in (0, 3, 5) and said.startswith("{") and json.loads(said)["confirmed"] >= share * total:
                return
            time.sleep(0.5)

    def control(self, *words):
        exit_code, said = self.ask("control", *words)
        if exit_code:
            sys.exit(f"control {words}: {said}")

    def timetable(self):
        now = datetime.now()
        at = lambda seconds: (now + timedelta(seconds=seconds)).strftime("%H:%M:%S")
        return f"{at(-5)},off {at(40)},250/s {at(60)},pause {at(70)},off"

    def stands_still(self):
        """Messages that come in three seconds of a pause, when what was under way has come."""
        time.sleep(2)
        received = lambda: self.server.call("audit")["total"]["received"]
        before = received()
        time.sleep(3)
        return received() - before

    def play(self, total):
        fault = lambda **fault: self.server.call("faults", fault)
        fault(kind="users-act", act="revoke", **{"per-second": 0.5})
        fault(kind="too-many", chance=0.002)
        fault(kind="lose-answer", chance=0.001)
        first = self.run("--provision", "--media", "--schedule", self.timetable())
        self.until(first, 0.10, total)
        fault(kind="rate-limit", **{"per-second": 200}, times=500)
        for user in range(REMOVED):
            self.server.call("now", {"kind": "remove-user", "user": f"u{40 + user}a"})
        self.until(first, 0.25, total)
        self.server.call("now", {"kind": "restart", "down-ms": 1500, "kill": True})
        self.until(first, 0.35, total)
        first.send_signal(signal.SIGKILL)
        first.wait()
        second = self.run()
        self.until(second, 0.45, total)
        sent = []
        self.control("pause")
        sent.append(self.stands_still())
        self.control("resume")
        (self.job / "pause").touch()
        sent.append(self.stands_still())
        (self.job / "pause").unlink()
        for words in (["rate", "300/s"], ["connections", "4"], ["max-lag", "1s"]):
            self.control(*words)
        time.sleep(10)
        for words in (["rate", "off"], ["connections", "32"], ["max-lag", "300ms"]):
            self.control(*words)
        self.until(second, 0.70, total)
        self.server.call("now", {"kind": "restart", "down-ms": 1500, "kill": True})
        said = second.communicate()[0]
        self.server.off()
        last = json.loads(said.splitlines()[-1])
        third = None
        if last["exit_code"] == 5:
            third = self.run()
            last = json.loads(third.communicate()[0].splitlines()[-1])
        return last, sent


def judge(night, wanted):
    """What stands in the logs against what was to stand there, but for what was refused."""
    night.server.call("settle", {})
    refused = Counter()
    for line in (night.job / "rejected.jsonl").read_text().splitlines():
        one = json.loads(line)
        refused[one.get("conversation")] += 1
    seen = Counter()
    for name, expected in wanted.items():
        log = night.server.call(f"log?conversation={urllib.parse.quote(name)}")
        log = log["slots"] if isinstance(log, dict) else log
        ours = []
        for slot in log:
            if slot["state"] in ("deleted", "empty") or slot["origin"] != "sent":
                continue
            content = json.loads(slot["content"])
            text = content.get("content") if slot["contentType"] == 101 else None
            ours.append((slot["sendID"], slot["sendTime"], slot["contentType"], text))
        rest = iter(expected)
        in_order = all(any(one == other for other in rest) for one in ours)
        seen["there"] += len(set(ours))
        seen["doubled"] += len(ours) - len(set(ours))
        seen["conversations out of order"] += not in_order
        seen["strangers"] += len(set(ours) - set(expected))
        seen["missing"] += len(set(expected) - set(ours))
    return seen


def same(name, *numbers):
    is_so = len(set(numbers)) == 1
    print(f"{'=' if is_so else '≠'} {name}: {' / '.join(str(one) for one in numbers)}")
    return is_so


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--release", default="3.8.3")
    parser.add_argument("--binary", default=str(ROOT / "target/release/openim-import"))
    parser.add_argument("--keep")
    args = parser.parse_args()
    os.environ["OPENIM_SECRET"] = "openIM123"
    folder = Path(args.keep or tempfile.mkdtemp(prefix="everything-"))
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    wanted, total, broken = export(folder / "export", args.messages)
    night = Night(args, folder)
    try:
        last, sent = night.play(total)
        took = time.monotonic() - began
        print(f"{total:,} messages in {len(wanted):,} conversations, {broken} broken records: {took:.0f} s, exit code {last['exit_code']}")
        print(last["verdict"])
        seen = judge(night, wanted)
        verify_exit, verified = night.ask("verify", "--store", "--client", "--media", "--api", night.server.url, "--json", "--quiet")
        verified = json.loads(verified.splitlines()[-1])
        print(f"verify --store --client --media: exit code {verify_exit}. {verified['verdict']}")
        _, report = night.ask("report", "--json")
        whole = json.loads(report)
        report = whole["report"]
        ok = [same("sent in a pause", *sent, 0)]
        audit = night.server.call("audit")["total"]
        job = sqlite3.connect(f"file:{night.job}/job.sqlite?mode=ro", uri=True)
        runs = [json.loads(counts or "{}") for (counts,) in job.execute("SELECT counts FROM runs ORDER BY no")]
        rejected = len((night.job / "rejected.jsonl").read_text().splitlines())
        changes = len((night.job / "changes.jsonl").read_text().splitlines())
        ok += [
            same("messages: export, report", total, whole["messages"]),
            same("confirmed: server's logs, report, proof", seen["there"], whole["confirmed"], report["proof"]["confirmed"]),
            same("rejected and broken: job's file, report", rejected, whole["rejected"]),
            same("messages and broken records: confirmed and rejected", total + broken, whole["confirmed"] + whole["rejected"]),
            same("missing in the logs, refused by the server", seen["missing"], rejected - broken),
            same("doubled, out of order, strangers", seen["doubled"], seen["conversations out of order"], seen["strangers"], 0),
            same("runs: job, report", len(runs), len(report["runs"])),
            same("changes: job, report", changes, len(report["changes"])),
            same("sent again though stored", audit.get("again_though_stored", 0), 0),
            same("calls made again: runs of the job, report", sum(run.get("retries", 0) for run in runs),
                 sum(run["retries"] or 0 for run in report["runs"])),
            same("days of the report add up", sum(day["after"] or 0 for day in report["days"]), whole["confirmed"]),
            same("signs of a crash in the report", any(run["crash"] for run in report["runs"]), True),
        ]
        for n, memory in enumerate(night.memory, 1):
            some = memory.seen
            if len(some) < 30:
                continue
            part = len(some) // 5
            first, end = sorted(some[part:2 * part])[part // 2], sorted(some[-part:])[part // 2]
            print(f"memory of run {n}: {first:.0f} MiB after a fifth of its {len(some)} s, {end:.0f} MiB in its last fifth, {max(some):.0f} at most")
        probe = night.server.call("probe")
        felt = sorted(one["delay_ms"] for one in probe)
        if felt:
            print(f"live users: {len(felt)} messages, half within {felt[len(felt) // 2]} ms, 95 of 100 within {felt[len(felt) * 95 // 100]} ms")
        sys.exit(0 if all(ok) and last["exit_code"] in (0, 3) and verify_exit in (0, 3) else 1)
    finally:
        night.server.process.terminate()
        night.server.process.wait()
        if not args.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
