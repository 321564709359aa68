#!/usr/bin/env bash
# What restore/ remembers: a file is restored once, until rm forgets it; records
# of others count unless `append` is asked for; the archive beside it stays.
. "$(dirname "$0")/lib.sh"

karchive "$T/repo" orders 1 2 100 50
mounted "$T/repo" "$T/m" "restore=$KAFKA,log=$T/log"
r=$T/m/restore
name_topic topic
d=$r/$topic/0
mkdir -p "$d"
source=$(ls "$T"/m/orders/0/* | head -n 1)

refused() # WORDS COMMAND...
{
    local words=$1
    shift
    expect_fail "$@" 2>"$T/err"
    check_says "$words" "$T/err"
}

count()
{
    kfeed offsets -t "$topic" | awk '{ n += $3 } END { print n + 0 }'
}

once()
{
    cp "$source" "$d/once.jsonl"
    refused 'File exists' cp "$source" "$d/once.jsonl"
    refused 'File exists' dd if="$source" of="$d/once.jsonl"
    refused 'File exists' rsync --ignore-times "$source" "$d/once.jsonl"
    check_says 'once.jsonl: restored in this mount already' "$T/log"
    check_equal "$(count)" 100
    refused 'Permission denied' cat "$d/once.jsonl"
    check_says 'once.jsonl: .* 100 records of it are at the target' "$T/log"
    rm "$d/once.jsonl"
    check_says 'once.jsonl: forgotten, but 100 records of it stay' "$T/log"
    cp "$source" "$d/once.jsonl"
    check_equal "$(count)" 200
}

other_peoples_records()
{
    new_topic taken
    kfeed produce -t "$taken" --count 5
    mkdir -p "$r/$taken/0"
    refused 'Permission denied' cp "$source" "$r/$taken/0/"
    check_says "$taken.*append" "$T/log"
    check_equal "$(kfeed offsets -t "$taken")" '0 0 5'
    mounted "$T/repo" "$T/m2" "restore=$KAFKA,append"
    mkdir -p "$T/m2/restore/$taken/0"
    cp "$source" "$T/m2/restore/$taken/0/"
    check_equal "$(kfeed offsets -t "$taken")" '0 0 105'
    unmounted "$T/m2"
}

archive_beside_it()
{
    : >"$T/log"
    refused 'Read-only file system' touch "$source"
    refused 'Read-only file system' touch "${source%/*}/new"
    refused 'Read-only file system' rm "$source"
    refused 'Read-only file system' mkdir "$T/m/new"
    refused 'Read-only file system' mv "$source" "$d/"
    refused 'Read-only file system' mv "$d/once.jsonl" "$T/m/orders/0/"
    [ -e "$source" ]
    check_equal "$(cat "$T/log")" ''
    grep " $T/m fuse.kbakfs" /proc/mounts | grep -q 'rw,nosuid,nodev,noatime'
    mounted "$T/repo" "$T/m2" "ro,restore=$KAFKA"
    [ ! -e "$T/m2/restore" ]
    refused 'Read-only file system' mkdir "$T/m2/restore"
    unmounted "$T/m2"
}

everything_can_be_forgotten()
{
    rm -r "${r:?}"/*
    check_equal "$(ls "$r")" ''
}

t "a file is restored once; rm forgets" once
t "a partition with other people's records" other_peoples_records
t "the archive stays read-only, with ro all of it" archive_beside_it
t "rm -r" everything_can_be_forgotten
unmounted "$T/m"
