// Write a job to a topic, take it from a queue and accept it, with Node's standard library only (version 18 or newer).
//
//     BASE=http://127.0.0.1:8082 TOPIC=jobs node client.mjs
//
// BASE is the service's address, and the topic exists. The queue is the share group TOPIC-workers (docs/queues.md).

const base = process.env.BASE ?? "http://127.0.0.1:8082";
const topic = process.env.TOPIC ?? "jobs";
const queue = `/queues/${topic}-workers`;

async function call(method, path, body, mediaType = "application/json") {
  const response = await fetch(base + path, {
    method,
    headers: { "Content-Type": mediaType },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) {
    console.error(`${method} ${path}: ${response.status} ${text}`);
    process.exit(1);
  }
  return text ? JSON.parse(text) : null;
}

await call("PUT", `${queue}/config`, { start: "earliest" });
const job = { records: [{ key: "north", value: { floor: 3 } }], key_format: "string" };
await call("POST", `/topics/${topic}?strict=true`, job, "application/vnd.kafka.json.v2+json");

let wait = 30_000;
for (;;) {
  const { records } = await call("POST", `${queue}/receive`, { topics: [topic], max_records: 10, wait_ms: wait });
  if (records.length === 0) break;
  for (const record of records) console.log("working on", JSON.stringify(record.value));
  const accepted = records.map(({ receipt }) => ({ receipt, outcome: "accept" }));
  for (const result of await call("POST", `${queue}/acknowledge`, accepted)) {
    if (result.error_code !== null) console.log("not accepted:", result.message); // it comes again
  }
  wait = 0;
}
