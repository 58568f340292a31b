#!/usr/bin/env python3
"""Time and memory of `init` over 700,000 rows in 7,000 files that no format describes: CPU seconds and peak memory.

    cargo build --release && benches/many_files.py target/release/openim-import /tmp/many
"""
import json, os, resource, subprocess, sys

binary, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
words = "some words, as people write them, and a little more so that it is long enough"
for f in range(7000):
    table, room = f"{folder}/csv/{f % 70:02}", f"{folder}/json/chat-{f:05}"
    os.makedirs(table, exist_ok=True)
    os.makedirs(room, exist_ok=True)
    rows = [(f"m{n}", f"user{n * 7 % 5000}", 1700000000 + n, f"Message {n}: {words}") for n in range(f * 100, f * 100 + 100)]
    with open(f"{table}/chat-{f:05}.csv", "w") as out:
        out.write("id,room,author,sent_at,body\n")
        out.writelines(f'{i},room-{f % 900},{who},{at},"{said}"\n' for i, who, at, said in rows)
    with open(f"{room}/messages.json", "w") as out:
        keys = ["id", "author", "sent_at", "body"]
        json.dump({"title": f"chat {f}", "messages": [dict(zip(keys, row)) for row in rows]}, out)

for kind, by in [("csv", "room"), ("json", "title")]:
    child = os.fork()
    if child == 0:
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        os.execv(binary, [binary, "init", "--quiet", "-o", "-", "--zone", "UTC", "--conversation-from", by, f"{folder}/{kind}"])
    _, status, used = os.wait4(child, 0)
    assert status == 0, kind
    print(f"{kind}: {used.ru_utime + used.ru_stime:.2f} s CPU, peak {used.ru_maxrss / 1024:.1f} MiB")
