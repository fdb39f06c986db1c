#!/usr/bin/env python3
"""An oracle for opening hours that shares nothing with the crate: days painted minute by minute, zones by Python's zoneinfo.

Reads hours_cases.toml and writes hours_expected.txt beside it: `case unix_ms open|closed|holiday`, a line a moment.
Run it after a change of the cases: python3 dialplan/tests/hours_oracle.py
"""
import datetime as dt
import pathlib
import random
import tomllib
import zoneinfo

HERE = pathlib.Path(__file__).parent
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def clock(text):
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def is_holiday(hours, day):
    for text in hours.get("holidays", []):
        first, _, last = text.partition("..")
        last = last or first
        if first.count("-") == 2:
            if dt.date.fromisoformat(first) <= day <= dt.date.fromisoformat(last):
                return True
        else:
            # Every day of the range, walked from its first one through a leap year.
            walk = dt.date.fromisoformat(f"2024-{first}")
            while True:
                if (walk.month, walk.day) == (day.month, day.day):
                    return True
                if walk.strftime("%m-%d") == last:
                    break
                walk += dt.timedelta(days=1)
    return False


def spans(hours, day):
    for made_up in hours.get("make_up", []):
        if made_up["date"] == day.isoformat():
            if "times" in made_up:
                return made_up["times"], False
            return hours.get("weekly", {}).get(made_up["like"], []), False
    if is_holiday(hours, day):
        return [], True
    return hours.get("weekly", {}).get(DAYS[day.weekday()], []), False


def paint(hours, first, last):
    """The state of each minute of wall clock."""
    painted = {}
    day = first
    while day <= last:
        _, holiday = spans(hours, day)
        for minute in range(1440):
            painted[(day, minute)] = "holiday" if holiday else "closed"
        day += dt.timedelta(days=1)
    day = first
    while day <= last:
        for span in spans(hours, day)[0]:
            begin, end = map(clock, span.split("-"))
            length = end - begin if end > begin else end - begin + 1440
            at = dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=begin)
            for _ in range(length):
                painted[(at.date(), at.hour * 60 + at.minute)] = "open"
                at += dt.timedelta(minutes=1)
        day += dt.timedelta(days=1)
    return painted


def main():
    random.seed(2)
    cases = tomllib.loads((HERE / "hours_cases.toml").read_text())
    lines = []
    for name, case in cases.items():
        zone = zoneinfo.ZoneInfo(case["hours"]["zone"])
        first, last = (dt.date.fromisoformat(case[key]) for key in ("first", "last"))
        margin = dt.timedelta(days=3)
        painted = paint(case["hours"], first - margin, last + margin)
        begin = int(dt.datetime.combine(first, dt.time(), dt.timezone.utc).timestamp())
        end = int(dt.datetime.combine(last, dt.time(), dt.timezone.utc).timestamp())

        def state(second):
            local = dt.datetime.fromtimestamp(second, dt.timezone.utc).astimezone(zone)
            return painted[(local.date(), local.hour * 60 + local.minute)]

        # Both sides of each change, and moments in between.
        moments, before = [], state(begin)
        for second in range(begin, end, 60):
            now = state(second)
            if now != before:
                moments += [(second * 1000 - 1, before), (second * 1000, now)]
            before = now
        for _ in range(100):
            second = random.randrange(begin, end)
            moments.append((second * 1000 + random.randrange(1000), state(second)))
        lines += [f"{name} {moment} {expected}" for moment, expected in sorted(moments)]
    (HERE / "hours_expected.txt").write_text("\n".join(lines) + "\n")
    print(len(lines), "moments")


main()
