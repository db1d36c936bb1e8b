// The keyboard: the same keys in every view.

import { html, useEffect } from "./base.js";
import { Dialog } from "./ui.js";

const KEYS = [
  ["/", "Search in this view"],
  ["j", "Next row"],
  ["k", "Previous row"],
  ["Enter", "Open the row"],
  ["g, then s t g q c", "Go to subjects, topics, groups, queues, cluster"],
  ["?", "Show this help"],
  ["Esc", "Leave a field, close this help"],
];
const PLACES = { s: "subjects", t: "topics", g: "groups", q: "queues", c: "cluster" };

export function useKeyboard(showHelp) {
  useEffect(() => {
    let isGoing = false;
    const press = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.composedPath()[0];
      if (event.key === "Escape" && target.matches?.("input, select")) return target.blur();
      if (target.matches?.("input, textarea, select, [contenteditable=true]") || document.querySelector("dialog[open]")) return;
      const wasGoing = isGoing;
      isGoing = false;
      if (wasGoing && PLACES[event.key]) location.hash = `#/${PLACES[event.key]}`;
      else if (event.key === "g") isGoing = true;
      else if (event.key === "?") showHelp();
      else if (event.key === "/") focusSearch(event);
      else if (event.key === "j") moveBy(1);
      else if (event.key === "k") moveBy(-1);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}

function focusSearch(event) {
  const search = document.querySelector("main input[type=search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
}

function moveBy(step) {
  const rows = [...document.querySelectorAll("main tr[data-row]")];
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const row = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  const focused = row.querySelector("a, button, input") ?? row;
  focused.focus();
  row.scrollIntoView({ block: "nearest" });
}

export function Help({ onClose }) {
  return html`<${Dialog} title="Keyboard" onClose=${onClose}>
    <table>
      <tbody>
        ${KEYS.map(([key, meaning]) => html`<tr><th scope="row"><kbd>${key}</kbd></th><td>${meaning}</td></tr>`)}
      </tbody>
    </table>
    <p class="muted">
      Searching subjects: a part of the name, an id or a guid; <code>field:amount</code> and <code>tag:PII</code> search
      the schemas.
    </p>
  <//>`;
}
