#!/usr/bin/env bash
# A migration with its pictures, voices and files on a real server: three exports with files of their own (a zip of WhatsApp, a
# folder of Telegram, a folder of Slack with one file above 5 MiB), `run --media`, then every message is read back from the
# server, its address is opened as a phone would, without a token, and the bytes are compared; then once more: nothing may be
# uploaded. Usage: benches/media.sh KIT DIR PORT-BASE RELEASE
#     benches/media.sh ../shared/real /tmp/openim-a 13000 main
#     benches/media.sh ../shared/real /tmp/openim-b 14000 3.8.3
# Needs a server started by the kit (`up … --media`, in DIR); without the kit it says so.
set -eu
cd "$(dirname "$0")/.."
. benches/real.sh m "${@:1:4}"
python3 - "$run" "$work" <<'PYTHON'
import hashlib, json, os, random, struct, sys, zipfile, zlib
run, work = sys.argv[1:]
dice = random.Random(run)
def png(width, height):
    rows = b''.join(b'\0' + dice.randbytes(width * 3) for _ in range(height))
    chunk = lambda kind, data: struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    head = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')
def wav(seconds):
    data = dice.randbytes(8000 * seconds)
    return b'RIFF' + struct.pack('<I', 36 + len(data)) + b'WAVEfmt ' + struct.pack('<IHHIIHH', 16, 1, 1, 8000, 8000, 1, 8) + b'data' + struct.pack('<I', len(data)) + data
truth = {}
def put(path, data):
    os.makedirs(os.path.dirname(f'{work}/{path}'), exist_ok=True)
    open(f'{work}/{path}', 'wb').write(data)
    return data
def keep(chat, data):
    truth.setdefault(chat, []).append(hashlib.sha256(data).hexdigest())
    return data

# WhatsApp: two pictures of one content, a recording, a document.
whatsapp = f'si_{run}ann_{run}bob'
picture, voice, paper = png(300, 200), wav(3), dice.randbytes(2000)
os.makedirs(f'{work}/whatsapp')
names = ['IMG-20240301-WA0001.png', 'IMG-20240301-WA0002.png', 'PTT-20240301-WA0003.wav', 'DOC-20240301-WA0004.pdf']
with zipfile.ZipFile(f'{work}/whatsapp/chat.zip', 'w') as out:
    lines = ['28/02/2024, 23:58 - Ann Lee: Good evening']
    for n, (name, data) in enumerate(zip(names, [picture, picture, voice, paper])):
        lines.append(f'01/03/2024, 00:0{n} - {"Ann Lee" if n % 2 else "Bob Jones"}: \u200e{name} (file attached)')
        out.writestr(name, keep(whatsapp, data))
    out.writestr('WhatsApp Chat with Ann Lee.txt', '\n'.join(lines) + '\n')
put('whatsapp/users.csv', f'id,openim_id\nAnn Lee,{run}ann\nBob Jones,{run}bob\n'.encode())
put('whatsapp/import.toml', b'sources = ["chat.zip"]\n[format]\nname = "whatsapp"\nzone = "UTC"\nself = "Bob Jones"\n[users]\nfile = "users.csv"\n')

# Telegram: a folder with a picture and a voice.
telegram = f'si_{run}cem_{run}dee'
message = lambda n, sender, **more: {'id': n, 'type': 'message', 'date_unixtime': str(1_700_000_000 + n), 'from': sender, 'from_id': f'user{ {"Cem": 71, "Dee": 72}[sender] }', 'text': '', **more}
put('telegram/photos/photo_1.png', keep(telegram, png(64, 64)))
put('telegram/voice_messages/audio_1.wav', keep(telegram, wav(2)))
put('telegram/result.json', json.dumps({'name': 'Dee', 'type': 'personal_chat', 'id': 72, 'messages': [
    message(1, 'Cem', text='hello'), message(2, 'Cem', photo='photos/photo_1.png', width=64, height=64),
    message(3, 'Dee', file='voice_messages/audio_1.wav', media_type='voice_message', duration_seconds=2)]}).encode())
put('telegram/users.csv', f'id,openim_id\n71,{run}cem\n72,{run}dee\nuser71,{run}cem\nuser72,{run}dee\n'.encode())
put('telegram/import.toml', b'sources = ["result.json"]\n[format]\nname = "telegram"\nself = "user71"\n[users]\nfile = "users.csv"\n')

