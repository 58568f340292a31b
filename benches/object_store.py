#!/usr/bin/env python3
"""An import out of S3 over a connection that is cut every few seconds: exact, and what it took.

    pip install 'moto[server]'            # the S3 server; in a venv, or `--moto` names its moto_server
    cargo build --release --features object-store --bin openim-import --example make-export
    benches/object_store.py [--messages 1000000] [--every 2] [--rate 20] [--moto moto_server]

Between the importer and the server stands a proxy of ours on loopback, which lets --rate MB a second through and cuts
every connection --every seconds. The same export is checked from a file beside it: both jobs must hold the same
bytes, and the rehearsal server's audit must count every message once.
"""

import argparse
import hashlib
import json
import os
import re
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("--messages", type=int, default=1_000_000)
parser.add_argument("--every", type=float, default=2)
parser.add_argument("--rate", type=float, default=20, help="MB a second through the proxy")
parser.add_argument("--moto", default="moto_server")
parser.add_argument("--target", default=os.environ.get("CARGO_TARGET_DIR", "target") + "/release")
parser.add_argument("--no-run", action="store_true", help="check alone")
args = parser.parse_args()
program, folder = os.path.abspath(args.target + "/openim-import"), tempfile.mkdtemp(prefix="object-store-")
cuts = 0


def pump(source, sink, until, rate=None):
    """Bytes from one side to the other, until it is time to cut."""
    global cuts
    try:
        while True:
            source.settimeout(max(0.01, until - time.time()))
            piece = source.recv(1 << 16)
            if not piece:
                break
            sink.sendall(piece)
            if rate:
                time.sleep(len(piece) / rate)
            if time.time() >= until:
                cuts += 1
                break
    except OSError:
        cuts += time.time() >= until
    for side in (source, sink):
        try:
            side.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def proxy(port):
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", port))
            until = time.time() + args.every
            threading.Thread(target=pump, args=(client, server, until + 60), daemon=True).start()
            threading.Thread(target=pump, args=(server, client, until, args.rate * 1e6), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def timed(words, env=None):
    began = time.time()
    done = subprocess.run(["/usr/bin/env", "time", "-f", "%M %U %S", *words], cwd=folder, env=env, capture_output=True, text=True)
    memory, user, system = done.stderr.strip().splitlines()[-1].split()
    print(f"{' '.join(words[1:3])}: exit {done.returncode}, {time.time() - began:.1f} s, "
          f"{int(memory) / 1024:.0f} MiB, {float(user) + float(system):.1f} s of CPU", flush=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def digest(job):
    with open(f"{folder}/{job}/messages.spool", "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


with open(f"{folder}/export.jsonl", "wb") as file:
    subprocess.run([args.target + "/examples/make-export", "--messages", str(args.messages), "--conversations", "1000",
                    "--text", "200"], stdout=file, check=True)
subprocess.run(["zstd", "-q", "-T0", f"{folder}/export.jsonl", "-o", f"{folder}/export.jsonl.zst"], check=True)
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
moto = subprocess.Popen([args.moto, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
rehearsal = None
try:
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "of-the-benches", "AWS_REGION": "us-east-1"}

    def put(path, body=b""):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", data=body, method="PUT")
        request.add_header("Content-Type", "application/octet-stream")
        # moto wants a signature and checks none.
        request.add_header("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261130/us-east-1/s3/aws4_request, "
                           "SignedHeaders=host, Signature=0")
        urllib.request.urlopen(request).read()

    for _ in range(100):
        try:
            put("chats")
            break
        except OSError:
            time.sleep(0.2)
    for name in ("export.jsonl", "export.jsonl.zst"):
        with open(f"{folder}/{name}", "rb") as file:
            put(f"chats/night/{name}", file.read())
    env = {**os.environ, **keys, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy(port)}", "OPENIM_SECRET": "openIM123"}
    timed([program, "check", f"{folder}/export.jsonl", "--job", "file.job", "--quiet"])
    for name in ("export.jsonl", "export.jsonl.zst"):
        cuts = 0
        size = os.path.getsize(f"{folder}/{name}") / 1e6
        timed([program, "check", f"s3://chats/night/{name}", "--job", f"{name}.job", "--quiet"], env)
        same = digest(f"{name}.job") == digest("file.job")
        print(f"{name}: {size:.0f} MB, {cuts} connections cut, the job is {'the same' if same else 'ANOTHER'}", flush=True)
    if not args.no_run:
        rehearsal = subprocess.Popen([program, "rehearse", "--listen", "127.0.0.1:0", "--users", "auto", "--answer-time", "0s"],
                                     stdout=subprocess.PIPE, text=True)
        url = next(re.findall(r"http://\S+", line)[0] for line in rehearsal.stdout if "listening on" in line)
        cuts = 0
        timed([program, "run", "s3://chats/night/export.jsonl.zst", "--job", "run.job", "--api", url, "--max-lag", "off",
               "--allow", "retention", "--provision", "--quiet"], env)
        request = urllib.request.Request(f"{url}/_rehearsal/settle", data=b"{}", method="POST")
        total = json.load(urllib.request.urlopen(request))["total"]
        print(f"run: {cuts} connections cut; the server has {total}", flush=True)
finally:
    for process in (moto, rehearsal):
        if process:
            process.terminate()
    subprocess.run(["rm", "-rf", folder])
