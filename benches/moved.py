#!/usr/bin/env python3
"""One real OpenIM server into another: a history with people, groups, friends, blocks, mutes, pins, bells and read positions
is made on the one, its store is dumped, and the dump imported into the other, which is empty. Both are compared as their
users see them, and in their stores: every message that is there, members and owners, and what nobody has read.

    benches/moved.py KIT FROM TO                  # each as RELEASE:DIR:PORT-BASE of the kit, up, TO with --fresh
    benches/moved.py … --messages 500             # in each of six conversations [default: 120]

IMPORTER names the importer [target/debug/openim-import]. Exit 1 where something differs; skipped where there is no kit.
"""
import base64, collections, json, os, pathlib, random, subprocess, sys, tempfile, time, urllib.request

import mongodump

HERE = pathlib.Path(__file__).parent
IMPORTER = os.environ.get("IMPORTER", str(HERE.parent / "target/debug/openim-import"))
SECRET = os.environ.get("OPENIM_SECRET", "openIM123")
PICTURE = "https://old.example.com/object/1.png"


class Server:
    def __init__(self, given, kit):
        self.release, self.dir, base = given.split(":")
        self.base, self.kit = int(base), kit
        self.api, self.token = f"http://127.0.0.1:{self.base + 2}", ""
        self.token = self.call("/auth/get_admin_token", {"secret": SECRET, "userID": "imAdmin"})["token"]

    def call(self, path, body):
        headers = {"Content-Type": "application/json", "operationID": "moved", "token": self.token}
        request = urllib.request.Request(self.api + path, json.dumps(body).encode(), headers)
        answer = json.load(urllib.request.urlopen(request, timeout=30))
        if answer["errCode"]:
            sys.exit(f"{self.release} {path}: {answer}")
        return answer.get("data") or {}

    def settle(self):
        command = [f"{self.kit}/settle", "--dir", self.dir, "--release", self.release]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def seqs(self, user, conversation):
        ask = {"userID": user, "conversationIDs": [conversation]}
        return self.call("/msg/get_conversations_has_read_and_max_seq", ask)["seqs"].get(conversation, {})

    def log(self, user, conversation):
        """What people said, as that user finds it: notices and what was taken back left out."""
        said, top = [], self.seqs(user, conversation).get("maxSeq", 0)
        for begin in range(1, top + 1, 100):
            ask = {"conversationID": conversation, "begin": begin, "end": min(begin + 99, top), "num": 100}
            got = self.call("/msg/pull_msg_by_seq", {"userID": user, "seqRanges": [ask], "order": 0})
            for message in (got.get("msgs") or {}).get(conversation, {}).get("Msgs") or []:
                if message["contentType"] < 1000 and message.get("status") != 4:
                    said.append(message)
        return sorted(said, key=lambda message: message["seq"])


def content(kind, text, quoted):
    picture = {"uuid": "", "type": "image/png", "size": 9, "width": 4, "height": 3, "url": PICTURE}
    return {
        101: {"content": text},
        102: {"sourcePicture": picture, "bigPicture": picture, "snapshotPicture": picture},
        103: {"sourceUrl": "https://old.example.com/v.m4a", "dataSize": 9, "duration": 3},
        104: {"videoUrl": "https://old.example.com/v.mp4", "videoType": "video/mp4", "videoSize": 9, "duration": 3,
              "snapshotUrl": PICTURE, "snapshotSize": 5, "snapshotWidth": 4, "snapshotHeight": 3},
        105: {"sourceUrl": "https://old.example.com/a.pdf", "fileName": "a.pdf", "fileSize": 9},
        106: {"text": text + " @all", "atUserList": ["AtAllTag"], "isAtSelf": False},
        110: {"data": json.dumps({"order": text}), "description": "order", "extension": ""},
        114: {"text": text, "quoteMessage": quoted and quote(quoted)},
        118: {"content": "# " + text},
    }[kind]


