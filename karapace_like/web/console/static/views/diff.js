// Two versions compared: what has changed, whether each can read the other's data, and both texts line by line.

import { html, useState } from "../base.js";
import { get, part } from "../api.js";
import { link, replace } from "../router.js";
import { format } from "../text.js";
import { Badge, Empty, Loaded, Page, Section, Select, Table, useLoad, useSettled } from "../ui.js";
import { subjectLink } from "./subjects.js";

const MOST_LINES = 4000;
const SUGGESTED = 20;
const SIGNS = { added: "good", removed: "bad", changed: "warn" };

/** The address is `diff/SUBJECT/OLD/NEW`; `?other=` names another subject for the new version. */
export function Diff({ path, query }) {
  const [subject, old, recent] = path;
  const other = query.other || subject;
  const loaded = useLoad((signal) => load(subject, old, other, recent, signal), [subject, old, other, recent]);
  const versions = useLoad(
    (signal) => Promise.all([subject, other].map((name) => listVersions(name, signal))),
    [subject, other],
  );
  const move = (from, to) => replace(["diff", subject, from, to], { other: query.other });
  return html`<${Page} title=${`${subject}: compare`} crumbs=${[["Subjects", link(["subjects"])], [subject, subjectLink(subject)]]}>
    ${versions.data &&
    html`<div class="filters">
      <${Select} label="From version" value=${old} options=${["latest", ...versions.data[0]]} onChange=${(to) => move(to, recent)} />
      <${Select} label="To version" value=${recent} options=${["latest", ...versions.data[1]]} onChange=${(to) => move(old, to)} />
      <${OtherSubject} key=${other} other=${other}
        onChoose=${(name) => replace(["diff", subject, old, "latest"], { other: name === subject ? undefined : name })} />
    </div>`}
    <${Loaded} of=${loaded}>
      ${({ difference, texts }) => html`
        <${Changes} difference=${difference} />
        <${Section} title="Line by line"><${SideBySide} texts=${texts} names=${[`${subject} ${old}`, `${other} ${recent}`]} /><//>
      `}
    <//>
  <//>`;
}

/** The subject of the new version: typed, or chosen of those whose names contain what is typed. */
function OtherSubject({ other, onChoose }) {
  const [typed, setTyped] = useState(other);
  const query = useSettled(typed.trim());
  const hits = useLoad((signal) => get("/subjects:search", { signal, query: { query, deleted: true, limit: SUGGESTED } }), [query]);
  return html`<form class="select" onSubmit=${(event) => (event.preventDefault(), onChoose(typed.trim()))}>
    <label class="select"><span>of</span>
      <input name="other" aria-label="Other subject" list="other-subjects" required value=${typed} onInput=${(event) => setTyped(event.target.value)} /></label>
    <datalist id="other-subjects">${(hits.data?.subjects ?? []).map((hit) => html`<option value=${hit.subject} />`)}</datalist>
    <button type="submit">Compare with this subject</button>
  </form>`;
}

const listVersions = async (subject, signal) =>
  (await get(`/subjects/${part(subject)}/versions`, { signal, query: { deleted: true } })).map(String);

async function load(subject, old, other, recent, signal) {
  const query = { deleted: true };
  const version = (name, number) => get(`/subjects/${part(name)}/versions/${part(number)}`, { signal, query });
  const [difference, before, after] = await Promise.all([
    get(`/subjects/${part(subject)}/versions/${part(old)}/diff/${part(recent)}`, {
      signal,
      query: { ...query, subject: other === subject ? undefined : other },
    }),
    version(subject, old),
    version(other, recent),
  ]);
  return { difference, texts: [before, after].map((stored) => format(stored.schema, stored.schemaType)) };
}

