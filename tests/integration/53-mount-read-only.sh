#!/usr/bin/env bash
# The archive cannot be changed through the mount; -o ro says so of all.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" --count 100
repo=$T/repo
backup "$repo" "$topic"
mounted "$repo" "$T/m"
mounted "$repo" "$T/ro" ro
name=$(ls "$T/m/$topic/0")
(cd "$repo" && find . -type f | sort | xargs sha256sum) >"$T/before"

# read_only COMMAND...
read_only()
{
    expect_fail "$@" 2>"$T/said"
    check_says 'Read-only file system' "$T/said"
}

changes_are_refused()
{
    local file=$1/$topic/0/$name
    read_only touch "$file"
    read_only truncate -s 0 "$file"
    read_only rm -f "$file"
    read_only mv "$file" "$1/$topic/0/other"
    read_only cp /etc/hostname "$1/$topic/0/new"
    read_only mkdir "$1/$topic/9"
    read_only mkdir "$1/new"
    read_only rmdir "$1/$topic/0"
    read_only ln -s x "$1/$topic/link"
    read_only chmod 600 "$file"
    read_only dd if=/dev/zero of="$file" count=1 conv=notrunc
}

nothing_changed()
{
    (cd "$repo" && find . -type f | sort | xargs sha256sum) >"$T/after"
    check_same "$T/before" "$T/after"
}

t "changes are refused" changes_are_refused "$T/m"
t "changes are refused on a read-only mount" changes_are_refused "$T/ro"
t "a read-only mount is one" grep -q " $(realpath "$T/ro") fuse[^ ]* ro," /proc/mounts
t "no restore/ without a target" expect_fail stat "$T/m/restore"
unmounted "$T/m"
unmounted "$T/ro"
t "the repository is as before" nothing_changed
