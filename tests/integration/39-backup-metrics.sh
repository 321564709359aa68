#!/usr/bin/env bash
# kbak backup --metrics: what it says while it runs, and that it is true.
. "$(dirname "$0")/lib.sh"

private_broker
broker_pid=$(pgrep -f "$T/broker/server.properties$" | head -n 1)
AT_EXIT+=("kill -CONT $broker_pid")
new_topic topic --partitions 2
for p in 0 1; do
    kfeed produce -t "$topic" -p $p --count 3000 --size 20000 --codec none
done
new_topic damaged
kfeed produce -t "$damaged" --count 100 --batch-records 10 --size 200

port=$(/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
address=127.0.0.1:$port

# slow_backup REPO OPTION...: with small answers, it can be looked at.
slow_backup()
{
    local repo=$1
    shift
    exec "$KB_BUILD/backup/kbak" backup -b "$KAFKA" --metrics "$address" \
        --json -X fetch.message.max.bytes=50000 -X fetch.max.bytes=50000 \
        -X message.max.bytes=20000 "$@" "$repo"
}

# begin_backup REPO OPTION...: in the background, $pid; ends with the test.
begin_backup()
{
    slow_backup "$@" >"$T/summary" 2>"$T/err" &
    pid=$!
    trap 'kill -KILL $pid; kill -CONT $broker_pid' EXIT
}

# Ends it, and waits for it.
interrupt_backup()
{
    local status=0
    kill -INT "$pid"
    wait "$pid" || status=$?
    trap - EXIT
    check_equal $status 130
}

# scrape FILE: the metrics.
scrape()
{
    curl -sf --max-time 10 "http://$address/metrics" >"$1"
}

# health FILE: prints the status, or 000.
health()
{
    curl -s --max-time 10 -o "$1" -w '%{http_code}' \
        "http://$address/health" || :
}

# value NAME FILE: a sample's, labels included in the name.
value()
{
    grep -F -e "$1 " "$2" | grep -v '^#' | sed 's/.* //'
}

# Scrapes into $T/at.N until the server is gone, which is the run's end.
watch_run()
{
    local n=0
    until scrape "$T/at.$n"; do
        kill -0 "$1" || fail "the run ended before it served"
        sleep 0.02
    done
    while scrape "$T/at.$((n + 1))"; do
        n=$((n + 1))
        sleep 0.1
    done
    last=$T/at.$n
}

# No counter ever goes back from one scrape to the next.
never_back()
{
    local n
    for ((n = 1; ; n++)); do
        [ -s "$T/at.$n" ] || break
        awk '/^#/ { next }
            $1 !~ /_(total|count|sum)$|_bucket[{]/ { next }
            FNR == NR { before[$1] = $2; next }
            $2 + 0 < before[$1] + 0 { print; bad = 1 }
            END { exit bad }' "$T/at.$((n - 1))" "$T/at.$n"
    done
    [ "$n" -gt 2 ] || fail "only $n scrapes"
}

all_names_are_there()
{
    local name
    for name in kbak_{records,payload_bytes,fetched_bytes,stored_bytes}_total \
        kbak_{segments_published,gaps,problems}_total \
        kbak_{fetch,index,publish}_seconds_{sum,count} \
        "kbak_fetch_seconds_bucket{le=\"+Inf\"}" \
        "kbak_lag_offsets{topic=\"$topic\"}" kbak_memory_bytes \
        kbak_open_segments kbak_run_start_time_seconds \
        process_resident_memory_bytes process_cpu_seconds_total; do
        value "$name" "$1" | grep -qE '^[0-9.]+$' || fail "no $name"
    done
    [ "$(grep -c '^# TYPE ' "$1")" = "$(grep -c '^# HELP ' "$1")" ]
}

while_it_runs()
{
    begin_backup "$T/repo" -t "$topic" --segment-records 50
    watch_run "$pid"
    wait "$pid"
    trap - EXIT
    never_back
    all_names_are_there "$last"
    check_equal "$(value kbak_problems_total "$last")" 0
    [ "$(value kbak_fetch_seconds_count "$last")" -gt 0 ]
    [ "$(value kbak_index_seconds_count "$last")" -gt 0 ]
    [ "$(value kbak_publish_seconds_count "$last")" -gt 0 ]
    [ "$(value kbak_fetched_bytes_total "$last")" -gt 0 ]
    [ "$(value kbak_records_total "$last")" -le "$(jq .records "$T/summary")" ]
    check_says 'p50/p99: fetch .*, index .*, publish ' "$T/err"
    kbak verify -q "$T/repo"
}

# True once nothing moves any more.
is_still()
{
    scrape "$T/still.1" && sleep 0.5 && scrape "$T/still.2" &&
        [ "$(value kbak_open_segments "$T/still.2")" = 0 ] &&
        diff <(grep ^kbak_ "$T/still.1") <(grep ^kbak_ "$T/still.2")
}

served_some()
{
    scrape "$T/some" && [ "$(value kbak_records_total "$T/some")" -gt 0 ]
}

# With a broker that stands still, and nothing held back to be merged or to
# fill a segment, a scrape tells what the summary will.
agrees_with_the_summary()
{
    local name key lag total
    begin_backup "$T/held" -t "$topic" --segment-records 1 \
        --compression=verbatim
    wait_until 30 served_some
    kill -STOP "$broker_pid"
    wait_until 60 is_still
    interrupt_backup
    kill -CONT "$broker_pid"
    while read -r name key; do
        check_equal "$name $(value "$name" "$T/still.2")" \
            "$name $(jq ".$key" "$T/summary")"
    done <<'NAMES'
kbak_records_total records
kbak_payload_bytes_total payload_bytes
kbak_stored_bytes_total stored_bytes
kbak_segments_published_total segments
kbak_gaps_total gaps
kbak_problems_total problems
NAMES
    lag=$(value "kbak_lag_offsets{topic=\"$topic\"}" "$T/still.2")
    total=$(value kbak_records_total "$T/still.2")
    check_equal $((lag + total)) 6000
}

# Damages the batch that holds record 45 of $damaged.
damage()
{
    local log=$KB_KAFKA_LOGS/$damaged-0/00000000000000000000.log position
    position=$(broker java kafka.tools.DumpLogSegments --files "$log" |
        sed -n 's/.*baseOffset: 40 .* position: \([0-9]*\) .*/\1/p')
    printf '\377' | dd of="$log" bs=1 seek=$((position + 700)) conv=notrunc \
        status=none
}

is_health()
{
    [ "$(health "$T/health")" = "$1" ]
}

tells_its_health()
{
    begin_backup "$T/well" -t "$topic"
    wait_until 30 is_health 200
    check_equal "$(jq -r .status "$T/health")" ok
    check_equal "$(curl -s -o "$T/other" -w '%{http_code}' \
        "http://$address/")" 404
    interrupt_backup
}

tells_that_it_fails()
{
    damage
    begin_backup "$T/ill" -t "$topic" -t "$damaged"
    wait_until 30 is_health 503
    check_equal "$(jq -r .status "$T/health")" failing
    check_equal "$(jq .problems "$T/health")" 1
    jq -r .reason "$T/health" >"$T/reason"
    check_says '^1 partitions or topics will not be complete' "$T/reason"
    scrape "$T/ill.1"
    check_equal "$(value kbak_problems_total "$T/ill.1")" 1
    interrupt_backup
}

touches_nothing_without_its_port()
{
    local holder
    /usr/bin/python3 -m http.server -b 127.0.0.1 "$port" 2>/dev/null &
    holder=$!
    wait_until 30 curl -s -o /dev/null "http://$address/"
    expect_status 1 kbak backup -q -b "$KAFKA" -t "$topic" \
        --metrics "$address" "$T/none" 2>"$T/err"
    kill $holder
    check_says "metrics $address: Address already in use" "$T/err"
    [ ! -e "$T/none" ]
    expect_status 2 kbak backup -q -b "$KAFKA" -t "$topic" \
        --metrics nonsense "$T/none" 2>"$T/err"
    check_says 'metrics nonsense: not ADDRESS:PORT' "$T/err"
    [ ! -e "$T/none" ]
}

t "metrics are served while it runs, counters never go back" while_it_runs
t "they agree with the summary" agrees_with_the_summary
t "/health is 200 while all is well, other paths 404" tells_its_health
t "/health is 503 once a partition fails" tells_that_it_fails
t "without its port nothing is touched" touches_nothing_without_its_port
