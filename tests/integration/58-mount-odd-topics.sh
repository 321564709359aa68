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

# again@N has all that again has, and is another topic.
names_in_incarnations()
{
    local dir=$T/m/again@1/0
    check_equal "$(jq -r .topic "$dir/latest.jsonl" | sort -u)" again
    check_equal "$(wc -l <"$dir/2-.jsonl")" 3
    jq -r .payload "$dir/-3.jsonl" | check_same - "$dir/-3.values"
    cat "$dir/0-4.log" >"$T/log"
    check_equal "$(find "$repo/data/again" -name '*.log' \
        -exec cmp -s {} "$T/log" \; -print | wc -l)" 1
    check_equal "$(getfattr --absolute-names --only-values \
        -n user.kbak.topic_id "$T/m/again"{,@1} | wc -c)" 44
    check_equal "$(getfattr --absolute-names --only-values \
        -n user.kbak.records "$T/m/again@1")" 5
    [ ! -e "$T/m/again@2" ] && [ ! -e "$T/m/again@0" ]
}

topic_restore()
{
    local dir=$T/m/@topic/restore/0
    check_equal "$(cat "$dir"/* | wc -l)" 3
    check_equal "$(cat "$dir/latest.values" "$dir/2-.jsonl" | wc -l)" 4
    check_equal "$(getfattr --absolute-names --only-values \
        -n user.kbak.records "$T/m/@topic/restore")" 3
}

# A name never changes its meaning, while the mount is there neither.
one_more_incarnation()
{
    cat "$T/m/again/0"/* >"$T/second"
    cat "$T/m/again@1/0"/* >"$T/first"
    kfeed delete -t again
    kfeed create -t again
    kfeed produce -t again --count 9 --seed 3
    backup "$repo" again
    wait_until 10 test -d "$T/m/again@2"
    wait_until 10 sees_nine
    cat "$T/m/again@2/0"/* | check_same "$T/second" -
    cat "$T/m/again@1/0"/* | check_same "$T/first" -
    check_equal "$(ls "$T/m" | grep again | paste -sd' ')" \
        "again again@1 again@2"
}

sees_nine()
{
    [ "$(cat "$T/m/again/0"/* | wc -l)" = 9 ]
}

t "odd content" odd_content
t "empty partitions are empty directories" empty_ones
t "an older incarnation has a name of its own" incarnations
t "it has every form and range, and attributes" names_in_incarnations
t "a topic called restore" topic_restore
t "created once more under the mount" one_more_incarnation
unmounted "$T/m"
