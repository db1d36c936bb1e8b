// The keyboard: the same keys in every view.

import { html, useEffect } from "./base.js";
import { go } from "./router.js";
import { Dialog } from "./ui.js";

const KEYS = [
  ["/", "Search in this view"],
  ["j", "Next row"],
  ["k", "Previous row"],
  ["Enter", "Open the row"],
  ["?", "Show this help"],
  ["Esc", "Leave a field, close a dialogue"],
];
const PLACES = { s: "subjects", t: "topics", g: "groups", q: "queues", k: "connectors", c: "cluster", m: "me" };
const FIELDS = "input, textarea, select, [contenteditable=true]";

/** Return [key, view] of the views that are there, for the key that follows `g`. */
const listPlaces = (views) =>
  Object.entries(PLACES).flatMap(([key, name]) => views.filter((view) => view.name === name).map((view) => [key, view]));

export function useKeyboard(views, showHelp) {
  useEffect(() => {
    let isGoing = false;
    const press = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.composedPath()[0];
      if (document.querySelector("dialog[open]")) return;
      if (target.matches?.(FIELDS)) {
        if (event.key === "Escape") target.blur();
        return;
      }
      const wasGoing = isGoing;
      isGoing = false;
      const place = wasGoing && listPlaces(views).find(([key]) => key === event.key);
      if (place) go([place[1].name]);
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
  const focusable = row.querySelector("a, button, input");
  if (!focusable) row.tabIndex = -1;
  (focusable ?? row).focus();
  row.scrollIntoView({ block: "nearest" });
}

export function Help({ views, onClose }) {
  const places = listPlaces(views).map(([key, { title }]) => [`g ${key}`, `Go to ${title}`]);
  return html`<${Dialog} title="Keyboard" onClose=${onClose}>
    <table>
      <tbody>
        ${[...KEYS, ...places].map(([key, meaning]) => html`<tr><th scope="row"><kbd>${key}</kbd></th><td>${meaning}</td></tr>`)}
      </tbody>
    </table>
    <p class="muted">
      Searching subjects: a part of the name, an id or a guid; <code>field:amount</code> and <code>tag:PII</code> search
      the schemas.
    </p>
  <//>`;
}
