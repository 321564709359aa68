#!/usr/bin/env bash
# cp -r of a topic into restore/: the same records under another name, and
# again after a backup of that.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 3
kfeed produce -t "$topic" --count 9000 --codec zstd --batch-records 100 \
    --ts 1700000000000:10
repo=$T/repo
backup "$repo" "$topic" --segment-bytes=20000
mounted "$repo" "$T/m" "restore=$KAFKA"
name_topic copy

copies()
{
    cp -r "$T/m/$topic" "$T/m/restore/$copy"
    kfeed dump -t "$topic" >"$T/want"
    kfeed dump -t "$copy" >"$T/have"
    check_same "$T/want" "$T/have"
}

round_trip()
{
    backup "$T/second" "$copy"
    kbak verify "$T/second"
    for partition in 0 1 2; do
        kbak cat "$repo" "$topic/$partition" | jsonl_dump >"$T/want"
        kbak cat "$T/second" "$copy/$partition" | jsonl_dump >"$T/have"
        check_same "$T/want" "$T/have"
    done
}

one_partition()
{
    name_topic other
    mkdir "$T/m/restore/$other"
    cp -r "$T/m/$topic/2" "$T/m/restore/$other/4"
    kfeed dump -t "$other" -p 4 >"$T/have"
    kfeed dump -t "$topic" -p 2 >"$T/want"
    check_same "$T/want" "$T/have"
    check_equal "$(kfeed offsets -t "$other" | wc -l)" 5
}

t "cp -r restores every record" copies
t "a backup of the copy holds the same" round_trip
t "a partition into another" one_partition
unmounted "$T/m"
