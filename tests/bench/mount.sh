#!/usr/bin/env bash
# How fast a mounted backup is read, beside what else holds the same text.
#
#   mount.sh [-r ROUNDS] [-w WHO,...] [-D] [-d DIR] [-o FILE]
#
#   -r ROUNDS   everything is measured so often (3); the table holds medians
#   -w WHO,...  kbakfs, zstd, squashfuse, restic, kcat
#   -D          drop all of the kernel's caches before each cold run (root), so
#               that stored bytes come from the disk; without it they are in
#               the page cache
#   -d DIR      where broker, backup and copies lie (/tmp)
#   -o FILE     the table goes there as well
#
# KB_BENCH_MB   payload in MB (1000): records of 1 KB in zstd batches of ~1 MB,
#               4 partitions
# KB_CROWD      segments of the tree that is listed (1000000), a twentieth of
#               them in one partition
# KB_BUILD      the build to measure (build/)
#
# "Cold" is a fresh mount: nothing decoded, no page of it in memory.
set -euo pipefail

. "$(dirname "$0")/lib.sh"
CROWD=${KB_CROWD:-1000000}
WHO=kbakfs,zstd,squashfuse,restic,kcat
DROP=
PARTITIONS=4
TOPIC=bench
SERVER= # pid of who serves the mount
export LC_ALL=C.UTF-8 RESTIC_PASSWORD=bench

is_mounted()
{
    grep -q " $DIR/m fuse" /proc/mounts
}

clean_up()
{
    trap - EXIT
    ! is_mounted || umount -l "$DIR/m" || :
    broker stop || :
    rm -rf --one-file-system "$DIR"
}

# ---- the same text, five times ----

make_backup()
{
    kfeed create -t $TOPIC --partitions $PARTITIONS -c retention.ms=-1
    kfeed produce -t $TOPIC --ts 1700000000000:1 --linger 200 --pool 30011 \
        --count "$((MB * 1000))" --size 1000 --codec zstd
    "$BUILD/backup/kbak" backup -q -b "$KAFKA" -t $TOPIC "$DIR/repo"
}

