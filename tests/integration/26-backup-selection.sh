#!/usr/bin/env bash
# What is backed up: globs, exclusions, literal names; and what is refused.
. "$(dirname "$0")/lib.sh"

new_topic one -c retention.ms=111000111000
new_topic two -c retention.ms=222000222000
for topic in $one $two; do
    kfeed produce -t "$topic" -p 0 --count 5
done

topics()
{
    ls "$1/meta"
}

globs_and_exclusions()
{
    backup "$T/glob" "t26-*-$$-*"
    check_equal "$(topics "$T/glob")" "$(printf '%s\n' "$one" "$two" | sort)"
    kbak backup -q -b "$KAFKA" -t "t26-*-$$-*" --exclude "$two" "$T/one"
    check_equal "$(topics "$T/one")" "$one"
}

# They are asked for together.
each_keeps_its_own_settings()
{
    check_equal "$(jq -r '.settings["retention.ms"]' \
        "$T/glob/meta/$one"/*/*.json)" 111000111000
    check_equal "$(jq -r '.settings["retention.ms"]' \
        "$T/glob/meta/$two"/*/*.json)" 222000222000
}

# F13: and nothing is made, neither here nor there.
missing_topics_are_errors()
{
    expect_status 1 backup "$T/none" "$one" "t26-missing-$$" 2>"$T/err"
    check_says "t26-missing-$$: does not exist" "$T/err"
    expect_status 1 backup "$T/none" "t26-nothing-$$-*" 2>"$T/err"
    check_says "t26-nothing-$$-\\*: matches no topic" "$T/err"
    [ ! -e "$T/none" ] || fail "a repository was made"
    ! kcat -b "$KAFKA" -L -J | jq -r '.topics[].topic' |
        grep "t26-missing-$$" || fail "the topic was created"
}

internal_topics_are_named()
{
    # a committed transaction brings __transaction_state into being
    kfeed txn -t "$one" -p 0 --txid "x$one" --script c1
    backup "$T/internal" __transaction_state
    check_equal "$(topics "$T/internal")" __transaction_state
    kbak backup -q -b "$KAFKA" -t '*' --dry-run "$T/all" >"$T/plan"
    ! grep -q __transaction_state "$T/plan" || fail "an internal topic"
    check_says "^$one/0: " "$T/plan"
}

dry_runs_write_nothing()
{
    kbak backup -q -b "$KAFKA" -t "$one" --dry-run "$T/dry" >"$T/plan"
    check_says "^$one/0: .*from 0 to " "$T/plan"
    [ ! -e "$T/dry" ] || fail "a repository was made"
}

wrong_words_are_usage_errors()
{
    expect_status 2 kbak backup -b "$KAFKA" "$T/x" 2>"$T/err"
    check_says '-t' "$T/err"
    expect_status 2 kbak backup -t "$one" "$T/x" 2>"$T/err"
    check_says 'bootstrap.servers|-b' "$T/err"
    expect_status 2 kbak backup -b "$KAFKA" -t "$one" 2>"$T/err"
    check_says REPO "$T/err"
    expect_status 2 kbak backup -b "$KAFKA" -t "$one" --nonsense "$T/x" \
        2>"$T/err"
    expect_status 2 kbak backup -b "$KAFKA" -t "$one" -X no.such=1 "$T/x" \
        2>"$T/err"
    check_says no.such "$T/err"
    expect_status 2 kbak backup -b "$KAFKA" -t "$one" \
        -X enable.auto.commit=false "$T/x" 2>"$T/err"
    check_says enable.auto.commit "$T/err"
    expect_status 2 kbak backup -b "$KAFKA" -t "$one" \
        -X security.protocol=ssl "$T/x" 2>"$T/err"
    check_says security.protocol "$T/err"
    [ ! -e "$T/x" ] || fail "a repository was made"
}

other_directories_are_refused()
{
    mkdir "$T/mine"
    echo x >"$T/mine/file"
    expect_status 1 backup "$T/mine" "$one" 2>"$T/err"
    check_says "$T/mine" "$T/err"
    check_equal "$(ls -A "$T/mine")" file
    echo x >"$T/file"
    expect_status 1 backup "$T/file" "$one" 2>"$T/err"
    check_says "$T/file" "$T/err"
}

# A repository of one cluster, and another cluster's topic of the same name.
other_clusters_are_refused()
{
    kfeed create -t "$one"
    expect_status 1 backup "$T/one" "$one" 2>"$T/err"
    check_says 'cluster' "$T/err"
}

t "globs and exclusions" globs_and_exclusions
t "each topic keeps its own settings" each_keeps_its_own_settings
t "missing topics are errors that name them" missing_topics_are_errors
t "internal topics only by name" internal_topics_are_named
t "a dry run says the plan and writes nothing" dry_runs_write_nothing
t "wrong words are usage errors" wrong_words_are_usage_errors
t "other people's directories are left alone" other_directories_are_refused
private_broker
t "another cluster's repository is refused" other_clusters_are_refused
