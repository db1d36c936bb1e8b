// Why a schema is valid and compatible, or not: it is checked while one edits it, and registered from here.

import { html, Session, useContext, useEffect, useMemo, useState } from "../base.js";
import { ApiError, call, get, orNull, part, REGISTRY } from "../api.js";
import { locate } from "../json_places.js";
import { link, replace } from "../router.js";
import { Editor, format, makeRelocation } from "../text.js";
import { Badge, Dialog, Empty, Facts, Field, Loaded, Page, Problem, Section, Table, useLoad, usePermissions, useSettled } from "../ui.js";
import { subjectLink } from "./subjects.js";

const EXAMPLES = {
  AVRO: '{\n  "type": "record",\n  "name": "Example",\n  "fields": [\n    {"name": "id", "type": "long"}\n  ]\n}',
  JSON: '{\n  "type": "object",\n  "properties": {\n    "id": {"type": "integer"}\n  }\n}',
  PROTOBUF: 'syntax = "proto3";\n\nmessage Example {\n  int64 id = 1;\n}\n',
};

/** Reasons that the service explains at most. */
const MANY = 100;

export function Check({ query }) {
  const { subject = "", version = "latest" } = query;
  const stored = useLoad((signal) => loadVersion(subject, version, signal), [subject, version]);
  return html`<${Page}
    title="Check a schema"
    crumbs=${[["Subjects", link(["subjects"])], ...(subject ? [[subject, subjectLink(subject)]] : [])]}
  >
    <${Loaded} of=${stored}>
      ${(shown) => html`<${Workbench} key=${shown.name} subject=${shown.subject} stored=${shown.stored} />`}
    <//>
  <//>`;
}

/** Return the version with which the editor begins, null where there is none; a deleted one only where it is named. */
async function loadVersion(subject, version, signal) {
  if (!subject) return { subject, stored: null, name: "" };
  const query = { deleted: version !== "latest" };
  const stored = await orNull(get(`/subjects/${part(subject)}/versions/${part(version)}`, { signal, query }), 404, 403);
  return { subject, stored, name: `${subject} ${version}` };
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
      <div class="field"><span aria-hidden="true">${"\u00a0"}</span><button type="submit">Check against this subject</button></div>
    </form>
    <div class="bench">
      <${Editor} value=${text} schemaType=${schemaType} label="Schema to check" onInput=${setText} faults=${faults} />
      <div class="verdicts-side" aria-live="polite">
        ${!subject
          ? html`<${Empty}>Name the subject; the schema is checked against its versions while you edit it.<//>`
          : html`<${Loaded} of=${judged}>
              ${(data) => html`<${Judgement} subject=${subject} body=${body} judged=${data} isFresh=${settled === text && !judged.isLoading} />`}
            <//>`}
      </div>
    </div>`;
}

/** Return what the registry says: why the text is no schema, or how it compares, and whom it affects. */
async function judge(subject, body, signal) {
  try {
    const path = `/compatibility/subjects/${part(subject)}/explanation`;
    const explained = await call("POST", path, { signal, body, type: REGISTRY });
    return { ...explained, isCompatible: explained.is_compatible, level: explained.compatibilityLevel };
  } catch (error) {
    if (error instanceof ApiError && error.status === 422) return { invalid: error.message };
    throw error;
  }
}

const breaking = (judged) => judged.versions.filter((version) => version.isCompared && !version.is_compatible);

function findFaults(judged, text, schemaType) {
  if (!judged) return [];
  if (judged.invalid) return [{ ...findLine(judged.invalid, text, schemaType), message: judged.invalid }];
  return markPlaces(breaking(judged).flatMap((version) => version.incompatibilities), "place");
}

/** Return what an editor marks: each place once, unless it is in the text of a reference. */
function markPlaces(reasons, side) {
  const own = reasons.filter((reason) => !reason[side].reference);
  const faults = own.map((reason) => ({ ...reason[side], message: `${reason.rule}: ${reason.message}` }));
  return [...new Map(faults.map((fault) => [`${fault.line}:${fault.column}:${fault.message}`, fault])).values()];
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
  const breaks = breaking(judged);
  const settings = judged.messages.filter((message) => !message.startsWith("{"));
  return html`
    <div class=${judged.isCompatible ? "success" : "problem"} role="status">
      <strong>Valid${judged.isCompatible ? ", and compatible" : ", but not compatible"}</strong>${" "}
      <span>${judged.versions.length === 0 ? "It would be the first version." : `The level of the subject is ${judged.level}.`}</span>
      ${settings.map((message) => html`<span>${message}</span>`)}
    </div>
    ${breaks.map((version) => html`<${Reasons} key=${version.version} subject=${subject} of=${version} />`)}
    ${judged.versions.length > 0 &&
    html`<${Section} title="Versions"><${Table}
      label="Versions"
      rows=${judged.versions}
      columns=${[
        { title: "Version", kind: "main", of: ({ version }) => html`<a href=${subjectLink(subject, version)}>Version ${version}</a>` },
        {
          title: `Under ${judged.level}`,
          of: ({ is_compatible: isCompatible, messages }) =>
            isCompatible ? html`<${Badge} kind="good">compatible<//>` : html`<${Badge} kind="bad">${messages.length}${messages.length < MANY ? "" : " or more"} breaking<//>`,
        },
        { title: "Compared", of: ({ isCompared }) => (isCompared ? "yes" : "not at this level") },
      ]}
    /><//>`}
    <${Affected} of=${judged.affected} />
    ${!judged.isComplete && html`<p class="muted">There are more versions, reasons or referring subjects than are shown.</p>`}
    <${Registration} subject=${subject} body=${body} judged=${judged} isFresh=${isFresh} />`;
}

function Reasons({ subject, of: { version, messages, incompatibilities } }) {
  return html`<${Section} title=${`What breaks with version ${version}`}>
    <ul class="reasons">
      ${incompatibilities.length === 0 && messages.map((message) => html`<li><p>${message}</p></li>`)}
      ${incompatibilities.map((reason) => html`<${Reason} of=${reason} version=${version} />`)}
    </ul>
    ${incompatibilities.length > 0 && html`<${OldText} subject=${subject} version=${version} reasons=${incompatibilities} />`}
  <//>`;
}