def quote(message):
    """A message of a log, as an answer to it repeats it."""
    kept = ["clientMsgID", "serverMsgID", "sendID", "recvID", "groupID", "seq", "contentType", "sessionType", "senderNickname"]
    words = json.loads(base64.b64decode(message["content"]))
    return {**{key: message[key] for key in kept}, "content": json.dumps(words), "textElem": words}


def lived_in(server, run, messages, to):
    """People, two groups and four chats, talk of all types that both take, and what people have set and read; conversations with a reader."""
    names = ["ann", "bob", "cem_x", "dee", "eve"]
    people = {name: run + name for name in names}
    ann, bob, cem, dee, eve = (people[name] for name in names)
    server.call("/user/user_register", {"users": [
        {"userID": people[name], "nickname": f"The {name}", "faceURL": f"https://x.example/{name}.png"} for name in names]})
    team, quiet = run + "team", run + "quiet"
    for group, owner, admins, members in [(team, bob, [ann], [cem, dee, eve]), (quiet, ann, [], [bob])]:
        server.call("/group/create_group", {"ownerUserID": owner, "adminUserIDs": admins, "memberUserIDs": members,
                    "sendMessage": False, "groupInfo": {"groupID": group, "groupName": f"Group {group}", "groupType": 2}})
    pairs = [(ann, bob), (ann, cem), (bob, dee), (dee, eve)]
    talks = [(f"si_{min(p)}_{max(p)}", p, None) for p in pairs]
    talks += [(f"sg_{team}", (ann, bob, cem, dee, eve), team), (f"sg_{quiet}", (ann, bob), quiet)]
    kinds = [101] * 8 + [102, 103, 104, 105, 110] + ([114, 118] if server.release == to == "main" else [])
    chance = random.Random(7)
    # As the importer would: rising times, the next one when the one before can be read.
    for conversation, writers, group in talks:
        sent = 0
        while sent < messages:
            # A quote names a message that is there, and was not taken back.
            there = [one for one in server.log(writers[0], conversation) if one["contentType"] == 101 and one["seq"] != messages // 2]
            quoted = chance.choice(there) if there else None
            for _ in range(min(60, messages - sent)):
                kind = chance.choice(kinds + ([106] if group else []))
                kind = 101 if kind == 114 and not quoted else kind
                # Eve reads and never writes: who writes has read all before it.
                sender = chance.choice([writer for writer in writers if writer != eve])
                receiver = next((other for other in writers if other != sender), "") if not group else ""
                words = f'message {sent} "quoted" 再见 <b>'
                server.call("/msg/send_msg", {
                    "sendID": sender, "recvID": receiver, "groupID": group or "", "senderNickname": "The " + sender[len(run):],
                    "senderPlatformID": 2, "content": content(kind, words, quoted), "contentType": kind,
                    "sessionType": 3 if group else 1, "sendTime": 1_700_000_000_000 + 1000 * sent,
                    "ex": '{"app":1}' if kind == 110 else ""})
                sent += 1
            wait_for(lambda: server.seqs(writers[0], conversation).get("maxSeq", 0) >= sent)
    server.call("/msg/revoke_msg", {"conversationID": talks[0][0], "seq": messages // 2, "userID": "imAdmin"})
    server.call("/friend/import_friend", {"ownerUserID": ann, "friendUserIDs": [bob, cem]})
    server.call("/friend/add_black", {"ownerUserID": dee, "blackUserID": bob})
    server.call("/group/mute_group", {"groupID": quiet})
    server.call("/group/mute_group_member", {"groupID": team, "userID": dee, "mutedSeconds": 864000})
    for user, (conversation, writers, group), pinned, bell in [
            (ann, talks[0], True, 2), (cem, talks[1], True, 0), (dee, talks[4], False, 1), (bob, talks[5], True, 2)]:
        other = "" if group else next(w for w in writers if w != user)
        server.call("/conversation/set_conversations", {"userIDs": [user], "conversation": {
            "conversationID": conversation, "conversationType": 3 if group else 1, "userID": other, "groupID": group or "",
            "isPinned": pinned, "recvMsgOpt": bell}})
    for n, (conversation, writers, _) in enumerate(talks):
        for m, user in enumerate(writers):
            server.call("/msg/set_conversation_has_read_seq",
                        {"userID": user, "conversationID": conversation, "hasReadSeq": 1 + messages * (2 * n + m + 1) // 17 % messages})
    server.settle()
    return people, [team, quiet], talks


def wait_for(done):
    until = time.monotonic() + 60
    while not done():
        if time.monotonic() > until:
            sys.exit("the server does not store what it has taken")
        time.sleep(0.05)


def looks(server, people, groups, talks):
    """What users find on a server."""
    seen = {}
    fields = ["sendID", "recvID", "groupID", "senderNickname", "senderPlatformID", "sendTime", "contentType", "ex"]
    for conversation, writers, _ in talks:
        log = server.log(writers[0], conversation)
        seen["log of " + conversation] = [
            # In groups `recvID` is what the sender gave there; nobody sees it.
            ["" if f == "recvID" and message["groupID"] else message[f] for f in fields] + [without_ids(json.loads(base64.b64decode(message["content"])))] for message in log]
        for user in writers:
            read = server.seqs(user, conversation).get("hasReadSeq", 0)
            unread = sum(1 for message in log if message["seq"] > read and message["sendID"] != user)
            seen[f"unread of {user} in {conversation}"] = unread
        times = [message["sendTime"] for message in log]
        if times != sorted(times):
            sys.exit(f"{conversation}: times fall")
    for user in people.values():
        seen["friends of " + user] = sorted(server.call("/friend/get_friend_id", {"userID": user}).get("friendIDs") or [])
        page = {"pageNumber": 1, "showNumber": 100}
        blacks = server.call("/friend/get_black_list", {"userID": user, "pagination": page}).get("blacks") or []
        seen["blocked by " + user] = sorted(black["blackUserInfo"]["userID"] for black in blacks)
        kept = server.call("/conversation/get_all_conversations", {"ownerUserID": user}).get("conversations") or []
        seen["set by " + user] = sorted(
            (one["conversationID"], one["isPinned"], one["recvMsgOpt"]) for one in kept if one["isPinned"] or one["recvMsgOpt"])
    infos = server.call("/user/get_users_info", {"userIDs": list(people.values())})["usersInfo"]
    seen["people"] = sorted((one["userID"], one["nickname"], one["faceURL"]) for one in infos)
    for group in groups:
        info = server.call("/group/get_groups_info", {"groupIDs": [group]})["groupInfos"][0]
        seen["group " + group] = (info["groupName"], info["ownerUserID"], info["status"])
        ask = {"groupID": group, "pagination": {"pageNumber": 1, "showNumber": 100}, "filter": 0}
        members = server.call("/group/get_group_member_list", ask)["members"]
        now = time.time() * 1000
        seen["members of " + group] = sorted(
            (one["userID"], one["roleLevel"], round(max(0, one["muteEndTime"] - now) / 3_600_000)) for one in members)
    return seen


def stored(server, people, talks):
    """What is in a server's store, which is asked itself: messages in their order, members, and what nobody has read."""
    store = mongodump.Store(server.base + 20)
    rows = {name: [mongodump.value(0x03, row) for row in store.documents(name)]
            for name in ("msg", "group_member", "group", "seq_user")}
    logs, seen = collections.defaultdict(list), {}
    for block in rows["msg"]:
        conversation = block["doc_id"].rpartition(":")[0]
        for slot in block["msgs"]:
            message = (slot or {}).get("msg")
            if message and message["content_type"] < 1000 and message["status"] != 4 and not slot.get("revoke"):
                logs[conversation].append(message)
    read = {(row["user_id"], row["conversation_id"]): row["read_seq"] for row in rows["seq_user"]}
    fields = ["send_id", "session_type", "sender_nickname", "sender_platform_id", "send_time", "content_type", "ex"]
    for conversation, writers, _ in talks:
        log = sorted(logs[conversation], key=lambda message: message["seq"])
        seen["stored log of " + conversation] = [
            [message[f] for f in fields] + [without_ids(json.loads(message["content"]))] for message in log]
        for user in writers:
            since = read.get((user, conversation), 0)
            unread = sum(message["seq"] > since and message["send_id"] != user for message in log)
            seen[f"stored unread of {user} in {conversation}"] = unread
    seen["stored members"] = sorted(
        (row["group_id"], row["user_id"], row["role_level"]) for row in rows["group_member"] if row["user_id"] in people.values())
    seen["stored groups"] = sorted((row["group_id"], row["group_name"], row["status"]) for row in rows["group"])
    return seen


def without_ids(content):
    """A quote names a message by ids that are the server's own."""
    quoted = content.get("quoteMessage") if isinstance(content, dict) else None
    if not quoted:
        return content
    kept = {key: quoted.get(key) for key in ("sendID", "contentType")}
    words = (quoted.get("textElem") or {}).get("content") or json.loads(quoted.get("content") or "{}").get("content")
    return {"text": content.get("text"), "quotes": kept, "words": words}


def importer(folder, server, *arguments, said=(0,)):
    environment = {**os.environ, "OPENIM_SECRET": SECRET}
    api = ["--api", server.api] if server else []
    done = subprocess.run([IMPORTER, *arguments, *api], cwd=folder, env=environment, capture_output=True, text=True)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    print(f"  {' '.join(arguments)}: exit {done.returncode}: {last}", flush=True)
    if done.returncode not in said:
        sys.exit(done.stdout + done.stderr)


def main():
    arguments = sys.argv[1:]
    messages = 120
    if "--messages" in arguments:
        at = arguments.index("--messages")
        messages = int(arguments[at + 1])
        del arguments[at : at + 2]
    if len(arguments) != 3:
        sys.exit(__doc__)
    kit = arguments[0]
    if not os.access(f"{kit}/store-count", os.X_OK):
        print(f"skipped: there is no kit in {kit}")
        return
    old, new = (Server(given, kit) for given in arguments[1:])
    run = f"m{int(time.time())}"
    people, groups, talks = lived_in(old, run, messages, new.release)
    before = looks(old, people, groups, talks) | stored(old, people, talks)
    with tempfile.TemporaryDirectory() as folder:
        dump = [str(HERE / "mongodump.py"), str(old.base + 20), f"{folder}/openim_v3"]
        print("  " + subprocess.run([sys.executable, *dump], check=True, capture_output=True, text=True).stdout.replace("\n", "; "))
        importer(folder, None, "init", "openim_v3", "--quiet")
        importer(folder, None, "check", "--release", new.release, "--quiet")
        importer(folder, new, "run", "--provision", "--release", new.release, "--allow", "retention,webhooks", "--quiet")
        importer(folder, new, "mark-read", "--positions", "import.job/read-positions.jsonl", "--quiet")
        # The store is written later than the log.
        new.settle()
        importer(folder, new, "verify", "--store", "--client", "--quiet")
        importer(folder, new, "provision", "--stage", "after")
    after = looks(new, people, groups, talks) | stored(new, people, talks)
    bad = [what for what in before if before[what] != after[what]]
    for what in bad:
        first = next((pair for pair in zip(before[what], after[what]) if pair[0] != pair[1]), "") if isinstance(before[what], list) else ""
        print(f"DIFFERS {what}: {str(first or (before[what], after[what]))[:600]}")
    logs = [value for what, value in before.items() if what.startswith("stored log of ")]
    kinds = collections.Counter(message[5] for log in logs for message in log)
    unread = sum(value for what, value in before.items() if what.startswith("stored unread of "))
    print(f"{old.release} → {new.release}: {sum(map(len, logs))} messages in {len(logs)} conversations, by type "
          f"{', '.join(f'{kind}: {count}' for kind, count in sorted(kinds.items()))}; {unread} unread")
    print(f"{len(before)} things compared, in the store and as users see them (logs, people, members, friends, blocks, mutes, "
          f"pins and bells, unread counts): {len(bad)} differ")
    sys.exit(1 if bad else 0)


main()
