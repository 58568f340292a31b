#!/usr/bin/env python3
"""Collections of a MongoDB, as `mongodump` writes them: documents of BSON, one behind the other. For stores without a
password on loopback; where there is `mongodump`, take that.

    benches/mongodump.py PORT FOLDER [COLLECTION...]      # database openim_v3; prints documents and bytes of each
"""
import os, socket, struct, sys

COLLECTIONS = ["msg", "user", "group", "group_member", "friend", "black", "conversation", "seq_user"]


def bson(fields):
    out = b""
    for key, value in fields.items():
        name = key.encode() + b"\0"
        if isinstance(value, str):
            text = value.encode() + b"\0"
            out += b"\x02" + name + struct.pack("<i", len(text)) + text
        elif isinstance(value, int):
            out += b"\x12" + name + struct.pack("<q", value)
        else:
            out += b"\x03" + name + bson(value)
    return struct.pack("<i", len(out) + 5) + out + b"\0"


def size(kind, data, at):
    """How many bytes a value has."""
    fixed = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16}
    if kind in fixed:
        return fixed[kind]
    length = struct.unpack_from("<i", data, at)[0]
    if kind in (0x02, 0x0D, 0x0E):
        return 4 + length
    if kind == 0x05:
        return 5 + length
    if kind in (0x03, 0x04):
        return length
    raise ValueError(f"BSON type {kind:#x}")


def members(data, at=0):
    """Key, type and bytes of each member of a document."""
    at += 4
    while data[at]:
        kind, stop = data[at], data.index(b"\0", at + 1)
        key, at = data[at + 1 : stop].decode(), stop + 1
        length = size(kind, data, at)
        yield key, kind, data[at : at + length]
        at += length


def value(kind, raw):
    """What stands in a member: documents as dicts, lists as lists, times in milliseconds; other types as bytes."""
    if kind == 0x02:
        return raw[4:-1].decode()
    if kind == 0x03:
        return {key: value(of, inner) for key, of, inner in members(raw)}
    if kind == 0x04:
        return [value(of, inner) for _, of, inner in members(raw)]
    if kind in (0x09, 0x10, 0x12):
        return int.from_bytes(raw, "little", signed=True)
    if kind == 0x01:
        return struct.unpack("<d", raw)[0]
    return {0x08: raw != b"\0", 0x0A: None}.get(kind, raw)


class Store:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)

    def receive(self, n):
        out = bytearray()
        while len(out) < n:
            got = self.socket.recv(min(1 << 20, n - len(out)))
            if not got:
                sys.exit("the store closed the connection")
            out += got
        return bytes(out)

    def command(self, body):
        payload = struct.pack("<i", 0) + b"\0" + bson({**body, "$db": "openim_v3"})
        self.socket.sendall(struct.pack("<iiii", 16 + len(payload), 1, 0, 2013) + payload)
        answer = self.receive(struct.unpack("<i", self.receive(16)[:4])[0] - 16)[5:]
        got = {key: value for key, _, value in members(answer)}
        if "cursor" not in got:
            sys.exit(f"the store says {answer!r}")
        return {key: value for key, _, value in members(got["cursor"])}

    def documents(self, collection):
        cursor, batch = self.command({"find": collection, "batchSize": 100}), "firstBatch"
        while True:
            for _, _, document in members(cursor[batch]):
                yield document
            number = struct.unpack("<q", cursor["id"].ljust(8, b"\0"))[0]
            if not number:
                return
            cursor, batch = self.command({"getMore": number, "collection": collection, "batchSize": 100}), "nextBatch"


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    store, folder = Store(int(sys.argv[1])), sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    for collection in sys.argv[3:] or COLLECTIONS:
        documents = size_of = 0
        with open(f"{folder}/{collection}.bson", "wb") as out:
            for document in store.documents(collection):
                out.write(document)
                documents, size_of = documents + 1, size_of + len(document)
        print(f"{collection}: {documents} documents, {size_of} bytes")


if __name__ == "__main__":
    main()
