// Drives a schema registry with franz-go's client, once through every call that it has.
//
// Usage: go run . URL NAME, where subjects and contexts begin with NAME, which nobody else may use.
// It stops at the first answer that is not what the client promises, says which, and exits with 1. It also stops
// if the client has a call that is not made here.
package main

import (
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
)

const (
	parcelText  = `{"type":"record","name":"Parcel","namespace":"own","fields":[{"name":"grams","type":"int"}]}`
	parcel2Text = `{"type":"record","name":"Parcel","namespace":"own","fields":[{"name":"grams","type":"int"},{"name":"fragile","type":"boolean","default":false}]}`
	spreadText  = `{"fields": [{"type": "int", "name": "grams"}], "namespace": "own", "name": "Parcel", "type": "record"}`
	brokenText  = `{"type":"record","name":"Parcel","namespace":"own","fields":[{"name":"depot","type":"string"}]}`
	routeText   = `{"type":"record","name":"Route","namespace":"own","fields":[{"name":"load","type":"Parcel"}]}`

	parcelJSON = `{"$id":"https://own.example/parcel.json","type":"object","properties":{"grams":{"type":"integer"}}}`
	routeJSON  = `{"$id":"https://own.example/route.json","type":"object","properties":{"load":{"$ref":"parcel.json"}}}`

	parcelProto = "syntax = \"proto3\";\npackage own;\n\nmessage Parcel {\n  int32 grams = 1;\n}\n"
	routeProto  = "syntax = \"proto3\";\npackage own;\n\nimport \"parcel.proto\";\n\nmessage Route {\n  .own.Parcel load = 1;\n}\n"
)

var (
	parcel  = sr.Schema{Schema: parcelText}
	parcel2 = sr.Schema{Schema: parcel2Text}
	spread  = sr.Schema{Schema: spreadText}
	broken  = sr.Schema{Schema: brokenText}
)

// walk is one subject of conversation with the registry. Its name begins every subject that it uses.
type walk struct {
	name string
	run  func(ctx context.Context, client *sr.Client, name string)
}

var walks = []walk{
	{"registering", registering},
	{"reading", reading},
	{"listing", listing},
	{"deleting", deleting},
	{"references", referring},
	{"metadata", describing},
	{"compatibility", checking},
	{"configuration", configuring},
	{"modes", changingMode},
	{"importing", importing},
	{"contexts", usingContexts},
	{"serde", serializing},
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run . URL NAME")
		os.Exit(2)
	}
	client := must(sr.NewClient(sr.URLs(os.Args[1])))
	for _, each := range walks {
		step = each.name
		each.run(context.Background(), client, os.Args[2]+"-"+each.name)
	}
	step = "completeness"
	nothingLeftOut(reflect.TypeOf(client))
}

//go:embed main.go
var source string

// local are the methods that reach no route of their own.
var local = []string{"Do", "Opts", "OptValue", "OptValues"}

// nothingLeftOut fails if the client has a method that no walk calls, as one of a newer version.
func nothingLeftOut(client reflect.Type) {
	for i := range client.NumMethod() {
		name := client.Method(i).Name
		if !slices.Contains(local, name) && !strings.Contains(source, "client."+name+"(") {
			fail("not called", "%s", name)
		}
	}
}

func registering(ctx context.Context, client *sr.Client, name string) {
	first := must(client.CreateSchema(ctx, name, parcel))
	same("created", first.Schema, parcel)
	same("place", []any{first.Subject, first.Version}, []any{name, 1})
	same("registered again", must(client.RegisterSchema(ctx, name, parcel, -1, -1)), first.ID)
	same("id and version 0 are none given", must(client.RegisterSchema(ctx, name, parcel2, 0, 0)), must(client.LookupSchema(ctx, name, parcel2)).ID)
	normalized := sr.WithParams(ctx, sr.Normalize)
	same("normalized", must(client.RegisterSchema(normalized, name, spread, -1, -1)), first.ID)
	same("looked up", must(client.LookupSchema(normalized, name, spread)).GUID, first.GUID)
	_, err := client.RegisterSchema(ctx, name, broken, -1, -1)
	refused(err, 409, 40901)
	_, err = client.RegisterSchema(ctx, name, sr.Schema{Schema: "{"}, -1, -1)
	refused(err, 422, 42201)
	_, err = client.LookupSchema(ctx, name, broken)
	refused(err, 404, 40403)
}

