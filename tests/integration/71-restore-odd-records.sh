#!/usr/bin/env bash
# Odd content, odd times, append times and big records come back as they
# were.
. "$(dirname "$0")/lib.sh"

new_topic odd
for codec in none zstd; do
    kfeed odd -t "$odd" --codec $codec
done
new_topic times
for ts in 1700000000000 0 4102444800000 1 -1 1700000000001 -5 0; do
    echo "{\"ts\":$ts,\"key\":\"k\",\"payload\":\"at $ts\"}"
done | kraw -t "$times" >"$T/base"
kfeed produce -t "$times" --count 50 --ts 1700000050000:-1000
new_topic arrival -c message.timestamp.type=LogAppendTime
kfeed produce -t "$arrival" --count 50 --ts 1000:1
new_topic big
kfeed produce -t "$big" --count 5
kfeed produce -t "$big" --count 1 --size 5000000 --seed 2
kfeed produce -t "$big" --count 1 --size 20000000 --seed 3
kfeed produce -t "$big" --count 5 --seed 4
repo=$T/repo
backup "$repo" "$odd" "$times" "$arrival" "$big"
mounted "$repo" "$T/m" "restore=$KAFKA"

# same TOPIC [SED SCRIPT]: of what the source's dump says.
same()
{
    cp -r "$T/m/$1" "$T/m/restore/$1-copy"
    kfeed dump -t "$1" | sed "${2-}" >"$T/want"
    kfeed dump -t "$1-copy" >"$T/have"
    check_same "$T/want" "$T/have"
}

t "null, empty, binary, headers" same "$odd"
t "times" same "$times"
t "append times become create times" same "$arrival" 's/|logappend|/|create|/'
t "records of 5 and 20 MB" same "$big"
unmounted "$T/m"
