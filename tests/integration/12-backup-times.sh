#!/usr/bin/env bash
# Timestamps that are 0, none, negative, of 1970 and of 2100, and that go
# backwards inside a batch.
. "$(dirname "$0")/lib.sh"

new_topic topic

line()
{
    echo "{\"ts\":$1,\"key\":\"k\",\"payload\":\"at $1\"}"
}

for codec in '' --gzip; do
    for ts in 1700000000000 0 4102444800000 1 -1 1700000000001 -5 \
        253402300799999 0; do
        line $ts
    done | kraw -t "$topic" $codec
    for ts in 0 -1; do
        line $ts | kraw -t "$topic" $codec
    done
done >"$T/offsets"
kfeed produce -t "$topic" --count 50 --ts 1700000050000:-1000 --codec zstd
kfeed produce -t "$topic" --count 5

no_time_is_no_key()
{
    kbak cat "$T/auto" "$topic/0" >"$T/lines"
    check_equal "$(grep -c '"offset":4,"key"' "$T/lines")" 1
    check_equal "$(jq -r 'select(has("ts") | not) | .payload' "$T/lines" |
        sort -u)" 'at -1'
    check_equal "$(grep -c '"tstype":"create","ts":0,' "$T/lines")" 6
}

for compression in auto verbatim zstd; do
    t "$compression: the backup ends well" \
        backup "$T/$compression" "$topic" --compression=$compression
    t "$compression: every time is the same" \
        holds_topic "$T/$compression" "$topic"
    t "$compression: verify finds nothing" kbak verify "$T/$compression"
done
t "a record without a time has no ts" no_time_is_no_key