func reading(ctx context.Context, client *sr.Client, name string) {
	created := must(client.CreateSchema(ctx, name, parcel))
	same("types", must(client.SupportedTypes(ctx)), []sr.SchemaType{sr.TypeAvro, sr.TypeProtobuf, sr.TypeJSON})
	same("by id", must(client.SchemaByID(sr.WithParams(ctx, sr.Subject(name), sr.FetchMaxID), created.ID)), parcel)
	same("by guid", must(client.SchemaByGUID(ctx, created.GUID)).Schema, parcel)
	contains("ids of a guid", must(client.SchemaIDsByGUID(ctx, created.GUID)), sr.ContextID{Context: ".", ID: created.ID})
	same("text by id", must(client.SchemaTextByID(sr.WithParams(ctx, sr.Format("resolved")), created.ID)), parcelText)
	same("by version", must(client.SchemaByVersion(ctx, name, 1)), created)
	same("latest", must(client.SchemaByVersion(ctx, name, -1)), created)
	same("text by version", must(client.SchemaTextByVersion(ctx, name, 1)), parcelText)
	same("all of a subject", must(client.Schemas(ctx, name)), []sr.SubjectSchema{created})
	contains("subjects of an id", must(client.SubjectsByID(ctx, created.ID)), name)
	versions := must(client.SchemaVersionsByID(sr.WithParams(ctx, sr.Subject(name)), created.ID))
	contains("versions of an id", versions, sr.SubjectVersion{Subject: name, Version: 1})
	_, err := client.SchemaByID(ctx, 1<<31-1)
	refused(err, 404, 40403)
	_, err = client.SchemaByVersion(ctx, name, 9)
	refused(err, 404, 40402)
	_, err = client.SubjectVersions(ctx, name+"-nothing")
	refused(err, 404, 40401)
}

func listing(ctx context.Context, client *sr.Client, name string) {
	for _, letter := range []string{"a", "b"} {
		must(client.RegisterSchema(ctx, name+letter, parcel, -1, -1))
		must(client.RegisterSchema(ctx, name+letter, parcel2, -1, -1))
	}
	must(client.DeleteSubject(ctx, name+"b", sr.SoftDelete))
	mine := sr.SubjectPrefix(name)
	same("subjects", must(client.Subjects(sr.WithParams(ctx, mine))), []string{name + "a"})
	same("with deleted", must(client.Subjects(sr.WithParams(ctx, mine, sr.ShowDeleted))), []string{name + "a", name + "b"})
	same("deleted only", must(client.Subjects(sr.WithParams(ctx, mine, sr.DeletedOnly))), []string{name + "b"})
	same("a page", must(client.Subjects(sr.WithParams(ctx, mine, sr.ShowDeleted, sr.Offset(1), sr.Limit(1)))), []string{name + "b"})
	same("versions", must(client.SubjectVersions(ctx, name+"a")), []int{1, 2})
	same("deleted versions", must(client.SubjectVersions(sr.WithParams(ctx, sr.DeletedOnly), name+"b")), []int{1, 2})
	same("all schemas", len(must(client.AllSchemas(sr.WithParams(ctx, mine, sr.ShowDeleted)))), 4)
	latest := must(client.AllSchemas(sr.WithParams(ctx, mine, sr.LatestOnly)))
	same("latest only", len(latest), 1)
	same("what is the latest", latest[0].Schema, parcel2)
}

