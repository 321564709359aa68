#!/usr/bin/env bash
# How fast a topic is backed up, beside what people use today.
#
#   backup.sh [-r ROUNDS] [-s SET,...] [-w WHO,...] [-d DIR] [-o FILE]
#
#   -r ROUNDS   each of them runs so often on a data set (3); the table holds
#               medians
#   -s SET,...  data sets:
#                 zstd, lz4, none   ~1 MB batches of that codec, 4 partitions
#                 small             16 KiB batches, zstd, 4 partitions
#                 single            one-record batches of 100 B, 4 partitions
#                 p1, p10, p1000    ~1 MB batches, zstd; so many partitions
#   -w WHO,...  kbak, kcat, consumer, kcat-zstd, peer, dd
#   -d DIR      where the broker's data and the backups lie (/tmp)
#   -o FILE     the table goes there as well
#
# KB_BENCH_MB   payload of a data set in MB (1000); `single` has 1,000
#               records for each of them
# KB_PEER       a kafka-backup (github.com/osodevops/kafka-backup) to compare
#               with; built with `cargo build --release -p kafka-backup-cli`
# KB_BUILD      the build to measure (build/)
#
# One run after the other, `sync` before each, beside a broker of its own
# on this machine. All start with the topic in the page cache.
set -euo pipefail

. "$(dirname "$0")/lib.sh"
SETS=zstd,lz4,none,small,single,p1,p10,p1000
WHO=kbak,kcat,consumer,kcat-zstd,peer,dd
SOON=fetch.wait.max.ms=10 # else consumers wait 0.5 s to be sure of the end
export LC_ALL=C.UTF-8

clean_up()
{
    trap - EXIT
    broker stop || :
    rm -rf --one-file-system "$DIR"
}

# ---- data sets ----

# fill TOPIC PARTITIONS [kfeed produce's options]
fill()
{
    local topic=$1 partitions=$2
    shift 2
    kfeed create -t "$topic" --partitions "$partitions" -c retention.ms=-1
    kfeed produce -t "$topic" --ts 1700000000000:1 --linger 200 \
        --pool 30011 "$@"
}

large()
{
    fill "$@" --count "$((MB * 1000))" --size 1000
}

# The order of one-record batches matters to nobody here: many requests in
# flight, or making them takes an hour.
make_set()
{
    case $1 in
    zstd | lz4 | none) large "$1" 4 --codec "$1" ;;
    small) large "$1" 4 --codec zstd --batch 16384 ;;
    single)
        fill "$1" 4 --count "$((MB * 1000))" --size 100 --linger 0 \
            --batch-records 1 -X enable.idempotence=false -X acks=1 \
            -X max.in.flight=1000
        ;;
    p*) # else 1,000 partitions get batches of a few records
        large "$1" "${1#p}" --codec zstd --linger 30000 \
            -X batch.num.messages=1000 -X queue.buffering.max.messages=2000000 \
            -X queue.buffering.max.kbytes=2500000
        ;;
    esac
}

# ---- who runs; stored bytes are what is in $DIR/out afterwards ----

run_kbak()
{
    metered "$BUILD/backup/kbak" backup -q -b "$KAFKA" -t "$1" "$DIR/out/repo"
}

run_kcat()
{
    metered sh -c 'exec kcat -C -q -e -o beginning -X "$3" -b "$1" -t "$2" \
        >/dev/null' - "$KAFKA" "$1" $SOON
}

run_consumer()
{
    metered "$BUILD/tests/bench/drain" "$KAFKA" "$1" $SOON >"$DIR/drained"
}

run_kcat-zstd()
{
    metered sh -c 'kcat -C -q -e -J -o beginning -X "$3" -b "$1" -t "$2" |
        zstd -q -1 -o "$4" && sync "$4"' \
        - "$KAFKA" "$1" $SOON "$DIR/out/lines.zst"
}

# The fastest settings that were found for it; its own are zstd 3, segments
# of 128 MiB, and two more headers in each record. It never syncs what it
# writes.
run_peer()
{
    rm -f "$DIR"/peer.db*
    cat >"$DIR/peer.yaml" <<YAML
mode: backup
backup_id: bench
source:
  bootstrap_servers: ["$KAFKA"]
  topics:
    include: ["$1"]
storage:
  backend: filesystem
  path: $DIR/out
backup:
  compression: zstd
  compression_level: 1
  segment_max_bytes: 33554432
  max_concurrent_partitions: 8
  start_offset: earliest
  continuous: false
  stop_at_current_offsets: true
  consumer_group_snapshot: false
  include_offset_headers: false
offset_storage:
  backend: sqlite
  db_path: $DIR/peer.db
YAML
    metered "$KB_PEER" backup --config "$DIR/peer.yaml"
}

