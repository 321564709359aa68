#!/usr/bin/env bash
# What a mount of 1,000,000 segments costs: mounting, listing, sizing, memory.
#
#   scale.sh [-r ROUNDS] [-d DIR] [-o FILE]
#
#   -r ROUNDS   everything is measured so often (3); the table holds medians
#   -d DIR      where the repository lies, 200 MB (/tmp)
#   -o FILE     the table goes there as well
#
# KB_BENCH_SEGMENTS   how many (1000000): nine topics of 10 partitions hold 90 %
#                     of them, one partition 10 %, and one another 5 %
# KB_BUILD            the build to measure (build/)
#
# There are rows of an index alone and no segment: nothing here may open one.
# Each measurement is of a fresh mount.
set -euo pipefail

SOURCE=$(realpath "$(dirname "$0")/../..")
BUILD=$(realpath "${KB_BUILD:-$SOURCE/build}")
SEGMENTS=${KB_BENCH_SEGMENTS:-1000000}
ROUNDS=3
BASE=${TMPDIR:-/tmp}
OUTPUT=/dev/null
export LC_ALL=C.UTF-8

die()
{
    echo "scale.sh: $*" >&2
    exit 1
}

usage()
{
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
}

is_mounted()
{
    grep -q " $DIR/m fuse" /proc/mounts
}

clean_up()
{
    trap - EXIT
    ! is_mounted || umount -l "$DIR/m" || :
    rm -rf --one-file-system "$DIR"
}

make_repository()
{
    local topic specs=()
    for topic in a b c d e f g h i; do
        specs+=("$topic:10:$((SEGMENTS / 100))")
    done
    "$BUILD/tests/bench/kcrowd" "$DIR/repo" "${specs[@]}" \
        "half:1:$((SEGMENTS / 20))" "wide:1:$((SEGMENTS / 10))"
}

# CPU seconds of the server so far, and its peak memory in MiB.
server_is()
{
    awk -v hz="$(getconf CLK_TCK)" '
        FILENAME ~ /stat$/ { sub(/.*\) /, ""); cpu = ($12 + $13) / hz }
        /^VmHWM/ { kib = $2 }
        END { print cpu, kib / 1024 }' "/proc/$1/stat" "/proc/$1/status"
}

# measure WHAT COMMAND...: appends `what wall cpu server-cpu rss`
measure()
{
    local what=$1 wall cpu _
    shift
    "$BUILD/fs/kbakfs" -f "$DIR/repo" "$DIR/m" -o ro &
    until is_mounted && [ -e "$DIR/m/." ]; do
        kill -0 $! 2>/dev/null || die "cannot be mounted"
        sleep 0.01
    done
    "$BUILD/tests/bench/meter" "$DIR/meter" "$@" >"$DIR/out"
    read -r wall cpu _ <"$DIR/meter"
    echo "$what $wall $cpu $(server_is $!)" | tee -a "$DIR/results" >&2
    umount "$DIR/m"
    wait $!
}

# came N: so many lines.
came()
{
    [ "$(tail -n 1 "$DIR/out")" -ge "$1" ] || die "$(cat "$DIR/out"), not $1"
}

# From the command to a listing of the root.
mount_time()
{
    local wall cpu _
    "$BUILD/tests/bench/meter" "$DIR/meter" sh -c \
        '"$1" "$2/repo" "$2/m" -o ro && ls "$2/m"' - \
        "$BUILD/fs/kbakfs" "$DIR" >"$DIR/out"
    read -r wall cpu _ <"$DIR/meter"
    echo "mount $wall $cpu 0 0" | tee -a "$DIR/results" >&2
    umount "$DIR/m"
    while is_mounted; do sleep 0.01; done
}

round()
{
    mount_time
    measure ls sh -c 'ls "$1" | wc -l' - "$DIR/m/wide/0"
    came $((SEGMENTS / 10))
    measure ls-l-half sh -c 'ls -l "$1" | wc -l' - "$DIR/m/half/0"
    came $((SEGMENTS / 20))
    measure find sh -c 'find "$1" | wc -l' - "$DIR/m"
    came "$SEGMENTS"
    measure du-wide du -s "$DIR/m/wide"
}

median()
{
    sort -n | awk '{ v[NR] = $1 } END {
        print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

column()
{
    awk -v what="$1" -v n="$2" '$1 == what { print $n }' "$DIR/results" |
        median
}

row() # WHAT WORDS
{
    printf '| %-26s | %7.3f | %8.2f | %8.2f | %5.0f |\n' "$2" \
        "$(column "$1" 2)" "$(column "$1" 3)" "$(column "$1" 4)" \
        "$(column "$1" 5)"
}

table()
{
    cat <<HEAD
| what                       |  wall s | its CPU  | our CPU  |   RSS |
|----------------------------|--------:|---------:|---------:|------:|
HEAD
    row mount "mount and ls of the root"
    row ls "ls of $((SEGMENTS / 10))"
    row ls-l-half "ls -l of $((SEGMENTS / 20))"
    row find "find of all"
    row du-wide "du of $((SEGMENTS / 10))"
}

while getopts r:d:o: option; do
    case $option in
    r) ROUNDS=$OPTARG ;;
    d) BASE=$OPTARG ;;
    o) OUTPUT=$OPTARG ;;
    *) usage ;;
    esac
done
[ "$OPTIND" -gt $# ] || usage
[[ $SEGMENTS =~ ^[1-9][0-9]+$ ]] || die "KB_BENCH_SEGMENTS=$SEGMENTS"
[[ $ROUNDS =~ ^[1-9][0-9]*$ ]] || die "-r $ROUNDS: not a number"
DIR=$(mktemp -d "$BASE/kbakfs-scale.XXXXXX")
trap clean_up EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
mkdir "$DIR/m"
make_repository
for ((i = 0; i < ROUNDS; i++)); do
    round
done
table | tee "$OUTPUT"