func deleting(ctx context.Context, client *sr.Client, name string) {
	must(client.RegisterSchema(ctx, name, parcel, -1, -1))
	must(client.RegisterSchema(ctx, name, parcel2, -1, -1))
	refused(client.DeleteSchema(ctx, name, 1, sr.HardDelete), 404, 40407)
	done(client.DeleteSchema(ctx, name, 1, sr.SoftDelete))
	refused(client.DeleteSchema(ctx, name, 1, sr.SoftDelete), 404, 40406)
	done(client.DeleteSchema(ctx, name, 1, sr.HardDelete))
	refused(client.DeleteSchema(ctx, name, 1, sr.HardDelete), 404, 40402)
	_, err := client.DeleteSubject(ctx, name, sr.HardDelete)
	refused(err, 404, 40405)
	same("deleted softly", must(client.DeleteSubject(ctx, name, sr.SoftDelete)), []int{2})
	_, err = client.DeleteSubject(ctx, name, sr.SoftDelete)
	refused(err, 404, 40404)
	same("deleted for good", must(client.DeleteSubject(ctx, name, sr.HardDelete)), []int{2})
	_, err = client.DeleteSubject(ctx, name, sr.SoftDelete)
	refused(err, 404, 40401)
}

func referring(ctx context.Context, client *sr.Client, name string) {
	for _, each := range []struct {
		kind             sr.SchemaType
		referred, refers string
		as               string
	}{
		{sr.TypeAvro, parcelText, routeText, "own.Parcel"},
		{sr.TypeJSON, parcelJSON, routeJSON, "https://own.example/parcel.json"},
		{sr.TypeProtobuf, parcelProto, routeProto, "parcel.proto"},
	} {
		subject := name + "-" + each.kind.String()
		must(client.CreateSchema(ctx, subject, sr.Schema{Schema: each.referred, Type: each.kind}))
		reference := sr.SchemaReference{Name: each.as, Subject: subject, Version: 1}
		route := sr.Schema{Schema: each.refers, Type: each.kind, References: []sr.SchemaReference{reference}}
		created := must(client.CreateSchema(ctx, subject+"-route", route))
		same("schema with a reference", created.Schema, route)
		same("referrers", must(client.SchemaReferences(ctx, subject, -1)), []sr.SubjectSchema{created})
		contains("usages", usagesOf(must(client.SchemaUsagesByID(ctx, created.ID))), subject+"-route")
		_, err := client.DeleteSubject(ctx, subject, sr.SoftDelete)
		refused(err, 422, 42206)
	}
}

func usagesOf(schemas []sr.SubjectSchema) []string {
	var subjects []string
	for _, each := range schemas {
		subjects = append(subjects, each.Subject)
	}
	return subjects
}

func describing(ctx context.Context, client *sr.Client, name string) {
	described := parcel
	described.SchemaMetadata = &sr.SchemaMetadata{
		Tags:       map[string][]string{"own.Parcel.grams": {"SIZE"}},
		Properties: map[string]string{"owner": "me"},
		Sensitive:  []string{"owner"},
	}
	described.SchemaRuleSet = &sr.SchemaRuleSet{
		DomainRules: []sr.SchemaRule{{
			Name: "checked", Doc: "small ones", Kind: sr.SchemaRuleKindCondition, Mode: sr.SchemaRuleModeWrite, Type: "CEL",
			Tags: []string{"SIZE"}, Params: map[string]string{"a": "b"}, Expr: "message.grams > 0", OnSuccess: "NONE", OnFailure: "ERROR",
		}},
		MigrationRules: []sr.SchemaRule{{
			Name: "moved", Kind: sr.SchemaRuleKindTransform, Mode: sr.SchemaRuleModeUpgrade, Type: "JSONATA", Tags: []string{"SIZE"}, Expr: "$",
		}},
	}
	plain := must(client.CreateSchema(ctx, name, parcel))
	created := must(client.CreateSchema(ctx, name, described))
	same("metadata and rules", created.Schema, described)
	same("another version", created.Version, 2)
	if created.ID == plain.ID || created.GUID == plain.GUID {
		fail("metadata", "metadata must be part of the identity: %v and %v", plain, created)
	}
	same("by id", must(client.SchemaByID(ctx, created.ID)), described)
}

