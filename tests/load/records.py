#!/usr/bin/env python3
"""The lists of 100,000 call records: how long the server takes for a page, by each filter of the page and deep in the list, as an
administrator and as somebody with a data scope. The records are written into the SQLite files of a server of its own.

    SWITCHBOARD_BIN=target/release/switchboard tests/load/records.py [--records 100000]

Exit code 1 when half of the answers to one question take longer than 100 ms, but for questions that few or no records answer and no index serves:
those read the whole table, and are told. A time is from the request to the whole answer, on loopback.
"""

import argparse
import os
import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
import urllib.parse

import centre

LIMIT_MS = 100.0
TRIES = 10
PAGE = 50
DAYS = 90
AGENTS, QUEUES = 50, 8
ROOT = "00000000000000000000000001"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LABELS = ["not_rated", "非常满意", "满意", "不满意"]


def ulid(at_ms, n):
    value = at_ms << 80 | n
    return "".join(CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def rows(count, now_ms):
    """Calls of the last days, the oldest first: an inbound one through a queue, or an outbound one."""
    luck = random.Random(7)
    for n in range(count):
        at = now_ms - (count - n) * DAYS * 86_400_000 // count
        ring, talk = luck.randrange(1, 20) * 1000, luck.randrange(1, 900) * 1000 * (luck.random() < 0.8)
        yield {
            "call": ulid(at, n), "at": at, "inbound": luck.random() < 0.7, "outside": f"138{luck.randrange(30_000):08}",
            "agent": str(60000 + luck.randrange(AGENTS)), "extension": str(2000 + luck.randrange(AGENTS)), "queue": f"queue{luck.randrange(QUEUES)}",
            "ring": ring, "talk": talk, "answered": talk > 0, "label": luck.choice(LABELS),
        }


def insert(cursor, table, row):
    places = ", ".join("?" * len(row))
    cursor.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))


def normal(number):
    return f"+86{number}" if len(number) == 11 else number


def engine(cursor, it):
    answered = it["at"] + it["ring"] if it["answered"] else None
    ended = it["at"] + it["ring"] + it["talk"]
    caller, callee = (it["outside"], "8610") if it["inbound"] else (it["extension"], it["outside"])
    insert(cursor, "call_records", {
        "tenant": "default", "call": it["call"], "direction": "inbound" if it["inbound"] else "outbound", "source": "dialled", "caller": caller,
        "caller_name": "", "callee": callee, "trunk": "carrier", "emergency": 0, "caller_extension": None if it["inbound"] else it["extension"],
        "callee_extension": it["extension"] if it["inbound"] else None, "created_at_ms": it["at"], "ringing_at_ms": it["at"], "answered_at_ms": answered,
        "ended_at_ms": ended, "ring_duration_ms": it["ring"], "talk_duration_ms": it["talk"], "total_duration_ms": it["ring"] + it["talk"],
        "cause": "normal", "ended_by": "caller", "sip_status": 200, "queue": it["queue"] if it["inbound"] else None,
        "queue_wait_ms": it["ring"] if it["inbound"] else None, "connected_at_ms": answered, "agent": it["agent"] if it["answered"] else None,
        "lost": int(it["inbound"] and not it["answered"]), "survey_result": it["label"],
    })
    parts = [("queue", None)] if it["inbound"] else []
    parts += [("offer", it["agent"])] + ([("agent", it["agent"])] if it["answered"] else [])
    for place, (kind, agent) in enumerate(parts):
        insert(cursor, "call_segments", {
            "tenant": "default", "call": it["call"], "at": place, "kind": kind, "started_at_ms": it["at"], "ended_at_ms": ended, "agent": agent,
            "queue": it["queue"] if it["inbound"] else None, "outcome": None if kind == "agent" else "answered" if it["answered"] else "timed_out",
        })


def crm(cursor, it):
    caller, callee = (it["outside"], "8610") if it["inbound"] else (it["extension"], it["outside"])
    insert(cursor, "crm_call_record", {
        "tenant": "default", "id": it["call"] + "-0", "call": it["call"], "part": 0, "kind": "inbound" if it["inbound"] else "outbound",
        "source": "dialled", "caller": caller, "callee": callee, "caller_normal": normal(caller), "callee_normal": normal(callee), "trunk": "carrier",
        "agent": it["agent"], "agent_name": "A", "department": "00000000000000000000000001", "department_name": "Root",
        "queue": it["queue"] if it["inbound"] else None, "at_ms": it["at"], "answered_at_ms": it["at"] + it["ring"] if it["answered"] else None,
        "ended_at_ms": it["at"] + it["ring"] + it["talk"], "queue_wait_ms": 0, "ring_ms": it["ring"], "talk_ms": it["talk"],
        "total_ms": it["ring"] + it["talk"], "ended_by": "caller", "cause": "normal", "satisfaction": it["label"], "recordings": "[]",
    })
    if it["inbound"] and not it["answered"]:
        insert(cursor, "crm_lost_call", {
            "tenant": "default", "id": it["call"], "caller": caller, "callee": callee, "caller_normal": normal(caller), "queue": it["queue"], "at_ms": it["at"],
            "ended_at_ms": it["at"], "voicemail": 0, "state": "open", "version": 1,
        })


