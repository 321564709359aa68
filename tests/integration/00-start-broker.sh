#!/usr/bin/env bash
# The harness itself: a broker that answers, and an oracle that agrees with
# Kafka's own tools.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 2
kfeed produce -t "$topic" -p 1 --count 50 --ts 1700000000000:10 --codec zstd

offsets_are_seen()
{
    kfeed offsets -t "$topic" >"$T/offsets"
    printf '0 0 0\n1 0 50\n' | diff - "$T/offsets"
}

values_are_the_same()
{
    kfeed dump -t "$topic" -p 1 | cut -d'|' -f5 >"$T/dump"
    kcat -b "$KAFKA" -C -t "$topic" -p 1 -o beginning -e -q -f '%s' -D '' \
        >"$T/kcat"
    tr -d '\n' <"$T/dump" | tr a-f A-F | basenc --base16 -d |
        cmp - "$T/kcat"
}

log_holds_zstd_batches()
{
    broker java kafka.tools.DumpLogSegments --deep-iteration --files \
        "$KB_KAFKA_LOGS/$topic-1/00000000000000000000.log" >"$T/log"
    check_says 'compresscodec: zstd' "$T/log"
    check_equal "$(grep -c 'CreateTime: 17000000' "$T/log")" 51
}

t "a topic holds what was put there" offsets_are_seen
t "a dump says what kcat says" values_are_the_same
t "batches are stored as they were sent" log_holds_zstd_batches
