#!/usr/bin/env bash
# Batches of every codec are kept; verbatim means Kafka's own bytes.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 5
p=0
for codec in none gzip snappy lz4 zstd; do
    kfeed produce -t "$topic" -p $p --count 2000 --size 300 --seed $p \
        --codec $codec
    p=$((p + 1))
done

# The broker's log of a fresh partition is one file of the same batches.
is_the_brokers_log()
{
    cmp "$(echo "$T"/verbatim/data/"$topic"/*/"$1"/*.log)" \
        "$KB_KAFKA_LOGS/$topic-$1/00000000000000000000.log"
}

verbatim_is_kafkas_bytes()
{
    kbak backup -q -b "$KAFKA" -t "$topic" --compression=verbatim \
        "$T/verbatim"
    for p in 0 1 2 3 4; do
        is_the_brokers_log $p
    done
    holds_topic "$T/verbatim" "$topic"
}

auto_makes_plain_batches_zstd()
{
    local sizes
    backup "$T/auto" "$topic"
    holds_topic "$T/auto" "$topic"
    sizes=$(du -b "$T"/{verbatim,auto}/data/"$topic"/*/0/*.log | cut -f1)
    # shellcheck disable=SC2086
    set -- $sizes
    [ "$2" -lt $(($1 / 2)) ] || fail "auto stores $2 bytes of $1"
    cmp "$T"/{verbatim,auto}/data/"$topic"/*/3/00000000000000000000.log
}

zstd_recompresses_everything()
{
    kbak backup -q -b "$KAFKA" -t "$topic" --compression=zstd:5 "$T/zstd"
    holds_topic "$T/zstd" "$topic"
    broker java kafka.tools.DumpLogSegments --deep-iteration --files \
        "$(echo "$T"/zstd/data/"$topic"/*/1/*.log)" >"$T/dump"
    check_says 'compresscodec: zstd' "$T/dump"
    ! grep -q 'compresscodec: gzip' "$T/dump" || fail "gzip is left"
}

a_wrong_level_is_refused()
{
    expect_status 2 kbak backup -q -b "$KAFKA" -t "$topic" \
        --compression=zstd:99 "$T/none" 2>"$T/err"
    check_says 'zstd:99' "$T/err"
    [ ! -e "$T/none" ] || fail "a repository was made"
}

t "verbatim: the bytes of Kafka's log" verbatim_is_kafkas_bytes
t "auto: uncompressed becomes zstd, the rest stays" \
    auto_makes_plain_batches_zstd
t "zstd: every batch is recompressed" zstd_recompresses_everything
t "a level that zstd does not have is refused" a_wrong_level_is_refused
