#!/usr/bin/env bash
# The benchmark of the mount runs, and its tables are whole.
. "$(dirname "$0")/lib.sh"

bench()
{
    KB_BENCH_MB=3 KB_CROWD=2000 "$KB_SOURCE/tests/bench/mount.sh" -r 1 -d "$T" -o "$T/table"
}

# field WHAT WHO N: of the tables, counted from 1.
field()
{
    awk -F ' *[|] *' -v a="$1" -v w="$2" -v n="$3" \
        '$2 == a && $3 == w { print $(n + 1) }' "$T/table"
}

takes_time()
{
    local what=$1 who
    shift
    for who; do
        awk -v n="$(field "$what" "$who" 3)" 'BEGIN { exit !(n > 0) }' ||
            fail "$what: $who: no row, or no time"
    done
}

nothing_left()
{
    check_equal "$(find "$T" -name 'kbakfs-bench.*')" ""
    expect_fail grep -q " $T/[^ ]* fuse" /proc/mounts
}

refuses()
{
    expect_fail "$KB_SOURCE/tests/bench/mount.sh" "$@" 2>"$T/said"
    check_says "$said" "$T/said"
}

t "the benchmark runs" bench
t "everybody was read through" \
    takes_time cold-cat kbakfs zstd squashfuse restic kcat
t "lines were counted" takes_time cold-grep kbakfs zstd squashfuse restic
t "partitions were read at once" \
    takes_time cold-parallel kbakfs zstd squashfuse restic
t "mounts were read again" takes_time warm-cat kbakfs squashfuse restic
t "mounting was timed" takes_time mount kbakfs squashfuse
t "single records were read" takes_time record-cold kbakfs decode squashfuse
t "a tree of many segments was listed" takes_time find-all crowd
t "nothing is left behind" nothing_left
said='nobody: nobody here' t "an unknown runner is refused" \
    refuses -w kbakfs,nobody