func checking(ctx context.Context, client *sr.Client, name string) {
	must(client.RegisterSchema(ctx, name, parcel, -1, -1))
	must(client.RegisterSchema(ctx, name, parcel2, -1, -1))
	verbose := sr.WithParams(ctx, sr.Verbose, sr.Normalize)
	for _, version := range []int{1, -1, -2} {
		same("compatible", must(client.CheckCompatibility(verbose, name, version, spread)), sr.CheckCompatibilityResult{Is: true, Messages: []string{}})
		verdict := must(client.CheckCompatibility(verbose, name, version, broken))
		if verdict.Is || !strings.Contains(strings.Join(verdict.Messages, " "), "READER_FIELD_MISSING_DEFAULT_VALUE") {
			fail("incompatible", "version %d: %v", version, verdict)
		}
	}
	_, err := client.CheckCompatibility(ctx, name, 9, parcel)
	refused(err, 404, 40402)
}

func configuring(ctx context.Context, client *sr.Client, name string) {
	refused(client.Compatibility(ctx, name)[0].Err, 404, 40408)
	global := client.Compatibility(ctx)[0]
	done(global.Err)
	same("inherited", client.Compatibility(sr.WithParams(ctx, sr.DefaultToGlobal), name)[0].Level, global.Level)
	wanted := sr.SetCompatibility{
		Level:            sr.CompatFullTransitive,
		Normalize:        true,
		Group:            "group",
		DefaultMetadata:  &sr.SchemaMetadata{Properties: map[string]string{"group": "one"}},
		OverrideMetadata: &sr.SchemaMetadata{Properties: map[string]string{"owner": "me"}},
		OverrideRuleSet:  &sr.SchemaRuleSet{DomainRules: []sr.SchemaRule{{Name: "checked", Type: "CEL", Tags: []string{"SIZE"}, Expr: "true"}}},
	}
	expected := sr.CompatibilityResult{
		Subject: name, Level: wanted.Level, Normalize: true, Group: "group",
		DefaultMetadata: wanted.DefaultMetadata, OverrideMetadata: wanted.OverrideMetadata, OverrideRuleSet: wanted.OverrideRuleSet,
	}
	same("set", client.SetCompatibility(ctx, wanted, name)[0], expected)
	same("read", client.Compatibility(ctx, name)[0], expected)
	must(client.RegisterSchema(ctx, name, parcel, -1, -1))
	same("normalized because of the configuration", must(client.LookupSchema(ctx, name, spread)).Version, 1)
	created := must(client.SchemaByVersion(ctx, name, 1))
	same("merged", created.SchemaMetadata.Properties, map[string]string{"group": "one", "owner": "me"})
	both := client.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatNone, Alias: name}, name, name+"-alias")
	same("several", []any{both[0].Err, both[1].Err}, []any{nil, nil})
	same("through an alias", must(client.SchemaByVersion(ctx, name+"-alias", 1)), created)
	done(client.ResetCompatibility(ctx, name)[0].Err)
	refused(client.ResetCompatibility(ctx, name)[0].Err, 404, 40401)
	same("for all subjects", client.SetCompatibility(ctx, sr.SetCompatibility{Level: global.Level})[0].Level, global.Level)
}

func changingMode(ctx context.Context, client *sr.Client, name string) {
	must(client.RegisterSchema(ctx, name, parcel, -1, -1))
	refused(client.Mode(ctx, name)[0].Err, 404, 40409)
	same("of all subjects", client.Mode(ctx)[0], sr.ModeResult{Mode: sr.ModeReadWrite})
	same("inherited", client.Mode(sr.WithParams(ctx, sr.DefaultToGlobal), name)[0].Mode, sr.ModeReadWrite)
	same("set", client.SetMode(ctx, sr.ModeReadOnly, name)[0], sr.ModeResult{Subject: name, Mode: sr.ModeReadOnly})
	_, err := client.RegisterSchema(ctx, name, parcel2, -1, -1)
	refused(err, 422, 42205)
	refused(client.SetMode(ctx, sr.ModeImport, name)[0].Err, 422, 42205)
	same("forced", client.SetMode(sr.WithParams(ctx, sr.Force), sr.ModeImport, name)[0].Mode, sr.ModeImport)
	same("reset", client.ResetMode(ctx, name)[0].Mode, sr.ModeImport)
	refused(client.ResetMode(ctx, name)[0].Err, 404, 40401)
}

