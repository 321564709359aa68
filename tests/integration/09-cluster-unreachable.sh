#!/usr/bin/env bash
# What is said, and how soon, when no broker answers as it should.
. "$(dirname "$0")/lib.sh"

SERVERS=()
stop_servers()
{
    kill "${SERVERS[@]}" 2>/dev/null || :
}
trap 'stop_servers; clean_up' EXIT

# backup_from BROKERS [PROPERTY]...: must fail, create nothing that counts as
# a backup, and print one line.
backup_from()
{
    local at=$1 property
    local -a args=(-X socket.connection.setup.timeout.ms=2000)
    shift
    for property in "$@"; do
        args+=(-X "$property")
    done
    expect_status 1 timeout 60 "$KB_BUILD/backup/kbak" backup -q -b "$at" \
        -t t "${args[@]}" "$T/repo" 2>"$T/err"
    cat "$T/err"
    check_equal "$(wc -l <"$T/err")" 1
}

# server PROGRAM: a Python program with a listening socket `s`; $port is its.
server()
{
    local port_file=$T/port.$RANDOM
    /usr/bin/python3 - "$port_file" <<PYTHON &
import os, socket, ssl, sys, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(16)
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(s.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
$1
PYTHON
    SERVERS+=($!)
    wait_until 20 test -e "$port_file"
    port=$(cat "$port_file")
}

unknown_host()
{
    backup_from no-such-host.invalid
    check_says 'no-such-host.invalid:9092: cannot find the host' "$T/err"
}

refused()
{
    backup_from 127.0.0.1:1
    check_says '127.0.0.1:1: connection refused; is a broker running' "$T/err"
}

none_of_two()
{
    backup_from 127.0.0.1:1,no-such-host.invalid:77
    check_says 'none of 2 bootstrap servers' "$T/err"
    check_says 'no-such-host.invalid:77' "$T/err"
}

bad_address()
{
    expect_status 2 kbak backup -b 127.0.0.1:kafka -t t "$T/repo" 2>"$T/err"
    check_says '127.0.0.1:kafka: the port is not a number' "$T/err"
}

silent()
{
    backup_from "127.0.0.1:$silent"
    check_says "127.0.0.1:$silent: no answer .*PLAINTEXT listener" "$T/err"
}

http()
{
    backup_from "127.0.0.1:$http"
    check_says "127.0.0.1:$http: this is an HTTP server" "$T/err"
}

tls()
{
    backup_from "127.0.0.1:$tls"
    check_says "127.0.0.1:$tls: .*(TLS|PLAINTEXT)" "$T/err"
}

hung_up()
{
    backup_from "127.0.0.1:$hanging_up"
    check_says "127.0.0.1:$hanging_up: closed the connection .*PLAINTEXT" \
        "$T/err"
}

# Docker's classic: the broker answers, the address that it names does not.
wrong_advertised()
{
    local at=$KAFKA
    new_topic topic
    broker kill --private "$T/broker"
    # by hand, for the tool asks at the address that is advertised
    sed -i 's|^advertised.listeners=.*|advertised.listeners=PLAINTEXT://no-such-host.invalid:9092|' \
        "$T/broker/server.properties"
    broker java kafka.Kafka "$T/broker/server.properties" \
        >"$T/broker/second.log" 2>&1 &
    SERVERS+=($!)
    wait_until 60 listens "$at"
    expect_status 1 timeout 60 "$KB_BUILD/backup/kbak" backup -q -b "$at" \
        -t "$topic" -X message.timeout.ms=2000 "$T/advertised" 2>"$T/err"
    cat "$T/err"
    check_says 'node 1, at the address that it advertises: no-such-host' \
        "$T/err"
}

listens()
{
    "$KB_BUILD/tests/tools/kcluster" "$1" topics >"$T/listens" 2>&1
}

# Ctrl-C ends any wait.
interrupted()
{
    local pid
    "$KB_BUILD/backup/kbak" backup -q -b "127.0.0.1:$silent" -t t \
        "$T/repo" 2>"$T/err" &
    pid=$!
    wait_until 20 connected "$silent"
    kill -INT $pid
    expect_status 130 wait $pid
}

connected()
{
    local hex
    hex=$(printf '0100007F:%04X 01' "$1")
    grep -q " $hex " /proc/net/tcp
}

private_broker
server 'conns = []
while True:
    conns.append(s.accept())'
silent=$port
server 'while True:
    c, _ = s.accept()
    c.recv(100)
    c.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    c.close()'
http=$port
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/key" -out "$T/crt" \
    -days 2 -subj /CN=localhost 2>"$T/openssl"
server "ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
ctx.load_cert_chain('$T/crt', '$T/key')
while True:
    c, _ = s.accept()
    try:
        ctx.wrap_socket(c, server_side=True)
    except OSError:
        pass
    c.close()"
tls=$port
server 'while True:
    c, _ = s.accept()
    c.recv(100)
    c.close()'
hanging_up=$port

t "a host that does not exist" unknown_host
t "a port that refuses" refused
t "several servers, none there" none_of_two
t "an address that cannot be" bad_address
t "a listener that never answers" silent
t "an HTTP server" http
t "a TLS listener" tls
t "a listener that hangs up" hung_up
t "a broker that advertises an address nobody can reach" wrong_advertised
t "interrupted while it waits for a broker" interrupted
