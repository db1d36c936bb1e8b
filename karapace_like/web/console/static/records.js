// Records of Kafka as the console shows them: read in pages, or followed as they arrive.

import { get, JSON_TYPE, part, request } from "./api.js";

const COUNT = 50;
const MOST_BYTES = 1_000_000;
const RECOGNISED = { format: "auto", show_format: true, timestamps: true };

/** Return {records, next} of a partition; `at`: {offset} or {timestamp}. */
export async function readPartition(topic, partition, at, signal) {
  const records = await get(`/topics/${part(topic)}/partitions/${partition}/records`, {
    signal,
    query: { ...RECOGNISED, ...at, count: COUNT, max_bytes: MOST_BYTES, timeout: 500, undecodable: "report" },
    accept: "application/vnd.kafka.binary.v2+json",
  });
  return { records, next: records.length ? records.at(-1).offset + 1 : null };
}

/** Formats of keys: how a key is entered, and looked for. */
export const KEY_FORMATS = [
  ["string", "Text"],
  ["json", "JSON"],
  ["avro", "Avro"],
  ["jsonschema", "JSON Schema"],
  ["protobuf", "Protobuf"],
  ["binary", "Base64"],
];

/** Return the last record of a key, {key, format, schemaId}, as a compacted topic keeps it; throws ApiError 404 where there is none. */
export const readLatestOfKey = (topic, { key, format, schemaId }, signal) =>
  get(`/topics/${part(topic)}/keys/${part(key)}`, {
    signal,
    query: { show_format: true, key_format: format, key_schema_id: schemaId },
    accept: JSON_TYPE,
  });

/** Return the record as bytes: its key and value are base64. */
export async function readBytes(topic, { partition, offset }) {
  const path = `/topics/${part(topic)}/partitions/${partition}/records`;
  const query = { offset, count: 1, format: "binary" };
  const [record] = await get(path, { query, accept: "application/vnd.kafka.binary.v2+json" });
  return record;
}

/** Call `onRecord` for each record that arrives in the topic, until the signal. */
export async function follow(topic, onRecord, signal) {
  const response = await request("GET", `/topics/${part(topic)}/records`, {
    signal,
    query: { format: "auto", show_format: true, from: "latest" },
    accept: "application/x-ndjson",
  });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.trim()) onRecord(JSON.parse(line));
  }
}

/** Return the text of a decoded key or value. */
export function textOf(value) {
  if (value === null || value === undefined) return "null";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** Return the text of a header's base64 value, as it is where that is no UTF-8. */
export function headerText(value) {
  if (value === null || value === undefined) return "null";
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(atob(value), (c) => c.charCodeAt(0)));
  } catch {
    return value;
  }
}
