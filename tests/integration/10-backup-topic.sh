#!/usr/bin/env bash
# A first run keeps a topic, a second one what came since.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 3
kfeed produce -t "$topic" --count 3000 --codec zstd --batch-records 100 \
    --ts 1700000000000:10
repo=$T/repo

first_run()
{
    backup "$repo" "$topic"
    holds_topic "$repo" "$topic"
}

nothing_new()
{
    segments "$repo" >"$T/before"
    backup "$repo" "$topic"
    segments "$repo" >"$T/after"
    check_same "$T/before" "$T/after"
}

second_run()
{
    kfeed produce -t "$topic" --count 500 --codec lz4 --seed 2
    backup "$repo" "$topic"
    holds_topic "$repo" "$topic"
}

names_continue()
{
    local dir
    for dir in "$repo/data/$topic"/*/[0-2]; do
        [ -e "$dir/00000000000000000000.log" ]
        [ "$(find "$dir" -name '*.log' | wc -l)" = 2 ]
        [ -e "$dir/00000000000000001000.log" ]
    done
}

t "the first run keeps every record" first_run
t "the result passes verify" kbak verify "$repo"
t "a run without news publishes nothing" nothing_new
t "a second run keeps what is new" second_run
t "a segment's name is the end of the one before" names_continue
t "the result passes verify again" kbak verify "$repo"
