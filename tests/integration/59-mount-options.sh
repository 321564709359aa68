#!/usr/bin/env bash
# kbakfs' command line: what is accepted, what is refused, with which status,
# before anything is mounted.
. "$(dirname "$0")/lib.sh"

kbakfs=$KB_BUILD/fs/kbakfs
karchive "$T/repo" orders 1 1 10 50
mkdir "$T/m"

refused() # STATUS WORDS ARGUMENTS...
{
    local status=$1 words=$2
    shift 2
    expect_status "$status" timeout 30 "$kbakfs" "$@" 2>"$T/err"
    check_says "$words" "$T/err"
    expect_fail is_mounted "$T/m"
}

usage()
{
    "$kbakfs" -h | grep -q 'restore=HOST:PORT'
    "$kbakfs" -V | grep -q '^kbakfs [0-9]'
    refused 1 'REPO' -f
    refused 1 'MOUNTPOINT' "$T/repo"
    refused 1 'option bogus: not known' "$T/repo" "$T/m" -o ro,bogus
    refused 1 'option -z' "$T/repo" "$T/m" -z
    refused 1 'cache=none' "$T/repo" "$T/m" -o cache=none
    refused 1 'append' "$T/repo" "$T/m" -o append
}

cannot_mount()
{
    mkdir "$T/empty" "$T/repo/sub"
    refused 32 "$T/none: [Nn]o such" "$T/none" "$T/m"
    refused 32 "$T/empty" "$T/empty" "$T/m"
    refused 32 "$T/none: [Nn]o such" "$T/repo" "$T/none"
    refused 32 'kbakfs.json: not a directory' "$T/repo" "$T/repo/kbakfs.json"
    refused 32 'inside the repository' "$T/repo" "$T/repo/sub"
    refused 32 'inside the repository' "$T/repo" "$T/repo"
    refused 32 'lies inside: mount elsewhere' "$T/repo" "$T"
    rmdir "$T/repo/sub"
    refused 32 '127.0.0.1:1' "$T/repo" "$T/m" -o restore=127.0.0.1:1
    echo 'nonsense=1' >"$T/conf"
    refused 32 'nonsense' "$T/repo" "$T/m" -o "restore=$KAFKA,config=$T/conf"
    refused 32 "$T/none/log" "$T/repo" "$T/m" -o "log=$T/none/log"
}

in_the_background()
{
    (cd "$T" && "$kbakfs" repo m -o "uid=7,gid=8,umask=077,log=$T/log")
    check_equal "$(stat -c '%u %g %a' "$T/m/orders")" '7 8 500'
    check_equal "$(wc -l <"$T/m/orders/0/0-9.jsonl")" 10
    check_equal "$(findmnt -no SOURCE,FSTYPE "$T/m")" "$T/repo fuse.kbakfs"
    timeout 5 df "$T/m"
    umount "$T/m"
}

odd_path()
{
    cp -r "$T/repo" "$T/re,po\\x"
    "$kbakfs" "$T/re,po\\x" "$T/m"
    check_equal "$(findmnt -rno FSTYPE "$T/m")" fuse.kbakfs
    check_equal "$(ls "$T/m")" orders
    umount "$T/m"
}

stale_mount()
{
    mounted "$T/repo" "$T/m"
    kill -KILL "${MOUNTS[$T/m]}"
    wait "${MOUNTS[$T/m]}" 2>/dev/null || :
    expect_status 32 "$kbakfs" "$T/repo" "$T/m" 2>"$T/err"
    check_says 'fusermount3 -u|umount -l' "$T/err"
    umount -l "$T/m"
    mounted "$T/repo" "$T/m"
    unmounted "$T/m"
}

t "wrong usage is named: status 1" usage
t "what cannot be mounted is named: status 32" cannot_mount
t "goes into the background when the mount is good" in_the_background
t "commas and backslashes in a path" odd_path
t "a dead mount is explained" stale_mount
