// Forms made from schemas: the fields of a record at its top, each with a kind of entry. What is nested is entered as JSON.

const AVRO_NUMBERS = new Set(["int", "long", "float", "double"]);
const JSON_NUMBERS = new Set(["integer", "number"]);
const PROTO_NUMBERS = /^(?:double|float|s?fixed(?:32|64)|[su]?int(?:32|64))$/;

/** Return {name, type, kind, choices, isOptional, doc, example} of each field; null for a schema that is no record. */
export function fieldsOf({ schema, schemaType = "AVRO" }) {
  try {
    if (schemaType === "PROTOBUF") return protobufFields(schema);
    const parsed = JSON.parse(schema);
    return schemaType === "AVRO" ? avroFields(parsed) : jsonFields(parsed);
  } catch {
    return null;
  }
}

function avroFields(schema) {
  if (schema.type !== "record") return null;
  return schema.fields.map((field) => {
    const branches = Array.isArray(field.type) ? field.type : [field.type];
    const others = branches.filter((branch) => branch !== "null");
    const type = others.length === 1 ? others[0] : branches;
    const name = typeof type === "string" ? type : (type.logicalType ?? type.type ?? "union");
    const base = typeof type === "string" ? type : type.type;
    return {
      name: field.name,
      type: name,
      kind: AVRO_NUMBERS.has(base) ? "number" : base === "string" ? "text" : base === "boolean" || base === "enum" ? "text" : "json",
      choices: base === "boolean" ? ["true", "false"] : base === "enum" ? type.symbols : null,
      isBoolean: base === "boolean",
      isOptional: branches.includes("null") || "default" in field,
      default: field.default,
      // Avro's JSON names the branch of a union that has another type than null.
      branch: Array.isArray(field.type) && others.length === 1 ? (typeof type === "string" ? type : (fullName(type, schema) ?? type.type)) : null,
      doc: field.doc,
      example: field.default === undefined || field.default === null ? "" : JSON.stringify(field.default),
    };
  });
}

function fullName(type, { namespace }) {
  if (!type.name) return null;
  const own = type.namespace ?? namespace;
  return type.name.includes(".") || !own ? type.name : `${own}.${type.name}`;
}

function jsonFields(schema) {
  if (!schema.properties) return null;
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties).map(([name, property]) => ({
    name,
    type: [property.type ?? "any"].flat().join(" or "),
    kind: JSON_NUMBERS.has(property.type) ? "number" : property.type === "string" ? "text" : property.type === "boolean" ? "text" : "json",
    choices: property.type === "boolean" ? ["true", "false"] : property.type === "string" ? property.enum : null,
    isBoolean: property.type === "boolean",
    isOptional: !required.has(name),
    doc: property.description,
    example: property.default === undefined ? "" : JSON.stringify(property.default),
  }));
}

function protobufFields(text) {
  const source = text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
  const message = /\bmessage\s+\w+\s*\{([\s\S]*)\}/.exec(source);
  if (!message) return null;
  let depth = 0;
  // What is inside of nested messages, enums and oneofs is entered as JSON.
  const own = [...message[1]].filter((character) => {
    if (character === "{") depth += 1;
    if (character === "}") depth -= 1;
    return depth === 0 && character !== "}";
  }).join("");
  const fields = [...own.matchAll(/(repeated\s+|optional\s+|required\s+)?([\w.]+|map\s*<[^>]+>)\s+(\w+)\s*=\s*\d+/g)];
  return fields.map(([, label = "", type, name]) => ({
    name,
    type: `${label}${type}`,
    kind: label.startsWith("repeated") ? "json" : PROTO_NUMBERS.test(type) ? "number" : type === "string" || type === "bool" ? "text" : "json",
    choices: type === "bool" && !label.startsWith("repeated") ? ["true", "false"] : null,
    isBoolean: type === "bool",
    isOptional: true,
    example: "",
  }));
}

/** Return the record of what was entered; throws what is wrong with it. */
export function readForm(fields, entered, schemaType) {
  const record = {};
  for (const field of fields) {
    const text = entered[field.name] ?? (field.choices && !field.isOptional ? field.choices[0] : "");
    if (text === "" && field.isOptional) {
      if (schemaType === "PROTOBUF" || schemaType === "JSON") continue;
      record[field.name] = field.default ?? null;
      continue;
    }
    const value = readValue(field, text);
    record[field.name] = field.branch ? { [field.branch]: value } : value;
  }
  return record;
}

function readValue(field, text) {
  if (field.isBoolean) return text === "true";
  if (field.kind === "text") return text;
  try {
    return JSON.parse(text);
  } catch {
    const expected = field.kind === "number" ? "a number" : "JSON";
    throw { status: 1, code: "in the form", message: `${field.name} is ${JSON.stringify(text)}; expected: ${expected}.` };
  }
}
