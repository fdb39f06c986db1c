#!/bin/sh
# Speaks the default prompts: words from en.txt and zh-CN.txt, by espeak-ng, into one pack of Opus packets for each language.
#
#     apt-get install espeak-ng ffmpeg python3 && conf/prompts/make.sh [en] [zh-CN] [music]
#
# The packs are committed, so nobody needs these tools to build. A clip recorded by a person may take the place of any: upload it
# (POST /api/v1/prompts) under the same name.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

speak() { # language, voice, words per minute
    mkdir "$work/$1"
    while IFS="$(printf '\t')" read -r name words; do
        case $name in ''|'#'*) continue;; esac
        printf '%s' "$words" | espeak-ng -v "$2" -s "$3" --stdin -w "$work/clip.wav"
        # No silence before and 60 ms after, as loud as every prompt is (ADR 0136), not a bit more than telephones let through.
        ffmpeg -nostdin -loglevel error -y -i "$work/clip.wav" \
            -af 'silenceremove=start_periods=1:start_threshold=-50dB,areverse,silenceremove=start_periods=1:start_threshold=-50dB,areverse,afade=t=in:d=0.005,apad=pad_dur=0.06,aresample=16000' \
            -ac 1 "$work/even.wav"
        ffmpeg -nostdin -loglevel error -y -i "$work/even.wav" -c:a libopus -application voip -b:a 20k -frame_duration 20 -bitexact \
            "$work/$1/$name.opus"
    done < "$1.txt"
    python3 pack.py "$1.pack" "$work/$1"/*.opus
}

music() {
    python3 music.py "$work/music.wav"
    ffmpeg -nostdin -loglevel error -y -i "$work/music.wav" -c:a libopus -application audio -b:a 40k -frame_duration 20 -bitexact \
        "$work/hold_music.opus"
    python3 pack.py music.pack "$work/hold_music.opus"
}

for what in ${*:-en zh-CN music}; do
    case $what in
        en) speak en en-us 160 ;;
        # The plain voice `cmn` reads its own pinyin as English words.
        zh-CN) speak zh-CN cmn-latn-pinyin 190 ;;
        music) music ;;
    esac
done
