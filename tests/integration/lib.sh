# shellcheck shell=bash
# Sourced by every script here. A script is one behaviour of the programs
# on a real Kafka: it makes topics, runs commands, and states what must hold:
#
#   . "$(dirname "$0")/lib.sh"
#   new_topic topic --partitions 2
#   kfeed produce -t "$topic" --count 1000
#   t "backup ends well" kbak backup -q -b "$KAFKA" -t "$topic" "$T/repo"
#
# $KAFKA is a broker that all tests share; $T a directory that is gone
# afterwards; $KB_BUILD the build to test. Output is TAP, for meson.
set -euo pipefail
shopt -s lastpipe

KB_SOURCE=${KB_SOURCE:-$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")}
KB_BUILD=$(realpath "${KB_BUILD:-$KB_SOURCE/build}")
export KB_SOURCE KB_BUILD LC_ALL=C.UTF-8

# What a sanitizer finds must not pass for an expected failure. faulty.so may be
# loaded before ASan's own library.
export ASAN_OPTIONS=exitcode=99:verify_asan_link_order=0
export UBSAN_OPTIONS=halt_on_error=1:exitcode=99
export TSAN_OPTIONS=exitcode=99:ignore_noninstrumented_modules=1

T=$(mktemp -d "${TMPDIR:-/tmp}/kbakfs-it.$$.XXXXXX")
TESTS=0
FAILED=0
declare -A MOUNTS=() # mount point -> pid of its kbakfs
BROKERS=()           # directories of private brokers
AT_EXIT=()           # commands

# ---- programs ----

kbak()
{
    "$KB_BUILD/backup/kbak" "$@"
}

kfeed()
{
    "$KB_BUILD/tests/tools/kfeed" "$@"
}

kwire()
{
    "$KB_BUILD/tests/tools/kwire" "$@"
}

krestore()
{
    "$KB_BUILD/tests/tools/krestore" "$@"
}

# Makes a repository, or adds to one, without a broker.
karchive()
{
    "$KB_BUILD/tests/tools/karchive" "$@"
}

broker()
{
    "$KB_SOURCE/tests/tools/broker" "$@"
}

# cluster VERB...: the one of private_cluster.
cluster()
{
    "$KB_SOURCE/tests/tools/cluster" "$T/cluster" "$@"
}

# Makes topics there, moves leaders.
klead()
{
    "$KB_SOURCE/tests/tools/klead.py" "$@"
}

kcluster()
{
    "$KB_BUILD/tests/tools/kcluster" "$KAFKA" "$@"
}

# What /usr/bin/python3 has from Debian's packages, a newer one lacks.
kraw()
{
    /usr/bin/python3 "$KB_SOURCE/tests/tools/kraw.py" "$@"
}

# JSON lines on stdin to what `kfeed dump` prints.
jsonl_dump()
{
    /usr/bin/python3 "$KB_SOURCE/tests/tools/jsonl_dump.py" "$@"
}

# ---- results ----

# t BEHAVIOUR COMMAND...: one result. The command runs in a subshell with
# set -e, so a function may hold several steps; variables stay its own.
t()
{
    local what=$1 status
    shift
    TESTS=$((TESTS + 1))
    set +e
    (
        set -e
        trap - EXIT
        "$@"
    ) >"$T/.output" 2>&1
    status=$?
    set -e
    if [ $status = 0 ]; then
        echo "ok $TESTS - $what"
        return
    fi
    FAILED=$((FAILED + 1))
    echo "not ok $TESTS - $what"
    echo "# status $status: $*"
    tail -n 60 "$T/.output" | cut -c1-400 | sed 's/^/# /'
}

fail()
{
    echo "$*" >&2
    exit 1
}

# Both are files, or both directories.
check_same()
{
    local status=0
    diff -r -u "$1" "$2" >"$T/.diff" 2>&1 || status=$?
    head -n 30 "$T/.diff" >&2
    return $status
}

check_equal()
{
    [ "$1" = "$2" ] || fail "is '$1', should be '$2'"
}

# check_says PATTERN FILE: an extended regular expression.
check_says()
{
    grep -qE -e "$1" "$2" || {
        cat "$2" >&2
        fail "$2 does not say '$1'"
    }
}

# The command must fail by itself: neither succeed, nor crash, nor be missing.
expect_fail()
{
    local status=0
    "$@" || status=$?
    case $status in
    0) fail "succeeds, but should fail: $*" ;;
    99) fail "a sanitizer reports: $*" ;;
    12[67]) fail "cannot run: $*" ;;
    esac
    [ $status -lt 128 ] || fail "ended by signal $((status - 128)): $*"
}

# expect_status N COMMAND...
expect_status()
{
    local want=$1 status=0
    shift
    "$@" || status=$?
    [ $status = "$want" ] || fail "exits $status, should $want: $*"
}

# wait_until SECONDS COMMAND...: true before the deadline.
wait_until()
{
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "not in time: $*"
        sleep 0.05
    done
}

