// Where things are in a JSON text: the line of a path such as `/fields/2/type`, as checks name it.

/** Return {line, column} of the value at the path, or of the nearest one around it. */
export function locate(text, path) {
  const steps = path.replace(/^#?\//, "").split("/").filter(Boolean).map((step) => step.replace(/~1/g, "/").replace(/~0/g, "~"));
  let best = 0;
  let at = skip(text, 0);
  for (const step of steps) {
    const next = enter(text, at, step);
    if (next === null) break;
    best = at = next;
  }
  const before = text.slice(0, best).split("\n");
  return { line: before.length, column: before.at(-1).length + 1 };
}

const skip = (text, at) => at + /^\s*/.exec(text.slice(at, at + 5000))[0].length;

/** Return where the member or element begins, null if there is none. */
function enter(text, at, step) {
  const isObject = text[at] === "{";
  if (!isObject && text[at] !== "[") return null;
  let index = 0;
  at = skip(text, at + 1);
  while (at < text.length && text[at] !== "}" && text[at] !== "]") {
    let name = String(index);
    if (isObject) {
      const end = endOfValue(text, at);
      name = readName(text.slice(at, end));
      at = skip(text, skip(text, end) + 1);
    }
    if (name === step) return at;
    at = skip(text, endOfValue(text, at));
    if (text[at] === ",") at = skip(text, at + 1);
    index += 1;
  }
  return null;
}

function readName(text) {
  try {
    return JSON.parse(text);
  } catch {
    return "";
  }
}

function endOfValue(text, at) {
  let depth = 0;
  for (let index = at; index < text.length; index += 1) {
    const character = text[index];
    if (character === '"') {
      index += 1;
      while (index < text.length && text[index] !== '"') index += text[index] === "\\" ? 2 : 1;
      if (depth === 0) return index + 1;
    } else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") {
      if (depth === 0) return index;
      depth -= 1;
      if (depth === 0) return index + 1;
    } else if (depth === 0 && (character === "," || character === ":")) return index;
  }
  return text.length;
}
