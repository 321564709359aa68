#!/usr/bin/env bash
# close(2) tells the truth: with the broker gone a copy fails, and with the
# broker back the restore is whole or refused, never doubled.
. "$(dirname "$0")/lib.sh"

new_topic topic
kfeed produce -t "$topic" --count 20000 --size 500 --codec zstd
kfeed dump -t "$topic" >"$T/want"
repo=$T/repo
backup "$repo" "$topic"
private_broker
cat >"$T/config" <<'CONFIG'
message.timeout.ms=5000
CONFIG
mounted "$repo" "$T/m" "restore=$KAFKA,config=$T/config"
file=$(echo "$T/m/$topic/0"/*)

survives_a_restart()
{
    mkdir -p "$T/m/restore/$topic/0"
    # The writer feeds slowly enough for the broker to go in between.
    {
        head -n 10000 "$file"
        broker restart --private "$T/broker" >&2
        tail -n +10001 "$file"
    } | cat >"$T/m/restore/$topic/0/a.jsonl"
    kfeed dump -t "$topic" | check_same "$T/want" -
}

fails_when_gone()
{
    mkdir -p "$T/m/restore/$topic-gone/0"
    head -n 1 "$file" >"$T/m/restore/$topic-gone/0/first.jsonl"
    broker kill --private "$T/broker"
    expect_fail timeout 120 cp "$file" "$T/m/restore/$topic-gone/0/b.jsonl"
    check_says "$topic-gone" "$T/m.log"
}

archive_still_reads()
{
    cat "$file" | wc -l | grep -x 20000
}

t "a restore goes on over a broker's restart" survives_a_restart
t "with the broker gone a copy fails" fails_when_gone
t "the archive is read as before" archive_still_reads
unmounted "$T/m"