# ---- Kafka ----

# name_topic VARIABLE: a name that nobody has.
name_topic()
{
    local name
    name=$(basename "$0" .sh)
    printf -v "$1" '%s' "t${name%%-*}-$1-$$-$RANDOM"
}

# new_topic VARIABLE [kfeed create's options]: a topic of that name.
new_topic()
{
    local variable=$1
    shift
    name_topic "$variable"
    kfeed create -t "${!variable}" "$@"
}

# A broker for this script alone, in $T; $KAFKA and $KB_KAFKA_LOGS are its.
private_broker()
{
    BROKERS+=("$T/broker")
    broker start --private "$T/broker" "$@"
    eval "$(broker env --private "$T/broker")"
}

# Three nodes in $T/cluster; $KAFKA names them all.
private_cluster()
{
    BROKERS+=("$T"/cluster/{1,2,3})
    cluster start "$@"
    eval "$(cluster env)"
}

use_shared_broker()
{
    if [ -z "${KAFKA-}" ]; then
        broker start
        eval "$(broker env)"
    fi
    export KAFKA KB_KAFKA_LOGS
}

# ---- backups ----

# backup REPO TOPIC-OR-OPTION...: quiet; each topic a pattern, an option in
# one word.
backup()
{
    local repo=$1 word
    shift
    local args=()
    for word in "$@"; do
        case $word in
        -*) args+=("$word") ;;
        *) args+=(-t "$word") ;;
        esac
    done
    kbak backup -q -b "$KAFKA" "${args[@]}" "$repo"
}

# holds_topic REPO TOPIC [PARTITION]: every record a consumer can read now is
# in the repository, none other is, and the repository is sound.
holds_topic()
{
    local p
    kbak verify "$1" >"$T/.verify" || {
        cat "$T/.verify" >&2
        fail "verify finds damage"
    }
    for p in ${3-$(kfeed offsets -t "$2" | cut -d' ' -f1)}; do
        kfeed dump -t "$2" -p "$p" >"$T/.consumed"
        kbak cat "$1" "$2/$p" | jsonl_dump >"$T/.stored"
        check_same "$T/.consumed" "$T/.stored"
    done
}

# segments REPO: their paths, in order.
segments()
{
    find "$1/data" -name '*.log' | sort
}

# ---- mounts ----

is_mounted()
{
    grep -q " $(realpath "$1") fuse" /proc/mounts
}

# mounted REPO DIR [OPTIONS]: kbakfs in the foreground, its words in DIR.log.
# Its threads are cancelled inside libfuse: TSan, told to ignore what goes on
# there, would take that for an error.
mounted()
{
    local dir=$2 end=$((SECONDS + 30))
    mkdir -p "$dir"
    TSAN_OPTIONS=exitcode=99 \
        "$KB_BUILD/fs/kbakfs" -f "$1" "$dir" ${3:+-o "$3"} \
        </dev/null >>"$dir.log" 2>&1 &
    MOUNTS[$dir]=$!
    until is_mounted "$dir"; do
        if ! kill -0 "${MOUNTS[$dir]}" 2>/dev/null || [ $SECONDS -ge $end ]
        then
            cat "$dir.log" >&2
            unset "MOUNTS[$dir]"
            fail "$dir: not mounted"
        fi
        sleep 0.02
    done
}

# unmounted DIR: and its process ends well.
unmounted()
{
    local pid=${MOUNTS[$1]} status=0 end=$((SECONDS + 30))
    unset "MOUNTS[$1]"
    umount "$1" || umount -l "$1"
    while kill -0 "$pid" 2>/dev/null; do
        [ $SECONDS -lt $end ] || kill -KILL "$pid"
        sleep 0.02
    done
    wait "$pid" || status=$?
    [ $status = 0 ] || {
        tail -n 50 "$1.log" >&2
        fail "kbakfs on $1: status $status"
    }
}

# ---- the end ----

# at_exit COMMAND: run when the script ends, however it does.
at_exit()
{
    AT_EXIT+=("$1")
}

clean_up()
{
    local status=$? dir command
    trap - EXIT
    set +e
    for command in "${AT_EXIT[@]}"; do
        eval "$command" >/dev/null 2>&1
    done
    for dir in "${!MOUNTS[@]}"; do
        umount -l "$dir" 2>/dev/null
        kill -KILL "${MOUNTS[$dir]}" 2>/dev/null
    done
    # What a test left behind that failed half-way.
    grep -o " $T/[^ ]* fuse" /proc/mounts | while read -r dir _; do
        umount -l "$dir" 2>/dev/null
    done
    for dir in "${BROKERS[@]}"; do
        broker stop --private "$dir"
    done
    if [ $status != 0 ]; then
        echo "Bail out! the script ended early with status $status"
    else
        echo "1..$TESTS"
    fi
    rm -rf --one-file-system "$T"
    [ $FAILED = 0 ] || status=1
    exit $status
}
trap clean_up EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

use_shared_broker
