// Forms made from JSON Schemas. What a form cannot show, such as `allOf`, is entered as JSON.

import { isTooDeep, jsonNode, makeNode } from "./nodes.js";

/** Return the node of a schema's text. */
export function jsonForm(text) {
  const root = JSON.parse(text);
  return makeSchema(root, { root, depth: 0 });
}

/** Return the schema that a local `$ref` leads to; null for one that is elsewhere or leads in circles. */
function follow(schema, root) {
  for (let turns = 0; turns < 10 && typeof schema?.$ref === "string"; turns += 1) {
    if (!schema.$ref.startsWith("#")) return null;
    const steps = decodeURIComponent(schema.$ref.slice(1)).split("/").slice(1);
    schema = steps.reduce((part, step) => part?.[step.replace(/~1/g, "/").replace(/~0/g, "~")], root);
  }
  return schema && typeof schema === "object" && schema.$ref === undefined ? schema : null;
}

function makeSchema(given, context) {
  const schema = follow(given, context.root);
  if (!schema || isTooDeep(context.depth)) return jsonNode("any");
  const inside = { ...context, depth: context.depth + 1 };
  const doc = schema.description;
  if (schema.allOf || schema.not || schema.if) return jsonNode("several schemas", doc);
  const values = schema.enum ?? ("const" in schema ? [schema.const] : null);
  if (values) return { kind: "choice", type: "enum", doc, choices: new Map(values.map((value) => [showValue(value), value])) };
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives) return makeUnion(alternatives, doc, inside);
  if (Array.isArray(schema.type)) return makeUnion(schema.type.map((type) => ({ ...schema, type, description: undefined })), doc, inside);
  return makeTyped(schema, doc, inside);
}

const showValue = (value) => (typeof value === "string" ? value : JSON.stringify(value));

function makeTyped(schema, doc, context) {
  const type = schema.type ?? (schema.properties ? "object" : schema.items ? "array" : "any");
  if (type === "integer" || type === "number") return { kind: "number", type, doc };
  if (type === "string") return { kind: "text", type: schema.format ?? type, doc };
  if (type === "boolean" || type === "null") return { kind: type, type, doc };
  if (type === "array" && schema.items && !Array.isArray(schema.items)) {
    return makeNode({ kind: "list", type, doc }, { item: () => makeSchema(schema.items, context) });
  }
  if (type !== "object") return jsonNode(type, doc);
  if (schema.properties) return makeNode({ kind: "record", type, doc }, { fields: () => makeProperties(schema, context) });
  if (schema.additionalProperties && typeof schema.additionalProperties === "object") {
    return makeNode({ kind: "map", type, doc }, { value: () => makeSchema(schema.additionalProperties, context) });
  }
  return jsonNode(type, doc);
}

function makeProperties(schema, context) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties).map(([name, property]) => ({
    name,
    node: makeSchema(property, context),
    isOptional: !required.has(name),
    default: property?.default,
  }));
}

function makeUnion(alternatives, doc, context) {
  const schemas = alternatives.map((alternative) => follow(alternative, context.root));
  const nameOf = (schema, index) => alternatives[index]?.$ref?.split("/").at(-1) ?? schema?.title ?? (typeof schema?.type === "string" ? schema.type : `alternative ${index + 1}`);
  const labels = schemas.map(nameOf);
  const isUnique = (label) => labels.indexOf(label) === labels.lastIndexOf(label);
  return makeNode(
    { kind: "union", type: "one of", doc, first: Math.max(0, schemas.findIndex((schema) => schema?.type === "null")) },
    {
      branches: () =>
        labels.map((label, index) =>
          makeNode({ label: isUnique(label) ? label : `${label} ${index + 1}`, key: null }, { node: () => makeSchema(alternatives[index], context) }),
        ),
    },
  );
}
