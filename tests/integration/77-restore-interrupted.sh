#!/usr/bin/env bash
# The target stops answering in the middle: the tool can be killed at once, the
# rest of the mount goes on, and close(2) does not say that all is well.
. "$(dirname "$0")/lib.sh"

private_broker
karchive "$T/repo" orders 1 1 2000 1000
printf 'message.timeout.ms=60000\n' >"$T/conf"
mounted "$T/repo" "$T/m" "restore=$KAFKA,config=$T/conf,log=$T/log"
java=$(pgrep -f "kafka.Kafka $T/broker" | head -n 1)
name_topic topic
mkdir -p "$T/m/restore/$topic/0"

ended()
{
    ! kill -0 "$1" 2>/dev/null
}

broker_sleeps()
{
    kill -STOP "$java"
    trap 'kill -CONT "$java"' EXIT
}

killed_while_waiting()
{
    local signal=$1 pid status=0
    broker_sleeps
    cp "$T/m/orders/0/0-1999.jsonl" "$T/m/restore/$topic/0/$signal.jsonl" &
    pid=$!
    sleep 0.5
    ! ended "$pid" || fail "cp is done without a broker"
    timeout 5 ls -lR "$T/m" >"$T/out"
    timeout 5 head -n 1 "$T/m/orders/0/5-6.jsonl" >"$T/out"
    kill "-$signal" "$pid"
    wait_until 5 ended "$pid"
    wait "$pid" || status=$?
    [ $status -ge 128 ] || fail "cp exits $status"
}

mkdir_is_killed_too()
{
    local pid
    broker_sleeps
    mkdir "$T/m/restore/orders" &
    pid=$!
    sleep 0.5
    kill -TERM "$pid"
    wait_until 5 ended "$pid"
}

afterwards_all_is_well()
{
    cp "$T/m/orders/0/0-1999.jsonl" "$T/m/restore/$topic/0/again.jsonl"
    mkdir "$T/m/restore/orders"
}

t "cp is killed by SIGTERM" killed_while_waiting TERM
t "cp is killed by SIGKILL" killed_while_waiting KILL
t "mkdir is killed as well" mkdir_is_killed_too
t "when the broker answers again, so does restore/" afterwards_all_is_well
unmounted "$T/m"
