#!/usr/bin/env bash
# What must not be done by mistake is refused, in words that name it.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" --count 10
backup "$T/repo" "$topic"

# refused PATTERN COMMAND...
refused()
{
    local pattern=$1
    shift
    expect_fail "$@" >"$T/said" 2>&1
    check_says "$pattern" "$T/said"
}

newer_format()
{
    cp -r "$T/repo" "$T/newer"
    jq '.features += ["time-travel"]' "$T/repo/kbakfs.json" \
        >"$T/newer/kbakfs.json"
    refused time-travel backup "$T/newer" "$topic"
    refused time-travel kbak verify "$T/newer"
    refused time-travel kbak ls "$T/newer"
}

lost_index()
{
    cp -r "$T/repo" "$T/lost"
    rm -r "$T/lost/index"
    refused 'reindex' backup "$T/lost" "$topic"
}

t "a repository of a newer format" newer_format
t "a repository that lost its index" lost_index
t "a property that we would ignore" \
    refused queued.min.messages \
    backup "$T/repo" "$topic" -Xqueued.min.messages=7
t "a broker that is not there" \
    refused 127.0.0.1:1 kbak backup -q -b 127.0.0.1:1 -t "$topic" "$T/repo"
t "an unknown verb" expect_status 2 kbak frobnicate
