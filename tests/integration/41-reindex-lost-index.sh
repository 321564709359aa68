#!/usr/bin/env bash
# The index is derived: without it, reindex gives the same answers.
. "$(dirname "$0")/lib.sh"

new_topic one --partitions 3
new_topic two --partitions 1 -c retention.ms=-1
kfeed produce -t "$one" -p 0 --count 2000 --codec zstd
kfeed produce -t "$one" -p 2 --count 500 --codec lz4
kfeed odd -t "$two" -p 0
backup "$T/repo" "$one" "$two"
kfeed produce -t "$one" -p 2 --count 500 --codec none
kfeed delete-records -t "$one" -p 0 --before 2000
kfeed produce -t "$one" -p 0 --count 10
kfeed delete -t "$two"
kfeed create -t "$two" --partitions 2
kfeed produce -t "$two" -p 1 --count 10
kbak backup -q -b "$KAFKA" -t "$one" -t "$two" --segment-bytes 10K "$T/repo"

# All that ls can say.
everything()
{
    local topic p
    kbak ls --json "$1"
    kbak ls "$1"
    for topic in "$one" "$two" "$two@1"; do
        kbak ls "$1" "$topic"
        for p in $(kbak ls --json "$1" "$topic" |
            jq '.topics[0].partitions[].partition'); do
            kbak ls --json "$1" "$topic/$p"
            kbak cat "$1" "$topic/$p" | sha256sum
        done
    done
}

lost_index()
{
    everything "$T/repo" >"$T/before"
    cp -r "$T/repo" "$T/lost"
    rm -r "$T/lost/index"
    kbak reindex "$T/lost"
    everything "$T/lost" >"$T/after"
    check_same "$T/before" "$T/after"
    kbak verify "$T/lost"
}

damaged_index()
{
    cp -r "$T/repo" "$T/bad"
    find "$T/bad/index" -name '*.sqlite' -exec truncate -s 1000 {} +
    expect_status 1 kbak ls "$T/bad"
    expect_status 1 kbak verify "$T/bad"
    kbak reindex "$T/bad"
    everything "$T/bad" >"$T/after"
    check_same "$T/before" "$T/after"
}

says_what_to_do()
{
    cp -r "$T/repo" "$T/none"
    rm -r "$T/none/index"
    expect_status 1 kbak ls "$T/none" 2>"$T/said"
    check_says 'run `kbak reindex' "$T/said"
    expect_status 1 kbak cat "$T/none" "$one/0" 2>"$T/said"
    check_says 'run `kbak reindex' "$T/said"
}

goes_on_after_reindex()
{
    kfeed produce -t "$one" -p 2 --count 7
    backup "$T/lost" "$one"
    kbak verify "$T/lost"
    check_equal "$(kbak cat "$T/lost" "$one/2" | wc -l)" 1007
}

t "a lost index" lost_index
t "a damaged index" damaged_index
t "what to do is said" says_what_to_do
t "a backup goes on after reindex" goes_on_after_reindex
