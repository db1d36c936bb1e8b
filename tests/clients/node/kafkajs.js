// Drives a schema registry with @kafkajs/confluent-schema-registry: every call that it has, in the three formats.
//
// Usage: node kafkajs.js URL NAME, where subjects begin with NAME, which nobody else may use.
// The first answer that is not what the client promises ends it with an AssertionError.
"use strict";

const assert = require("node:assert/strict");
const { COMPATIBILITY, SchemaRegistry, SchemaType } = require("@kafkajs/confluent-schema-registry");

const [url, name] = process.argv.slice(2);
const connect = () => new SchemaRegistry({ host: url, retry: { retries: 0 } });

const parcel = (...more) => ({
  type: "record",
  name: "Parcel",
  namespace: "own",
  fields: [{ name: "grams", type: "int" }, ...more],
});
const fragile = { name: "fragile", type: "boolean", default: false };
const ROUTE = { type: "record", name: "Route", namespace: "own", fields: [{ name: "load", type: "Parcel" }] };

// In each format a schema, one that refers to it by the name, and a message of the latter.
const FORMATS = [
  {
    type: SchemaType.AVRO,
    schema: JSON.stringify(parcel()),
    refers: JSON.stringify(ROUTE),
    as: "own.Parcel",
    message: { load: { grams: 12 } },
  },
  {
    type: SchemaType.JSON,
    schema: JSON.stringify({ $id: "https://own.example/parcel.json", properties: { grams: { type: "integer" } } }),
    refers: JSON.stringify({
      $id: "https://own.example/route.json",
      properties: { load: { $ref: "https://own.example/parcel.json" } },
    }),
    as: "https://own.example/parcel.json",
    message: { load: { grams: 12 } },
  },
  {
    type: SchemaType.PROTOBUF,
    schema: 'syntax = "proto3"; package own; message Parcel { int32 grams = 1; }',
    refers: 'syntax = "proto3"; package own; import "parcel.proto"; message Route { Parcel load = 1; }',
    as: "parcel.proto",
    message: { load: { grams: 12 } },
  },
];

async function writing(subject) {
  for (const { type, schema, refers, as, message } of FORMATS) {
    const registry = connect();
    const referred = `${subject}-${type}`;
    await registry.register({ type, schema }, { subject: referred });
    const references = [{ name: as, subject: referred, version: 1 }];
    const { id } = await registry.register({ type, schema: refers, references }, { subject: `${referred}-route` });
    const written = await registry.encode(id, message);
    assert.deepEqual([written[0], written.readInt32BE(1)], [0, id]);
    const read = await connect().decode(written);
    assert.deepEqual(JSON.parse(JSON.stringify(read)), message);
  }
}

async function finding(subject) {
  const registry = connect();
  const first = await registry.register(parcel(), { subject });
  const second = await registry.register(parcel(fragile), { subject });
  assert.equal(await registry.getRegistryId(subject, 1), first.id);
  assert.equal(await registry.getLatestSchemaId(subject), second.id);
  assert.equal(await registry.getRegistryIdBySchema(subject, parcel()), first.id);
  assert.equal((await connect().getSchema(second.id)).name, "own.Parcel");
  await assert.rejects(registry.getRegistryIdBySchema(subject, { ...parcel(), name: "Other" }), /Schema not found/u);
  await assert.rejects(registry.getLatestSchemaId(`${subject}-nothing`), { status: 404 });
  await assert.rejects(registry.getSchema(2 ** 31 - 1), { status: 404 });
}

// The first registration under a subject also sets its level; a later one wants to find the level that it names.
async function settingCompatibility(subject) {
  const registry = connect();
  await registry.register(parcel(), { subject, compatibility: COMPATIBILITY.FULL });
  const other = registry.register(parcel(fragile), { subject, compatibility: COMPATIBILITY.NONE });
  await assert.rejects(other, /Compatibility does not match the configuration \(NONE != FULL\)/u);
  const depot = { name: "depot", type: "string" };
  const broken = registry.register(parcel(depot), { subject, compatibility: COMPATIBILITY.FULL });
  await assert.rejects(broken, { status: 409 });
}

async function main() {
  for (const walk of [writing, finding, settingCompatibility]) {
    await walk(`${name}-${walk.name}`);
  }
}

main().then(() => process.exit(0));
