// Produce one record: as it is, or with a form that is made from the schema.

import { html, useMemo, useState } from "../base.js";
import { call, get, orNull, part } from "../api.js";
import { makeForm, readForm } from "../forms/form.js";
import { KEY_FORMATS } from "../records.js";
import { link } from "../router.js";
import { Empty, Field, Loaded, Problem, Select, useLoad } from "../ui.js";
import { RecordEntry } from "./entry.js";

const FORMATS = { AVRO: "avro", JSON: "jsonschema", PROTOBUF: "protobuf" };
// The body names the formats of key and value itself.
const JSON_RECORDS = "application/vnd.kafka.json.v2+json";
const RAW = [["json", "JSON"], ["string", "Text"], ["binary", "Base64"]];

export function Produce({ topic }) {
  const [subject, setSubject] = useState(`${topic}-value`);
  const [version, setVersion] = useState("latest");
  const [named, setNamed] = useState({ subject, version: "" });
  const schema = useLoad((signal) => (subject ? loadSchema(subject, version, signal) : Promise.resolve(null)), [subject, version]);
  const choose = (event) => {
    event.preventDefault();
    setSubject(named.subject.trim());
    setVersion(named.version || "latest");
  };
  return html`
    <form class="filters" onSubmit=${choose}>
      <${Field} label="Subject of the value's schema" hint="Empty: without a schema.">
        <input name="subject" value=${named.subject} onInput=${(event) => setNamed({ ...named, subject: event.target.value })} /><//>
      <${Field} label="Version" hint="Empty: the latest.">
        <input name="version" type="number" min="1" value=${named.version} onInput=${(event) => setNamed({ ...named, version: event.target.value })} /><//>
      <div class="field"><span aria-hidden="true">${"\u00a0"}</span><button type="submit">Use this schema</button></div>
    </form>
    <${Loaded} of=${schema}>
      ${(stored) => html`<${Form} key=${`${subject}-${stored?.version}`} topic=${topic} subject=${subject} stored=${stored} />`}
    <//>`;
}

/** Return a version, an Avro schema with what it refers to; null for one that is not there or may not be read. */
async function loadSchema(subject, version, signal) {
  const path = `/subjects/${part(subject)}/versions/${version}`;
  const stored = await orNull(get(path, { signal }), 403, 404);
  if (!stored?.references?.length || (stored.schemaType ?? "AVRO") !== "AVRO") return stored;
  const { schema } = await get(`/schemas/ids/${stored.id}`, { signal, query: { format: "resolved", subject } });
  return { ...stored, schema };
}

function Form({ topic, subject, stored }) {
  const form = useMemo(() => (stored ? makeForm(stored) : null), [stored]);
  const [way, setWay] = useState(form ? "form" : "raw");
  const [format, setFormat] = useState("json");
  const [entered, setEntered] = useState(undefined);
  const [text, setText] = useState(stored ? "{}" : "");
  const [key, setKey] = useState({ format: "string", text: "" });
  const [headers, setHeaders] = useState("");
  const [result, setResult] = useState(null);
  const toRaw = () => {
    try {
      setText(JSON.stringify(readForm(form, entered), null, 2));
    } catch {
      // The text stays as it is: the form has an error that is shown when it is sent.
    }
    setWay("raw");
  };
  const submit = async (event) => {
    event.preventDefault();
    setResult({ isSending: true });
    try {
      const value = way === "form" ? readForm(form, entered) : readRaw(text, stored ? "json" : format);
      setResult({ sent: await send({ topic, subject, stored, format, key, value, headers }) });
    } catch (error) {
      setResult({ error });
    }
  };
  return html`<form onSubmit=${submit}>
    ${stored
      ? html`<p>Version ${stored.version} of <a href=${link(["subject", subject])}>${subject}</a>, ${stored.schemaType ?? "AVRO"}, id ${stored.id}.
          ${form && (way === "form"
            ? html` <button type="button" onClick=${toRaw}>Edit as JSON</button>`
            : html` <button type="button" onClick=${() => setWay("form")}>Use the form</button>`)}</p>`
      : html`<${Empty}>${subject ? html`The subject has no schema that you may read: the value is sent as it is.` : "The value is sent as it is."}<//>
          <p><${Select} label="The value is" value=${format} options=${RAW} onChange=${setFormat} /></p>`}
    <div class="filters">
      <${Select} label="The key is" value=${key.format} options=${KEY_FORMATS} onChange=${(chosen) => setKey({ ...key, format: chosen })} />
      <${Field} label="Key" hint=${keyHint(topic, key.format)}><input name="key" value=${key.text} onInput=${(event) => setKey({ ...key, text: event.target.value })} /><//>
    </div>
    ${way === "form"
      ? html`<${RecordEntry} node=${form} entered=${entered} onChange=${setEntered} />`
      : html`<${Field} label="Value"><textarea name="value" rows="10" spellcheck="false" value=${text} onInput=${(event) => setText(event.target.value)}></textarea><//>`}
    <${Field} label="Headers" hint="One a line, as name: value.">
      <textarea name="headers" rows="2" value=${headers} onInput=${(event) => setHeaders(event.target.value)}></textarea><//>
    <p><button type="submit" class="primary" disabled=${result?.isSending}>Produce</button></p>
    ${result?.error && html`<${Problem} error=${result.error} />`}
    ${result?.sent && html`<${Sent} topic=${topic} of=${result.sent} />`}
  </form>`;
}

function readRaw(text, format, role = "value") {
  if (format === "string" || format === "binary") return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw { status: 1, code: `in the ${role}`, message: `The ${role} is no JSON: ${error.message}` };
  }
}

function keyHint(topic, format) {
  if (format === "string") return "Empty: no key.";
  return Object.values(FORMATS).includes(format) ? `JSON, by the latest schema of ${topic}-key. Empty: no key.` : "Empty: no key.";
}

async function send({ topic, subject, stored, format, key, value, headers }) {
  const record = { value };
  if (key.text) record.key = readRaw(key.text, key.format, "key");
  const lines = headers.split("\n").filter((line) => line.trim());
  if (lines.length) record.headers = lines.map(readHeader);
  const body = { records: [record], key_format: key.format, value_format: stored ? FORMATS[stored.schemaType ?? "AVRO"] : format };
  if (stored) Object.assign(body, { value_subject: subject, value_schema_id: stored.id });
  if (key.text && Object.values(FORMATS).includes(key.format)) body.key_subject = `${topic}-key`;
  const sent = await call("POST", `/topics/${part(topic)}`, { body, type: JSON_RECORDS });
  const [failed] = sent.offsets.filter((offset) => offset.error);
  if (failed) throw { status: failed.error_code, code: failed.error_code, message: failed.error };
  return sent.offsets[0];
}

function readHeader(line) {
  const [name, ...rest] = line.split(":");
  const bytes = new TextEncoder().encode(rest.join(":").trim());
  return { key: name.trim(), value: btoa(String.fromCharCode(...bytes)) };
}

function Sent({ topic, of }) {
  return html`<p class="success" role="status">
    Written to partition ${of.partition} at offset ${of.offset}.${" "}
    <a href=${link(["topic", topic, "records"], { partition: of.partition, offset: of.offset })}>Show the record</a>.
  </p>`;
}
