#!/usr/bin/env bash
# A tour by curl: register a schema, produce records as Avro, read them as JSON. It needs a running service (make run).
# BASE is the service's address, TOPIC the topic to write to. The script stops at the first call that fails.
set -euo pipefail
BASE=${BASE:-http://127.0.0.1:8081}
TOPIC=${TOPIC:-parcels}
REGISTRY='Content-Type: application/vnd.schemaregistry.v1+json'
KAFKA='Content-Type: application/vnd.kafka.v2+json'
AVRO='Content-Type: application/vnd.kafka.avro.v2+json'

# call TITLE METHOD PATH [HEADER BODY]: send a request, and print it with its response.
call() {
    local title=$1 method=$2 path=$3
    local arguments=(-X "$method")
    [ $# -gt 3 ] && arguments+=(-H "$4")
    [ $# -gt 4 ] && arguments+=(-d "$5")
    printf '# %s\n%s %s%s\n' "$title" "$method" "$path" "${5:+ $5}"
    ANSWER=$(curl --silent --show-error --fail-with-body "${arguments[@]}" "$BASE$path")
    printf '=> %s\n\n' "$ANSWER"
}

call 'Register a schema for the values of the topic' POST "/subjects/$TOPIC-value/versions" "$REGISTRY" \
    '{"schema": "{\"type\":\"record\",\"name\":\"Parcel\",\"fields\":[{\"name\":\"to\",\"type\":\"string\"},{\"name\":\"grams\",\"type\":\"int\"}]}"}'
ID=$(sed 's/.*"id":\([0-9]*\).*/\1/' <<<"$ANSWER")

call 'Check whether a field without a default may be added' POST "/compatibility/subjects/$TOPIC-value/versions/latest?verbose=true" "$REGISTRY" \
    '{"schema": "{\"type\":\"record\",\"name\":\"Parcel\",\"fields\":[{\"name\":\"to\",\"type\":\"string\"},{\"name\":\"grams\",\"type\":\"int\"},{\"name\":\"depot\",\"type\":\"string\"}]}"}'

call 'Produce two records as Avro, by the id of the schema' POST "/topics/$TOPIC" "$AVRO" \
    "{\"value_schema_id\": $ID, \"records\": [{\"value\": {\"to\": \"Oslo\", \"grams\": 250}}, {\"value\": {\"to\": \"Lima\", \"grams\": 40}}]}"

call 'Create a consumer instance' POST "/consumers/$TOPIC-readers" "$KAFKA" \
    '{"name": "tour", "format": "avro", "auto.offset.reset": "earliest"}'
call 'Subscribe it to the topic' POST "/consumers/$TOPIC-readers/instances/tour/subscription" "$KAFKA" \
    "{\"topics\": [\"$TOPIC\"]}"
call 'Read the records as JSON' GET "/consumers/$TOPIC-readers/instances/tour/records?timeout=10000" \
    'Accept: application/vnd.kafka.avro.v2+json'
call 'Commit the offsets' POST "/consumers/$TOPIC-readers/instances/tour/offsets" "$KAFKA"
call 'Delete the consumer instance' DELETE "/consumers/$TOPIC-readers/instances/tour" "$KAFKA"
