// Produce one record: as it is, or with a form that is made from the schema.

import { html, useMemo, useState } from "../base.js";
import { call, get, orNull, part } from "../api.js";
import { fieldsOf, readForm } from "../schema_form.js";
import { link } from "../router.js";
import { Empty, Field, Loaded, Problem, Select, useLoad } from "../ui.js";

const FORMATS = { AVRO: "avro", JSON: "jsonschema", PROTOBUF: "protobuf" };
// The body names the formats of key and value itself.
const JSON_RECORDS = "application/vnd.kafka.json.v2+json";
const RAW = [["json", "JSON"], ["string", "Text"], ["binary", "Base64"]];

export function Produce({ topic }) {
  const [subject, setSubject] = useState(`${topic}-value`);
  const [named, setNamed] = useState(subject);
  const schema = useLoad(
    (signal) => (subject ? orNull(get(`/subjects/${part(subject)}/versions/latest`, { signal }), 403, 404) : Promise.resolve(null)),
    [subject],
  );
  return html`
    <form class="filters" onSubmit=${(event) => (event.preventDefault(), setSubject(named.trim()))}>
      <${Field} label="Subject of the value's schema" hint="Empty: without a schema.">
        <input name="subject" value=${named} onInput=${(event) => setNamed(event.target.value)} /><//>
      <div class="field"><span aria-hidden="true">${"\u00a0"}</span><button type="submit">Use this schema</button></div>
    </form>
    <${Loaded} of=${schema}>
      ${(stored) => html`<${Form} key=${`${subject}-${stored?.version}`} topic=${topic} subject=${subject} stored=${stored} />`}
    <//>`;
}

function Form({ topic, subject, stored }) {
  const fields = useMemo(() => (stored ? fieldsOf(stored) : null), [stored]);
  const [way, setWay] = useState(fields ? "form" : "raw");
  const [format, setFormat] = useState("json");
  const [entered, setEntered] = useState({});
  const [text, setText] = useState(stored ? "{}" : "");
  const [key, setKey] = useState("");
  const [headers, setHeaders] = useState("");
  const [result, setResult] = useState(null);
  const enter = (name, value) => setEntered({ ...entered, [name]: value });
  const toRaw = () => {
    try {
      setText(JSON.stringify(readForm(fields, entered, stored.schemaType), null, 2));
    } catch {
      // The text stays as it is: the form has an error that is shown when it is sent.
    }
    setWay("raw");
  };
  const submit = async (event) => {
    event.preventDefault();
    setResult({ isSending: true });
    try {
      const value = way === "form" ? readForm(fields, entered, stored.schemaType) : readRaw(text, stored ? "json" : format);
      setResult({ sent: await send({ topic, subject, stored, format, key, value, headers }) });
    } catch (error) {
      setResult({ error });
    }
  };
  return html`<form onSubmit=${submit}>
    ${stored
      ? html`<p>Version ${stored.version} of <a href=${link(["subject", subject])}>${subject}</a>, ${stored.schemaType ?? "AVRO"}, id ${stored.id}.
          ${fields && (way === "form"
            ? html` <button type="button" onClick=${toRaw}>Edit as JSON</button>`
            : html` <button type="button" onClick=${() => setWay("form")}>Use the form</button>`)}</p>`
      : html`<${Empty}>${subject ? html`The subject has no schema that you may read: the value is sent as it is.` : "The value is sent as it is."}<//>
          <p><${Select} label="The value is" value=${format} options=${RAW} onChange=${setFormat} /></p>`}
    <${Field} label="Key" hint="Text; empty: no key."><input name="key" value=${key} onInput=${(event) => setKey(event.target.value)} /><//>
    ${way === "form"
      ? fields.map((field) => html`<${FormField} field=${field} value=${entered[field.name]} onInput=${(value) => enter(field.name, value)} />`)
      : html`<${Field} label="Value"><textarea name="value" rows="10" spellcheck="false" value=${text} onInput=${(event) => setText(event.target.value)}></textarea><//>`}
    <${Field} label="Headers" hint="One a line, as name: value.">
      <textarea name="headers" rows="2" value=${headers} onInput=${(event) => setHeaders(event.target.value)}></textarea><//>
    <p><button type="submit" class="primary" disabled=${result?.isSending}>Produce</button></p>
    ${result?.error && html`<${Problem} error=${result.error} />`}
    ${result?.sent && html`<${Sent} topic=${topic} of=${result.sent} />`}
  </form>`;
}

function FormField({ field, value, onInput }) {
  const hint = [field.type, field.isOptional ? "optional" : "", field.doc].filter(Boolean).join(" · ");
  const change = (event) => onInput(event.target.value);
  if (field.choices) {
    const options = [...(field.isOptional ? [""] : []), ...field.choices];
    return html`<${Field} label=${field.name} hint=${hint}><select value=${value ?? options[0]} onChange=${change}>
      ${options.map((choice) => html`<option value=${choice}>${choice}</option>`)}</select><//>`;
  }
  if (field.kind === "json") {
    return html`<${Field} label=${field.name} hint=${`${hint} · as JSON`}><textarea rows="3" spellcheck="false" value=${value ?? ""} placeholder=${field.example} onInput=${change}></textarea><//>`;
  }
  return html`<${Field} label=${field.name} hint=${hint}>
    <input value=${value ?? ""} inputmode=${field.kind === "number" ? "decimal" : "text"} placeholder=${field.example ?? ""} onInput=${change} /><//>`;
}

function readRaw(text, format) {
  if (format !== "json") return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw { status: 1, code: "in the value", message: `The value is no JSON: ${error.message}` };
  }
}

async function send({ topic, subject, stored, format, key, value, headers }) {
  const record = { value };
  if (key) record.key = key;
  const lines = headers.split("\n").filter((line) => line.trim());
  if (lines.length) record.headers = lines.map(readHeader);
  const body = { records: [record], key_format: "string", value_format: stored ? FORMATS[stored.schemaType ?? "AVRO"] : format };
  if (stored) Object.assign(body, { value_subject: subject, value_schema_id: stored.id });
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
