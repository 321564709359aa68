#!/usr/bin/env bash
# kill -9 at 20 points spread over all changes that a backup makes in its
# repository, and resumed each time: no hole, no double (H1).
. "$(dirname "$0")/lib.sh"

new_topic topic --partitions 3
for p in 0 1 2; do
    kfeed produce -t "$topic" -p $p --count 400 --batch-records 20 --size 100
    kfeed dump -t "$topic" -p $p >"$T/want.$p"
done

# Small segments: many changes.
run()
{
    kbak backup -q -b "$KAFKA" -t "$topic" --segment-bytes 3000 "$1"
}

faulty()
{
    FAULTY_DIR=$T/$1 FAULTY_AT=$2 FAULTY_DO=$3 FAULTY_LOG=$T/changes \
        LD_PRELOAD=$KB_BUILD/tests/tools/faulty.so "${@:4}"
}

# More rows than this run may hold would be a double, fewer a hole.
is_whole()
{
    local p
    kbak verify "$1" || return 1
    for p in 0 1 2; do
        kbak cat "$1" "$topic/$p" | jsonl_dump >"$T/have"
        check_same "$T/want.$p" "$T/have"
    done
}

count_changes()
{
    faulty whole 0 none "$KB_BUILD/backup/kbak" backup -q -b "$KAFKA" \
        -t "$topic" --segment-bytes 3000 "$T/whole"
    is_whole "$T/whole"
    [ "$(wc -l <"$T/changes")" -gt 40 ] || fail "too few changes to cut"
}

killed_at()
{
    local repo=$T/killed.$1 status=0
    faulty "killed.$1" "$1" "$2" "$KB_BUILD/backup/kbak" backup -q \
        -b "$KAFKA" -t "$topic" --segment-bytes 3000 "$repo" || status=$?
    # How many there are differs a little: threads share some.
    [ $status = 0 ] && [ "$1" -gt $((changes - 4)) ] ||
        check_equal $status 137
    run "$repo"
    is_whole "$repo"
    run "$repo"
    is_whole "$repo"
    # what the index cannot know, reindex finds
    kbak ls --json "$repo" >"$T/ls"
    rm -r "$repo/index"
    kbak reindex "$repo"
    kbak ls --json "$repo" >"$T/ls.again"
    check_same "$T/ls" "$T/ls.again"
    rm -r "$repo"
}

# The link of a segment is there, but nobody has synced its directory, nor one
# above: the next run does, before anything that counts on it is published.
settled()
{
    local repo=$T/linked status=0 object dir before
    FAULTY_OF='.log' faulty linked 1 kill-after "$KB_BUILD/backup/kbak" \
        backup -q -b "$KAFKA" -t "$topic" --segment-bytes 3000 "$repo" ||
        status=$?
    check_equal $status 137
    object=$(find "$repo/data" -name '*.log')
    rm -f "$T/changes"
    faulty linked 0 none "$KB_BUILD/backup/kbak" backup -q -b "$KAFKA" \
        -t "$topic" --segment-bytes 3000 "$repo"
    before=$(sed '/^linkat/q' "$T/changes")
    dir=${object%/*}
    while [ "$dir" != "$T" ]; do
        grep -qxF "fsync $dir" <<<"$before" || fail "$dir: not synced"
        dir=${dir%/*}
    done
    is_whole "$repo"
}

t "a run makes many changes" count_changes
changes=$(wc -l <"$T/changes")
for i in $(seq 1 20); do
    case $((i % 3)) in
    0) how=kill ;;
    1) how=kill-after ;;
    2) how=torn ;;
    esac
    at=$(((changes - 1) * i / 20 + 1))
    t "$how at change $at of $changes, then resumed" killed_at $at $how
done
t "a segment that was linked, but not durable, is made so" settled
