#!/usr/bin/env python3
"""Composes the music on hold: `music.py OUT.wav`. Nothing in it is anybody's recording.

48 s at 72 quarter notes a minute in 3/4: sixteen bars of plucked broken chords in D over a bass, a slow melody on top the second time
through each half, a little room. Whatever rings past the end rings at the beginning, so that it follows on itself.
"""
import array
import math
import sys
import wave

RATE = 16_000
BEAT = 1.0
BARS = 16
LENGTH = int(BARS * 3 * BEAT * RATE)
CHORDS = [(38, 54, 57, 62), (45, 52, 57, 61), (47, 54, 59, 62), (42, 49, 54, 57),
          (43, 50, 55, 59), (38, 50, 54, 57), (40, 52, 55, 59), (45, 52, 57, 61)]
MELODY = [[(0, 74), (1, 73), (2, 69)], [(0, 71), (2, 69)], [(0, 66), (1, 69), (2, 71)], [(0, 69)],
          [(0, 67), (1, 69), (2, 71)], [(0, 69), (2, 66)], [(0, 64), (1, 66), (2, 67)], [(0, 69)]]
sound = array.array("d", bytes(8 * LENGTH))


def pluck(at, note, gain, fade, bright):
    """A string that dies away in `fade` seconds to 1/e, its overtones sooner."""
    hz = 440 * 2 ** ((note - 69) / 12)
    start, tones = int(at * RATE), [(k, bright ** (k - 1)) for k in range(1, 6) if hz * k < 3_400]
    for i in range(int(fade * 5 * RATE)):
        t = i / RATE
        attack = min(t / 0.008, 1.0)
        value = sum(part * math.sin(2 * math.pi * hz * k * t) * math.exp(-t * k / fade) for k, part in tones)
        sound[(start + i) % LENGTH] += gain * attack * value


for bar in range(BARS):
    bass, *chord = CHORDS[bar % 8]
    start = bar * 3 * BEAT
    pluck(start, bass, 0.55, 1.1, 0.45)
    for eighth, nth in enumerate((0, 1, 2, 1, 2, 1)):
        pluck(start + eighth * BEAT / 2, chord[nth], 0.32, 0.7, 0.35)
    if bar >= 8 or bar % 4 >= 2:
        for beat, note in MELODY[bar % 8]:
            pluck(start + beat * BEAT, note, 0.5, 1.0, 0.3)
dry = array.array("d", sound)
for delay, gain in ((0.061, 0.22), (0.113, 0.15), (0.187, 0.1), (0.293, 0.06)):
    shift = int(delay * RATE)
    for i in range(LENGTH):
        sound[i] += gain * dry[(i - shift) % LENGTH]
peak = max(map(abs, sound))
with wave.open(sys.argv[1], "wb") as out:
    out.setnchannels(1)
    out.setsampwidth(2)
    out.setframerate(RATE)
    out.writeframes(array.array("h", (int(v / peak * 12_000) for v in sound)).tobytes())
