#!/usr/bin/env python3
"""The API under load beside calls: 500 mixed requests a second while 100 callers are in menus, in the queue and in recorded talks. Each request
has its moment, whether the one before was answered or not, and its time counts from that moment.

    SWITCHBOARD_BIN=target/release/switchboard tests/load/api.py [--seconds 60] [--rate 500] [--calls 100]

Exit code 1 when a request fails, when 1 % take longer than 50 ms, or when a deadline of the media threads is missed by a packet's length.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time

import centre

CONNECTIONS = 64
P99_MAX_MS = 50.0
# Requests begin when all callers are there.
WARM_S = 20
# By then the first calls are over: some seconds in the menu, 40 of talk.
FIRST_RECORDS_S = 120
# In a hundred requests so many of each; {call} is a call that ended or runs.
MIX = [
    (22, "GET", "calls?limit=50", None),
    (20, "GET", "call-records?limit=20", None),
    (15, "GET", "agents?limit=50", None),
    (10, "GET", "call-records/{call}", None),
    (10, "GET", "wallboard", None),
    (8, "GET", "queues/load", None),
    (5, "GET", "extensions?limit=50", None),
    (5, "GET", "events?limit=50&after={event}", None),
    (5, "PATCH", "extensions/1003", {"display_name": "{word}"}),
]


class Connection:
    """One that is kept open, with one request at a time."""

    def __init__(self, token):
        self.token = token
        self.streams = None

    async def ask(self, method, path, body):
        if self.streams is None:
            self.streams = await asyncio.open_connection(centre.SERVER, centre.HTTP)
        reader, writer = self.streams
        data = b"" if body is None else json.dumps(body).encode()
        writer.write(
            f"{method} /api/v1/{path} HTTP/1.1\r\nHost: {centre.SERVER}\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        await reader.readexactly(int(fields["content-length"]))
        return int(head.split(" ", 2)[1])


async def load(ask, token, calls, event):
    """(method and path, status, ms) of each request."""
    told, due, luck = [], asyncio.Queue(), random.Random(7)
    kinds = [kind[1:] for kind in MIX]
    weights = [kind[0] for kind in MIX]

    async def work():
        connection = Connection(token)
        while (task := await due.get()) is not None:
            at, (method, path, body) = task
            filled = path.format(call=luck.choice(calls), event=event)
            body = body and {name: value.format(word=f"Desk {luck.random():.6f}") for name, value in body.items()}
            try:
                status = await connection.ask(method, filled, body)
            except (OSError, asyncio.IncompleteReadError) as error:
                connection.streams, status = None, type(error).__name__
            told.append((f"{method} {path}", status, (time.monotonic() - at) * 1000))

    workers = [asyncio.create_task(work()) for _ in range(CONNECTIONS)]
    begin = time.monotonic()
    for n in range(ask.rate * ask.seconds):
        at = begin + n / ask.rate
        if (wait := at - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        due.put_nowait((at, luck.choices(kinds, weights)[0]))
    for _ in workers:
        due.put_nowait(None)
    await asyncio.gather(*workers)
    return told, time.monotonic() - begin


def percentile(values, of_hundred):
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * of_hundred / 100))]


def judge(ask, told, took, bounds, live):
    times = [ms for _, _, ms in told]
    failed = [(what, status) for what, status, _ in told if status != 200]
    late = bounds["+Inf"] - bounds["0.02"]
    rows = [
        ("requests a second", f"{len(told) / took:.0f}", len(told) / took > 0.98 * ask.rate),
        ("failed", f"{len(failed)} {sorted(set(failed))[:3]}", not failed),
        ("calls at a time, before and after", f"{live[0]}, {live[1]}", min(live) > 0.9 * ask.calls),
        ("p50 / p99 / longest", f"{percentile(times, 50):.1f} / {percentile(times, 99):.1f} / {max(times):.1f} ms", percentile(times, 99) <= P99_MAX_MS),
        ("media deadlines, missed by 20 ms", f"{bounds['+Inf']}, {late}", late == 0),
        ("within 2 ms", f"{centre.share(bounds, '0.002'):.3f} %", True),
    ]
    for what in sorted({what for what, _, _ in told}):
        times = [ms for other, _, ms in told if other == what]
        rows.append((f"  {what}", f"p50 {percentile(times, 50):.1f}, p99 {percentile(times, 99):.1f} ms", True))
    for name, value, good in rows:
        print(f"{'ok ' if good else 'BAD'} {name:44} {value}")
    return 0 if all(good for _, _, good in rows) else 1


def run(ask, server, speech, folder, others):
    server.call("PUT", "flows/load", centre.FLOW)
    server.call("POST", "flows/load/publish", {})
    server.call("POST", "routes", {"name": "load", "direction": "inbound", "did": "8610", "to": "flow:load"})
    for n in range(ask.agents):
        server.call("POST", f"agents/{60000 + n}/sign-in", {"way": "desk", "extension": str(2000 + n)})
        server.call("POST", f"agents/{60000 + n}/state", {"state": "ready"})
    others.append(centre.sipp(folder, "agent", {"RING_MS": 1000, "TALK_MS": 40_000},
                              ["-i", centre.DESKS, "-mi", centre.DESKS, "-p", str(centre.SIP), "-mp", "30000", "-rtp_echo"]))
    shutil.copy(speech, os.path.join(folder, "speech.ul"))
    others.append(centre.sipp(folder, "caller", {"MENU_MS": 3000, "speech.ul": os.path.join(folder, "speech.ul")},
                              [f"{centre.SERVER}:{centre.SIP}", "-i", centre.CARRIER, "-mi", centre.CARRIER, "-p", str(centre.SIP), "-mp", "31000",
                               "-r", "10", "-l", str(ask.calls), "-m", "1000000", "-rtp_threadtasks", "100"]))
    centre.wait_for("the callers", WARM_S * 2, lambda: len(server.all("calls")) >= ask.calls)
    centre.wait_for("the records of the first calls", FIRST_RECORDS_S, lambda: len(server.all("call-records")) >= ask.calls // 2)
    calls = [it["id"] for it in server.all("call-records")]
    event = server.call("GET", "events?limit=200")["next_cursor"]
    before, first = server.lateness(), len(server.all("calls"))
    told, took = asyncio.run(load(ask, server.token, calls, event))
    after, last = server.lateness(), len(server.all("calls"))
    return judge(ask, told, took, {le: after[le] - before[le] for le in after}, (first, last))


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--seconds", type=int, default=60)
    parse.add_argument("--rate", type=int, default=500, help="requests a second")
    parse.add_argument("--calls", type=int, default=100, help="callers at a time")
    parse.add_argument("--agents", type=int, default=80)
    ask = parse.parse_args()
    tools = os.environ.get("SWITCHBOARD_LOAD_TOOLS", os.path.join(centre.HERE, "../../../shared/tools/load"))
    speech = os.path.join(tools, "speech.ul")
    if not os.path.exists(speech):
        sys.exit(f"no {speech}: SWITCHBOARD_LOAD_TOOLS names the folder with it (any PCMU at 8 kHz without a header)")
    folder = tempfile.mkdtemp(prefix="switchboard-api-")
    server = centre.Server(os.path.abspath(os.environ["SWITCHBOARD_BIN"]), folder, ask.agents)
    others = []
    try:
        code = run(ask, server, speech, folder, others)
    finally:
        for process in others:
            process.send_signal(signal.SIGKILL)
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
