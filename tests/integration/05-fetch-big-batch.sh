#!/usr/bin/env bash
# Batches larger than any limit of a request come whole, and do not hold back
# other partitions.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 2 -c max.message.bytes=40000000
kfeed produce -t "$topic" -p 0 --count 2 --size 20000000 --codec none \
    --batch-records 1
kfeed produce -t "$topic" -p 1 --count 500

big_and_small()
{
    kwire fetch -t "$topic" "$@" >"$T/out"
    check_equal "$(awk '$2 == 0 { n += $5 } END { print n }' "$T/out")" 2
    check_equal "$(awk '$2 == 1 { n += $5 } END { print n }' "$T/out")" 500
}

too_big()
{
    expect_status 2 kwire fetch -t "$topic" -X fetch.max.bytes=1000000 \
        -X receive.message.max.bytes=2000000 >"$T/out"
    check_says '^failed 0 ' "$T/out"
    check_says "^# $topic/0: .*receive.message.max.bytes" "$T/out"
    check_equal "$(awk '$2 == 1 { n += $5 } END { print n }' "$T/out")" 500
}

t "batches above the limits" big_and_small -X fetch.message.max.bytes=1000000
t "by name" big_and_small --by-name -X fetch.max.bytes=1000000
t "what we may not receive fails alone, and names the setting" too_big
