// The records of a topic: a page from an offset or a time, or those that arrive now.

import { Fragment, html, Session, useContext, useEffect, useRef, useState } from "../base.js";
import { go, link, replace } from "../router.js";
import { follow, headerText, KEY_FORMATS, readBytes, readLatestOfKey, readPartition, textOf } from "../records.js";
import { Badge, Dialog, Empty, Facts, Loaded, Problem, Select, Table, Time, useLoad } from "../ui.js";
import { subjectLink } from "./subjects.js";
import { loadPartitions } from "./topics.js";

const SHOWN = 300;
const NEWEST = 50;
const LONG = 200;

export function Records({ topic, query }) {
  const { live: isLive, filter: word = "" } = query;
  const partitions = useLoad((signal) => loadPartitions(topic, signal), [topic]);
  const move = (changes) => replace(["topic", topic, "records"], { ...query, ...changes });
  return html`
    <div class="filters">
      ${partitions.data &&
      html`<${Select} label="Partition" value=${query.partition ?? firstUsed(partitions.data)} options=${partitions.data.map((each) => String(each.partition))}
        onChange=${(partition) => move({ partition, offset: undefined, at: undefined })} />`}
      <label class="select"><span>Offset</span>
        <input type="number" min="0" aria-label="Offset" placeholder="newest" value=${query.offset ?? ""}
          onChange=${(event) => move({ offset: event.target.value, at: undefined })} /></label>
      <label class="select"><span>Time (UTC)</span>
        <input type="datetime-local" step="1" aria-label="Time in UTC" value=${query.at ?? ""}
          onChange=${(event) => move({ at: event.target.value, offset: undefined })} /></label>
      <${KeyQuery} query=${query} onMove=${move} />
      <input type="search" aria-label="Search the records shown" placeholder="Filter what is shown: key, value or header" value=${word}
        onInput=${(event) => move({ filter: event.target.value })} />
      <button type="button" aria-pressed=${Boolean(isLive)} onClick=${() => move({ live: isLive ? undefined : "yes" })}>${isLive ? "Stop following" : "Follow live"}</button>
    </div>
    ${isLive
      ? html`<${Live} topic=${topic} word=${word} />`
      : query.key
        ? html`<${LatestOfKey} topic=${topic} wanted=${{ key: query.key, format: query.keyFormat, schemaId: query.keySchema }} />`
        : html`<${Loaded} of=${partitions}>
          ${(listed) => html`<${Read} topic=${topic} query=${query} word=${word} partitions=${listed} onMove=${move} />`}
        <//>`}`;
}

const size = (partition) => (partition.end_offset ?? 0) - (partition.beginning_offset ?? 0);
const firstUsed = (partitions) => String((partitions.find((partition) => size(partition) > 0) ?? partitions[0]).partition);

function Read({ topic, query, word, partitions, onMove }) {
  const partition = query.partition ?? firstUsed(partitions);
  const { beginning_offset: first = 0, end_offset: end = 0 } = partitions.find((each) => String(each.partition) === partition) ?? {};
  const newest = Math.max(first, end - NEWEST);
  const offset = query.offset === undefined ? newest : Number(query.offset);
  const at = query.at ? { timestamp: Date.parse(`${query.at}Z`) } : { offset };
  const page = useLoad(
    (signal) => (end > first ? readPartition(topic, partition, at, signal) : Promise.resolve({ records: [] })),
    [topic, partition, offset, query.at],
  );
  return html`<${Loaded} of=${page}>
    ${({ records, next }) => html`
      <${Listed} topic=${topic} records=${records.toReversed()} word=${word}
        none=${end > first ? "No record is there: choose another offset or time." : html`The partition has no records. <a href=${link(["topic", topic, "produce"])}>Produce one</a>, or follow what arrives.`} />
      <div class="pager">
        <button type="button" disabled=${offset <= first} onClick=${() => onMove({ offset: Math.max(first, offset - NEWEST), at: undefined })}>Older</button>
        <span role="status">offsets ${first} to ${end - 1}</span>
        <button type="button" disabled=${next === null || next === undefined || next >= end} onClick=${() => onMove({ offset: next, at: undefined })}>Newer</button>
      </div>`}
  <//>`;
}

