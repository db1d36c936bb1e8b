// Register a schema, check another, produce a record and read it back (docs/generated-clients.md).
import createClient from "openapi-fetch";
import type { paths } from "./registry-client.js";

const topic = process.env.TOPIC!;
const subject = `${topic}-value`;
const client = createClient<paths>({ baseUrl: process.env.BASE });
const lift = (field: string) => JSON.stringify({ type: "record", name: "Lift", fields: [{ name: field, type: "int" }] });

const registered = await client.POST("/subjects/{subject}/versions", {
  params: { path: { subject } }, body: { schema: lift("floor") },
});
const checked = await client.POST("/compatibility/subjects/{subject}/versions/{version}", {
  params: { path: { subject, version: "latest" } }, body: { schema: lift("door") },
});
console.log("compatible:", checked.data?.is_compatible);
const produced = await client.POST("/topics/{topic}", {
  params: { path: { topic } },
  body: { value_format: "avro", value_schema_id: registered.data?.id, records: [{ value: { floor: 3 } }] },
});
if (produced.data && "offsets" in produced.data) console.log("offset:", produced.data.offsets[0].offset);
const read = await client.GET("/topics/{topic}/partitions/{partition}/records", {
  params: { path: { topic, partition: 0 }, query: { format: "avro", offset: 0, timeout: 30_000 } },
});
for (const record of read.data ?? []) console.log("floor:", (record.value as { floor: number }).floor);
