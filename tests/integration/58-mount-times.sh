#!/usr/bin/env bash
# Files of a period of time and trees as of a time hold exactly the records of
# that time, however times jump about, and where some records have none.
. "$(dirname "$0")/lib.sh"

BASE=1795341600000 # 2026-11-22T10:00

# batch SEED MINUTE: 300 records around that minute of the day, 80 minutes wide,
# every ninth without a time; a block and a bit of them.
batch()
{
    awk -v seed="$1" -v from=$((BASE + ($2 - 40) * 60000)) 'BEGIN {
        srand(seed)
        for (i = 0; i < 300; i++) {
            ts = i % 9 == 4 ? -1 : from + int(rand() * 80 * 60000)
            v = ""
            while (length(v) < 1000)
                v = v sprintf("%x\"\\\\", rand() * 2 ^ 31)
            gsub(/"/, "\\\"", v)
            printf "{\"ts\":%.0f,\"key\":\"k%d\",\"payload\":\"%s\"}\n", ts, i, v
        }
    }' | kraw -t "$topic" -p "${3-0}" --gzip >"$T/base"
}

new_topic topic --partitions 3
for i in 1 2 3 4 5 6; do
    batch $i $((i * 30 - 90))
done
batch 7 500 1
repo=$T/repo
backup "$repo" "$topic" --segment-bytes=300000
mounted "$repo" "$T/m" "restore=$KAFKA"
dir=$T/m/$topic/0
cat "$dir"/*.jsonl >"$T/all"
jq -r '.ts // "none"' "$T/all" | paste -d' ' - "$T/all" >"$T/by-time"

# at MS: as in names.
at()
{
    date -u -d "@$(($1 / 1000)).$(printf '%03d' $(($1 % 1000)))" +%FT%T.%3N
}

# of_period FROM UNTIL: lines of all, by their own times.
of_period()
{
    awk -v a="$1" -v b="$2" '$1 != "none" && $1 >= a && $1 < b' \
        "$T/by-time" | cut -d' ' -f2-
}

# period NAME FROM UNTIL
period()
{
    local n
    of_period "$2" "$3" >"$T/want"
    [ -s "$T/want" ]
    n=$(stat -c %s "$dir/$1.jsonl")
    cat "$dir/$1.jsonl" | check_same "$T/want" -
    check_equal "$n" "$(wc -c <"$T/want")"
    jq -r .payload "$T/want" >"$T/want.values"
    cat "$dir/$1.values" | check_same "$T/want.values" -
}

periods()
{
    local i from until
    RANDOM=7
    period 2026-11-22T10:00..2026-11-22T11:00 $BASE $((BASE + 3600000))
    period 2026-11-22T10:00Z..2026-11-22T10:00:30Z $BASE $((BASE + 30000))
    period 2026-11-22..2026-11-23 $((BASE - 36000000)) $((BASE + 50400000))
    period 2026-11-22T10:30.. $((BASE + 1800000)) $((BASE * 2))
    period ..2026-11-22T10:30 0 $((BASE + 1800000))
    for i in 1 2 3 4 5 6; do
        from=$((BASE - 7200000 + RANDOM * RANDOM % 12000000))
        until=$((from + 1 + RANDOM * RANDOM % (i % 2 ? 200000 : 9000000)))
        period "$(at $from)..$(at $until)" $from $until
    done
}

reads_anywhere()
{
    local file=$dir/2026-11-22T09:00..2026-11-22T11:30.jsonl size pos
    cat "$file" >"$T/whole"
    size=$(wc -c <"$T/whole")
    for pos in 0 1 4095 131072 $((size / 2)) $((size - 5000)); do
        tail -c +$((pos + 1)) "$file" | head -c 5000 >"$T/have" || :
        tail -c +$((pos + 1)) "$T/whole" | head -c 5000 >"$T/want" || :
        check_same "$T/want" "$T/have"
    done
}

absent_periods()
{
    local name
    for name in 2026-11-22T11:00..2026-11-22T10:00.jsonl \
        2026-11-22T10:00..2026-11-22T10:00.jsonl ...jsonl \
        2026-11-22T10:00.jsonl 2031-01-01..2032-01-01.jsonl \
        2026-11-22..2026-11-31.jsonl; do
        expect_fail stat "$dir/$name" 2>"$T/said"
        check_says 'No such file' "$T/said"
    done
    expect_fail stat "$dir/2026-11-22..2026-11-23.log" 2>"$T/said"
    check_says 'Invalid argument' "$T/said"
    check_says 'whole batches, which a time would cut' "$T/m.log"
    check_equal "$(ls "$dir" | grep -c '\.\.')" 0
}

# before MS: the lines of all there were.
before()
{
    awk -v t="$1" '$1 == "none" || $1 < t' "$T/by-time" | cut -d' ' -f2-
}

# past MS: the tree as of that time.
past()
{
    local view
    view=$T/m/@$(at "$1")
    before "$1" >"$T/want"
    cat "$view/$topic/0"/*.jsonl | check_same "$T/want" -
    (cd "$view/$topic" && find . -type f -printf '%s %p\n' | sort) >"$T/sizes"
    (cd "$view/$topic" && find . -type f | sort | while read -r f; do
        echo "$(cat "$f" | wc -c) $f"
    done | sort) | check_same "$T/sizes" -
    ! grep -q '^0 ' "$T/sizes" || fail "an empty file is listed"
    (cd "$view/$topic/0" && ls) >"$T/names"
    ls "$dir" | grep -F -x -f "$T/names" | check_same "$T/names" -
    check_equal "$(ls -i "$view/$topic/0" | sort -n | awk '{print $2}')" \
        "$(ls "$view/$topic/0")"
    for f in "$view/$topic/0"/*; do
        check_equal "$(ls -i "$f" | cut -d' ' -f1)" "$(stat -c %i "$f")"
    done
    check_equal "$(du -sb --apparent-size "$view/$topic/0" | cut -f1)" \
        "$(wc -c <"$T/want")"
    tar -C "$view" -cSf - "$topic/0" | tar -xOf - | check_same "$T/want" -
}

pasts()
{
    local t
    past $((BASE))
    past $((BASE + 5400001))
    past $((BASE + 86400000))
    for t in 3 5; do
        past $((BASE - 7200000 + t * 2345678))
    done
}

nothing_but_timeless()
{
    cat "$T/m/@2020-01-01/$topic/0"/*.jsonl >"$T/have"
    grep -v '"ts":' "$T/all" | check_same - "$T/have"
    ls -a "$T/m/@2020-01-01/$topic/2" | tr -d '\n' | grep -x '\.\.\.'
}

inside_a_past()
{
    local view=$T/m/@2026-11-22T10:00/$topic/0 name
    before $BASE >"$T/was"
    cat "$view/0-.jsonl" | check_same "$T/was" -
    grep '"ts":' "$T/was" >"$T/want"
    cat "$view/2026-11-01...jsonl" | check_same "$T/want" -
    name=$(ls "$view" | tail -n 1)
    cat "$view/latest.jsonl" | check_same "$view/$name" -
    jq -r .payload "$T/was" >"$T/want"
    cat "$view/0-.values" | check_same "$T/want" -
    expect_fail cat "$view/0-.log" 2>"$T/said"
    check_says 'Invalid argument' "$T/said"
    expect_fail ls "$T/m/@2026-11-22/@2026-11-21" 2>"$T/said"
    check_says 'No such file' "$T/said"
    expect_fail ls "$T/m/@2026-11-22/restore" 2>"$T/said"
    expect_fail ls "$T/m/@yesterday" 2>"$T/said"
    ! ls "$T/m" | grep '@' || fail "a view is listed"
}

restored()
{
    local view=$T/m/@2026-11-22T10:00 to
    name_topic to
    mkdir "$T/m/restore/$to"
    cp -r "$view/$topic/." "$T/m/restore/$to/"
    before $BASE | jsonl_dump --no-offset >"$T/want"
    kfeed dump -t "$to" -p 0 --no-offset | check_same "$T/want" -
    grep -v '"ts":' "$T/m/$topic/1"/* | jsonl_dump --no-offset >"$T/want"
    kfeed dump -t "$to" -p 1 --no-offset | check_same "$T/want" -
}

# What a listed file shows does not change; more files come.
stays_while_the_backup_grows()
{
    local view=$T/m/@2026-11-22T10:00/$topic/0
    sha256sum "$view"/*.jsonl >"$T/sums"
    batch 8 0
    backup "$repo" "$topic"
    wait_until 10 grew "$view"
    sha256sum --quiet -c "$T/sums"
    cat "$dir"/*.jsonl >"$T/all"
    jq -r '.ts // "none"' "$T/all" | paste -d' ' - "$T/all" >"$T/by-time"
    past $BASE
    period 2026-11-22T10:00..2026-11-22T11:00 $BASE $((BASE + 3600000))
}

grew()
{
    [ "$(ls "$1" | wc -l)" -gt "$(wc -l <"$T/sums")" ]
}

append_times()
{
    local topic dir first last ts
    new_topic topic -c message.timestamp.type=LogAppendTime
    kfeed produce -t "$topic" --count 300 --codec lz4 --ts 1000000:1
    kfeed produce -t "$topic" --count 300 --codec zstd --ts 1000000:1
    backup "$repo" "$topic"
    dir=$T/m/$topic/0
    wait_until 10 test -e "$dir/599.jsonl"
    cat "$dir"/*.jsonl >"$T/all"
    jq -r '.ts // "none"' "$T/all" | paste -d' ' - "$T/all" >"$T/by-time"
    first=$(head -n 1 "$T/by-time" | cut -d' ' -f1)
    last=$(tail -n 1 "$T/by-time" | cut -d' ' -f1)
    [ "$first" -lt "$last" ]
    for ts in $((first + 1)) "$last" $((last + 1)); do
        period "$(at "$first")..$(at "$ts")" "$first" "$ts"
        past "$ts"
    done
}

t "periods" periods
t "reads at any place of a period" reads_anywhere
t "names that are no period, or of none" absent_periods
t "trees as of a time" pasts
t "records without a time are in every past" nothing_but_timeless
t "ranges, periods and values inside a past" inside_a_past
t "cp -r of a past is a point-in-time restore" restored
t "times that the broker set" append_times
t "what is listed stays" stays_while_the_backup_grows
unmounted "$T/m"
