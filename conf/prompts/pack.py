#!/usr/bin/env python3
"""Packs Ogg/Opus files into one: `pack.py OUT FILE...`.

For each file: the name (length in one byte, then it), samples to be left out at the beginning (pre-skip, two bytes) and samples after
that (four bytes), both at 48 kHz, then how many packets (two bytes) and each with its length in two bytes. All big end first.
"""
import pathlib
import struct
import sys


def packets(data):
    """The packets of an Ogg stream (RFC 3533) and the last granule position."""
    at, parts, found, granule = 0, [], [], 0
    while at < len(data):
        assert data[at:at + 4] == b"OggS"
        granule = struct.unpack_from("<q", data, at + 6)[0]
        segments = data[at + 27:at + 27 + data[at + 26]]
        at += 27 + len(segments)
        for length in segments:
            parts.append(data[at:at + length])
            at += length
            if length < 255:
                found.append(b"".join(parts))
                parts = []
    return found, granule


out = bytearray(b"SWP1")
for path in sorted(map(pathlib.Path, sys.argv[2:])):
    (head, _tags, *audio), granule = packets(path.read_bytes())
    assert head[:8] == b"OpusHead"
    skip = struct.unpack_from("<H", head, 10)[0]
    name = path.stem.encode()
    out += struct.pack(">B", len(name)) + name + struct.pack(">HIH", skip, granule - skip, len(audio))
    for packet in audio:
        out += struct.pack(">H", len(packet)) + packet
pathlib.Path(sys.argv[1]).write_bytes(out)