/** A key in its format: those with a schema as JSON, by the latest schema unless another one is named. */
function KeyQuery({ query, onMove }) {
  const { keyFormat = "string", keySchema = "" } = query;
  const hasSchema = ["avro", "jsonschema", "protobuf"].includes(keyFormat);
  const look = (changes) => onMove({ ...changes, offset: undefined, at: undefined });
  const texts = { string: "latest of a key", binary: "AAE=" };
  return html`
    <label class="select"><span>Key</span>
      <input aria-label="Latest of the key" placeholder=${texts[keyFormat] ?? '1 or {"id": 1}'} value=${query.key ?? ""}
        onChange=${(event) => look({ key: event.target.value || undefined })} /></label>
    <${Select} label="Key format" value=${keyFormat} options=${KEY_FORMATS}
      onChange=${(format) => look({ keyFormat: format === "string" ? undefined : format, keySchema: undefined })} />
    ${hasSchema &&
    html`<label class="select"><span>Key schema</span>
      <input type="number" min="1" aria-label="Schema id of the key" placeholder="latest" value=${keySchema}
        onChange=${(event) => look({ keySchema: event.target.value || undefined })} /></label>`}`;
}

function LatestOfKey({ topic, wanted }) {
  const { key, format, schemaId } = wanted;
  const found = useLoad(async (signal) => [await readLatestOfKey(topic, wanted, signal)], [topic, key, format, schemaId]);
  return html`<${Loaded} of=${found}>${(records) => html`<${Listed} topic=${topic} records=${records} word="" />`}<//>`;
}

