// Drives a schema registry with @confluentinc/schemaregistry: every call that reaches a route, and the serdes.
//
// Usage: node confluent.js URL NAME DESCRIPTORS, where subjects begin with NAME, which nobody else may use, and
// DESCRIPTORS is a compiled FileDescriptorSet whose last file holds the message own.Route.
// The first answer that is not what the client promises ends it with an AssertionError.
"use strict";

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const { create, createFileRegistry, createMutableRegistry, fromBinary } = require("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");
const library = require("@confluentinc/schemaregistry");

const [url, name, descriptors] = process.argv.slice(2);
const LOCAL = /^(constructor|config|close)$|Cache/u;
const VALUE = library.SerdeType.VALUE;

const record = (title, ...fields) => JSON.stringify({ type: "record", name: title, namespace: "own", fields });
const grams = { name: "grams", type: "int" };
const PARCEL = { schema: record("Parcel", grams), schemaType: "AVRO" };
const PARCEL_2 = {
  schema: record("Parcel", grams, { name: "fragile", type: "boolean", default: false }),
  schemaType: "AVRO",
};
const BROKEN = { schema: record("Parcel", { name: "depot", type: "string" }), schemaType: "AVRO" };
const SPREAD = { schema: JSON.stringify(JSON.parse(PARCEL.schema), null, 2), schemaType: "AVRO" };
const route = (subject) => ({
  schema: record("Route", { name: "load", type: "Parcel" }),
  schemaType: "AVRO",
  references: [{ name: "own.Parcel", subject, version: 1 }],
});

const called = new Set();

// A client whose calls are noted; each walk takes a new one, so that no cache answers for the service.
function connect() {
  const client = new library.SchemaRegistryClient({ baseURLs: [url], maxRetries: 0 });
  const note = (target, method) => {
    called.add(method);
    return target[method];
  };
  return new Proxy(client, { get: note });
}

async function refused(promise, status, errorCode) {
  await assert.rejects(promise, { status, errorCode });
}

async function registering(subject) {
  const client = connect();
  const full = await client.registerFullResponse(subject, PARCEL);
  assert.equal(await client.register(subject, SPREAD, true), full.id);
  assert.equal(await client.getId(subject, PARCEL), full.id);
  assert.equal((await client.getIdFullResponse(subject, SPREAD, true)).guid, full.guid);
  assert.equal(await client.getVersion(subject, PARCEL, true), 1);
  await refused(client.register(subject, BROKEN), 409, 40901);
  await refused(client.getId(subject, BROKEN), 404, 40403);
}

async function reading(subject) {
  const writer = connect();
  const { id, guid } = await writer.registerFullResponse(subject, PARCEL);
  const refers = await writer.register(`${subject}-route`, route(subject));
  const client = connect();
  assert.equal((await client.getBySubjectAndId(subject, id)).schema, PARCEL.schema);
  assert.equal((await client.getByGuid(guid)).schema, PARCEL.schema);
  const latest = await client.getLatestSchemaMetadata(`${subject}-route`);
  assert.deepEqual([latest.id, latest.version, latest.references], [refers, 1, route(subject).references]);
  const resolved = await client.getSchemaMetadata(`${subject}-route`, 1, false, "resolved");
  assert.match(resolved.schema, /"name":"Parcel"/u);
  assert.deepEqual(await client.getAllVersions(subject), [1]);
  assert.ok((await client.getAllSubjects()).includes(subject));
  await refused(client.getSchemaMetadata(subject, 9), 404, 40402);
  await refused(client.getByGuid("00000000-0000-0000-0000-000000000000"), 404, 40403);
}

async function describing(subject) {
  const client = connect();
  const rule = { name: "checked", kind: "CONDITION", mode: "WRITE", type: "CEL", expr: "true", disabled: false };
  const tags = { "own.Parcel.grams": ["SIZE"] };
  const metadata = { tags, properties: { owner: "me & you", stage: "ripe" }, sensitive: ["owner"] };
  await client.register(subject, { ...PARCEL, metadata, ruleSet: { domainRules: [rule] } });
  await client.register(subject, { ...PARCEL_2, metadata: { properties: { stage: "raw" } } });
  const found = await client.getLatestWithMetadata(subject, { owner: "me & you", stage: "ripe" });
  assert.deepEqual([found.version, found.metadata, found.ruleSet.domainRules], [1, metadata, [rule]]);
  await refused(client.getLatestWithMetadata(subject, { stage: "rotten" }, true), 404, 40403);
}

async function deleting(subject) {
  const client = connect();
  await client.register(subject, PARCEL);
  await client.register(subject, PARCEL_2);
  assert.equal(await client.deleteSubjectVersion(subject, 1), 1);
  assert.equal((await client.getSchemaMetadata(subject, 1, true)).version, 1);
  assert.equal(await client.deleteSubjectVersion(subject, 1, true), 1);
  assert.deepEqual(await client.deleteSubject(subject), [2]);
  assert.deepEqual(await client.deleteSubject(subject, true), [2]);
  await refused(client.deleteSubject(subject), 404, 40401);
}

