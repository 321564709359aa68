#!/usr/bin/env bash
# Odd records come back exactly: null and empty, binary, duplicate headers,
# timestamps of all ages in any order, and very large records.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 3 -c max.message.bytes=50000000
kfeed odd -t "$topic" -p 0 --codec none
kfeed odd -t "$topic" -p 0 --codec zstd --seed 7
kfeed produce -t "$topic" -p 1 --count 3 --size 5000000 --codec none
kfeed produce -t "$topic" -p 1 --count 2 --size 20000000 --codec none
kfeed produce -t "$topic" -p 1 --count 2 --size 20000000 --codec lz4
kfeed produce -t "$topic" -p 2 --count 500 --ts 4102444800000:-8204889599

odd_records_are_the_same()
{
    backup "$T/repo" "$topic"
    holds_topic "$T/repo" "$topic" 0
    kbak cat "$T/repo" "$topic/0" >"$T/odd"
    grep -q '"key":null' "$T/odd"
    grep -q '"key":""' "$T/odd"
    grep -q '"payload":null' "$T/odd"
    grep -q '"payload":{"base64":"' "$T/odd"
}

large_records_are_the_same()
{
    holds_topic "$T/repo" "$topic" 1
}

timestamps_may_go_backwards()
{
    holds_topic "$T/repo" "$topic" 2
    kbak ls --json "$T/repo" "$topic/2" >"$T/ls"
    check_says '"2100-01-01|4102444800000' "$T/ls"
}

t "odd records are the same" odd_records_are_the_same
t "records of 5 and 20 MB are the same" large_records_are_the_same
t "timestamps from 2100 back to before 1970" timestamps_may_go_backwards
