#!/usr/bin/env python3
"""A busy call centre on the real binary: callers from outside walk a menu by key, wait in a queue and talk to agents, every
talk recorded. SIPp plays both sides. At the end what the callers and agents logged themselves is compared with what the server
kept: records, offers, recordings; and the lateness of its media, its memory and its CPU are told.

    SWITCHBOARD_BIN=target/release/switchboard tests/load/centre.py [--seconds 600] [--calls 200] [--agents 120]

Exit code 1 when a call failed, a record or recording is missing or doubled, or memory grows.
"""

import argparse
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PASSWORD = "a-password-for-load-7"
SERVER, CARRIER, DESKS = "127.0.0.1", "127.0.0.2", "127.0.0.3"
SIP, HTTP = 15060, 18080
# A window of the memory row begins when the centre has been full for so long.
WARM_S = 60
# Memory may grow by so much between the first and the last quarter of the time.
GROWTH_MAX_KB = 16 * 1024

FLOW = {
    "name": "load",
    "start": "menu",
    "nodes": {
        "menu": {"step": "menu", "prompt": ["ivr_welcome"], "keys": {"1": "wait"}, "no_choice": "lost"},
        "wait": {"step": "queue", "queue": "load"},
        "lost": {"step": "hang_up"},
    },
}


def configuration(folder, agents):
    parts = [
        f'data_dir = "{folder}/data"\n[sip]\nudp = "{SERVER}:{SIP}"\ntcp = ""\ntls = ""\n[http]\nlisten = "{SERVER}:{HTTP}"\n'
        '[https]\nlisten = ""\n[rtp]\naddress = "127.0.0.1"\nports = "20000-24999"\nbrowsers = []\n[log]\nlevel = "warn"\n'
        "[recording]\nfree_disk_floor_mb = 0\n"
        f'[[provision.trunk]]\nname = "carrier"\nhost = "{CARRIER}"\nport = {SIP}\nsources = ["{CARRIER}"]\n'
    ]
    for n in range(agents):
        parts.append(f'[[provision.extension]]\nnumber = "{2000 + n}"\ncontact = "sip:{2000 + n}@{DESKS}:{SIP}"\n')
        parts.append(f'[[provision.agent]]\nnumber = "{60000 + n}"\nextension = "{2000 + n}"\nafter_call = "ready"\n')
    members = ", ".join(f'"{60000 + n}"' for n in range(agents))
    parts.append(
        f'[[provision.queue]]\nname = "load"\nnumber = "7900"\nmax_wait_s = 0\nmax_length = 1000\nrecord = true\nmembers = [{members}]\n'
    )
    return "\n".join(parts)


