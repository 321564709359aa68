#!/usr/bin/env bash
# A backup holds what a read-committed consumer reads: no aborted record, no
# marker, nothing of a transaction that is still open at the cut.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed txn -t "$topic" -p 0 --txid "a$topic" --script 'c5 a3 c2 a4'
kfeed produce -t "$topic" -p 0 --count 10 --size 50
kfeed txn -t "$topic" -p 0 --txid "b$topic" --script 'a6'

closed_transactions()
{
    backup "$T/repo" "$topic"
    holds_topic "$T/repo" "$topic"
    check_equal "$(kbak cat "$T/repo" "$topic/0" | wc -l)" 17
}

# An open transaction: said, and left to the next run.
open_transaction()
{
    mkfifo "$T/pipe"
    kfeed txn -t "$topic" -p 0 --txid "c$topic" --script 'c1 o4' \
        <"$T/pipe" >"$T/open" &
    exec 3>"$T/pipe"
    wait_until 30 grep -q . "$T/open"
    kfeed produce -t "$topic" -p 0 --count 7 --size 50
    kbak backup -b "$KAFKA" -t "$topic" "$T/repo" 2>"$T/err"
    check_says "$topic/0: an open transaction holds the last stable offset" \
        "$T/err"
    check_equal "$(kbak cat "$T/repo" "$topic/0" | wc -l)" "$2"
    kbak verify "$T/repo"
    echo "$1" >&3
    exec 3>&-
    wait
    backup "$T/repo" "$topic"
    holds_topic "$T/repo" "$topic"
    rm "$T/pipe"
}

t "closed transactions" closed_transactions
t "an open one is said, and stored once committed" open_transaction commit 18

aborted_later()
{
    open_transaction abort 30
    check_equal "$(kbak cat "$T/repo" "$topic/0" | wc -l)" 37
}
t "an open one that is aborted is never stored" aborted_later