function Changes({ difference }) {
  return html`
    <div class="verdicts">
      <${Verdict} title="The new version reads old data" level="BACKWARD" reasons=${difference.backward} />
      <${Verdict} title="The old version reads new data" level="FORWARD" reasons=${difference.forward} />
    </div>
    ${difference.changes.length === 0
      ? html`<${Empty}>Nothing differs but the layout.<//>`
      : html`<${Table}
          label="Changes"
          rows=${difference.changes}
          columns=${[
            { title: "Change", of: (change) => html`<${Badge} kind=${SIGNS[change.sign]}>${change.sign}<//>` },
            { title: "What", of: (change) => change.kind },
            { title: "Name", kind: "main", of: (change) => html`<code>${change.name}</code>` },
            { title: "Attribute", of: (change) => change.attribute ?? "" },
            { title: "Before", of: (change) => html`<code>${change.old ?? ""}</code>` },
            { title: "After", of: (change) => html`<code>${change.new ?? ""}</code>` },
            { title: "Rules it breaks", of: (change) => (change.rules ?? []).map((rule) => html`<${Badge} kind="bad">${rule}<//> `) },
          ]}
        />`}`;
}

export function Verdict({ title, level, reasons }) {
  return html`<section class="verdict">
    <h2>${title} <${Badge} kind=${reasons.length ? "bad" : "good"}>${reasons.length ? "no" : "yes"}<//></h2>
    <p class="muted">${level}</p>
    <ul>${reasons.map((reason) => html`<li><code>${reason.split(":")[0]}</code> ${reason.slice(reason.indexOf(":") + 1)}</li>`)}</ul>
  </section>`;
}

function SideBySide({ texts, names }) {
  const [before, after] = texts.map((text) => text.split("\n"));
  if (before.length + after.length > MOST_LINES) {
    return html`<${Empty}>The texts have more than ${MOST_LINES} lines; the list of changes above is complete.<//>`;
  }
  const rows = alignLines(before, after);
  return html`<div class="table-wrap" tabindex="0" role="region" aria-label="Line by line">
    <table class="lines">
      <thead><tr><th scope="col" colspan="2">${names[0]}</th><th scope="col" colspan="2">${names[1]}</th></tr></thead>
      <tbody>
        ${rows.map(
          ([old, recent]) => html`<tr>
            <${Line} at=${old} lines=${before} kind=${recent === null ? "gone" : ""} />
            <${Line} at=${recent} lines=${after} kind=${old === null ? "new" : ""} />
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function Line({ at, lines, kind }) {
  if (at === null) return html`<td class="line-number"></td><td class="none"></td>`;
  return html`<td class="line-number">${at + 1}</td><td class=${kind}><code>${kind === "gone" ? "−" : kind === "new" ? "+" : " "} ${lines[at]}</code></td>`;
}

/** Return pairs of line numbers, null where one side has no such line: the longest common subsequence. */
function alignLines(before, after) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const old = before.slice(start, before.length - end);
  const recent = after.slice(start, after.length - end);
  const rows = before.slice(0, start).map((_, index) => [index, index]);
  for (const [from, to] of alignMiddle(old, recent)) rows.push([from === null ? null : from + start, to === null ? null : to + start]);
  for (let index = end; index > 0; index -= 1) rows.push([before.length - index, after.length - index]);
  return rows;
}

function alignMiddle(old, recent) {
  const width = recent.length + 1;
  const lengths = new Uint16Array((old.length + 1) * width);
  for (let row = old.length - 1; row >= 0; row -= 1) {
    for (let column = recent.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] =
        old[row] === recent[column]
          ? lengths[(row + 1) * width + column + 1] + 1
          : Math.max(lengths[(row + 1) * width + column], lengths[row * width + column + 1]);
    }
  }
  const rows = [];
  let row = 0;
  let column = 0;
  while (row < old.length || column < recent.length) {
    if (row < old.length && column < recent.length && old[row] === recent[column]) rows.push([row++, column++]);
    else if (column >= recent.length || (row < old.length && lengths[(row + 1) * width + column] >= lengths[row * width + column + 1])) rows.push([row++, null]);
    else rows.push([null, column++]);
  }
  return rows;
}
