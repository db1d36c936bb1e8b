// Encrypts or decrypts a record with @confluentinc/schemaregistry, with a local KMS and the DEK registry of the service.
//
// Usage: node encrypting.js write|read URL TOPIC SECRET FILE. The schema and its rule are registered already.
"use strict";

const assert = require("node:assert/strict");
const { readFileSync, writeFileSync } = require("node:fs");
const library = require("@confluentinc/schemaregistry");

const [action, url, topic, secret, file] = process.argv.slice(2);
const PERSON = { id: 1, name: "Ada Lovelace" };

async function main() {
  library.LocalKmsDriver.register();
  library.FieldEncryptionExecutor.register();
  const client = new library.SchemaRegistryClient({ baseURLs: [url] });
  const options = { useLatestVersion: true, ruleConfig: { secret } };
  if (action === "write") {
    const serializer = new library.AvroSerializer(client, library.SerdeType.VALUE, options);
    writeFileSync(file, await serializer.serialize(topic, { ...PERSON }));
  } else {
    const deserializer = new library.AvroDeserializer(client, library.SerdeType.VALUE, { ruleConfig: { secret } });
    const { id, name } = await deserializer.deserialize(topic, readFileSync(file));
    assert.deepEqual({ id, name }, PERSON);
  }
}

main().then(() => process.exit(0));