function Reason({ of: { rule, message, detail, path, direction, place, example, advice }, version }) {
  const [writer, reader] = direction === "forward" ? ["this schema", `version ${version}`] : [`version ${version}`, "this schema"];
  return html`<li>
    <code>${rule}</code>${path && html` at <code>${path}</code>`}, line ${place.line}${place.reference && ` of ${place.reference}`}
    <p>${message}${detail && !message.includes(detail) && html` <span class="muted">(${detail})</span>`}</p>
    ${example &&
    html`<p>A record of ${writer} that readers with ${reader} cannot read: <code class="record">${example.record}</code></p>
      <p class="muted">They fail: ${example.outcome}</p>`}
    ${advice && html`<p>What helps: ${showCode(advice)}.</p>`}
  </li>`;
}

/** Return a sentence with what is between backticks as code. */
const showCode = (sentence) => sentence.split("`").map((part, index) => (index % 2 ? html`<code>${part}</code>` : part));

/** The text of the earlier version, with the same places marked. */
function OldText({ subject, version, reasons }) {
  const loaded = useLoad((signal) => get(`/subjects/${part(subject)}/versions/${version}`, { signal }), [subject, version]);
  return html`<${Loaded} of=${loaded}>
    ${({ schema, schemaType }) => {
      const shown = format(schema, schemaType);
      const relocate = makeRelocation(schema, shown);
      const faults = markPlaces(reasons, "oldPlace").map((fault) => ({ ...fault, ...relocate(fault) }));
      return html`<${Editor} value=${shown} schemaType=${schemaType} label=${`Version ${version}, with the same places`} isReadOnly faults=${faults} />`;
    }}
  <//>`;
}

const EFFECTS = {
  holds: ["good", "stays compatible"],
  differs: ["", "differs where its level allows it"],
  breaks: ["bad", "would break"],
  unreadable: ["bad", "could not be parsed"],
};

/** Who is affected: the subjects that refer to this one, as if they referred to the schema. */
function Affected({ of }) {
  return html`<${Section} title="Who is affected">
    ${of.length === 0
      ? html`<p class="muted">No other subject refers to this one.</p>`
      : html`<ul class="reasons" aria-label="Affected subjects">
          ${of.map(
            ({ subject, version, effect, reasons }) => html`<li>
              <a href=${subjectLink(subject, version)}>${subject}</a>, if it referred to this schema:${" "}
              <${Badge} kind=${EFFECTS[effect][0]}>${EFFECTS[effect][1]}<//>
              ${reasons.length > 0 && html`<p class="muted">${reasons[0]}</p>`}
            </li>`,
          )}
        </ul>`}
  <//>`;
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
        ["Latest version now", judged.versions[0]?.version ?? "none"],
        ["Level", judged.level],
        ["Checked", judged.isCompatible ? "valid and compatible" : "not compatible"],
      ]} />
      <p>Producers can use it at once. A version can be deleted, but its id keeps its meaning.</p>
      ${result?.error && html`<${Problem} error=${result.error} />`}
      <p><button type="button" class="primary" onClick=${register}>Register</button></p>
    <//>`}`;
}
