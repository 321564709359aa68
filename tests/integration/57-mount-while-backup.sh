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

# Names that mean something else later; what is open means what it meant.
open_ends_and_latest()
{
    local dir=$T/m/$topic/0 last inode name
    last=$(ls "$dir" | tail -n 1)
    inode=$(stat -c %i "$dir/latest.jsonl")
    check_equal "$inode" "$(stat -c %i "$dir/$last")"
    for name in latest.jsonl 2000-.jsonl 0-.values latest.log; do
        cat "$dir/$name" >"$T/before.$name"
    done
    exec 5<"$dir/latest.jsonl" 6<"$dir/2000-.jsonl" 7<"$dir/0-.values" \
        8<"$dir/latest.log"
    kfeed produce -t "$topic" --count 7 --seed 4
    backup "$repo" "$topic"
    wait_until 10 has_moved "$inode"
    check_same "$T/before.latest.jsonl" - <&5
    check_same "$T/before.2000-.jsonl" - <&6
    check_same "$T/before.0-.values" - <&7
    cmp "$T/before.latest.log" - <&8
    check_same "$T/before.latest.jsonl" "$dir/$last"
    check_equal "$(jq .offset "$dir/latest.jsonl" | paste -sd' ')" \
        "2005 2006 2007 2008 2009 2010 2011"
    check_equal "$(wc -l <"$dir/2000-.jsonl")" 12
    check_equal "$(stat -c %s "$dir/2000-.jsonl")" \
        "$(cat "$dir/2000-.jsonl" | wc -c)"
    check_equal "$(cat "$dir/0-.values" | wc -l)" 2012
    segments "$repo" | tail -n 1 | xargs cmp "$dir/latest.log"
}

has_moved()
{
    [ "$(stat -c %i "$T/m/$topic/0/latest.jsonl")" != "$1" ]
}

new_topic_appears()
{
    new_topic other
    kfeed produce -t "$other" --count 5
    backup "$repo" "$other"
    wait_until 10 test -e "$T/m/$other/0/4.jsonl"
    cat "$T/m/$other/0"/* | wc -l | grep -x 5
}

after_reindex()
{
    kbak reindex "$repo"
    wait_until 10 sees 2012
    cat "$T/m/$topic/0/$first" | check_same "$T/first" -
}

t "new segments appear" grows
t "a range that reaches beyond the end grows" open_range_grows
t "open ends and latest see more, open files do not" open_ends_and_latest
t "a new topic appears" new_topic_appears
t "a new generation of the index is taken" after_reindex
unmounted "$T/m"
