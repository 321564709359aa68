#!/usr/bin/env bash
# The benchmark runs, and its table is whole; how fast is not looked at.
. "$(dirname "$0")/lib.sh"

sets=(zstd lz4 none small single p1 p10 p50)
everybody=(kbak kcat consumer kcat-zstd dd)

bench()
{
    local wanted
    wanted=$(IFS=,; echo "${sets[*]}")
    KB_BENCH_MB=2 "$KB_SOURCE/tests/bench/backup.sh" -r 1 -d "$T" \
        -s "$wanted" -o "$T/table"
}

# field SET WHO N: of the table, counted from 1.
field()
{
    awk -F ' *[|] *' -v s="$1" -v w="$2" -v n="$3" \
        '$2 == s && $3 == w { print $(n + 1) }' "$T/table"
}

all_rows()
{
    local set who
    for set in "${sets[@]}"; do
        for who in "${everybody[@]}"; do
            check_equal "$(field "$set" "$who" 2)" "$who"
        done
    done
    check_equal "$(wc -l <"$T/table")" \
        $((2 + ${#sets[@]} * ${#everybody[@]}))
}

bytes_stored()
{
    local set who
    for set in "${sets[@]}"; do
        for who in kbak kcat-zstd dd; do
            awk -v n="$(field "$set" "$who" 6)" 'BEGIN { exit !(n > 0) }' ||
                fail "$set: $who stored nothing"
        done
    done
}

nothing_left()
{
    check_equal "$(find "$T" -name 'kbakfs-bench.*')" ""
}

refuses()
{
    expect_fail "$KB_SOURCE/tests/bench/backup.sh" "$@" 2>"$T/said"
    check_says "$said" "$T/said"
}

t "the benchmark runs" bench
t "the table has a row for everybody on each data set" all_rows
t "what is written is counted" bytes_stored
t "nothing is left behind" nothing_left
said='nosuch: no such data set' t "an unknown data set is refused" \
    refuses -s nosuch
said='nobody: nobody here' t "an unknown runner is refused" \
    refuses -w kbak,nobody