# The bytes of kbak's segments, once more.
run_dd()
{
    metered dd if="$DIR/bytes" of="$DIR/out/bytes" bs=1M conv=fsync
}

# ---- measuring ----

metered()
{
    "$BUILD/tests/bench/meter" "$DIR/meter" "$@" 2>"$DIR/errors" || {
        tail -n 20 "$DIR/errors" >&2
        die "$set: $who: failed; its last words are above"
    }
}

# Appends to results: set who wall cpu rss-kib stored-bytes
measure()
{
    rm -rf "$DIR/out"
    mkdir "$DIR/out"
    sync -f "$DIR"
    "run_$who" "$set" >"$DIR/said" 2>&1 || {
        cat "$DIR/said" >&2
        exit 1
    }
    echo "$set $who $(cat "$DIR/meter") $(stored)" >>"$DIR/results"
    say "$set: $who: $(tail -n 1 "$DIR/results" | cut -d' ' -f3-)"
    if [ "$who" = kbak ]; then
        find "$DIR/out/repo/data" -name '*.log' -print0 | sort -z |
            xargs -0 cat >"$DIR/bytes"
    fi
}

# Bytes in files, not what directories take.
stored()
{
    find "$DIR/out" -type f -printf '%s\n' |
        awk '{ n += $1 } END { printf "%d\n", n }'
}

# The payload, counted by a consumer; what is read is in the page cache then.
count_payload()
{
    "$BUILD/tests/bench/drain" "$KAFKA" "$set" >"$DIR/drained" ||
        die "$set: cannot be consumed"
    echo "$set $(cat "$DIR/drained")" >>"$DIR/payloads"
    say "$set: $(cat "$DIR/drained") (records, bytes of payload)"
}

# ---- the table ----

# column SET WHO N
column()
{
    awk -v s="$1" -v w="$2" -v n="$3" '$1 == s && $2 == w { print $n }' \
        "$DIR/results" | median
}

row()
{
    awk -v set="$set" -v who="$who" -v payload="$payload" \
        -v records="$records" -v wall="$(column "$set" "$who" 3)" \
        -v cpu="$(column "$set" "$who" 4)" \
        -v rss="$(column "$set" "$who" 5)" \
        -v stored="$(column "$set" "$who" 6)" \
        -v kbak_wall="$(column "$set" kbak 3)" \
        -v kbak_cpu="$(column "$set" kbak 4)" 'BEGIN {
        if (!stored)
            size = "-"
        else
            size = sprintf("%.1f", stored / 1e6)
        speed = who == "dd" ? stored : payload
        printf "| %-6s | %-9s | %6.2f | %6.2f | %5.0f | %7s | %5.0f | %9.0f |" \
            " %5.2f | %5.2f |\n", set, who, wall, cpu, rss / 1024, size,
            speed / 1e6 / wall, records / wall, wall / kbak_wall,
            cpu / kbak_cpu }'
}

table()
{
    cat <<HEAD
| set    | who       | wall s |  CPU s |   RSS |  stored |  MB/s | records/s |  wall |   CPU |
|--------|-----------|-------:|-------:|------:|--------:|------:|----------:|------:|------:|
HEAD
    while read -r set records payload; do
        for who in ${WHO//,/ }; do
            row
        done
    done <"$DIR/payloads"
}

bench()
{
    for set in ${SETS//,/ }; do
        say "$set: making it"
        make_set "$set"
        count_payload
        for ((round = 0; round < ROUNDS; round++)); do
            for who in ${WHO//,/ }; do
                measure
            done
        done
        kfeed delete -t "$set"
    done
    table | tee "$OUTPUT"
}

while getopts r:s:w:d:o: option; do
    case $option in
    r) ROUNDS=$OPTARG ;;
    s) SETS=$OPTARG ;;
    w) WHO=$OPTARG ;;
    d) BASE=$OPTARG ;;
    o) OUTPUT=$OPTARG ;;
    *) usage ;;
    esac
done
[ "$OPTIND" -gt $# ] || usage
for set in ${SETS//,/ }; do
    [[ $set =~ ^(zstd|lz4|none|small|single|p[1-9][0-9]*)$ ]] ||
        die "$set: no such data set"
done
check_settings
[ -n "${KB_PEER-}" ] || WHO=$(sed 's/,peer\b//; s/^peer,//' <<<"$WHO")
[[ ,$WHO, = *,kbak,* ]] || die "-w: without kbak there is nothing to compare"
start_broker
bench
