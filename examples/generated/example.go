// Register a schema, check another, produce a record and read it back (docs/generated-clients.md).
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"example/registry"
)

func must[T any](result T, err error) T {
	if err != nil {
		panic(err)
	}
	return result
}

func main() {
	ctx, topic := context.Background(), os.Getenv("TOPIC")
	accept := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Accept", "application/json") // so that responses are in JSON200
		return nil
	}
	client := must(registry.NewClientWithResponses(os.Getenv("BASE"), registry.WithRequestEditorFn(accept)))
	lift := `{"type":"record","name":"Lift","fields":[{"name":"floor","type":"int"}]}`
	other := `{"type":"record","name":"Lift","fields":[{"name":"door","type":"int"}]}`
	registered := must(client.PostSubjectsSubjectVersionsWithResponse(
		ctx, topic+"-value", nil, registry.RegisterSchemaRequest{Schema: &lift}))
	checked := must(client.PostCompatibilitySubjectsSubjectVersionsVersionWithResponse(
		ctx, topic+"-value", "latest", nil, registry.RegisterSchemaRequest{Schema: &other}))
	fmt.Println("compatible:", checked.JSON200.IsCompatible)
	avro, value := registry.ProduceRequestValueFormatAvro, map[string]int{"floor": 3}
	produced := must(client.PostTopicsTopicWithResponse(ctx, topic, nil, registry.ProduceRequest{
		Records:       []registry.ProducedRecord{{Value: value}},
		ValueFormat:   &avro,
		ValueSchemaId: &registered.JSON200.Id,
	}))
	fmt.Println("offset:", *produced.JSON200.Offsets[0].Offset)
	format, timeout := registry.GetTopicsTopicPartitionsPartitionRecordsParamsFormatAvro, int32(30_000)
	read := must(client.GetTopicsTopicPartitionsPartitionRecordsWithResponse(
		ctx, topic, 0, &registry.GetTopicsTopicPartitionsPartitionRecordsParams{Format: &format, Timeout: &timeout}))
	for _, record := range *read.JSON200 {
		fmt.Println("floor:", record.Value.(map[string]any)["floor"])
	}
}
