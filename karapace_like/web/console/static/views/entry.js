// The entry of a value by the form of its schema: a field for each part, with parts that can be added and left out.
//
// `onChange` takes a function from what was entered before to what is entered now: two changes may come between two renderings.

import { html, useState } from "../base.js";
import { chosenBranch, isBlank } from "../forms/form.js";
import { Field } from "../ui.js";

const MOST_ITEMS = 100;
const SHOWN_FIELDS = 50;

/** Entries for the fields of a record, the first ones of a wide one. */
export function RecordEntry({ node, entered = {}, onChange }) {
  const [shown, show] = useState(SHOWN_FIELDS);
  return html`
    ${node.fields.slice(0, shown).map(
      (field) => html`<${FieldEntry} key=${field.name} field=${field} entered=${entered[field.name]}
        onChange=${(change) => onChange((before = {}) => ({ ...before, [field.name]: change(before[field.name]) }))} />`,
    )}
    ${node.fields.length > shown &&
    html`<p><button type="button" onClick=${() => show(shown + SHOWN_FIELDS)}>Show more of the ${node.fields.length} fields</button></p>`}`;
}

function FieldEntry({ field, entered, onChange }) {
  const { name, node, isOptional } = field;
  const byDefault = field.default === undefined || field.default === null ? "" : `default ${JSON.stringify(field.default)}`;
  const hint = [node.type, isOptional ? "optional" : "", byDefault, field.doc ?? node.doc].filter(Boolean).join(" · ");
  if (isOptional && isNested(node) && isBlank(entered)) {
    return html`<${Group} label=${name} hint=${hint}><button type="button" onClick=${() => onChange(() => EMPTY[node.kind] ?? {})}>Set ${name}</button><//>`;
  }
  return html`<${Entry} node=${node} label=${name} hint=${hint} isOptional=${isOptional} entered=${entered} onChange=${onChange} />`;
}

const EMPTY = { list: [], map: [] };
const isNested = (node) => ["record", "list", "map", "union"].includes(node.kind);

/** The entry of one part. */
function Entry({ node, label, hint = node.type, isOptional = false, entered, onChange }) {
  const change = ({ target: { value } }) => onChange(() => value);
  if (isNested(node)) {
    return html`<${Group} label=${label} hint=${hint} onRemove=${isOptional ? () => onChange(() => undefined) : null}>
      <${Nested} node=${node} label=${label} entered=${entered} onChange=${onChange} />
    <//>`;
  }
  if (node.kind === "null") return html`<p class="muted">${label} is null.</p>`;
  if (node.kind === "choice" || node.kind === "boolean") {
    const choices = node.kind === "boolean" ? ["false", "true"] : [...node.choices.keys()];
    return html`<${Field} label=${label} hint=${hint}><${Choice} choices=${isOptional ? ["", ...choices] : choices} value=${entered} onChange=${change} /><//>`;
  }
  if (node.kind === "json") {
    return html`<${Field} label=${label} hint=${`${hint} · as JSON`}><textarea rows="3" spellcheck="false" value=${entered ?? ""} onInput=${change}></textarea><//>`;
  }
  return html`<${Field} label=${label} hint=${hint}>
    <input value=${entered ?? ""} inputmode=${node.kind === "number" ? "decimal" : "text"} onInput=${change} /><//>`;
}

function Choice({ choices, value, onChange, label }) {
  return html`<select aria-label=${label} value=${value ?? choices[0]} onChange=${onChange}>
    ${choices.map((choice) => html`<option value=${choice} selected=${choice === (value ?? choices[0])}>${choice}</option>`)}</select>`;
}

function Group({ label, hint, onRemove, children }) {
  return html`<fieldset class="part">
    <legend>${label}</legend>
    ${hint && html`<small class="muted">${hint}</small>`}
    ${children}
    ${onRemove && html`<p><button type="button" class="quiet" onClick=${onRemove}>Leave ${label} out</button></p>`}
  </fieldset>`;
}

function Nested({ node, label, entered, onChange }) {
  if (node.kind === "record") return html`<${RecordEntry} node=${node} entered=${entered} onChange=${onChange} />`;
  if (node.kind === "union") return html`<${UnionEntry} node=${node} label=${label} entered=${entered} onChange=${onChange} />`;
  return html`<${ItemsEntry} node=${node} label=${label} entered=${entered} onChange=${onChange} />`;
}

function UnionEntry({ node, label, entered, onChange }) {
  const chosen = chosenBranch(node, entered);
  const branch = node.branches[chosen];
  const names = [...(node.first < 0 ? ["none"] : []), ...node.branches.map((each) => each.label)];
  const choose = ({ target }) => onChange(() => ({ branch: node.branches.findIndex((each) => each.label === target.value) }));
  return html`<${Choice} label=${`Type of ${label}`} choices=${names} value=${branch?.label ?? "none"} onChange=${choose} />
    ${branch &&
    branch.node.kind !== "null" &&
    html`<${Entry} key=${chosen} node=${branch.node} label=${branch.label} entered=${entered?.value} onChange=${(change) => onChange((before) => ({ branch: chosen, value: change(before?.value) }))} />`}`;
}

/** The items of a list, or the keys and values of a map. */
function ItemsEntry({ node, label, entered = [], onChange }) {
  const isMap = node.kind === "map";
  const replace = (id, change) => onChange((before = []) => before.map((item) => (item.id === id ? { ...item, ...change(item) } : item)));
  return html`
    <ol class="items">
      ${entered.map(
        (item, index) => html`<li key=${item.id}>
          ${isMap && html`<${Field} label=${`Key ${index + 1}`}><input value=${item.key ?? ""} onInput=${({ target: { value } }) => replace(item.id, () => ({ key: value }))} /><//>`}
          <${Entry} node=${isMap ? node.value : node.item} label=${`${label} ${index + 1}`} entered=${item.value} onChange=${(change) => replace(item.id, ({ value }) => ({ value: change(value) }))} />
          <button type="button" class="quiet" aria-label=${`Remove ${label} ${index + 1}`} onClick=${() => onChange((before = []) => before.filter(({ id }) => id !== item.id))}>Remove</button>
        </li>`,
      )}
    </ol>
    <p><button type="button" disabled=${entered.length >= MOST_ITEMS} onClick=${() => onChange((before = []) => [...before, { id: nextId() }])}>Add to ${label}</button></p>`;
}

let last = 0;
const nextId = () => (last += 1);
