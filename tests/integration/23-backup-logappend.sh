#!/usr/bin/env bash
# LogAppendTime: every record has the time at which its batch was appended
# (H9), also where a batch is cut or recompressed.
. "$(dirname "$0")/lib.sh"

new_topic topic -c message.timestamp.type=LogAppendTime
kfeed produce -t "$topic" -p 0 --count 300 --codec lz4 --ts 1000000:1
kfeed produce -t "$topic" -p 0 --count 300 --codec none --ts 1000000:1

append_times()
{
    backup "$T/repo" "$topic"
    holds_topic "$T/repo" "$topic"
    check_equal "$(kbak cat "$T/repo" "$topic/0" |
        grep -c '"tstype":"logappend"')" 600
}

cut_batches()
{
    kbak backup -q -b "$KAFKA" -t "$topic" -o 17 --compression=zstd "$T/cut"
    kfeed dump -t "$topic" -p 0 -o 17 >"$T/want"
    kbak cat "$T/cut" "$topic/0" | jsonl_dump >"$T/have"
    check_same "$T/want" "$T/have"
    kbak verify "$T/cut"
}

t "append times are kept" append_times
t "also in a batch that is cut and recompressed" cut_batches