def fill(path, write, count, now_ms):
    with sqlite3.connect(path, timeout=60) as base:
        cursor = base.cursor()
        for it in rows(count, now_ms):
            write(cursor, it)
    base.close()


def at(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))


def questions(now_ms):
    """(what it is, path): what the pages of the console ask."""
    week = {"from": at(now_ms - 7 * 86_400_000), "to": at(now_ms)}
    quarter = {"from": at(now_ms - DAYS * 86_400_000), "to": at(now_ms)}
    found = {"number": "13800000007"}
    by = [("newest", {}), ("a week", week), ("all days", quarter), ("a number", found), ("a number in a week", {**week, **found}), ("an agent", {"agent": "60007"}),
          ("a queue", {"queue": "queue3"}), ("long talks", {"talk_min_ms": 890_000}), ("talks longer than any", {"talk_min_ms": 3_600_000}),
          ("a rating", {"satisfaction": "不满意"}), ("a rating of an agent in a week", {**week, "agent": "60007", "satisfaction": "满意"})]
    engine_only = [("outbound", {"direction": "outbound"}), ("lost", {"lost": "true"}), ("not answered", {"answered": "false"}),
                   ("a cause that none has", {"cause": "rejected"}), ("an extension", {"extension": "2007"})]
    crm_only = [("outbound", {"type": "outbound"})]
    # Where no days are named, the CRM's lists are of today.
    for name, base, days, more in [("engine", "call-records", {}, engine_only), ("crm", "crm/call-records", quarter, crm_only)]:
        for what, query in by + more:
            yield f"{name}: {what}", f"{base}?{urllib.parse.urlencode({**days, **query, 'limit': 50})}"
    yield "crm: lost calls", f"crm/lost-calls?{urllib.parse.urlencode({**quarter, 'limit': 50})}"
    yield "engine: missed offers", "missed-offers?limit=50"


def timed(server, path):
    begin = time.perf_counter()
    answer = server.call("GET", path)
    return (time.perf_counter() - begin) * 1000, answer


def deep(server, base, pages, now_ms):
    """The page after so many of 200 records each."""
    days = urllib.parse.urlencode({"from": at(now_ms - DAYS * 86_400_000), "to": at(now_ms)})
    cursor = ""
    for _ in range(pages):
        cursor = "&cursor=" + server.call("GET", f"{base}?{days}&limit=200{cursor}")["next_cursor"]
    return f"{base}?{days}&limit=50{cursor}"


def run(ask, server, folder):
    now_ms = int(time.time() * 1000)
    fill(os.path.join(folder, "data", "switchboard.db"), engine, ask.records, now_ms)
    fill(os.path.join(folder, "data", "plugins", "crm", "crm.db"), crm, ask.records, now_ms)
    asked = list(questions(now_ms))
    for base in ["call-records", "crm/call-records"]:
        asked.append((f"{base}: in the middle", deep(server, base, ask.records // 400, now_ms)))
    records = [(what, path) for what, path in asked if path.startswith("call-records")]
    asked = [(what, path, server.token) for what, path in asked]
    # Everybody is in the first department, and nobody in the other.
    other = server.call("POST", "departments", {"name": "Other", "parent": ROOT})["id"]
    for name, department in [("one department", ROOT), ("a department of nobody", other)]:
        scope = {"scope": "departments", "departments": [department]}
        token = server.call("POST", "tokens", {"name": name, "permissions": ["call_records.read"], "data": scope})["token"]
        asked += [(f"{what}, {name}", path, token) for what, path in records]
    failed = False
    for what, path, server.token in asked:
        times = [timed(server, path) for _ in range(TRIES)]
        ms = sorted(time for time, _ in times)
        is_slow, rows_found = statistics.median(ms) > LIMIT_MS, len(times[0][1]["items"])
        # A page that is not full was looked for to the end of the table.
        failed |= is_slow and rows_found == PAGE
        verdict = "ok " if not is_slow else "BAD" if rows_found == PAGE else "end"
        print(f"{verdict} {what:58} {rows_found:3} rows, median {statistics.median(ms):6.1f}, longest {ms[-1]:6.1f} ms")
    return int(failed)


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--records", type=int, default=100_000)
    ask = parse.parse_args()
    folder = tempfile.mkdtemp(prefix="switchboard-records-")
    server = centre.Server(os.path.abspath(os.environ["SWITCHBOARD_BIN"]), folder, AGENTS)
    try:
        code = run(ask, server, folder)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