function Live({ topic, word }) {
  const [records, setRecords] = useState([]);
  const [error, setError] = useState(null);
  const [turn, setTurn] = useState(0);
  const waiting = useRef([]);
  const filter = useRef();
  filter.current = word;
  useEffect(() => {
    const stop = new AbortController();
    setError(null);
    follow(topic, (record) => waiting.current.push(record), stop.signal).then(
      () => stop.signal.aborted || setError({ status: 0, message: "The service has ended the stream." }),
      (failed) => stop.signal.aborted || setError(failed),
    );
    // Records are shown a few times a second, however many arrive.
    const timer = setInterval(() => {
      if (waiting.current.length === 0) return;
      const arrived = waiting.current.splice(0).reverse();
      setRecords((before) => limit([...arrived, ...before], filter.current));
    }, 250);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [topic, turn]);
  if (error) return html`<${Problem} error=${error} retry=${() => setTurn(turn + 1)} />`;
  return html`<${Listed} topic=${topic} records=${records} word=${word} none="Waiting for records. The newest will be on top." />`;
}

/** Return the newest records that contain the word, and the newest others: many that do not match displace none that does. */
function limit(records, word) {
  const counts = { true: 0, false: 0 };
  return records.filter((record) => (counts[matches(record, word)] += 1) <= SHOWN);
}

function Listed({ topic, records, word, none }) {
  const [opened, open] = useState(null);
  const shown = records.filter((record) => matches(record, word));
  if (shown.length === 0) return html`<${Empty}>${records.length ? "No record that is shown contains this." : none}<//>`;
  return html`<${Table}
      label="Records"
      rows=${shown}
      rowKey=${(record) => `${record.partition}-${record.offset}`}
      columns=${[
        { title: "Offset", kind: "number", of: (record) => html`<button type="button" class="link" onClick=${() => open(record)}>${record.partition}:${record.offset}</button>` },
        { title: "Time", of: (record) => html`<${Time} at=${record.timestamp} />` },
        { title: "Key", of: (record) => html`<code>${shorten(textOf(record.key))}</code>` },
        { title: "Value", kind: "main", of: (record) => html`<${Value} record=${record} />` },
        { title: "Schema", of: (record) => html`<${SchemaOf} format=${record.value_format} />` },
      ]}
    />
    ${opened && html`<${OneRecord} topic=${topic} record=${opened} onClose=${() => open(null)} />`}`;
}

function Value({ record }) {
  if (record.error_code) return html`<${Badge} kind="bad">cannot be decoded<//> ${record.message}`;
  return html`<code>${shorten(JSON.stringify(record.value))}</code>`;
}

const shorten = (text) => (text.length > LONG ? `${text.slice(0, LONG)}…` : text);

function matches(record, word) {
  if (!word) return true;
  const headers = (record.headers ?? []).map((header) => `${header.key} ${headerText(header.value)}`).join(" ");
  return `${textOf(record.key)} ${textOf(record.value)} ${headers}`.toLowerCase().includes(word.toLowerCase());
}

/** The format that was recognised, with the schema that the record was written with. */
function SchemaOf({ format }) {
  const session = useContext(Session);
  if (!format) return null;
  if (format.schema_id === undefined) return html`<${Badge}>${format.format}<//>`;
  const text = `${format.format} ${format.schema_id}`;
  if (!format.subject || !session.serves.includes("registry")) return html`<${Badge}>${text}<//>`;
  return html`<a href=${subjectLink(format.subject)} title=${format.subject}>${text}</a>`;
}

function OneRecord({ topic, record, onClose }) {
  const [raw, setRaw] = useState(null);
  const showRaw = () => readBytes(topic, record).then((same) => setRaw({ same }), (error) => setRaw({ error }));
  const lookKeyUp = async () => {
    // Other texts may be the same value: the bytes of a key that is no text find what has exactly this key.
    const isText = record.key_format?.format === "string";
    try {
      const wanted = isText ? { key: record.key } : { key: (await readBytes(topic, record)).key, keyFormat: "binary" };
      onClose();
      go(["topic", topic, "records"], wanted);
    } catch (error) {
      setRaw({ error });
    }
  };
  return html`<${Dialog} title=${`Record ${record.partition}:${record.offset}`} onClose=${onClose}>
    <${Facts} of=${[
      ["Topic", topic],
      ["Time", record.timestamp && html`<${Time} at=${record.timestamp} />`],
      ["Key is", record.key_format && html`<${SchemaOf} format=${record.key_format} />`],
      ["Value is", record.value_format && html`<${SchemaOf} format=${record.value_format} />`],
      ["Subject", record.value_format?.subject],
    ]} />
    <h3>Key</h3>
    <pre class="raw">${textOf(record.key)}</pre>
    ${record.key !== null && record.key !== undefined && html`<button type="button" onClick=${lookKeyUp}>Show the latest record of this key</button>`}
    <h3>Value</h3>
    <pre class="raw" tabindex="0">${record.error_code ? record.message : textOf(record.value)}</pre>
    ${record.headers?.length > 0 &&
    html`<h3>Headers</h3>
      <table class="headers"><tbody>
        ${record.headers.map((header) => html`<tr><th scope="row">${header.key}</th><td><code>${headerText(header.value)}</code></td></tr>`)}
      </tbody></table>`}
    <h3>Bytes</h3>
    ${raw?.same
      ? html`<${Fragment}><h4>Key</h4><pre class="raw" tabindex="0">${hex(raw.same.key)}</pre><h4>Value</h4><pre class="raw" tabindex="0">${hex(raw.same.value)}</pre><//>`
      : html`<button type="button" onClick=${showRaw}>Show the bytes of key and value</button>`}
    ${raw?.error && html`<${Problem} error=${raw.error} />`}
  <//>`;
}

function hex(base64) {
  if (base64 === null || base64 === undefined) return "null";
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).slice(0, 4096);
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.slice(at, at + 16)];
    const shown = row.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "."));
    lines.push(`${at.toString(16).padStart(6, "0")}  ${row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ").padEnd(48)} ${shown.join("")}`);
  }
  return lines.join("\n");
}
