#!/usr/bin/env bash
# Somebody who is not root: mounts a repository that may be read, sees nothing
# of others, and is told what is in the way.
. "$(dirname "$0")/lib.sh"

karchive "$T/repo" orders 1 2 10 50
chmod 755 "$T"
mkdir "$T/m" "$T/roots"
chown nobody "$T/m"
cp "$KB_BUILD/fs/kbakfs" "$T/kbakfs" # the tree may lie where nobody may look

# as_nobody COMMAND...: with a /dev/fuse as udev makes it, which containers
# and the like do not always have.
as_nobody()
{
    unshare --mount --propagation slave bash -c '
        mknod -m 666 "$0" c 10 229 2>/dev/null
        mount --bind "$0" /dev/fuse
        exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"' \
        "$T/fuse" "$@"
}

reads()
{
    as_nobody sh -euc '
        "$0/kbakfs" "$0/repo" "$0/m"
        cat "$0"/m/orders/0/*.jsonl
        stat -c "%U %a" "$0/m/orders"
        fusermount3 -u "$0/m"' "$T" >"$T/seen"
    check_equal "$(grep -c '"topic":"orders"' "$T/seen")" 20
    check_equal "$(tail -n 1 "$T/seen")" 'nobody 555'
}

# refused WORDS ARGUMENTS...
refused()
{
    local words=$1
    shift
    expect_status 32 as_nobody "$T/kbakfs" "$@" 2>"$T/err"
    check_says "$words" "$T/err"
}

in_the_way()
{
    refused 'no write access to mountpoint' "$T/repo" "$T/roots"
    chmod 700 "$T/repo"
    refused "$T/repo: no permission to read it" "$T/repo" "$T/m"
    chmod 755 "$T/repo"
}

t "a user mounts, reads and unmounts" reads
t "what a user may not is said" in_the_way
