#!/usr/bin/env bash
# Into another cluster: topics are made with the source's partitions and
# settings, except those that would destroy what is restored.
. "$(dirname "$0")/lib.sh"

# Retention of the source never gets to run; on the target it runs at once.
target=$KAFKA
private_broker -o log.retention.check.interval.ms=600000 \
    -o log.initial.task.delay.ms=600000
new_topic topic --partitions 4 -c retention.ms=3600000 \
    -c max.message.bytes=5000000 -c segment.ms=86400000
kfeed produce -t "$topic" -p 1 --count 500 --ts 1000000000000:10
kfeed dump -t "$topic" >"$T/want"
repo=$T/repo
backup "$repo" "$topic"
KAFKA=$target
mounted "$repo" "$T/m" "restore=$KAFKA"

same_name()
{
    cp -r "$T/m/$topic" "$T/m/restore/"
    kfeed dump -t "$topic" | check_same "$T/want" -
}

settings()
{
    broker java org.apache.kafka.tools.TopicCommand \
        --bootstrap-server "$KAFKA" --describe --topic "$topic" >"$T/topic"
    check_says 'PartitionCount: 4' "$T/topic"
    check_says 'max.message.bytes=5000000' "$T/topic"
    check_says 'segment.ms=86400000' "$T/topic"
    check_says 'retention.ms=-1' "$T/topic"
    check_says 'retention.ms=3600000' "$T/m.log"
}

is_deleted()
{
    [ "$(kfeed offsets -t "$1")" = "0 1 1" ]
}

# Of a topic with the source's own setting retention takes such records.
old_records_stay()
{
    new_topic other -c retention.ms=3600000
    kfeed produce -t "$other" --ts 1000000000000
    wait_until 60 is_deleted "$other"
    kfeed dump -t "$topic" | check_same "$T/want" -
}

t "under the same name" same_name
t "partitions and settings are the source's, retention is off" settings
t "records of 2001 outlive a round of retention" old_records_stay
unmounted "$T/m"
