#!/usr/bin/env python3
"""Makes spoken_numbers.txt, what others say a number is called: cn2an 0.5.24 for Mandarin, num2words 0.5.14 for English (both from PyPI).

    pip install cn2an==0.5.24 num2words==0.5.14 && python3 spoken_numbers.py > spoken_numbers.txt

First a line for each thousand of 0..=99,999: `block N SHA256(zh) SHA256(en)` over its numbers' words, each with a line feed after it.
Then lines `N<tab>zh<tab>en`: 0..=1,100 and numbers all over the range, so that a difference can be read.
Mandarin from 亿 on is left out: cn2an drops a 零 there (一亿一千 for 100,001,000).
The house rules that the libraries do not have: 两 for a 2 that begins a number before 百, 千, 万 or 亿; no "and" in English.
"""
import hashlib
import random
import re

import cn2an
from num2words import num2words


def zh(n):
    return re.sub("^二(?=[百千万亿])", "两", cn2an.an2cn(str(n), "low"))


def en(n):
    return re.sub(r"[-,]", " ", num2words(n)).replace(" and ", " ").replace("  ", " ")


def digest(words):
    return hashlib.sha256("".join(word + "\n" for word in words).encode()).hexdigest()


print("# Made by spoken_numbers.py, not by hand.")
for block in range(100):
    numbers = range(block * 1000, (block + 1) * 1000)
    print("block", block, digest(map(zh, numbers)), digest(map(en, numbers)))
random.seed(4)
some = set(range(1101)) | {10**k + d for k in range(3, 15) for d in (-1, 0, 1, 2, 10, 12)}
some |= {random.randrange(10**k) for k in range(4, 16) for _ in range(40)}
some |= {int("".join(random.choice("00012") for _ in range(k))) for k in range(5, 16) for _ in range(40)}
for n in sorted(n for n in some if n < 10**15):
    print(n, zh(n) if n < 10**8 else "-", en(n), sep="\t")
