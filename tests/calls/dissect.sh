#!/usr/bin/env bash
# What Wireshark has to say against anything the servers of the call tests sent: nothing, or this fails.
# dissect.sh FOLDER: the captures that the servers kept of calls (`data/ladders`) and that the scripted phones kept of all that
# came (tests/calls/src/received.rs), gathered there by `SWITCHBOARD_CAPTURES=FOLDER`.
set -euo pipefail

folder=$1
# Of all tests together; far fewer means that nothing was gathered.
messages_min=500

shopt -s nullglob
captures=("$folder"/*.pcap)
if [ ${#captures[@]} -eq 0 ]; then
  echo "no captures in $folder: run the call tests with SWITCHBOARD_CAPTURES=$folder"
  exit 1
fi
all=$(mktemp /tmp/switchboard-captures.XXXXXX)
trap 'rm -f "$all"' EXIT
mergecap -F pcap -w "$all" "${captures[@]}"
# The hops left say who sent it: 64 are ours, see docs/adr/0014.
ours="(ip.ttl == 64 || ipv6.hlim == 64)"
dissect() { tshark -r "$all" -n -d udp.port==1024-65535,sip -Y "$ours && ($1)" "${@:2}" 2>/dev/null; }
messages=$(dissect sip -T fields -e frame.number | wc -l)
# Kamailio's flow tokens are base64, and one in 64 begins with +: tshark takes that for a telephone number and the rest for
# wrong digits. Set aside is only a message all of whose complaints are these, and all of whose such numbers are such tokens.
token='[A-Za-z0-9+/]{30}=' wrong='Country Code contains non-decimal digits'
complaints=$(dissect '_ws.malformed || _ws.expert.severity >= "Warning"' \
  -T fields -e e164.msisdn -e _ws.expert.message -e _ws.col.Info |
  grep -vE "^$token(,$token)*"$'\t'"$wrong(,$wrong)*"$'\t' || true)
echo "tshark dissected $messages SIP messages in ${#captures[@]} captures of servers and phones"
outside=$(dissect 'sip.CSeq.method == "REGISTER" || sip.CSeq.method == "OPTIONS" || sip.CSeq.method == "MESSAGE"' \
  -T fields -e sip.CSeq.method | sort | uniq -c | tr -s '\n ' ' ')
echo "outside calls:$outside"
if [ -n "$complaints" ]; then
  echo "and complains:"
  echo "$complaints" | sort | uniq -c | sort -rn | head -50
  exit 1
fi
for method in REGISTER OPTIONS MESSAGE; do
  if [[ "$outside" != *" $method "* ]]; then
    echo "none of $method: at least one was expected"
    exit 1
  fi
done
if [ "$messages" -lt "$messages_min" ]; then
  echo "that is too few: at least $messages_min were expected"
  exit 1
fi