class Server:
    def __init__(self, binary, folder, agents):
        path = os.path.join(folder, "switchboard.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(configuration(folder, agents))
        self.token = None
        self.log = os.path.join(folder, "server.log")
        environment = dict(os.environ, SWITCHBOARD_DEMO_PASSWORD=PASSWORD)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([binary, "serve", "--config", path], stdout=log, stderr=log, env=environment)
        wait_for("the server", 60, lambda: self.is_ready())
        self.token = self.call("POST", "session", {"login": "admin", "password": PASSWORD})["token"]

    def is_ready(self):
        if self.process.poll() is not None:
            sys.exit(f"the server ended: {open(self.log, encoding='utf-8').read()[-2000:]}")
        try:
            return urllib.request.urlopen(f"http://{SERVER}:{HTTP}/readyz", timeout=5).status == 200
        except OSError:
            return False

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{SERVER}:{HTTP}/api/v1/{path}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")
        return json.loads(text) if text else None

    def all(self, path):
        items, cursor = [], ""
        while True:
            page = self.call("GET", f"{path}{'&' if '?' in path else '?'}limit=100{cursor}")
            items += page["items"]
            if not page.get("next_cursor"):
                return items
            cursor = f"&cursor={page['next_cursor']}"

    def metrics(self):
        return urllib.request.urlopen(f"http://{SERVER}:{HTTP}/metrics", timeout=10).read().decode()

    def lateness(self):
        """Deadlines of the media threads by how late they were met: those within each bound, those before included."""
        return {le: int(n) for le, n in re.findall(r'switchboard_media_deadlines_total\{le="([^"]+)"\} (\d+)', self.metrics())}

    def rss_kb(self):
        status = open(f"/proc/{self.process.pid}/status", encoding="utf-8").read()
        return int(re.search(r"VmRSS:\s*(\d+)", status).group(1))

    def cpu_s(self):
        fields = open(f"/proc/{self.process.pid}/stat", encoding="utf-8").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


def wait_for(what, seconds, is_so):
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            sys.exit(f"waited {seconds} s for {what}")
        time.sleep(0.1)


def sipp(folder, name, words, arguments):
    work = os.path.join(folder, name)
    os.makedirs(work)
    with open(os.path.join(HERE, f"{name}.xml"), encoding="utf-8") as file:
        text = file.read()
    for word, by in words.items():
        text = text.replace(word, str(by))
    with open(os.path.join(work, "scenario.xml"), "w", encoding="utf-8") as file:
        file.write(text)
    command = ["sipp", "-sf", "scenario.xml", "-nostdin", "-trace_err", "-error_file", "errors", "-trace_logs", "-log_file", "log",
               "-trace_stat", "-stf", "stat.csv", "-fd", "5", "-default_behaviors", "all,-bye"]
    screen = open(os.path.join(work, "screen"), "wb")
    return subprocess.Popen(command + arguments, cwd=work, stdout=screen, stderr=screen, env=dict(os.environ, TERM="dumb"))


def last_stat(folder, name):
    with open(os.path.join(folder, name, "stat.csv"), encoding="utf-8") as file:
        lines = file.read().strip().split("\n")
    return dict(zip(lines[0].split(";"), lines[-1].split(";")))


def logged(folder, name):
    path = os.path.join(folder, name, "log")
    return open(path, encoding="utf-8").read() if os.path.exists(path) else ""


def seconds_of(server, recording):
    """The length of a recording by its own header."""
    request = urllib.request.Request(f"http://{SERVER}:{HTTP}/api/v1/recordings/{recording}/file")
    request.add_header("Authorization", f"Bearer {server.token}")
    request.add_header("Range", "bytes=0-63")
    with urllib.request.urlopen(request, timeout=30) as answer:
        head = answer.read()
        size = int(answer.headers["Content-Range"].rsplit("/", 1)[1])
    rate = struct.unpack_from("<I", head, 28)[0]
    return (size - 44) / rate


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--seconds", type=int, default=600)
    parse.add_argument("--calls", type=int, default=200, help="callers at a time")
    parse.add_argument("--agents", type=int, default=120)
    parse.add_argument("--talk", type=int, default=40, help="seconds")
    parse.add_argument("--keep", action="store_true", help="keep the folder")
    ask = parse.parse_args()
    tools = os.environ.get("SWITCHBOARD_LOAD_TOOLS", os.path.join(HERE, "../../../shared/tools/load"))
    speech = os.path.join(tools, "speech.ul")
    if not os.path.exists(speech):
        sys.exit(f"no {speech}: SWITCHBOARD_LOAD_TOOLS names the folder with it (any PCMU at 8 kHz without a header)")
    folder = tempfile.mkdtemp(prefix="switchboard-centre-")
    server = Server(os.path.abspath(os.environ["SWITCHBOARD_BIN"]), folder, ask.agents)
    others = []
    try:
        code = run(ask, server, speech, folder, others)
    finally:
        for process in others:
            if process.poll() is None:
                process.kill()
        server.stop()
        if ask.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)


def run(ask, server, speech, folder, others):
    server.call("PUT", "flows/load", FLOW)
    server.call("POST", "flows/load/publish", {})
    server.call("POST", "routes", {"name": "load", "direction": "inbound", "did": "8610", "to": "flow:load"})
    for n in range(ask.agents):
        server.call("POST", f"agents/{60000 + n}/sign-in", {"way": "desk", "extension": str(2000 + n)})
        server.call("POST", f"agents/{60000 + n}/state", {"state": "ready"})
    agents = sipp(folder, "agent", {"RING_MS": 1000, "TALK_MS": ask.talk * 1000},
                  ["-i", DESKS, "-mi", DESKS, "-p", str(SIP), "-mp", "30000", "-rtp_echo"])
    others.append(agents)
    shutil.copy(speech, os.path.join(folder, "speech.ul"))
    callers = sipp(folder, "caller", {"MENU_MS": 3000, "speech.ul": os.path.join(folder, "speech.ul")},
                   [f"{SERVER}:{SIP}", "-i", CARRIER, "-mi", CARRIER, "-p", str(SIP), "-mp", "31000", "-r", "10", "-l", str(ask.calls),
                    "-m", "1000000", "-rtp_threadtasks", "100"])
    others.append(callers)
    samples = watch(ask, server, callers)
    callers.send_signal(signal.SIGUSR1)  # Take no new calls, end those that run.
    callers.wait(ask.talk * 4 + 300)
    agents.send_signal(signal.SIGUSR1)
    agents.wait(60)
    wait_for("the last call to be gone", 60, lambda: not server.call("GET", "calls")["items"])
    return judge(ask, server, folder, samples)


