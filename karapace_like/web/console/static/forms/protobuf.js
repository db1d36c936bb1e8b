// Forms made from Protobuf schemas: of the first message. Types of imported files are entered as JSON.

import { choiceNode, isTooDeep, jsonNode, makeNode } from "./nodes.js";

const NUMBERS = new Set("double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64".split(" "));
const TOKEN = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\w.]+|\S/g;
const [OPENING, CLOSING] = [new Set("{[("), new Set("}])")];
const LABELS = new Set(["repeated", "optional", "required"]);

/** Return the node of a schema's text. */
export function protobufForm(text) {
  const tokens = [...text.matchAll(TOKEN)].map(([token]) => token).filter((token) => !/^\/[/*]/.test(token));
  const reader = new Reader(tokens);
  reader.readBody("", null);
  const first = [...reader.types.values()].find((type) => type.fields);
  return first ? makeMessage(first, { types: reader.types, depth: 0 }) : null;
}

/** Reads the messages and enums of a text that the registry has accepted. */
class Reader {
  constructor(tokens) {
    this.tokens = tokens;
    this.at = 0;
    /** Full name, without the package → {name, fields} of a message, {name, symbols} of an enum. */
    this.types = new Map();
  }

  /** Read what is within a file or a message, whose fields it collects. */
  readBody(scope, message) {
    while (this.at < this.tokens.length) {
      const token = this.tokens[this.at];
      if (token === "}") break;
      if (token === "message") this.readMessage(scope);
      else if (token === "enum") this.readEnum(scope);
      else if (token === "oneof" && message) this.readOneof(scope, message);
      else if (message && this.isField()) message.fields.push(this.readField(scope));
      else this.skipStatement();
    }
    this.at += 1;
  }

  readMessage(scope) {
    const name = this.tokens[this.at + 1];
    const message = { name: scope + name, fields: [] };
    this.types.set(message.name, message);
    this.at += 3;
    this.readBody(`${message.name}.`, message);
  }

  readEnum(scope) {
    const symbols = [];
    const name = scope + this.tokens[this.at + 1];
    for (this.at += 3; this.at < this.tokens.length && this.tokens[this.at] !== "}"; this.skipStatement()) {
      if (this.tokens[this.at + 1] === "=" && this.tokens[this.at] !== "option") symbols.push(this.tokens[this.at]);
    }
    this.at += 1;
    this.types.set(name, { name, symbols });
  }

  readOneof(scope, message) {
    const group = { name: this.tokens[this.at + 1], fields: [] };
    this.at += 3;
    while (this.at < this.tokens.length && this.tokens[this.at] !== "}") {
      if (this.isField()) group.fields.push(this.readField(scope));
      else this.skipStatement();
    }
    this.at += 1;
    message.fields.push({ ...group, isOneof: true });
  }

  /** Whether a statement is a field: `[label] type name = number`, or `map<key, value> name = number`. */
  isField() {
    const [first, second, third, fourth] = this.tokens.slice(this.at, this.at + 4);
    if (first === "map" && second === "<") return true;
    return LABELS.has(first) ? second !== "group" && fourth === "=" : third === "=" && first !== "option";
  }

  readField(scope) {
    const label = LABELS.has(this.tokens[this.at]) ? this.tokens[this.at++] : "";
    const isMap = this.tokens[this.at] === "map" && this.tokens[this.at + 1] === "<";
    const type = this.tokens[isMap ? this.at + 4 : this.at];
    const name = this.tokens[this.at + (isMap ? 6 : 1)];
    this.skipStatement();
    return { label, isMap, type, name, scope };
  }

  /** Pass everything up to the end of a statement, with what is in brackets. */
  skipStatement() {
    let depth = 0;
    while (this.at < this.tokens.length) {
      const token = this.tokens[this.at];
      if (token === "}" && depth === 0) return;
      this.at += 1;
      if (OPENING.has(token)) depth += 1;
      if (CLOSING.has(token)) depth -= 1;
      if (depth === 0 && (token === ";" || token === "}")) return;
    }
  }
}

function makeMessage(message, context) {
  const inside = { ...context, depth: context.depth + 1 };
  return makeNode({ kind: "record", type: message.name }, { fields: () => message.fields.map((field) => makeField(field, inside)) });
}

function makeField(field, context) {
  if (field.isOneof) return { name: field.name, node: makeOneof(field, context), isMerged: true };
  const required = field.label === "required";
  return { name: field.name, node: makeValue(field, context), isOptional: !required };
}

function makeValue(field, context) {
  if (field.isMap) return makeNode({ kind: "map", type: `map to ${field.type}` }, { value: () => makeType(field, context) });
  if (field.label === "repeated") return makeNode({ kind: "list", type: `repeated ${field.type}` }, { item: () => makeType(field, context) });
  return makeType(field, context);
}

function makeType({ type, scope }, context) {
  if (NUMBERS.has(type)) return { kind: "number", type };
  if (type === "string") return { kind: "text", type };
  if (type === "bytes") return { kind: "text", type: "bytes, as base64" };
  if (type === "bool") return { kind: "boolean", type };
  const defined = findType(type, scope, context.types);
  if (!defined || isTooDeep(context.depth)) return jsonNode(type);
  return defined.symbols ? choiceNode(type, defined.symbols) : makeMessage(defined, context);
}

/** Return the type that a name means within a message, the innermost one; its package is left out where it has one. */
function findType(name, scope, types) {
  const parts = name.split(".").filter(Boolean);
  const scopes = scope.split(".").filter(Boolean);
  const names = scopes.map((_, index) => [...scopes.slice(0, scopes.length - index), ...parts]);
  const found = [...names, ...parts.map((_, index) => parts.slice(index))].find((each) => types.has(each.join(".")));
  return found ? types.get(found.join(".")) : null;
}

function makeOneof(group, context) {
  return makeNode(
    { kind: "union", type: "one of", first: -1, none: "none" },
    {
      branches: () =>
        group.fields.map((field) => makeNode({ label: field.name, key: field.name, isField: true }, { node: () => makeType(field, context) })),
    },
  );
}
