#!/usr/bin/env bash
# A backup runs while the repository is mounted: new segments appear, what
# was there stays as it was.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" --count 1000 --codec zstd
repo=$T/repo
backup "$repo" "$topic"
mounted "$repo" "$T/m"
cat "$T/m/$topic/0"/* >"$T/first"
first=$(ls "$T/m/$topic/0")

has_two()
{
    [ "$(ls "$T/m/$topic/0" | wc -l)" = 2 ]
}

grows()
{
    kfeed produce -t "$topic" --count 1000 --seed 2
    backup "$repo" "$topic"
    wait_until 10 has_two
    cat "$T/m/$topic/0/$first" | check_same "$T/first" -
    cat "$T/m/$topic/0"/* | jsonl_dump >"$T/have"
    kfeed dump -t "$topic" -p 0 | check_same - "$T/have"
}

open_range_grows()
{
    [ "$(cat "$T/m/$topic/0/0-99999.jsonl" | wc -l)" = 2000 ]
    kfeed produce -t "$topic" --count 5 --seed 3
    backup "$repo" "$topic"
    wait_until 10 sees 2005
}

sees()
{
    [ "$(cat "$T/m/$topic/0/0-99999.jsonl" | wc -l)" = "$1" ]
}

new_topic_appears()
{
    new_topic other
    kfeed produce -t "$other" --count 5
    backup "$repo" "$other"
    wait_until 10 test -d "$T/m/$other"
    cat "$T/m/$other/0"/* | wc -l | grep -x 5
}

after_reindex()
{
    kbak reindex "$repo"
    wait_until 10 sees 2005
    cat "$T/m/$topic/0/$first" | check_same "$T/first" -
}

t "new segments appear" grows
t "a range that reaches beyond the end grows" open_range_grows
t "a new topic appears" new_topic_appears
t "a new generation of the index is taken" after_reindex
unmounted "$T/m"
