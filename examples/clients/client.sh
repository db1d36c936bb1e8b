#!/usr/bin/env bash
# Write a job to a topic, take it from a queue and accept it, with bash, curl and sed.
#
#     BASE=http://127.0.0.1:8082 TOPIC=jobs bash client.sh
#
# BASE is the service's address, and the topic exists. The queue is the share group TOPIC-workers (docs/queues.md).
set -euo pipefail
BASE=${BASE:-http://127.0.0.1:8082}
TOPIC=${TOPIC:-jobs}
QUEUE=/queues/$TOPIC-workers

# call METHOD PATH BODY [MEDIA-TYPE]: print the response; end with its error where it is one.
call() {
    curl --silent --show-error --fail-with-body -X "$1" -H "Content-Type: ${4:-application/json}" -d "$3" "$BASE$2"
}

call PUT "$QUEUE/config" '{"start": "earliest"}'
call POST "/topics/$TOPIC?strict=true" '{"records": [{"key": "north", "value": {"floor": 3}}], "key_format": "string"}' \
    application/vnd.kafka.json.v2+json >/dev/null

WAIT=30000
while true; do
    # One record at a time, so that no JSON has to be taken apart but for two fields.
    ANSWER=$(call POST "$QUEUE/receive" "{\"topics\": [\"$TOPIC\"], \"max_records\": 1, \"wait_ms\": $WAIT}")
    RECEIPT=$(sed -n 's/.*"receipt":"\([^"]*\)".*/\1/p' <<<"$ANSWER")
    [ -n "$RECEIPT" ] || break
    echo "working on $(sed 's/.*"value":\(.*\),"partition".*/\1/' <<<"$ANSWER")"
    RESULT=$(call POST "$QUEUE/acknowledge" "[{\"receipt\": \"$RECEIPT\", \"outcome\": \"accept\"}]")
    [[ $RESULT == *'"error_code":null'* ]] || echo "not accepted: $RESULT"
    WAIT=0
done
