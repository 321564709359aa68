#!/usr/bin/env bash
# Segments are Kafka's own format: its stock tool and another client library
# read them, whatever the codec and however they were made.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 5
p=0
for codec in none gzip snappy lz4 zstd; do
    kfeed produce -t "$topic" -p $p --count 500 --seed $p --codec $codec
    p=$((p + 1))
done
backup "$T/repo" "$topic"
kbak backup -q -b "$KAFKA" -t "$topic" -o 7 --compression=zstd:3 "$T/cut"

segments()
{
    find "$T/repo/data" "$T/cut/data" -name '*.log' | sort
}

stock_kafka_dump_log()
{
    local segment
    segments >"$T/segments"
    check_equal "$(wc -l <"$T/segments")" 10
    while read -r segment; do
        broker java kafka.tools.DumpLogSegments --deep-iteration \
            --print-data-log --files "$segment" >"$T/dump" </dev/null
        ! grep -qi 'corrupt\|invalid' "$T/dump" || fail "$segment: corrupt"
        case $segment in
        */cut/*) check_equal "$(grep -c '^| offset' "$T/dump")" 493 ;;
        *) check_equal "$(grep -c '^| offset' "$T/dump")" 500 ;;
        esac
    done <"$T/segments"
}

kafka_python()
{
    local segment
    segments >"$T/segments"
    while read -r segment; do
        /usr/bin/python3 - "$segment" <<'PY' >"$T/values"
import sys
from kafka.record import MemoryRecords
records = MemoryRecords(open(sys.argv[1], "rb").read())
while records.has_next():
    batch = records.next_batch()
    assert batch.validate_crc()
    for r in batch:
        print(r.offset, r.value.decode())
PY
        partition=$(basename "$(dirname "$segment")")
        repo=${segment%%/data/*}
        kbak cat "$repo" "$topic/$partition" |
            jq -r '"\(.offset) \(.payload)"' >"$T/want"
        check_same "$T/want" "$T/values"
    done <"$T/segments"
}

t "kafka-dump-log --deep-iteration reads them" stock_kafka_dump_log
t "kafka-python reads them" kafka_python
