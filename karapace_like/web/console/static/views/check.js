// Why a schema is valid and compatible, or not: it is checked while one edits it, and registered from here.

import { html, Session, useContext, useEffect, useMemo, useState } from "../base.js";
import { ApiError, call, get, orNull, part, REGISTRY } from "../api.js";
import { locate } from "../json_places.js";
import { link, replace } from "../router.js";
import { Editor, format } from "../text.js";
import { Badge, Dialog, Empty, Facts, Field, Loaded, Page, Problem, Section, Select, Table, useLoad, usePermissions, useSettled } from "../ui.js";
import { subjectLink } from "./subjects.js";

const SHOWN_VERSIONS = 20;
const EXAMPLES = {
  AVRO: '{\n  "type": "record",\n  "name": "Example",\n  "fields": [\n    {"name": "id", "type": "long"}\n  ]\n}',
  JSON: '{\n  "type": "object",\n  "properties": {\n    "id": {"type": "integer"}\n  }\n}',
  PROTOBUF: 'syntax = "proto3";\n\nmessage Example {\n  int64 id = 1;\n}\n',
};

export function Check({ query }) {
  const subject = query.subject ?? "";
  const latest = useLoad((signal) => loadLatest(subject, signal), [subject]);
  return html`<${Page}
    title="Check a schema"
    crumbs=${[["Subjects", link(["subjects"])], ...(subject ? [[subject, subjectLink(subject)]] : [])]}
  >
    <${Loaded} of=${latest}>
      ${({ stored, name }) => html`<${Workbench} key=${name} subject=${name} stored=${stored} />`}
    <//>
  <//>`;
}

async function loadLatest(subject, signal) {
  if (!subject) return { stored: null, name: "" };
  const stored = await orNull(get(`/subjects/${part(subject)}/versions/latest`, { signal }), 404, 403);
  return { stored, name: subject };
}

function Workbench({ subject, stored }) {
  const [schemaType, setType] = useState(stored?.schemaType ?? "AVRO");
  const [text, setText] = useState(() => (stored ? format(stored.schema, stored.schemaType) : EXAMPLES.AVRO));
  const [named, setNamed] = useState(subject);
  const settled = useSettled(text, 350);
  const body = { schema: settled, schemaType, references: stored?.references, metadata: stored?.metadata, ruleSet: stored?.ruleSet };
  const judged = useLoad(
    (signal) => (subject ? judge(subject, body, signal) : Promise.resolve(null)),
    [subject, settled, schemaType],
  );
  const faults = useMemo(() => findFaults(judged.data, text, schemaType), [judged.data]);
  const choose = (type) => {
    if (Object.values(EXAMPLES).includes(text)) setText(EXAMPLES[type]);
    setType(type);
  };
  return html`
    <form class="filters" onSubmit=${(event) => (event.preventDefault(), replace(["check"], { subject: named.trim() }))}>
      <${Field} label="Subject"><input name="subject" value=${named} required placeholder="orders-value"
        onInput=${(event) => setNamed(event.target.value)} /><//>
      <${Field} label="Format"><select value=${schemaType} onChange=${(event) => choose(event.target.value)}>
        ${Object.keys(EXAMPLES).map((type) => html`<option value=${type} selected=${type === schemaType}>${type}</option>`)}
      </select><//>
      <${Field} label=" "><button type="submit">Check against this subject</button><//>
    </form>
    <div class="bench">
      <${Editor} value=${text} schemaType=${schemaType} label="Schema to check" onInput=${setText} faults=${faults} />
      <div class="verdicts-side" aria-live="polite">
        ${!subject
          ? html`<${Empty}>Name the subject; the schema is checked against its versions while you edit it.<//>`
          : judged.error
            ? html`<${Problem} error=${judged.error} retry=${judged.reload} />`
            : judged.data && html`<${Judgement} subject=${subject} body=${body} judged=${judged.data} isFresh=${settled === text && !judged.isLoading} />`}
      </div>
    </div>`;
}

/** Return what the registry says: why the text is no schema, or a verdict for each of the newest versions. */
async function judge(subject, body, signal) {
  const path = `/compatibility/subjects/${part(subject)}/versions`;
  const options = { signal, body, type: REGISTRY, query: {} };
  let whole;
  try {
    whole = await call("POST", path, options);
  } catch (error) {
    if (error instanceof ApiError && error.status === 422) return { invalid: error.message };
    throw error;
  }
  const numbers = (await orNull(get(`/subjects/${part(subject)}/versions`, { signal }), 404)) ?? [];
  const newest = numbers.slice(-SHOWN_VERSIONS).reverse();
  const [level, ...verdicts] = await Promise.all([
    orNull(get(`/config/${part(subject)}`, { signal, query: { defaultToGlobal: true } }), 403),
    ...newest.map((version) => call("POST", `${path}/${version}`, { ...options, query: { verbose: true } })),
  ]);
  return {
    isCompatible: whole.is_compatible,
    level: level?.compatibilityLevel,
    total: numbers.length,
    versions: newest.map((version, index) => ({
      version,
      isCompatible: verdicts[index].is_compatible,
      reasons: (verdicts[index].messages ?? []).filter((message) => message.includes("errorType")).map(readReason),
    })),
  };
}

/** Read a message such as `{errorType:'X', description:'… path '/fields/1' …', additionalInfo:'…'}`. */
function readReason(message) {
  const rule = /errorType:["']([A-Z_0-9]+)["']/.exec(message)?.[1] ?? "INCOMPATIBLE";
  const description = /description:["']([\s\S]*?)["'](?:, additionalInfo:["']([\s\S]*)["'])?\}?$/.exec(message);
  const path = /path ["']([^"']+)["']/.exec(message)?.[1] ?? "";
  return { rule, path, text: description?.[1] ?? message, detail: description?.[2] ?? "" };
}

function findFaults(judged, text, schemaType) {
  if (!judged) return [];
  if (judged.invalid) return [{ ...findLine(judged.invalid, text, schemaType), message: judged.invalid }];
  const broken = judged.isCompatible ? [] : judged.versions.filter((version) => !version.isCompatible);
  const places = new Map(broken.flatMap(({ reasons }) => reasons).map((reason) => [reason.text, reason]));
  return schemaType === "PROTOBUF"
    ? []
    : [...places.values()].map((reason) => ({ ...locate(text, reason.path), message: `${reason.rule}: ${reason.text}` }));
}

/** Return the line of an error: as the message has it, as the browser's parser has it, or of the path that it names. */
function findLine(message, text, schemaType) {
  const said = /line (\d+)(?:,? col(?:umn)? (\d+))?/i.exec(message) ?? /:(\d+):(\d+)/.exec(message);
  if (said) return { line: Number(said[1]), column: Number(said[2] ?? 1) };
  if (schemaType === "PROTOBUF") return { line: 1 };
  try {
    JSON.parse(text);
  } catch (error) {
    const place = /line (\d+) column (\d+)/.exec(error.message);
    if (place) return { line: Number(place[1]), column: Number(place[2]) };
    const position = /position (\d+)/.exec(error.message);
    return { line: position ? text.slice(0, Number(position[1])).split("\n").length : text.split("\n").length };
  }
  const path = /(#?\/[\w/$.-]*)/.exec(message)?.[1];
  return path ? locate(text, path) : { line: 1 };
}

function Judgement({ subject, body, judged, isFresh }) {
  if (judged.invalid) {
    return html`<div class="problem" role="alert"><strong>Not valid</strong><span>${judged.invalid}</span></div>`;
  }
  const breaking = judged.versions.filter((version) => !version.isCompatible);
  return html`
    <div class=${judged.isCompatible ? "success" : "problem"} role="status">
      <strong>Valid${judged.isCompatible ? ", and compatible" : ", but not compatible"}</strong>${" "}
      <span>${judged.total === 0 ? "It would be the first version." : `The level of the subject is ${judged.level ?? "unknown"}.`}</span>
    </div>
    ${breaking.map((version) => html`<${Reasons} key=${version.version} subject=${subject} of=${version} />`)}
    ${judged.versions.length > 0 &&
    html`<${Table}
      label="Versions"
      rows=${judged.versions}
      columns=${[
        { title: "Version", kind: "main", of: ({ version }) => html`<a href=${subjectLink(subject, version)}>Version ${version}</a>` },
        {
          title: `Under ${judged.level ?? "the level"}`,
          of: ({ isCompatible, reasons }) =>
            isCompatible ? html`<${Badge} kind="good">compatible<//>` : html`<${Badge} kind="bad">${reasons.length || ""} breaking<//>`,
        },
      ]}
    />`}
    <${Impact} subject=${subject} />
    <${Registration} subject=${subject} body=${body} judged=${judged} isFresh=${isFresh} />`;
}

