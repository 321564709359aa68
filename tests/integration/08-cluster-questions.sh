#!/usr/bin/env bash
# What we ask a cluster by ourselves: topics, leaders, offsets, epochs; and
# through librdkafka: settings and creation.
. "$(dirname "$0")/lib.sh"

kcluster()
{
    "$KB_BUILD/tests/tools/kcluster" "${KCLUSTER_AT:-$KAFKA}" "$@"
}

id_of()
{
    kcluster topics "$1" | cut -d' ' -f2
}

# The broker creates topics by request, so a request for that would show.
asks_without_creating()
{
    local i
    for i in 1 2; do
        kcluster topics "$nobody" >"$T/out"
        check_same "$T/out" - <<<"$nobody AAAAAAAAAAAAAAAAAAAAAA 3 0 0"
        expect_fail kcluster offset "$nobody" - 0 -1 2>"$T/err"
        check_says "$nobody: no such topic" "$T/err"
        expect_fail kcluster settings "$nobody" 2>"$T/err"
        check_says "$nobody: no such topic" "$T/err"
    done
    kcluster topics >"$T/out"
    ! grep "^$nobody " "$T/out"
}

creates()
{
    local id
    kcluster create "$made" 3 -1 retention.ms=-1 compression.type=lz4
    kcluster topics "$made" >"$T/out"
    check_says "^$made [A-Za-z0-9_-]{22} 0 3 1$" "$T/out"
    for p in 0 1 2; do
        kcluster leader "$made" "$(id_of "$made")" $p >"$T/out"
        check_says '^1 0$' "$T/out"
    done
    kcluster settings "$made" >"$T/out"
    check_same "$T/out" - <<<$'compression.type=lz4\nretention.ms=-1'
    expect_fail kcluster create "$made" 3 -1 2>"$T/err"
    check_says 'File exists: .*there already' "$T/err"
}

refuses()
{
    expect_fail kcluster create "$nobody" 1 9 2>"$T/err"
    check_says "Invalid argument: $nobody: .*replication factor" "$T/err"
    expect_fail kcluster create "$nobody" 1 1 no.such=1 2>"$T/err"
    check_says 'Invalid argument: .*no\.such' "$T/err"
    expect_fail kcluster create 'a/b' 1 1 2>"$T/err"
    check_says 'Invalid argument: a/b: .*nvalid' "$T/err"
    kcluster topics "$nobody" >"$T/out"
    check_says "^$nobody .* 3 0 0$" "$T/out"
}

offsets()
{
    kfeed produce -t "$topic" -p 1 --count 50 --batch-records 10 \
        --ts 1000000:1000
    kfeed delete-records -t "$topic" -p 1 --before 7
    check_equal "$(kcluster offset "$topic" "$id" 1 -2)" 7
    check_equal "$(kcluster offset "$topic" "$id" 1 -1)" 50
    check_equal "$(kcluster offset "$topic" "$id" 1 1020000)" 20
    check_equal "$(kcluster offset "$topic" "$id" 1 1020001)" 21
    check_equal "$(kcluster offset "$topic" "$id" 1 1050000)" -1
    check_equal "$(kcluster offset "$topic" "$id" 0 -1)" 0
    expect_fail kcluster offset "$topic" "$id" 2 -1 2>"$T/err"
    check_says "$topic/2: no such partition" "$T/err"
}

# Up to the first open transaction for those who read committed records.
stable_offset()
{
    local feeder
    mkfifo "$T/end"
    kfeed txn -t "$topic" -p 0 --txid "$topic" --script 'c4 a2 o3' \
        <"$T/end" >"$T/fed" &
    feeder=$!
    exec 5>"$T/end"
    wait_until 30 grep -q . "$T/fed"
    # 4, a marker, 2, a marker, 3
    check_equal "$(kcluster offset "$topic" "$id" 0 -1)" 8
    check_equal "$(kcluster end "$topic" "$id" 0)" 11
    echo commit >&5
    exec 5>&-
    wait $feeder
    wait_until 30 stable_at 12
}

stable_at()
{
    [ "$(kcluster offset "$topic" "$id" 0 -1)" = "$1" ]
}

epochs()
{
    check_equal "$(kcluster epoch "$topic" "$id" 1 0)" "0 50"
    check_equal "$(kcluster epoch "$topic" "$id" 1 7)" "-1 -1"
}

# A broker that restarts is a new leader: its epoch goes up.
new_epochs()
{
    local moved id node epoch
    KAFKA=$private
    new_topic moved
    kfeed produce -t "$moved" -p 0 --count 5
    broker restart --private "$T/broker"
    kfeed produce -t "$moved" -p 0 --count 3
    id=$(id_of "$moved")
    kcluster leader "$moved" "$id" 0 | read -r node epoch
    check_equal "$node" 1
    [ "$epoch" -gt 0 ] || fail "the leader's epoch is $epoch"
    check_equal "$(kcluster epoch "$moved" "$id" 0 0)" "0 5"
    check_equal "$(kcluster epoch "$moved" "$id" 0 "$epoch")" "$epoch 8"
}

created_again()
{
    local again old
    new_topic again
    old=$(id_of "$again")
    kcluster offset "$again" "$old" 0 -1
    kfeed delete -t "$again"
    expect_fail kcluster offset "$again" "$old" 0 -1 2>"$T/err"
    check_says "$again: no such topic" "$T/err"
    kfeed create -t "$again"
    for verb in "offset $again $old 0 -1" "leader $again $old 0" \
        "epoch $again $old 0 0"; do
        # shellcheck disable=SC2086
        expect_fail kcluster $verb 2>"$T/err"
        check_says "$again: deleted and created again: its id was $old" \
            "$T/err"
    done
    kcluster offset "$again" - 0 -1
}

second_server()
{
    KCLUSTER_AT=127.0.0.1:1,no-such-host.invalid,$KAFKA \
        kcluster topics "$topic" >"$T/out"
    check_says "^$topic " "$T/out"
}

shared=$KAFKA
private_broker
private=$KAFKA
export KAFKA=$shared

name_topic nobody
name_topic made
new_topic topic --partitions 2
id=$(id_of "$topic")

t "asking for a topic does not create it" asks_without_creating
t "a topic is created with its settings and has leaders" creates
t "what cannot be created is refused in words" refuses
t "offsets: earliest, latest, by time" offsets
t "the last stable offset is below an open transaction" stable_offset
t "the end of an epoch" epochs
t "the end of an epoch before the broker restarted" new_epochs
t "a topic created again is told by its id" created_again
t "bootstrap servers that are not there are passed over" second_server
