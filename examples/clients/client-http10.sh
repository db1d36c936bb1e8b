#!/bin/sh
# Write a job to a topic, take it from a queue and accept it, with plain HTTP/1.0 by nc: for programs that only have
# a socket. Each request is a text with its length, and each response ends with its connection.
#
#     HOST=127.0.0.1 PORT=8082 TOPIC=jobs sh client-http10.sh
#
# The topic exists. The queue is the share group TOPIC-workers (docs/queues.md).
set -eu
HOST=${HOST:-127.0.0.1}
PORT=${PORT:-8082}
TOPIC=${TOPIC:-jobs}
QUEUE=/queues/$TOPIC-workers

# call METHOD PATH BODY [MEDIA-TYPE]: print the body of the response; end where its status is an error.
call() {
    response=$(printf '%s %s HTTP/1.0\r\nHost: %s:%s\r\nContent-Type: %s\r\nContent-Length: %s\r\n\r\n%s' \
        "$1" "$2" "$HOST" "$PORT" "${4:-application/json}" "${#3}" "$3" | nc "$HOST" "$PORT" | tr -d '\r')
    case $response in
        HTTP/1.?' '2*) printf '%s\n' "$response" | sed '1,/^$/d' ;;
        *) printf '%s\n' "$response" >&2 && exit 1 ;;
    esac
}

call PUT "$QUEUE/config" '{"start": "earliest"}'
call POST "/topics/$TOPIC?strict=true" '{"records": [{"key": "north", "value": {"floor": 3}}], "key_format": "string"}' \
    application/vnd.kafka.json.v2+json >/dev/null

wait=30000
while true; do
    answer=$(call POST "$QUEUE/receive" "{\"topics\": [\"$TOPIC\"], \"max_records\": 1, \"wait_ms\": $wait}")
    receipt=$(printf '%s' "$answer" | sed -n 's/.*"receipt":"\([^"]*\)".*/\1/p')
    [ -n "$receipt" ] || break
    printf 'working on %s\n' "$(printf '%s' "$answer" | sed 's/.*"value":\(.*\),"partition".*/\1/')"
    result=$(call POST "$QUEUE/acknowledge" "[{\"receipt\": \"$receipt\", \"outcome\": \"accept\"}]")
    case $result in *'"error_code":null'*) ;; *) printf 'not accepted: %s\n' "$result" ;; esac
    wait=0
done