func importing(ctx context.Context, client *sr.Client, name string) {
	in := sr.InContext(ctx, "."+name)
	same("for the context", client.SetMode(ctx, sr.ModeImport, ":."+name+":")[0].Mode, sr.ModeImport)
	created := must(client.CreateSchemaWithIDAndVersion(in, "value", parcel, 4711, 7))
	same("imported", []any{created.ID, created.Version, created.Subject}, []any{4711, 7, ":." + name + ":value"})
	_, err := client.RegisterSchema(in, "value", parcel2, 4711, 8)
	refused(err, 422, 42205)
}

func usingContexts(ctx context.Context, client *sr.Client, name string) {
	in := sr.InContext(ctx, "."+name)
	created := must(client.CreateSchema(in, "value", parcel))
	same("an id of its own", created.ID, 1)
	same("contexts", must(client.Contexts(sr.WithParams(ctx, sr.ContextPrefix("."+name)))), []string{"." + name})
	same("subjects", must(client.Subjects(in)), []string{":." + name + ":value"})
	same("qualified", must(client.SchemaByVersion(ctx, ":."+name+":value", 1)), created)
	done(client.SetCompatibility(in, sr.SetCompatibility{Level: sr.CompatForward}, "value")[0].Err)
	same("config", client.Compatibility(ctx, ":."+name+":value")[0].Level, sr.CompatForward)
	refused(client.DeleteContext(ctx, "."+name), 422, 42211)
	must(client.DeleteSubject(in, "value", sr.SoftDelete))
	must(client.DeleteSubject(in, "value", sr.HardDelete))
	done(client.DeleteContext(ctx, "."+name))
	same("gone", len(must(client.Contexts(sr.WithParams(ctx, sr.ContextPrefix("."+name))))), 0)
}

type load struct {
	Grams int `json:"grams"`
}

func serializing(ctx context.Context, client *sr.Client, name string) {
	created := must(client.CreateSchema(ctx, name, sr.Schema{Schema: parcelJSON, Type: sr.TypeJSON}))
	serde := sr.NewSerde(sr.EncodeFn(json.Marshal), sr.DecodeFn(json.Unmarshal))
	serde.Register(created.ID, load{})
	written := must(serde.Encode(load{12}))
	same("framed", written[:5], binary.BigEndian.AppendUint32([]byte{0}, uint32(created.ID)))
	var read load
	done(serde.Decode(written, &read))
	same("read again", read, load{12})
}

// step is the walk that runs, for the message of a failure.
var step string

func fail(what, format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s: %s: %s\n", step, what, fmt.Sprintf(format, args...))
	os.Exit(1)
}

func done(err error) {
	if err == nil {
		return
	}
	var answer *sr.ResponseError
	if errors.As(err, &answer) {
		fail("refused", "%s %s: %d %s", answer.Method, answer.URL, answer.StatusCode, answer.Raw)
	}
	fail("failed", "%v", err)
}

func must[T any](value T, err error) T {
	done(err)
	return value
}

func same[T any](what string, got, wanted T) {
	if !reflect.DeepEqual(got, wanted) {
		fail(what, "\n got    %s\n wanted %s", text(got), text(wanted))
	}
}

func contains[T comparable](what string, got []T, wanted T) {
	if !slices.Contains(got, wanted) {
		fail(what, "%s lacks %s", text(got), text(wanted))
	}
}

func text(value any) string {
	return string(must(json.Marshal(value)))
}

// refused fails unless the error is the registry's, with this status and code, and a sentence.
func refused(err error, status, code int) {
	var answer *sr.ResponseError
	if !errors.As(err, &answer) {
		fail("not refused", "wanted %d %d, got %v", status, code, err)
	}
	if answer.StatusCode != status || answer.ErrorCode != code || answer.Message == "" {
		fail("refused otherwise", "%s %s: wanted %d %d, got %d %s", answer.Method, answer.URL, status, code, answer.StatusCode, answer.Raw)
	}
}