# Telegram again: an account with two groups, of which one goes first.
parts = []
for chat in (int(run[1:]) * 10 + 1, int(run[1:]) * 10 + 2):
    for n in (1, 2):
        put(f'parts/files/{chat}-{n}.bin', keep(f'sg_chat{chat}', dice.randbytes(5000)))
    parts.append({'name': 'C', 'type': 'private_group', 'id': chat, 'messages': [
        message(n, 'Cem', file=f'files/{chat}-{n}.bin', file_name=f'{chat}-{n}.bin') for n in (1, 2)]})
put('parts/result.json', json.dumps({'about': 'x', 'personal_information': {'user_id': 72}, 'chats': {'list': parts}}).encode())
put('parts/users.csv', f'id,openim_id\nuser71,{run}cem\n'.encode())
put('parts/import.toml', b'sources = ["result.json"]\n[format]\nname = "telegram"\n[users]\nfile = "users.csv"\n')

# Slack: a folder with uploads beside, one of them in two parts.
slack = f'sg_{run}CALL'
people = [f'{run}U1', f'{run}U2']
files = [('F1', 'plan.png', png(40, 30)), ('F2', 'big.bin', dice.randbytes(6 << 20))]
put('slack/users.json', json.dumps([{'id': one, 'name': one} for one in people]).encode())
put('slack/channels.json', json.dumps([{'id': f'{run}CALL', 'name': 'all', 'creator': people[0], 'members': people}]).encode())
put('slack/all/2024-03-01.json', json.dumps([
    {'type': 'message', 'user': people[n % 2], 'ts': f'{1_709_280_000 + n}.000100', 'text': f'file {n}',
     'files': [{'id': key, 'name': name, 'size': len(data), 'url_private': f'https://files.slack.com/{key}/{name}'}]}
    for n, (key, name, data) in enumerate(files)]).encode())
for key, name, data in files:
    put(f'slack/__uploads/{key}/{name}', keep(slack, data))
put('slack/import.toml', b'sources = ["."]\n[format]\nname = "slack"\n')
json.dump(truth, open(f'{work}/truth.json', 'w'))
PYTHON
for export in whatsapp telegram slack; do
  cd "$work/$export"
  say run --media --provision --allow retention
  # A job that knows nothing of the first.
  "$importer" media --job another.job --json --quiet | python3 -c 'import json, sys
seen = json.load(sys.stdin)
print("another job: uploaded bytes", seen["uploaded_bytes"], "of", seen["bytes"])'
  say verify --media
done
cd "$work/parts"
say run --media --only "sg_chat${run#m}1" --provision --allow retention
"$importer" status | grep files || true
say run
"$importer" status | grep files
say verify --media
cd "$work"
as_admin <<'PYTHON'
import base64, hashlib
truth, right, wrong = json.load(open('truth.json')), 0, 0
for chat, digests in truth.items():
    user = [one for one in chat.split('_') if one.startswith(run) and not one.endswith('CALL')]
    user = user[0] if user else run + ('cem' if 'chat' in chat else 'U1')
    most = call('/msg/get_conversations_has_read_and_max_seq', {'userID': user, 'conversationIDs': [chat]})['seqs'][chat]['maxSeq']
    pulled = call('/msg/pull_msg_by_seq', {'userID': user, 'order': 0, 'seqRanges': [{'conversationID': chat, 'begin': 1, 'end': most, 'num': most}]})
    found = []
    for message in pulled['msgs'][chat]['Msgs']:
        content = json.loads(base64.b64decode(message['content']))
        url = content.get('sourceUrl') or content.get('videoUrl') or (content.get('sourcePicture') or {}).get('url')
        if url:
            found.append(hashlib.sha256(urllib.request.urlopen(url, timeout=60).read()).hexdigest())
            thumbnail = (content.get('snapshotPicture') or {}).get('url')
            if thumbnail:
                assert urllib.request.urlopen(thumbnail, timeout=60).read(), thumbnail
    right += found == digests
    print(chat.removeprefix('si_').removeprefix('sg_'), f'{len(found)} of {len(digests)} files opened,', 'the same bytes in order' if found == digests else 'OTHER BYTES')
sys.exit(right != len(truth))
PYTHON
