#!/usr/bin/env bash
# Empty topics and partitions are kept, and so is a topic's shape as it grows
# (F11).
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 3 -c retention.ms=86400000
new_topic empty --partitions 2
kfeed produce -t "$topic" -p 1 --count 10

partitions()
{
    kbak ls --json "$1" "$2" | jq -c '[.. | .partition? | numbers] | unique'
}

empty_ones_are_listed()
{
    backup "$T/repo" "$topic" "$empty"
    check_equal "$(partitions "$T/repo" "$topic")" '[0,1,2]'
    check_equal "$(partitions "$T/repo" "$empty")" '[0,1]'
    kbak cat "$T/repo" "$empty/1" | cmp - /dev/null
    kbak cat "$T/repo" "$topic/0" | cmp - /dev/null
    kbak verify "$T/repo"
}

settings_are_kept()
{
    jq -e '.settings["retention.ms"] == "86400000"' \
        "$T"/repo/meta/"$topic"/*/*.json
}

a_topic_that_grows()
{
    kfeed grow -t "$topic" --partitions 5
    kfeed produce -t "$topic" -p 4 --count 3
    backup "$T/repo" "$topic" "$empty"
    check_equal "$(partitions "$T/repo" "$topic")" '[0,1,2,3,4]'
    holds_topic "$T/repo" "$topic"
}

unknown_partitions_are_errors()
{
    expect_status 1 kbak cat "$T/repo" "$topic/5" 2>"$T/err"
    check_says "$topic/5" "$T/err"
    expect_status 1 kbak cat "$T/repo" "nosuch/0" 2>"$T/err"
    check_says nosuch "$T/err"
}

t "empty topics and partitions are listed" empty_ones_are_listed
t "dynamic settings are kept" settings_are_kept
t "new partitions are found" a_topic_that_grows
t "a partition that is not there is an error" unknown_partitions_are_errors