def watch(ask, server, callers):
    """(second, kB, deadlines, CPU seconds, calls) every ten seconds."""
    begin, samples = time.monotonic(), []
    while (at := time.monotonic() - begin) < ask.seconds:
        live = len(server.all("calls"))
        samples.append((at, server.rss_kb(), server.lateness(), server.cpu_s(), live))
        if callers.poll() is not None:
            sys.exit("the callers ended before their time")
        time.sleep(10)
    return samples


def judge(ask, server, folder, samples):
    full = [it for it in samples if it[0] >= min(WARM_S, ask.seconds / 3)]
    first, last = full[0], full[-1]
    bounds = {le: last[2][le] - first[2][le] for le in last[2]}
    took = last[0] - first[0]
    live = sum(it[4] for it in full) / len(full)
    cpu = (last[3] - first[3]) / took
    quarter = max(1, len(full) // 4)
    memory = [sum(it[1] for it in part) / len(part) for part in (full[:quarter], full[-quarter:])]

    stat = last_stat(folder, "caller")
    made, failed = int(stat["TotalCallCreated"]), int(stat["FailedCall(C)"])
    offered = [re.search(r"sip:(\d+)@", line.split("[")[-1]) for line in logged(folder, "agent").splitlines()]
    answered_by_phones = int(last_stat(folder, "agent")["SuccessfulCall(C)"])

    wait_for("the records", 60, lambda: len(server.all("call-records?queue=load")) >= made - failed)
    records = server.all("call-records?queue=load")
    numbers = [it["caller"].lstrip("+") for it in records]
    connected = [it for it in records if it["connected_at"]]
    wait_for("the recordings", 60, lambda: all(len(recordings(server, it)) == 1 for it in connected))
    short = []
    for it in connected:
        recording = recordings(server, it)[0]
        length, talk = seconds_of(server, recording["id"]), ask.talk
        if abs(length - talk) > 1.5:
            short.append((it["id"], length))
    rows = [
        ("calls made, failed", f"{made}, {failed}", failed == 0),
        ("calls at a time, mean", f"{live:.0f}", live > 0.9 * ask.calls),
        ("records, callers twice", f"{len(records)}, {len(numbers) - len(set(numbers))}", len(records) == made == len(set(numbers))),
        ("answered by phones, in records", f"{answered_by_phones}, {len(connected)}", answered_by_phones == len(connected) == made),
        ("offers rung", f"{len(offered)}", len(offered) == made),
        ("recordings of another length than the talk", f"{len(short)} {short[:3]}", not short),
        ("memory, first and last quarter", f"{memory[0]:.0f} kB, {memory[1]:.0f} kB", memory[1] - memory[0] < GROWTH_MAX_KB),
        ("deadlines met", ", ".join(f"{n} <= {le}" for le, n in bounds.items()), True),
        ("within 2 ms / 20 ms", f"{share(bounds, '0.002'):.4f} % / {share(bounds, '0.02'):.4f} %", share(bounds, "0.02") == 100.0),
        ("CPU", f"{cpu * 100:.0f} % of a core, {cpu * 1000 / live:.2f} ms a call-second", True),
    ]
    for name, value, good in rows:
        print(f"{'ok ' if good else 'BAD'} {name:44} {value}")
    return 0 if all(good for _, _, good in rows) else 1


def share(bounds, le):
    every = bounds.get("+Inf", 0)
    return 100.0 * bounds.get(le, 0) / every if every else 100.0


def recordings(server, record):
    return server.call("GET", f"call-records/{record['id']}").get("recordings", [])


if __name__ == "__main__":
    main()
