// Forms made from schemas: a tree of nodes, one for each part of a value, and what a person enters for each.
//
// A node: {kind, type, doc}, where `type` is what is shown of it, and `kind` one of
//   text, number, boolean, json, null;
//   choice: `choices`, a map from what is shown to the value;
//   list: `item`; map: `value`; record: `fields`, each {name, node, isOptional}, `isMerged` for a group of alternatives;
//   union: `branches`, each {label, key, node}; a value is wrapped as {key: value} unless the key is null; `first` is
//   the branch that is chosen at the beginning, -1 for none.
// Parts are made when they are looked at, because schemas may contain themselves.
// What is entered: a text for a plain node; for others [...], {name: entered} or {branch, value}; undefined: nothing yet.

import { avroForm } from "./avro.js";
import { jsonForm } from "./json_schema.js";
import { protobufForm } from "./protobuf.js";

const MAKERS = { AVRO: avroForm, JSON: jsonForm, PROTOBUF: protobufForm };

/** Return the node of a schema; null for one that is no record. */
export function makeForm({ schema, schemaType = "AVRO" }) {
  try {
    const node = MAKERS[schemaType](schema);
    return node?.kind === "record" ? node : null;
  } catch {
    return null;
  }
}

/** Return the value of what was entered; throws what is wrong with it, and where. */
export function readForm(node, entered, path = []) {
  switch (node.kind) {
    case "null":
      return null;
    case "text":
      return entered ?? "";
    case "boolean":
      return entered === "true";
    case "choice":
      return node.choices.get(entered || node.choices.keys().next().value);
    case "number":
      return readNumber(entered ?? "", path);
    case "list":
      return (entered ?? []).map((item, index) => readForm(node.item, item.value, [...path, index + 1]));
    case "map":
      return readMap(node, entered ?? [], path);
    case "record":
      return readRecord(node, entered ?? {}, path);
    case "union":
      return readUnion(node, entered, path);
    default:
      return readJson(entered ?? "", path);
  }
}

/** Whether nothing has been entered, so that an optional part is left out. */
export const isBlank = (entered) => entered === undefined || entered === "";

/** Return the branch that is chosen: its number, -1 for none. */
export const chosenBranch = (node, entered) => entered?.branch ?? node.first ?? 0;

function readRecord(node, entered, path) {
  const record = {};
  for (const field of node.fields) {
    const own = entered[field.name];
    if (field.isOptional && isBlank(own)) continue;
    const value = readForm(field.node, own, [...path, field.name]);
    if (field.isMerged) Object.assign(record, value);
    // `__proto__` is the name of a field like any other.
    else Object.defineProperty(record, field.name, { value, enumerable: true, configurable: true, writable: true });
  }
  return record;
}

function readMap(node, entries, path) {
  const keys = entries.map(({ key }) => key ?? "");
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) fail(path, twice, "each key once");
  return Object.fromEntries(entries.map(({ value }, index) => [keys[index], readForm(node.value, value, [...path, keys[index]])]));
}

function readUnion(node, entered, path) {
  const branch = node.branches[chosenBranch(node, entered)];
  if (!branch) return {};
  const value = readForm(branch.node, entered?.value, branch.isField ? [...path.slice(0, -1), branch.label] : path);
  return branch.key === null ? value : { [branch.key]: value };
}

function readNumber(text, path) {
  const isNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(text.trim());
  if (!isNumber) return fail(path, text, "a number");
  const number = Number(text);
  // Above 2^53 a number of JavaScript is another one.
  return Number.isInteger(number) && !Number.isSafeInteger(number) && JSON.rawJSON ? JSON.rawJSON(text.trim()) : number;
}

function readJson(text, path) {
  try {
    return JSON.parse(text);
  } catch {
    return fail(path, text, "JSON");
  }
}

function fail(path, text, expected) {
  throw { status: 1, code: "in the form", message: `${path.join(", ")} is ${JSON.stringify(text)}; expected: ${expected}.` };
}
