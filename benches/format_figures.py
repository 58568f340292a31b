#!/usr/bin/env python3
"""Speed of each format on one core: makes exports of 300,000 messages in a folder, then measures the CPU time of
`init` (reading, mapping, checking) and of `check` (all of that, and writing the job).

    cargo build --release && benches/format_figures.py target/release/openim-import /tmp/figures
"""
import csv, json, os, resource, subprocess, sys

BINARY, FOLDER = os.path.abspath(sys.argv[1]), sys.argv[2]
os.makedirs(FOLDER, exist_ok=True)
os.chdir(FOLDER)
W="some words, as people write them, and a little more so that it is long enough"
N=300000
T=1700000000
def put(p,t):
    os.makedirs(os.path.dirname(p) or '.',exist_ok=True); open(p,'w').write(t)
# tencent
for h in range(30):
    rows=[]
    for n in range(h*N//30,(h+1)*N//30):
        u=n%500
        rows.append(json.dumps({"From_Account":f"user{u}","To_Account":f"user{(u*7+1)%500}","MsgTimestamp":T+n,"MsgSeq":n,"MsgRandom":n*7,"MsgFromPlatform":"iOS","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":f"Message {n}: {W}"}}]}))
    put(f"tencent/C2C/20231114{h:02}.json",'{"MsgList":[\n'+",\n".join(rows)+"\n]}\n")
# slack, pretty
put("slack/channels.json",json.dumps([{"id":f"C{c:08}","name":f"channel-{c}","members":[]} for c in range(40)]))
put("slack/users.json",json.dumps([{"id":f"U{u:08}","name":f"user{u}","profile":{"display_name":f"Person {u}"}} for u in range(500)]))
for f in range(600):
    rows=[{"client_msg_id":f"00000000-0000-0000-0000-{f*500+i:012}","type":"message","text":f"Message {i}: {W} <@U{i%500:08}>","user":f"U{(i*7)%500:08}","ts":f"{T+f*86400+i}.{i:06}","team":"T0ACME","user_profile":{"avatar_hash":"g","image_72":"https://a.example/72.png","first_name":"P","real_name":"Person","display_name":"person","team":"T0ACME","name":"p","is_restricted":False,"is_ultra_restricted":False},"blocks":[{"type":"rich_text","block_id":"x","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":W}]}]}]} for i in range(500)]
    put(f"slack/channel-{f%40}/{2010+f//336}-{1+f%336//28:02}-{1+f%28:02}.json",json.dumps(rows,indent=4))
# mattermost
with open("bulk.jsonl","w") as o:
    o.write('{"type":"version","version":1}\n')
    for u in range(500): o.write(json.dumps({"type":"user","user":{"username":f"user{u}","nickname":f"P {u}"}})+"\n")
    for n in range(N):
        o.write(json.dumps({"type":"post","post":{"team":"team","channel":f"channel-{n%40}","user":f"user{n%500}","type":"","message":f"Message {n}: {W} @user{n%500}","props":{},"create_at":T*1000+n,"edit_at":0,"flagged_by":[],"reactions":None,"replies":None,"attachments":None,"is_pinned":False}})+"\n")
with open("posts.csv","w",newline='') as o:
    w=csv.writer(o); w.writerow("Post Creation Time,Team Id,Team Name,Team Display Name,Channel Id,Channel Name,Channel Display Name,Channel Type,User Id,User Email,Username,Post Id,Edited By Post Id,Replied to Post Id,Post Message,Post Type,User Type,Previews Post Id".split(','))
    for n in range(N):
        w.writerow([T*1000+n,"teamteamteamteamteamteam12","team","Team",f"channelchannelchannelch{n%40:03}",f"channel-{n%40}",f"Channel {n%40}","public",f"useruseruseruseruseruse{n%500:03}",f"user{n%500}@x.example",f"user{n%500}",f"postpostpostpost{n:010}","","",f"Message {n}: {W} @user{n%500}","message","user",""])
# telegram
with open("result.json","w") as o:
    o.write('{\n "about": "x",\n "personal_information": {"user_id": 1},\n "chats": {"list": [\n')
    for c in range(10):
        o.write((",\n" if c else "")+f'  {{"name": "C {c}", "type": "private_group", "id": {c+10}, "messages": [\n')
        o.write(",\n".join(json.dumps({"id":n,"type":"message","date":"2023-11-14T22:13:20","date_unixtime":str(T+n),"from":f"Person {n%500}","from_id":f"user{n%500}","text":f"Message {n}: {W}","text_entities":[{"type":"plain","text":f"Message {n}: {W}"}]},indent=1) for n in range(N//10)))
        o.write("]}")
    o.write("]}}")
with open("WhatsApp Chat with Us.txt","w") as o:
    for n in range(N):
        m=n//10
        o.write(f"{1+m//1440%28:02}/{1+m//1440//28%12:02}/24, {m//60%24:02}:{m%60:02} - Person {n%50}: Message {n}: {W}\n")

def size(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(path) for f in files)

def cpu(arguments):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([BINARY] + arguments, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

os.sched_setaffinity(0, {0})
for source in ["tencent", "slack", "bulk.jsonl", "posts.csv", "result.json", "WhatsApp Chat with Us.txt"]:
    mb = size(source) / 1e6
    subprocess.run(["rm", "-rf", "import.job"], check=True)
    init = mb / cpu(["init", "--quiet", "--output", "x.toml", "--force", "--zone", "UTC", source])
    check = mb / cpu(["check", "--quiet", "--config", "x.toml"])
    print(f"{source:26} {mb:5.0f} MB   init {init:5.0f} MB/s   check {check:5.0f} MB/s", flush=True)
