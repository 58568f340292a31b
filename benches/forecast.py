#!/usr/bin/env python3
"""Forecast against truth: five histories of different shape, on whatever server answers at an address.

    benches/forecast.py [--api URL] [--release 3.8.3|main] [--scale N] [SHAPE…]

Without --api a rehearsal server is started for each. Of each history: what `check --probe` says, what `run --canary N`
says of the rest, how long the rest takes (the whole command, from its start to its end), and what was said on the way from a
tenth on. OPENIM_SECRET has the secret. On a machine that does something else meanwhile it measures that.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def shapes(scale):
    """Messages in each conversation, and how many of these go first."""
    n = scale
    return {
        "alike": ([100] * (120 * n), 20),
        "small": ([4] * (2000 * n), 300),
        "giant": ([7000 * n] + [100] * (50 * n), 20),
        "few": ([1200 * n] * 10, 3),
        "people": ([2200 * n // rank + 2 for rank in range(1, 400 * n + 1)], 40),
    }


def mixed(sizes):
    """Conversations in turn, as an export has them: of which the next message is, and how many that one has left."""
    left = list(sizes)
    while any(left):
        for which, rest in enumerate(left):
            if rest:
                left[which] -= 1
                yield which, rest


def export(path, tag, sizes):
    """Every fourth is a group."""
    with open(path, "w") as out:
        for n, (which, rest) in enumerate(mixed(sizes)):
            a, b = f"{tag}a{which}", f"{tag}b{which}"
            sender, other = (a, b) if rest % 2 else (b, a)
            where = {"groupID": f"{tag}g{which}"} if which % 4 == 3 else {"recvID": other}
            at = 1_700_000_000_000 + n * 1000
            message = {"id": f"{tag}{n}", "sendID": sender, "sendTime": at, "text": f"A line as people write them, number {n}."}
            out.write(json.dumps(message | where) + "\n")


def seconds(text):
    """`about 1 h 05 min at …` in seconds."""
    said = re.search(r"about ((?:[\d.]+ (?:d|h|min|s) ?)+)at ", text)
    if not said:
        return None
    return sum(float(n) * UNITS[unit] for n, unit in re.findall(r"([\d.]+) (d|h|min|s)\b", said[1]))


class Run:
    def __init__(self, binary, folder, api, release):
        self.binary, self.folder, self.api, self.release = binary, folder, api, release

    def command(self, *words):
        return [self.binary, *words, "--api", self.api, "--release", self.release, "--job", str(self.folder / "job")]

    def json(self, *words):
        """The last object, and the objects before it with the second at which each came."""
        began, seen = time.monotonic(), []
        process = subprocess.Popen(self.command(*words, "--progress", "json"), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in process.stdout:
            seen.append((time.monotonic() - began, json.loads(line)))
        process.wait()
        return seen[-1][1], seen[:-1], time.monotonic() - began


def on_the_way(objects, took):
    sends = [(at, one) for at, one in objects if one["phase"] == "send"]
    if not sends:
        return None
    first = sends[0][1]["done"]
    errors = [abs(at + one["eta_seconds"] - took) / took for at, one in sends
              if one["eta_seconds"] is not None and (one["done"] - first) * 10 >= one["total"] - first]
    return max(errors, default=None)


def measure(name, sizes, canaries, args, api):
    folder = Path(tempfile.mkdtemp(prefix="forecast-"))
    try:
        tag = f"{name}{os.getpid()}"
        export(folder / "export.jsonl", tag, sizes)
        run = Run(args.binary, folder, api, args.release)
        allow = ["--allow", "retention"]
        probed, _, _ = run.json("check", str(folder / "export.jsonl"), "--probe", *allow)
        canary, _, _ = run.json("run", str(folder / "export.jsonl"), "--canary", str(canaries), "--provision", *allow)
        said, left = seconds(canary["verdict"]), canary["messages"] - canary["confirmed"]
        if said is None:
            sys.exit(f"{name}: the canary says no time: {canary['verdict']}")
        last, objects, took = run.json("run", str(folder / "export.jsonl"), *allow)
        if last["exit_code"] != 0:
            sys.exit(f"{name}: {last['verdict']}")
        forecast = probed["forecast"]
        if args.verbose:
            print(canary["verdict"], canary["seconds"], last["seconds"], last["limited_by"], forecast, file=sys.stderr)
            for at, one in objects:
                print(f"  {at:.1f} {one['phase']} {one['done']} eta {one['eta_seconds']} {one['cause']}", file=sys.stderr)
        by_probe = forecast["seconds"] * left / forecast["messages"]
        way = on_the_way(objects, took)
        way = "–" if way is None else f"{way * 100:.0f} %"
        print(f"| {name} | {args.release} | {left:,} | {took:.0f} | {by_probe:.0f} ({by_probe / took:.2f}) "
              f"| {said:.0f} ({said / took:.2f}) | {way} |", flush=True)
    finally:
        shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--api")
    parser.add_argument("--release", default="main")
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--binary", default=str(ROOT / "target/release/openim-import"))
    parser.add_argument("--verbose", action="store_true", help="also what was said each second")
    parser.add_argument("shape", nargs="*")
    args = parser.parse_args()
    os.environ.setdefault("OPENIM_SECRET", "openIM123")
    print("| history | release | messages left | took, s | after the probe | after the canary | on the way |")
    print("|---|---|---|---|---|---|---|")
    for name, (sizes, canaries) in shapes(args.scale).items():
        if args.shape and name not in args.shape:
            continue
        if args.api:
            measure(name, sizes, canaries, args, args.api)
            continue
        server = subprocess.Popen([args.binary, "rehearse", "--listen", "127.0.0.1:0", "--release", args.release],
                                  stdout=subprocess.PIPE, text=True)
        try:
            url = next(line for line in server.stdout if line.startswith("listening on ")).split()[-1]
            measure(name, sizes, canaries, args, url)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
