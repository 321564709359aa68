#!/usr/bin/env bash
# A backup asks for memory per answer and segment, not per record or batch.
. "$(dirname "$0")/lib.sh"

# Small records in small batches.
fill()
{
    kfeed produce -t "$1" --count "$2" --size 60 --pool 1000 --codec zstd \
        --batch 16384 --linger 5
}

# calls TOPIC [OPTION...]: how often memory is asked for. What sqlite and
# librdkafka do is per commit and per client, and hangs on time.
calls()
{
    local topic=$1
    shift
    rm -rf "$T/repo" "$T/counted"
    COUNTED_LOG=$T/counted LD_PRELOAD=$KB_BUILD/tests/tools/counted.so \
        "$KB_BUILD/backup/kbak" backup -q -b "$KAFKA" -t "$topic" "$@" \
        "$T/repo"
    awk '!/libsqlite3|librdkafka/ { n += $1 } END { print n }' "$T/counted"
}

tens_for_a_million()
{
    local few many
    few=$(calls "$few_records" "$@")
    many=$(calls "$many_records" "$@")
    echo "calls: $few, with a million records more $many"
    grep -q ' kbak$' "$T/counted"
    [ $((many - few)) -lt 100 ]
}

new_topic few_records --partitions 1
new_topic many_records --partitions 1
fill "$few_records" 100000
fill "$many_records" 1100000
t "putting batches together" tens_for_a_million
t "leaving them as they are" tens_for_a_million --compression=verbatim
