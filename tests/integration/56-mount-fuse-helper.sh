#!/usr/bin/env bash
# mount(8) finds kbakfs; its options are understood; it goes to the
# background, ends on SIGTERM and lets open files finish.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" --count 20000 --size 300 --codec zstd
repo=$T/repo
backup "$repo" "$topic"
mkdir "$T/m"
at_exit 'umount -l "$T/m"'
kbak cat "$repo" "$topic/0" >"$T/all"

mounts()
{
    mount -t fuse -o "ro,noatime,nofail,x-systemd.automount,log=$T/log" \
        "$KB_BUILD/fs/kbakfs#$repo" "$T/m"
    is_mounted "$T/m"
    cat "$T/m/$topic/0"/*.jsonl | check_same "$T/all" -
    grep " $(realpath "$T/m") fuse[^ ]* [^ ]*nosuid" /proc/mounts
}

gone()
{
    ! is_mounted "$T/m"
}

unmounts()
{
    umount "$T/m"
    wait_until 10 gone
}

# The process that serves the mount.
server()
{
    pgrep -f "^$KB_BUILD/fs/kbakfs $repo"
}

no_server()
{
    ! server
}

sigterm_lets_readers_finish()
{
    "$KB_BUILD/fs/kbakfs" "$repo" "$T/m" -o "log=$T/log"
    is_mounted "$T/m"
    exec 3<"$T/m/$topic/0/$(ls "$T/m/$topic/0")"
    head -c 100000 <&3 >"$T/read"
    kill -TERM "$(server)"
    wait_until 10 gone
    cat <&3 >>"$T/read"
    exec 3<&-
    wait_until 10 no_server
    # head read ahead of what it printed; so compare from the file's start.
    cmp -n 100000 "$T/read" "$T/all"
    [ "$(stat -c %s "$T/read")" -gt 1000000 ]
}

relative_paths()
{
    cd "$T"
    "$KB_BUILD/fs/kbakfs" repo m -o "log=$T/log"
    cat "m/$topic/0"/*.jsonl | check_same "$T/all" -
    umount m
}

t "mount -t fuse with the options of fstab" mounts
t "umount, and it is gone" unmounts
t "SIGTERM unmounts; a file that is open is read to its end" \
    sigterm_lets_readers_finish
t "paths relative to where one is" relative_paths