# text/0.jsonl ..., one a partition.
make_text()
{
    local p
    mkdir "$DIR/text"
    for ((p = 0; p < PARTITIONS; p++)); do
        "$BUILD/backup/kbak" cat "$DIR/repo" $TOPIC/$p >"$DIR/text/$p.jsonl"
    done
    BYTES=$(cat "$DIR"/text/* | wc -c)
    LINES=$(cat "$DIR"/text/* | wc -l)
}

make_zstd()
{
    mkdir "$DIR/zst"
    zstd -q "$DIR"/text/*.jsonl --output-dir-flat "$DIR/zst"
}

# Level 3, as the others: 15, its default, takes ten times as long to write.
make_squashfuse()
{
    mksquashfs "$DIR/text" "$DIR/squash" -quiet -no-progress -comp zstd \
        -Xcompression-level 3 -b 1M
}

make_restic()
{
    restic -q init -r "$DIR/restic"
    (cd "$DIR/text" && restic -q -r "$DIR/restic" backup .)
}

# Names, sizes and times of many segments, and no segment: 1 of 20 in `wide`,
# the others in 100 partitions.
make_crowd()
{
    "$BUILD/tests/bench/kcrowd" "$DIR/crowd" "wide:1:$((CROWD / 20))" \
        "many:100:$((CROWD * 19 / 2000))"
}

# ---- mounts: the server in the foreground, so that its use is known ----

serve_kbakfs()
{
    exec "$BUILD/fs/kbakfs" -f "$DIR/repo" "$DIR/m" -o ro
}

serve_crowd()
{
    exec "$BUILD/fs/kbakfs" -f "$DIR/crowd" "$DIR/m" -o ro
}

serve_squashfuse()
{
    exec squashfuse_ll -f "$DIR/squash" "$DIR/m"
}

serve_restic()
{
    exec restic -q -r "$DIR/restic" mount "$DIR/m"
}

# Where the text of all partitions is, or of partition $1.
files_kbakfs()
{
    echo "$DIR"/m/$TOPIC/"${1-*}"/*
}

files_squashfuse()
{
    echo "$DIR"/m/"${1-*}".jsonl
}

files_restic()
{
    echo "$DIR"/m/snapshots/latest/"${1-*}".jsonl
}

# Reads what is stored, so that it is in the page cache; or nothing is.
prepare_storage()
{
    sync
    if [ -n "$DROP" ]; then
        echo 3 >/proc/sys/vm/drop_caches
    else
        find "$DIR/repo" "$DIR/zst" "$DIR/squash" "$DIR/restic" -type f \
            -exec cat {} + >/dev/null 2>&1 || :
    fi
}

serve()
{
    "serve_$who" >"$DIR/server.log" 2>&1 </dev/null &
    SERVER=$!
    until is_mounted && [ -e "$DIR/m/." ]; do
        kill -0 $SERVER 2>/dev/null || {
            cat "$DIR/server.log" >&2
            die "$who: does not mount"
        }
        sleep 0.01
    done
}

unserve()
{
    umount "$DIR/m" || umount -l "$DIR/m"
    wait $SERVER || :
    SERVER=
}

# Seconds of CPU of the server so far, its peak RSS in KiB.
server_cpu()
{
    [ -n "$SERVER" ] || { echo 0; return; }
    awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, "")
        print ($12 + $13) / hz }' "/proc/$SERVER/stat"
}

server_rss()
{
    [ -n "$SERVER" ] || { echo 0; return; }
    awk '/^VmHWM/ { print $2 }' "/proc/$SERVER/status"
}

# ---- measuring ----

# timed WHAT COMMAND...: appends to results: what who wall cpu rss-kib
timed()
{
    local what=$1 before wall cpu rss
    shift
    before=$(server_cpu)
    "$BUILD/tests/bench/meter" "$DIR/meter" "$@" >"$DIR/out" 2>"$DIR/errors" ||
        {
            tail -n 20 "$DIR/errors" >&2
            die "$what: $who: failed; its last words are above"
        }
    read -r wall cpu rss <"$DIR/meter"
    [ -z "$SERVER" ] || rss=$(server_rss)
    awk -v what="$what" -v who="$who" -v wall="$wall" -v cpu="$cpu" \
        -v rss="$rss" -v a="$before" -v b="$(server_cpu)" \
        'BEGIN { print what, who, wall, cpu + b - a, rss }' \
        >>"$DIR/results"
    say "$(tail -n 1 "$DIR/results")"
}

# All bytes, or all lines, must have come.
came()
{
    local is
    is=$(tail -n 1 "$DIR/out")
    [ "$is" = "$1" ] || die "$what: $who: $is, should be $1"
}

COUNT='cat "$@" | wc -c'

cold_cat()
{
    timed cold-cat sh -c "$COUNT" - $("files_$who")
    came "$BYTES"
}

warm_cat()
{
    timed warm-cat sh -c 'exec cat "$@" >/dev/null' - $("files_$who")
}

cold_grep()
{
    timed cold-grep sh -c 'cat "$@" | grep -c "\"offset\""' - \
        $("files_$who")
    came "$LINES"
}

cold_parallel()
{
    timed cold-parallel sh -c 'for f; do cat "$f" >/dev/null & done; wait' - \
        $("files_$who")
}

cold()
{
    prepare_storage
    serve
    "cold_$1"
    [ "$1" != cat ] || warm_cat
    unserve
}

through_mount()
{
    for what in cat grep parallel; do
        cold $what
    done
}

run_kbakfs()
{
    through_mount
    prepare_storage
    timed_latencies
}

run_squashfuse()
{
    through_mount
}

run_restic()
{
    through_mount
}

run_zstd()
{
    prepare_storage
    timed cold-cat sh -c 'zstd -dcq "$@" | wc -c' - "$DIR"/zst/*
    came "$BYTES"
    timed cold-grep sh -c 'zstd -dcq "$@" | grep -c "\"offset\""' - \
        "$DIR"/zst/*
    timed cold-parallel sh -c \
        'for f; do zstd -dcq "$f" >/dev/null & done; wait' - "$DIR"/zst/*
}

run_kcat()
{
    timed cold-cat sh -c 'kcat -C -q -e -J -o beginning \
        -X fetch.wait.max.ms=10 -b "$1" -t "$2" | wc -l' - "$KAFKA" $TOPIC
    came "$LINES"
}

# ---- single records ----

# Offsets of partition 0, each in another block; then neighbours of the first
# ones, whose blocks are decoded and kept.
offsets_cold()
{
    awk -v n="$(wc -l <"$DIR/text/0.jsonl")" 'BEGIN {
        step = n / 200 < 1250 ? 1250 : n / 200
        for (at = step / 2; at < n; at += step) print int(at) }'
}

offsets_warm()
{
    offsets_cold | head -n 20 | awk '{
        for (i = 1; i <= 10; i++) print $1 + i }'
}

# latency WHAT WHO COMMAND...: appends to latencies: what who p50 p99 count
latency()
{
    echo "$1 $2 $("${@:3}")" >>"$DIR/latencies"
    say "$(tail -n 1 "$DIR/latencies")"
}

peek()
{
    "$BUILD/tests/bench/peek"
}

decode()
{
    "$BUILD/tests/bench/decode" "$DIR/repo" $TOPIC 0
}

# As what is asked of peek, from offsets.
named()
{
    sed "s|.*|$DIR/m/$TOPIC/0/&.jsonl|"
}

# A line at about the same place.
placed()
{
    awk -v f="$(files_"$1" 0)" -v mean="$((BYTES / LINES))" '{
        printf "%s %d %d\n", f, $1 * mean, mean }'
}

timed_latencies()
{
    serve
    offsets_cold | named | latency record-cold kbakfs peek
    offsets_cold | head -n 20 | named | peek >/dev/null
    offsets_warm | named | latency record-warm kbakfs peek
    unserve
    offsets_cold | latency record-cold decode decode
    [[ ,$WHO, = *,squashfuse,* ]] || return 0
    who=squashfuse
    serve
    offsets_cold | placed squashfuse | latency record-cold squashfuse peek
    unserve
    who=kbakfs
}

# From the command to a listing of the root, in the background as usual.
mount_time()
{
    local command
    case $who in
    kbakfs) command='"$1/fs/kbakfs" "$2/repo" "$2/m" -o ro' ;;
    crowd) command='"$1/fs/kbakfs" "$2/crowd" "$2/m" -o ro' ;;
    squashfuse) command='squashfuse_ll "$2/squash" "$2/m"' ;;
    *) return 0 ;;
    esac
    timed mount sh -c "$command && ls \"\$2/m\"" - "$BUILD" "$DIR"
    umount "$DIR/m"
    while is_mounted; do sleep 0.01; done
}

# Everything that a tree has, by index rows alone.
list_crowd()
{
    local who=crowd
    mount_time
    serve
    timed ls-one sh -c 'ls -l "$1/m/wide/0" | wc -l' - "$DIR"
    timed find-all sh -c 'find "$1/m" -type f | wc -l' - "$DIR"
    timed du-all sh -c 'du -s "$1/m" | wc -l' - "$DIR"
    unserve
}

# ---- the table ----

# column FILE WHAT WHO N
column()
{
    awk -v a="$2" -v w="$3" -v n="$4" '$1 == a && $2 == w { print $n }' \
        "$DIR/$1" | median
}

row()
{
    awk -v what="$what" -v who="$who" -v bytes="$BYTES" \
        -v wall="$(column results "$what" "$who" 3)" \
        -v cpu="$(column results "$what" "$who" 4)" \
        -v rss="$(column results "$what" "$who" 5)" \
        -v ours="$(column results "$what" kbakfs 3)" 'BEGIN {
        speed = what !~ /cat|grep|parallel/ || !wall ? "-" \
            : sprintf("%.0f", bytes / 1e6 / wall)
        printf "| %-13s | %-10s | %7.3f | %6.2f | %5.0f | %6s | %6s |\n",
            what, who, wall, cpu, rss / 1024, speed,
            (ours > 0 ? sprintf("%.2f", wall / ours) : "-") }'
}

latency_row()
{
    awk -v what="$what" -v who="$who" \
        -v p50="$(column latencies "$what" "$who" 3)" \
        -v p99="$(column latencies "$what" "$who" 4)" \
        -v n="$(column latencies "$what" "$who" 5)" \
        -v ours50="$(column latencies "$what" kbakfs 3)" \
        -v ours99="$(column latencies "$what" kbakfs 4)" 'BEGIN {
        printf "| %-13s | %-10s | %7.3f | %7.3f | %6d | %6.2f | %6.2f |\n",
            what, who, p50 / 1000, p99 / 1000, n, p50 / (ours50 ? ours50 : 1),
            p99 / (ours99 ? ours99 : 1) }'
}

# pairs FILE: `what who`, in the order in which they were first measured.
pairs()
{
    awk '!seen[$1 " " $2]++ { print $1, $2 }' "$DIR/$1" | sort -s -k1,1
}

table()
{
    cat <<HEAD
| what          | who        |  wall s |  CPU s |   RSS |   MB/s |   wall |
|---------------|------------|--------:|-------:|------:|-------:|-------:|
HEAD
    pairs results | while read -r what who; do row; done
    [ -s "$DIR/latencies" ] || return 0
    cat <<HEAD

| what          | who        |  p50 ms |  p99 ms |  reads |    p50 |    p99 |
|---------------|------------|--------:|--------:|-------:|-------:|-------:|
HEAD
    pairs latencies | while read -r what who; do latency_row; done
}

bench()
{
    say "making $MB MB"
    make_backup
    make_text
    make_crowd
    mkdir "$DIR/m"
    for who in ${WHO//,/ }; do
        ! declare -F "make_$who" >/dev/null || "make_$who"
    done
    for ((round = 0; round < ROUNDS; round++)); do
        for who in ${WHO//,/ }; do
            mount_time
            "run_$who"
        done
        list_crowd
    done
    table | tee "$OUTPUT"
}

while getopts r:w:Dd:o: option; do
    case $option in
    r) ROUNDS=$OPTARG ;;
    w) WHO=$OPTARG ;;
    D) DROP=yes ;;
    d) BASE=$OPTARG ;;
    o) OUTPUT=$OPTARG ;;
    *) usage ;;
    esac
done
[ "$OPTIND" -gt $# ] || usage
[[ $CROWD =~ ^[1-9][0-9]*000$ ]] || die "KB_CROWD=$CROWD: not thousands"
check_settings
[[ ,$WHO, = *,kbakfs,* ]] || die "-w: without kbakfs there is nothing to compare"
[ -z "$DROP" ] || [ "$(id -u)" = 0 ] || die "-D: only root may"
start_broker
bench
