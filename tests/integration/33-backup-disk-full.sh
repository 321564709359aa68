#!/usr/bin/env bash
# A full disk: a clear error, nothing torn, and the next run goes on when
# there is room again.
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 2
for p in 0 1; do
    kfeed produce -t "$topic" -p $p --count 3000 --size 1000 --codec none
done

small_disk()
{
    mkdir -p "$T/disk"
    mount -t tmpfs -o size="$1" none "$T/disk"
}

at_exit 'umount -l "$T/disk"'
small_disk 2M

run()
{
    kbak backup -q -b "$KAFKA" -t "$topic" --compression=verbatim \
        --segment-bytes 500K "$T/disk/repo"
}

no_room()
{
    expect_status 1 run 2>"$T/err"
    check_says 'No space left on device' "$T/err"
    kbak verify "$T/disk/repo"
    expect_status 1 run 2>"$T/err"
    check_says 'No space left on device' "$T/err"
}

room_again()
{
    mount -o remount,size=50M "$T/disk"
    run
    holds_topic "$T/disk/repo" "$topic"
    check_equal "$(find "$T/disk/repo" -name '*tmp*' -type f)" ""
}

# Every single change fails once with ENOSPC or EIO, on a disk that is fine.
failing_change()
{
    local repo=$T/failing.$1 status=0
    FAULTY_DIR=$repo FAULTY_AT=$1 FAULTY_DO=$2 \
        LD_PRELOAD=$KB_BUILD/tests/tools/faulty.so \
        "$KB_BUILD/backup/kbak" backup -q -b "$KAFKA" -t "$topic" \
        --segment-bytes 1M "$repo" 2>"$T/err" || status=$?
    check_equal $status 1
    check_says 'No space left|Input/output error' "$T/err"
    kbak backup -q -b "$KAFKA" -t "$topic" "$repo"
    holds_topic "$repo" "$topic"
    rm -r "$repo"
}

t "no room: said, and what is there is sound" no_room
t "room again: the backup goes on" room_again
for at in 2 5 9 13 17; do
    t "ENOSPC from change $at on" failing_change $at ENOSPC
    t "EIO from change $at on" failing_change $at EIO
done
