#!/usr/bin/env bash
# Odd content, empty topics and partitions, older incarnations, and a topic
# called restore, in a mount.
. "$(dirname "$0")/lib.sh"

private_broker
kfeed create -t odd
for codec in none zstd; do
    kfeed odd -t odd --codec $codec
done
kfeed create -t empty --partitions 3
kfeed create -t restore
kfeed produce -t restore --count 3
kfeed create -t again
kfeed produce -t again --count 5
repo=$T/repo
backup "$repo" odd empty restore again
kfeed delete -t again
kfeed create -t again
kfeed produce -t again --count 7 --seed 2
backup "$repo" odd empty restore again
mounted "$repo" "$T/m"

odd_content()
{
    cat "$T/m/odd/0"/*.jsonl | jsonl_dump >"$T/have"
    kfeed dump -t odd -p 0 | check_same - "$T/have"
    check_equal "$(cat "$T/m/odd/0"/* | wc -l)" 44
}

empty_ones()
{
    check_equal "$(ls "$T/m/empty" | paste -sd' ')" "0 1 2"
    check_equal "$(ls "$T/m/empty/1" | wc -l)" 0
}

incarnations()
{
    check_equal "$(cat "$T/m/again/0"/* | wc -l)" 7
    check_equal "$(cat "$T/m/again@1/0"/* | wc -l)" 5
}

topic_restore()
{
    check_equal "$(cat "$T/m/@topic/restore/0"/* | wc -l)" 3
}

t "odd content" odd_content
t "empty partitions are empty directories" empty_ones
t "an older incarnation has a name of its own" incarnations
t "a topic called restore" topic_restore
unmounted "$T/m"
