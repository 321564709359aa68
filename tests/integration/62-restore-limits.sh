#!/usr/bin/env bash
# What a topic takes and what it does not: sizes, timestamps, keys.
. "$(dirname "$0")/lib.sh"

new_topic source
kfeed produce -t "$source" -p 0 --count 500 --size 2000
backup "$T/repo" "$source"
kbak cat "$T/repo" "$source/0" >"$T/lines"

# lines SIZE...: a line for each, of noise that zstd cannot make smaller
lines()
{
    /usr/bin/python3 -c '
import base64, json, os, sys
for n in sys.argv[1:]:
    b = base64.b64encode(os.urandom(int(n))).decode()
    print(json.dumps({"topic": "t", "partition": 0, "offset": 0,
                      "tstype": "create", "ts": 1, "key": None,
                      "payload": {"base64": b}}))' "$@"
}

count()
{
    kfeed dump -t "$1" -p 0 | wc -l
}

halved()
{
    new_topic target -c max.message.bytes=5000
    krestore "$T/repo" "$target/0=$T/lines"
    kfeed dump --no-offset -t "$source" -p 0 >"$T/want"
    kfeed dump --no-offset -t "$target" -p 0 >"$T/got"
    check_same "$T/want" "$T/got"
}

# EMSGSIZE 90, EREMOTEIO 121
too_large()
{
    new_topic target -c max.message.bytes=5000
    lines 100 4000 6000 100 >"$T/large"
    expect_status 1 krestore "$T/repo" "$target/0=$T/large" >"$T/out"
    check_says '^error 90 .* records 2: .*large: line 3: .*max.message.bytes' \
        "$T/out"
    check_equal "$(count "$target")" 2
}

huge()
{
    new_topic target -c max.message.bytes=50000000
    lines 10 20000000 10 >"$T/huge"
    krestore --memory 1000000 "$T/repo" "$target/0=$T/huge"
    kfeed dump --no-offset -t "$target" -p 0 >"$T/got"
    jsonl_dump --no-offset <"$T/huge" >"$T/want"
    check_same "$T/want" "$T/got"
}

no_time()
{
    new_topic target
    printf '%s\n' '{"payload":"a"}' '{"ts":-1,"payload":"b"}' \
        '{"ts":0,"payload":"c"}' '{"payload":"d"}' >"$T/times"
    krestore "$T/repo" "$target/0=$T/times"
    kcat -b "$KAFKA" -C -J -t "$target" -e -q | jq -c '[.ts, .payload]' \
        >"$T/got"
    printf '%s\n' '[-1,"a"]' '[-1,"b"]' '[0,"c"]' '[-1,"d"]' >"$T/want"
    check_same "$T/want" "$T/got"
}

no_key()
{
    new_topic target -c cleanup.policy=compact
    printf '%s\n' '{"key":"k"}' '{"payload":"v"}' >"$T/keys"
    expect_status 1 krestore "$T/repo" "$target/0=$T/keys" >"$T/out"
    check_says '^error 121 .*keys: lines 1 to 2: .*without a key' "$T/out"
    check_equal "$(count "$target")" 0
}

t "batches are halved until they fit" halved
t "a record larger than the topic allows" too_large
t "a line larger than all memory" huge
t "records without a timestamp" no_time
t "records without a key for a compacted topic" no_key
