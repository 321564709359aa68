#!/usr/bin/env bash
# kbak's own frame: help, refusals, statuses, signals.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" --count 20000 --size 500
backup "$T/repo" "$topic"

help()
{
    local verb
    kbak --version | grep -qx 'kbak [0-9.]*'
    kbak --help >"$T/help"
    for verb in backup cat ls reindex verify; do
        check_says "kbak $verb " "$T/help"
        kbak $verb --help >"$T/said"
        check_says "^Usage: kbak $verb " "$T/said"
    done
    kbak --help >/dev/full 2>"$T/said" && fail "a full disk is no error"
    check_says 'standard output: No space left' "$T/said"
}

refusals()
{
    expect_status 2 kbak
    expect_status 2 kbak nothing 2>"$T/said"
    check_says 'nothing: no such verb' "$T/said"
    expect_status 2 kbak ls 2>"$T/said"
    check_says 'REPO is missing' "$T/said"
    expect_status 2 kbak ls "$T/repo" --nothing
    expect_status 2 kbak ls "$T/repo" a/b 2>"$T/said"
    check_says '"b" is not a partition number' "$T/said"
    expect_status 2 kbak ls "$T/repo" a b
    expect_status 2 kbak verify "$T/repo" "$T/repo"
    expect_status 2 kbak reindex
}

options_follow_operands()
{
    kbak ls "$T/repo" --json "$topic" | jq -e '.topics | length == 1'
    kbak verify "$T/repo" -q
}

# Each says what it is and what to do.
what_is_no_repository()
{
    local verb
    mkdir -p "$T/empty" "$T/foreign"
    touch "$T/file" "$T/foreign/notes"
    for verb in ls verify reindex; do
        expect_status 1 kbak $verb "$T/absent" 2>"$T/said"
        check_says 'absent: no such directory; .kbak backup' "$T/said"
        expect_status 1 kbak $verb "$T/file" 2>"$T/said"
        check_says 'file: not a directory' "$T/said"
        expect_status 1 kbak $verb "$T/empty" 2>"$T/said"
        check_says 'empty: not a repository \(it has no kbakfs.json' "$T/said"
        expect_status 1 kbak $verb "$T/foreign" 2>"$T/said"
        check_says 'foreign: not a repository' "$T/said"
    done
    expect_status 1 kbak backup -b "$KAFKA" -t "$topic" "$T/foreign" \
        2>"$T/said"
    check_says 'not empty \(it holds "notes"\)' "$T/said"
    check_equal "$(ls -A "$T/foreign" "$T/empty")" "$(
        printf '%s:\n\n%s:\nnotes' "$T/empty" "$T/foreign")"
}

# cat waits for its reader, who does not read, when the signal comes.
signals_end_readers()
{
    local status=0 pid
    mkfifo "$T/pipe"
    exec 9<>"$T/pipe"
    "$KB_BUILD/backup/kbak" cat "$T/repo" "$topic/0" >"$T/pipe" &
    pid=$!
    wait_until 20 grep -q '^State:.*S' "/proc/$pid/status"
    kill -TERM $pid
    wait $pid || status=$?
    exec 9>&-
    check_equal $status 143
}

t "help and version" help
t "what is not understood" refusals
t "options follow operands" options_follow_operands
t "what is no repository" what_is_no_repository
t "a signal ends a reader" signals_end_readers
