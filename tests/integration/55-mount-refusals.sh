#!/usr/bin/env bash
# What cannot be mounted is refused in words, before anything appears.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" --count 10
repo=$T/repo
backup "$repo" "$topic"
mkdir "$T/m" "$T/nothing"

# refused STATUS PATTERN ARGUMENT...: whatever happens, nothing is mounted.
refused()
{
    local want=$1 pattern=$2 status=0
    shift 2
    timeout 30 "$KB_BUILD/fs/kbakfs" "$@" >"$T/said" 2>&1 </dev/null ||
        status=$?
    if is_mounted "$T/m"; then
        umount -l "$T/m"
        fail "it is mounted"
    fi
    cat "$T/said"
    check_equal "$status" "$want"
    check_says "$pattern" "$T/said"
}

newer_format()
{
    cp -r "$repo" "$T/newer"
    jq '.features += ["time-travel"]' "$repo/kbakfs.json" \
        >"$T/newer/kbakfs.json"
    refused 32 time-travel "$T/newer" "$T/m"
}

# It would look as if nothing had ever been backed up.
lost_index()
{
    cp -r "$repo" "$T/lost"
    rm -r "$T/lost/index"
    refused 32 'kbak reindex' "$T/lost" "$T/m"
}

# What a killed kbakfs leaves is said, with the way to clear it.
stale_mount()
{
    "$KB_BUILD/fs/kbakfs" -f "$repo" "$T/stale" >"$T/log" 2>&1 &
    wait_until 10 is_mounted "$T/stale"
    kill -KILL $!
    wait $! || :
    expect_status 32 "$KB_BUILD/fs/kbakfs" "$repo" "$T/stale" \
        >"$T/said" 2>&1
    check_says 'umount' "$T/said"
}

# One umount would leave the lower one: who mounts twice means something else.
mounted_twice()
{
    mounted "$repo" "$T/once"
    expect_status 32 "$KB_BUILD/fs/kbakfs" "$repo" "$T/once" >"$T/said" 2>&1
    check_says 'once: something is mounted there already' "$T/said"
    unmounted "$T/once"
    is_mounted "$T/once" && fail "it is still mounted"
    return 0
}

mkdir "$T/stale"
at_exit 'umount -l "$T/stale"'

t "no repository" refused 32 missing "$T/missing" "$T/m"
t "a directory that is none" refused 32 nothing "$T/nothing" "$T/m"
t "a newer format" newer_format
t "a repository whose index is lost" lost_index
t "no mount point" refused 32 "$T/absent" "$repo" "$T/absent"
t "a mount point inside the repository" refused 32 'inside' \
    "$repo" "$repo/data"
t "an unknown option" refused 1 frobnicate "$repo" "$T/m" -o frobnicate
t "too few arguments" refused 1 . "$repo"
t "a mount point that is one already" mounted_twice
t "a mount whose process is gone" stale_mount
