// CodeMirror, in a shadow tree: it writes its styles as constructed style sheets there, which the page's policy permits.

import {
  EditorState, EditorView, HighlightStyle, StreamLanguage, bracketMatching, codeFolding, defaultKeymap, drawSelection,
  foldGutter, foldKeymap, highlightActiveLine, history, historyKeymap, indentOnInput, json, keymap, lineNumbers,
  lintGutter, protobuf, setDiagnostics, syntaxHighlighting, tags,
} from "./vendored/codemirror.js";

const THEME = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--raised)", fontSize: "13px", maxHeight: "65vh" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--raised)", color: "var(--muted)", border: "none" },
  ".cm-activeLine": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": { backgroundColor: "var(--hover)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-foldPlaceholder": { backgroundColor: "var(--hover)", border: "1px solid var(--line)", color: "var(--muted)" },
  ".cm-tooltip": { backgroundColor: "var(--page)", color: "var(--text)", border: "1px solid var(--line)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)" },
});
const COLOURS = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--code-name)" },
  { tag: tags.string, color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--code-number)" },
  { tag: [tags.keyword, tags.typeName, tags.definitionKeyword], color: "var(--code-keyword)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
]);

function extensionsOf({ schemaType, label, isReadOnly, hasFaults }, listener) {
  const reading = [EditorState.readOnly.of(true), EditorView.editable.of(false), ...(hasFaults ? [lintGutter()] : [])];
  const writing = [history(), indentOnInput(), highlightActiveLine(), lintGutter(), drawSelection(), listener];
  return [
    lineNumbers(),
    codeFolding(),
    foldGutter(),
    bracketMatching(),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ "aria-label": label, ...(isReadOnly ? { tabindex: "0" } : {}) }),
    schemaType === "PROTOBUF" ? StreamLanguage.define(protobuf) : json(),
    syntaxHighlighting(COLOURS),
    THEME,
    keymap.of([...defaultKeymap, ...historyKeymap, ...foldKeymap]),
    ...(isReadOnly ? reading : writing),
  ];
}

/** Open an editor in the element; returns what changes it. */
export function openEditor(host, options) {
  const shadow = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  shadow.replaceChildren();
  let notify = options.onInput;
  const listener = EditorView.updateListener.of((update) => update.docChanged && notify(update.state.doc.toString()));
  const view = new EditorView({
    root: shadow,
    parent: shadow,
    state: EditorState.create({ doc: options.value, extensions: extensionsOf(options, listener) }),
  });
  return {
    listen(listener) {
      notify = listener;
    },
    setText(text) {
      const before = view.state.doc.toString();
      if (before !== text) view.dispatch({ changes: { from: 0, to: before.length, insert: text } });
    },
    mark(faults) {
      view.dispatch(setDiagnostics(view.state, faults.map((fault) => locate(view.state.doc, fault))));
    },
    close: () => view.destroy(),
  };
}

function locate(doc, { line, column, message }) {
  const at = doc.line(Math.min(Math.max(line ?? 1, 1), doc.lines));
  const from = Math.min(at.from + Math.max((column ?? 1) - 1, 0), at.to);
  return { from, to: at.to, severity: "error", message };
}
