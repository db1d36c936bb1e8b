// Schema texts: formatted, and shown in an editor that is loaded when it is needed first.

import { html, useEffect, useRef, useState } from "./base.js";

/** Return the text with one value a line; texts that are no JSON, such as Protobuf's, as they are. */
export function format(text, schemaType) {
  if (schemaType === "PROTOBUF") return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Return the {line, column} in the formatted text of a place in the text: what differs between them is white space. */
export function relocate(text, formatted, { line, column }) {
  if (text === formatted) return { line, column };
  const lines = text.split("\n");
  const before = lines.slice(0, line - 1).join("") + lines[line - 1].slice(0, column - 1);
  let left = before.replace(/\s/g, "").length;
  let at = 0;
  while (at < formatted.length && (left > 0 || /\s/.test(formatted[at]))) {
    if (!/\s/.test(formatted[at])) left -= 1;
    at += 1;
  }
  const passed = formatted.slice(0, at).split("\n");
  return { line: passed.length, column: passed.at(-1).length + 1 };
}

/** A text that is read: coloured, with line numbers, and with parts that can be folded. */
export function SchemaText({ text, schemaType, label }) {
  return html`<${Editor} key=${label} value=${format(text, schemaType)} schemaType=${schemaType} label=${label} isReadOnly />`;
}

/** An editor; `faults`: {line, column, message} to be marked. Until it is loaded the text is shown as it is. */
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
    ${!isReady && html`<pre class="source">${value}</pre>`}
  </div>`;
}
