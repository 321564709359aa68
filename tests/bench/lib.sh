# shellcheck shell=bash
# Sourced by the scripts here that measure: a broker of their own in $DIR, and
# what they print.

SOURCE=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
BUILD=$(realpath "${KB_BUILD:-$SOURCE/build}")
MB=${KB_BENCH_MB:-1000}
ROUNDS=3
BASE=${TMPDIR:-/tmp}
OUTPUT=/dev/null

die()
{
    echo "$(basename "$0"): $*" >&2
    exit 1
}

say()
{
    echo "$(date -u +%T) $*" >&2
}

# The comment at the top of the script.
usage()
{
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
}

broker()
{
    "$SOURCE/tests/tools/broker" "$@" --private "$DIR/broker"
}

kfeed()
{
    "$BUILD/tests/tools/kfeed" "$@"
}

median()
{
    sort -n | awk '{ v[NR] = $1 } END {
        print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# Whoever is in $WHO has a function run_WHO.
check_settings()
{
    local who
    [[ $MB =~ ^[1-9][0-9]*$ ]] || die "KB_BENCH_MB=$MB: not a number"
    [[ $ROUNDS =~ ^[1-9][0-9]*$ ]] || die "-r $ROUNDS: not a number"
    for who in ${WHO//,/ }; do
        declare -F "run_$who" >/dev/null ||
            die "$who: nobody here by that name"
    done
}

# Makes $DIR and starts the broker; the script's clean_up ends both.
start_broker()
{
    DIR=$(mktemp -d "$BASE/kbakfs-bench.XXXXXX")
    trap clean_up EXIT
    trap 'exit 143' TERM
    trap 'exit 130' INT
    broker start -o log.segment.bytes=268435456
    eval "$(broker env)"
}
