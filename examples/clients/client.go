// Write a job to a topic, take it from a queue and accept it, with Go's standard library only.
//
//	BASE=http://127.0.0.1:8082 TOPIC=jobs go run client.go
//
// BASE is the service's address, and the topic exists. The queue is the share group TOPIC-workers (docs/queues.md).
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
)

var base, topic = cmp.Or(os.Getenv("BASE"), "http://127.0.0.1:8082"), cmp.Or(os.Getenv("TOPIC"), "jobs")

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func call(method, path, mediaType string, body, answer any) {
	text, err := json.Marshal(body)
	check(err)
	request, err := http.NewRequest(method, base+path, bytes.NewReader(text))
	check(err)
	request.Header.Set("Content-Type", mediaType)
	response, err := http.DefaultClient.Do(request)
	check(err)
	text, err = io.ReadAll(response.Body)
	check(err)
	if response.StatusCode >= 300 {
		log.Fatalf("%s %s: %d %s", method, path, response.StatusCode, text)
	}
	if answer != nil {
		check(json.Unmarshal(text, answer))
	}
}

func main() {
	queue, wait, plain := "/queues/"+topic+"-workers", 30000, "application/json"
	call("PUT", queue+"/config", plain, map[string]string{"start": "earliest"}, nil)
	job := json.RawMessage(`{"records": [{"key": "north", "value": {"floor": 3}}], "key_format": "string"}`)
	call("POST", "/topics/"+topic+"?strict=true", "application/vnd.kafka.json.v2+json", job, nil)
	answer := struct{ Records []map[string]json.RawMessage }{make([]map[string]json.RawMessage, 1)}
	for ; len(answer.Records) > 0; wait = 0 {
		call("POST", queue+"/receive", plain, map[string]any{"topics": []string{topic}, "wait_ms": wait}, &answer)
		for _, record := range answer.Records {
			fmt.Println("working on", string(record["value"]))
			accepted := map[string]any{"receipt": record["receipt"], "outcome": "accept"}
			call("POST", queue+"/acknowledge", plain, []any{accepted}, nil)
		}
	}
}
