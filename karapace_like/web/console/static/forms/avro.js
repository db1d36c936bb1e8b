// Forms made from Avro schemas; unions are written as Avro's JSON encoding has them.

import { choiceNode, isTooDeep, jsonNode, makeNode } from "./nodes.js";

const NUMBERS = new Set(["int", "long", "float", "double"]);
const PRIMITIVES = new Set(["null", "boolean", "bytes", "string", ...NUMBERS]);
const NAMED = new Set(["record", "error", "enum", "fixed"]);

/** Return the node of a schema's text. */
export function avroForm(text) {
  const schema = JSON.parse(text);
  const names = new Map();
  collectNames(schema, "", names);
  return makeType(schema, { names, namespace: "", depth: 0 });
}

/** Collect every named type of the schema: its full name → {type, namespace}. */
function collectNames(type, namespace, names) {
  if (Array.isArray(type)) for (const branch of type) collectNames(branch, namespace, names);
  if (type === null || typeof type !== "object" || Array.isArray(type)) return;
  const isNamed = NAMED.has(type.type);
  const name = isNamed ? fullName(type.name, type.namespace ?? namespace) : null;
  const inner = isNamed ? namespaceOf(name) : namespace;
  if (isNamed) names.set(name, { type, namespace });
  for (const field of type.fields ?? []) collectNames(field.type, inner, names);
  for (const part of [type.items, type.values, typeof type.type === "object" ? type.type : null]) {
    if (part) collectNames(part, inner, names);
  }
}

const fullName = (name, namespace) => (name.includes(".") || !namespace ? name : `${namespace}.${name}`);
const namespaceOf = (name) => name.slice(0, Math.max(0, name.lastIndexOf(".")));

/** Return {type, namespace} of the definition that a type is or names. */
function define(type, { names, namespace }) {
  if (typeof type === "string" && !PRIMITIVES.has(type)) return names.get(fullName(type, namespace)) ?? names.get(type) ?? null;
  if (type && typeof type === "object" && !Array.isArray(type) && (typeof type.type === "object" || isReference(type))) {
    return define(type.type, { names, namespace });
  }
  return { type, namespace };
}

const isReference = ({ type }) => !PRIMITIVES.has(type) && !NAMED.has(type) && type !== "array" && type !== "map";

function makeType(given, context) {
  const defined = define(given, context);
  if (!defined || isTooDeep(context.depth)) return jsonNode(typeof given === "string" ? given : "deeply nested");
  const { type } = defined;
  const inside = { ...context, namespace: defined.namespace, depth: context.depth + 1 };
  if (Array.isArray(type)) return makeUnion(type, inside);
  const kind = typeof type === "string" ? type : type.type;
  const shown = type.logicalType ?? (NAMED.has(kind) ? type.name : kind);
  const doc = type.doc;
  if (NUMBERS.has(kind)) return { kind: "number", type: shown, doc };
  if (kind === "null" || kind === "boolean") return { kind, type: shown, doc };
  if (kind === "string") return { kind: "text", type: shown, doc };
  if (kind === "bytes" || kind === "fixed") return { kind: "text", type: `${shown}, a character for each byte`, doc };
  if (kind === "enum") return choiceNode(shown, type.symbols, doc);
  if (kind === "array") return makeNode({ kind: "list", type: "array", doc }, { item: () => makeType(type.items, inside) });
  if (kind === "map") return makeNode({ kind: "map", type: "map", doc }, { value: () => makeType(type.values, inside) });
  const own = { ...inside, namespace: namespaceOf(fullName(type.name, type.namespace ?? defined.namespace)) };
  return makeNode({ kind: "record", type: type.name, doc }, { fields: () => type.fields.map((field) => makeField(field, own)) });
}

function makeField(field, context) {
  const node = makeType(field.type, context);
  const isNullable = node.kind === "union" && node.first >= 0 && node.branches[node.first].label === "null";
  // A field that is left out has its default; null can be chosen instead.
  return { name: field.name, node, doc: field.doc, isOptional: "default" in field && !(isNullable && field.default === null), default: field.default };
}

function makeUnion(branches, context) {
  const keyOf = (branch) => {
    const { type, namespace } = define(branch, context) ?? { type: branch };
    const kind = typeof type === "string" ? type : type.type;
    if (kind === "null") return null;
    return NAMED.has(kind) ? fullName(type.name, type.namespace ?? namespace) : kind;
  };
  const names = branches.map(keyOf);
  return makeNode(
    { kind: "union", type: "union", first: Math.max(0, names.indexOf(null)) },
    { branches: () => branches.map((branch, index) => makeNode({ label: names[index] ?? "null", key: names[index] }, { node: () => makeType(branch, context) })) },
  );
}