function Reasons({ of: { version, reasons } }) {
  return html`<${Section} title=${`What breaks with version ${version}`}>
    <ul class="reasons">
      ${reasons.map(
        (reason) => html`<li>
          <code>${reason.rule}</code>${reason.path && html` at <code>${reason.path}</code>`}
          <p>${reason.text}</p>
          ${reason.detail && html`<p class="muted">${reason.detail}</p>`}
        </li>`,
      )}
    </ul>
  <//>`;
}

/** Who is affected: the schemas that refer to the latest version. */
function Impact({ subject }) {
  const loaded = useLoad(
    (signal) => orNull(get(`/subjects/${part(subject)}/versions/latest/referencedby`, { signal }), 403, 404),
    [subject],
  );
  if (!loaded.data?.length) return null;
  return html`<p>
    ${loaded.data.length} schema${loaded.data.length === 1 ? "" : "s"} refer to this subject:${" "}
    <a href=${subjectLink(subject, undefined, { tab: "references" })}>references</a>.
  </p>`;
}

function Registration({ subject, body, judged, isFresh }) {
  const session = useContext(Session);
  const may = usePermissions("Subject", subject);
  const [isOpen, setOpen] = useState(false);
  const [result, setResult] = useState(null);
  useEffect(() => setResult(null), [body.schema]);
  if (!session.writes || !may("write")) return null;
  const register = async () => {
    try {
      const registered = await call("POST", `/subjects/${part(subject)}/versions`, { body, type: REGISTRY });
      setResult({ registered });
      setOpen(false);
    } catch (error) {
      setResult({ error });
    }
  };
  return html`
    <p><button type="button" class="primary" disabled=${!isFresh || !judged.isCompatible} onClick=${() => setOpen(true)}>Register…</button></p>
    ${result?.registered &&
    html`<p class="success" role="status">
      Registered with the id ${result.registered.id}. <a href=${subjectLink(subject)}>Open the subject</a>.
    </p>`}
    ${isOpen &&
    html`<${Dialog} title="Register this schema" onClose=${() => setOpen(false)}>
      <${Facts} of=${[
        ["Subject", subject],
        ["Format", body.schemaType],
        ["Versions now", judged.total],
        ["Level", judged.level],
        ["Checked", judged.isCompatible ? "valid and compatible" : "not compatible"],
      ]} />
      <p>Producers can use it at once. A version can be deleted, but its id keeps its meaning.</p>
      ${result?.error && html`<${Problem} error=${result.error} />`}
      <p><button type="button" class="primary" onClick=${register}>Register</button></p>
    <//>`}`;
}
