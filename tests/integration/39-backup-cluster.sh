#!/usr/bin/env bash
# A cluster of three: a replica nearer by serves a backup, leaders move and
# die in its middle, an unclean election loses what we have (H17). Starting a
# node takes longer than all else: one that dies stays dead for what follows.
. "$(dirname "$0")/lib.sh"

private_cluster
pid_file=$T/kbak.pid
port=$("$KB_SOURCE/tests/tools/broker" free-port)

name_topic topic
klead create "$topic" 1,2,3 3,1,2 1,2,3
for p in 0 1 2; do
    kfeed produce -t "$topic" -p $p --count 10000 --batch-records 50 \
        --size 200
done

count_segments()
{
    find "$1/data" -name '*.log' 2>/dev/null | wc -l
}

has_segments()
{
    [ "$(count_segments "$1")" -ge "$2" ]
}

# begin REPO TOPIC [OPTION]...: a backup that has published a little, and
# holds little in memory: most has yet to come.
begin()
{
    local repo=$1 topic=$2
    shift 2
    "$KB_BUILD/backup/kbak" backup -vv -b "$KAFKA" -t "$topic" \
        --compression=verbatim --segment-bytes 50000 --memory 1M \
        --metrics "127.0.0.1:$port" \
        -X fetch.message.max.bytes=20000 \
        -X request.timeout.ms=1000 -X socket.timeout.ms=2000 "$@" "$repo" \
        >"$T/out" 2>"$T/err" &
    echo $! >"$pid_file"
    # not wait_until: all of it takes a fraction of a second
    until has_segments "$repo" 5; do
        kill -0 "$(cat "$pid_file")" || fail "ended before it had begun"
    done
}

# pause REPO SEGMENTS: with fewer than these published.
pause()
{
    kill -STOP "$(cat "$pid_file")"
    echo "$(count_segments "$1") segments at the pause"
    [ "$(count_segments "$1")" -lt "$2" ] || fail "too quick: it had nearly ended"
}

go_on()
{
    kill -CONT "$(cat "$pid_file")"
}

# ends STATUS
ends()
{
    local status=0
    wait "$(cat "$pid_file")" || status=$?
    tail -n 30 "$T/err"
    check_equal $status "$1"
}

# Until the backup ends; its last metrics are in $T/metrics.
watch()
{
    while kill -0 "$(cat "$pid_file")" 2>/dev/null; do
        ! curl -sf --max-time 10 "http://127.0.0.1:$port/metrics" \
            >"$T/sample" || mv "$T/sample" "$T/metrics"
        sleep 0.02
    done
}

# The nodes that something came from.
senders()
{
    sed -n 's/^kbak_broker_bytes_total{node="\(.*\)"} [1-9].*/\1/p' \
        "$T/metrics" | sort | paste -sd' '
}

# No partition is led by node 2, which is in rack b.
a_follower_serves()
{
    local repo=$T/near
    begin "$repo" "$topic" -X client.rack=b
    watch
    ends 0
    check_equal "$(senders)" 2
    holds_topic "$repo" "$topic"
}

leaders_move()
{
    local repo=$T/moved
    begin "$repo" "$topic"
    pause "$repo" 130
    klead move "$topic" 2,3,1 1,2,3 3,1,2
    go_on
    klead move "$topic" 3,1,2 2,3,1 1,2,3
    ends 0
    check_says 'LEADER' "$T/err"
    holds_topic "$repo" "$topic"
}

# Node 2 leads partition 1, and serves the others as the follower nearby. It
# stays dead.
a_node_dies()
{
    local repo=$T/died
    begin "$repo" "$topic" -X client.rack=b
    pause "$repo" 130
    cluster kill 2
    go_on
    watch
    ends 0
    check_equal "$(senders)" "1 2 3"
    holds_topic "$repo" "$topic"
}

# ---- records are lost ----

# fill TOPIC PARTITION COUNT
fill()
{
    kfeed produce -t "$1" -p "$2" --count "$3" --batch-records 50 --size 200
}

# Of what node 3 leads, node 2 has this when it dies.
common_records()
{
    klead create "$torn" 3,2 3,2
    fill "$torn" 0 9000
    fill "$torn" 1 1000
}

# Node 2 has 9,000 records of partition 0 and 1,000 of partition 1, node 3,
# who leads, 10,000 of both.
tear_topic()
{
    fill "$torn" 0 1000
    fill "$torn" 1 9000
    for p in 0 1; do
        kfeed dump -t "$torn" -p $p >"$T/all.$p"
    done
}

ends_at()
{
    [ "$(kfeed offsets -t "$1" | cut -d' ' -f3 | paste -sd' ')" = "$2" ]
}

# change_nodes FROM TO ENDS: they are never alive at a time, so neither learns
# of the other's log.
change_nodes()
{
    cluster kill "$1"
    cluster restart "$2"
    klead elect "$torn" 0 1
    wait_until 30 ends_at "$torn" "$3"
}

is_past_the_tear()
{
    [ "$(find "$T/torn/data" -path '*/1/*.log' | wc -l)" -ge 8 ]
}

# What is stored is what node 3 had, from the first record on.
holds_the_first()
{
    local p=$1 n
    kbak cat "$T/torn" "$torn/$p" | jsonl_dump >"$T/stored.$p"
    n=$(wc -l <"$T/stored.$p")
    head -n "$n" "$T/all.$p" | cmp - "$T/stored.$p"
    echo "$n"
}

name_topic torn

an_unclean_election()
{
    tear_topic
    begin "$T/torn" "$torn" -X message.timeout.ms=8000
    until is_past_the_tear; do
        kill -0 "$(cat "$pid_file")" || fail "ended before the tear"
    done
    pause "$T/torn" 80
    change_nodes 3 2 "9000 1000"
    go_on
    ends 1
    check_says "$torn/1: the log was truncated: .* ends at offset 1000, below [0-9]*, " "$T/err"
    check_says "$torn/0: the log .* ends at offset 9000, .* 10000" "$T/err"
    kbak verify "$T/torn"
    check_equal "$(holds_the_first 0)" 9000
    holds_the_first 1 >"$T/stored"
    [ "$(cat "$T/stored")" -gt 1000 ]
}

other_records_on_top()
{
    fill "$torn" 0 500
    fill "$torn" 1 9500
    expect_status 1 backup "$T/torn" "$torn" 2>"$T/err"
    last=$(($(cat "$T/stored") - 1))
    check_says "$torn/1: the log was truncated: .* ends at offset 1000, .* up to $last;" "$T/err"
    check_equal "$(holds_the_first 1)" "$(cat "$T/stored")"
    holds_topic "$T/torn" "$torn" 0
}

# Node 3 has more of partition 0 than is stored, but not the last 500. In
# partition 1 nothing was stored but what it has.
the_first_leader_is_back()
{
    change_nodes 2 3 "10000 10000"
    expect_status 1 backup "$T/torn" "$torn" 2>"$T/err"
    check_says "$torn/0: the log was truncated: offset 9499 .* epoch 0, " "$T/err"
    check_equal "$(kbak cat "$T/torn" "$torn/0" | wc -l)" 9500
    check_equal "$(holds_the_first 1)" 10000
    kbak verify "$T/torn"
}

common_records
t "a follower in our rack" a_follower_serves
t "leaders that move" leaders_move
t "a node that leads a partition, and is nearby for the others, dies" \
    a_node_dies
t "an unclean election: nothing is stored on top of what was lost" \
    an_unclean_election
t "nor later, when the log is longer than before" other_records_on_top
t "nor when the first leader is back, with a longer log" \
    the_first_leader_is_back