async function configuring(subject) {
  const client = connect();
  const level = await client.getDefaultCompatibility();
  assert.equal(await client.updateDefaultCompatibility(level), level);
  assert.equal((await client.updateDefaultConfig({ compatibility: level })).compatibility, level);
  assert.equal((await client.getDefaultConfig()).compatibilityLevel, level);
  await refused(client.getCompatibility(subject), 404, 40408);
  assert.equal(await client.updateCompatibility(subject, "FULL"), "FULL");
  const update = { compatibilityGroup: "group", normalize: true, defaultMetadata: { properties: { group: "one" } } };
  assert.deepEqual(await client.updateConfig(subject, update), { compatibility: "FULL", ...update });
  assert.equal(await client.getCompatibility(subject), "FULL");
  const config = await client.getConfig(subject);
  assert.deepEqual([config.compatibilityLevel, config.defaultMetadata], ["FULL", update.defaultMetadata]);
  const { metadata } = await client.registerFullResponse(subject, PARCEL);
  assert.deepEqual(metadata, update.defaultMetadata);
  const next = { ...PARCEL_2, metadata };
  assert.equal(await client.testSubjectCompatibility(subject, next), true);
  assert.equal(await client.testCompatibility(subject, 1, { ...BROKEN, metadata }), false);
  await refused(client.updateCompatibility(subject, "SIDEWAYS"), 422, 42203);
}

async function associating(subject) {
  const client = connect();
  const find = () => client.getAssociationsByResourceName(subject, "-", "topic", ["value"], null, 0, 10);
  const wanted = { resourceName: subject, resourceNamespace: "own", resourceId: subject, associations: [{ subject }] };
  assert.deepEqual(await find(), []);
  await refused(client.createAssociation(wanted), 409, 40907);
  await client.register(subject, PARCEL);
  assert.equal((await client.createAssociation(wanted)).associations[0].subject, subject);
  assert.equal((await find())[0].subject, subject);
  await client.deleteAssociations(subject, "topic", ["value"], false);
  assert.deepEqual(await find(), []);
}

async function roundTrip(serializer, Deserializer, topic, message, headers) {
  const written = await serializer.serialize(topic, message, headers);
  const read = await new Deserializer(connect(), VALUE, {}).deserialize(topic, written, headers);
  // A clone is a plain object, of whatever class the library's is.
  assert.deepEqual(structuredClone(read), message);
}

async function writingAvro(topic) {
  const client = connect();
  await client.register(`${topic}-parcel`, PARCEL);
  await client.register(`${topic}-value`, route(`${topic}-parcel`));
  const latest = new library.AvroSerializer(client, VALUE, { useLatestVersion: true });
  await roundTrip(latest, library.AvroDeserializer, topic, { load: { grams: 12 } });
  const { id, guid } = await client.getLatestSchemaMetadata(`${topic}-value`);
  const byId = new library.AvroSerializer(client, VALUE, { useSchemaId: id });
  await roundTrip(byId, library.AvroDeserializer, topic, { load: { grams: 13 } });
  const schemaIdSerializer = library.HeaderSchemaIdSerializer;
  const headers = {};
  const byHeader = new library.AvroSerializer(client, VALUE, { useLatestVersion: true, schemaIdSerializer });
  await roundTrip(byHeader, library.AvroDeserializer, topic, { load: { grams: 14 } }, headers);
  assert.equal(headers.__value_schema_id.toString("hex"), `01${guid.replaceAll("-", "")}`);
}

async function writingJson(topic) {
  const client = connect();
  const $id = "https://own.example/parcel.json";
  const parcel = { $id, type: "object", properties: { grams: { type: "integer" } } };
  await client.register(`${topic}-parcel`, { schema: JSON.stringify(parcel), schemaType: "JSON" });
  const routeSchema = { $id: "https://own.example/route.json", properties: { load: { $ref: "parcel.json" } } };
  const references = [{ name: $id, subject: `${topic}-parcel`, version: 1 }];
  await client.register(`${topic}-value`, { schema: JSON.stringify(routeSchema), schemaType: "JSON", references });
  const serializer = new library.JsonSerializer(client, VALUE, { useLatestVersion: true, validate: true });
  await roundTrip(serializer, library.JsonDeserializer, topic, { load: { grams: 12 } });
  await assert.rejects(serializer.serialize(topic, { load: { grams: "many" } }), /Invalid message/u);
}

async function writingProtobuf(topic) {
  const files = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
  const type = files.getMessage("own.Route");
  const registry = createMutableRegistry(type, files.getMessage("own.Route.Stop"));
  const client = connect();
  const serializer = new library.ProtobufSerializer(client, VALUE, { autoRegisterSchemas: true, registry });
  const at = { seconds: 1700000000n };
  const stop = create(files.getMessage("own.Route.Stop"), { depot: { name: "north" }, at });
  const message = create(type, { loads: [{ grams: 12 }], stops: { first: stop }, price: { units: 9n } });
  await roundTrip(serializer, library.ProtobufDeserializer, topic, message);
  await roundTrip(serializer, library.ProtobufDeserializer, topic, stop);
  const { references, schema } = await connect().getLatestSchemaMetadata(`${topic}-value`);
  assert.equal(references.length, 1);
  assert.match(schema, /repeated .own.Parcel loads = 1;/u);
}

async function main() {
  const walks = [
    registering,
    reading,
    describing,
    deleting,
    configuring,
    associating,
    writingAvro,
    writingJson,
    writingProtobuf,
  ];
  for (const walk of walks) {
    await walk(`${name}-${walk.name}`);
  }
  const methods = Object.getOwnPropertyNames(library.SchemaRegistryClient.prototype);
  assert.deepEqual(methods.filter((method) => !LOCAL.test(method) && !called.has(method)), [], "methods left out");
}

main().then(() => process.exit(0));
