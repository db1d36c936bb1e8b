// Schema texts: formatted, and shown in an editor that is loaded when it is needed first.

import { html, useEffect, useRef, useState } from "./base.js";

const FIRST_SHOWN = 10_000; // characters: a browser takes long to lay out a wide schema, which the editor does not

/** Return the text with one value a line; texts that are no JSON, such as Protobuf's, as they are. */
export function format(text, schemaType) {
  if (schemaType === "PROTOBUF") return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Return the function that finds a {line, column} of the text in the formatted one: they differ in white space only. */
export function makeRelocation(text, formatted) {
  if (text === formatted) return (place) => place;
  const [from, to] = [indexText(text), indexText(formatted)];
  return ({ line, column }) => {
    const passed = countBelow(from.characters, (from.lines[line - 1] ?? text.length) + column - 1);
    const offset = to.characters[passed] ?? formatted.length;
    const index = countBelow(to.lines, offset + 1) - 1;
    return { line: index + 1, column: offset - to.lines[index] + 1 };
  };
}

/** Return the offsets of all characters that are no white space, and those where lines begin. */
function indexText(text) {
  const characters = [];
  const lines = [0];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 10) lines.push(at + 1);
    if (code > 32 && (code < 128 || !/\s/.test(text[at]))) characters.push(at);
  }
  return { characters, lines };
}

/** Return how many of the ascending numbers are smaller than the limit. */
function countBelow(numbers, limit) {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A text that is read: coloured, with line numbers, and with parts that can be folded. */
export function SchemaText({ text, schemaType, label }) {
  return html`<${Editor} key=${label} value=${format(text, schemaType)} schemaType=${schemaType} label=${label} isReadOnly />`;
}

/** An editor; `faults`: {line, column, message} to be marked. Until it is loaded the text's beginning is shown as it is. */
export function Editor({ value, schemaType, label, isReadOnly = false, onInput, faults }) {
  const host = useRef();
  const editor = useRef();
  const [isReady, setReady] = useState(false);
  useEffect(() => {
    let isGone = false;
    import("./editor.js").then(({ openEditor }) => {
      if (isGone || !host.current) return; // an effect may run after its element has gone
      editor.current = openEditor(host.current, { value, schemaType, label, isReadOnly, hasFaults: Boolean(faults), onInput: (text) => onInput?.(text) });
      setReady(true);
    });
    return () => {
      isGone = true;
      editor.current?.close();
      editor.current = undefined;
    };
  }, [schemaType, isReadOnly]);
  useEffect(() => editor.current?.setText(value), [value]);
  useEffect(() => editor.current?.listen((text) => onInput?.(text)));
  useEffect(() => editor.current?.mark(faults ?? []), [faults, isReady]);
  return html`<div class="editor">
    <div ref=${host} class="editor-host"></div>
    ${!isReady && html`<pre class="source">${value.slice(0, FIRST_SHOWN)}</pre>`}
  </div>`;
}
