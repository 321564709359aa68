#!/usr/bin/env bash
# What a pipeline writes into restore/ is produced: picked, changed, from
# kcat or by hand.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 2
kfeed produce -t "$topic" --count 2000 --codec zstd --ts 1700000000000:10
repo=$T/repo
backup "$repo" "$topic"
mounted "$repo" "$T/m" "restore=$KAFKA"

picked()
{
    name_topic to
    mkdir -p "$T/m/restore/$to/0"
    cat "$T/m/$topic"/*/* | grep ocean >"$T/picked"
    [ -s "$T/picked" ]
    cat "$T/m/$topic"/*/* | grep ocean >"$T/m/restore/$to/0/some.jsonl"
    jsonl_dump --no-offset <"$T/picked" >"$T/want"
    kfeed dump -t "$to" -p 0 --no-offset >"$T/have"
    check_same "$T/want" "$T/have"
}

changed()
{
    name_topic to
    mkdir -p "$T/m/restore/$to/3"
    jq -c '.key = "new" | .headers = ["why", "test"]' \
        "$T/m/$topic/0"/*.jsonl >"$T/m/restore/$to/3/x.jsonl"
    kfeed dump -t "$to" -p 3 | cut -d'|' -f2,4,6 >"$T/have"
    kfeed dump -t "$topic" -p 0 | cut -d'|' -f2 |
        sed 's/$/|6e6577|why=74657374/' >"$T/want"
    check_same "$T/want" "$T/have"
}

lines_of_kcat()
{
    name_topic to
    mkdir -p "$T/m/restore/$to/0"
    kcat -b "$KAFKA" -C -J -t "$topic" -p 1 -o beginning -e -q \
        >"$T/m/restore/$to/0/kcat.jsonl"
    kfeed dump -t "$topic" -p 1 >"$T/want"
    kfeed dump -t "$to" -p 0 >"$T/have"
    check_same "$T/want" "$T/have"
}

lines_of_rpk()
{
    name_topic to
    mkdir -p "$T/m/restore/$to/0"
    # The first line names a topic of the backup, as a made-up one needs.
    echo "{\"topic\":\"$topic\",\"key\":\"k\",\"value\":\"v\",\"headers\":[{\"key\":\"a\",\"value\":\"b\"}],\"timestamp\":1700000000000,\"partition\":0,\"offset\":7}" \
        >"$T/m/restore/$to/0/rpk.jsonl"
    kfeed dump -t "$to" -p 0 >"$T/have"
    echo '0|1700000000000|create|6b|76|a=62' | check_same - "$T/have"
}

appends()
{
    name_topic to
    mkdir -p "$T/m/restore/$to/0"
    head -n 10 "$T/picked" >"$T/m/restore/$to/0/a.jsonl"
    tail -n 10 "$T/picked" >"$T/m/restore/$to/0/b.jsonl"
    check_equal "$(kfeed dump -t "$to" -p 0 | wc -l)" 20
}

t "grep > restore" picked
t "jq > restore" changed
t "kcat > restore" lines_of_kcat
t "a line of rpk" lines_of_rpk
t "two files into one partition" appends
unmounted "$T/m"
