// The few components of which all views are made, and the hooks that load what they show.

import { Fragment, html, useCallback, useContext, useEffect, useRef, useState, Session } from "./base.js";
import { get } from "./api.js";

/** Load something and show how it goes: {data, error, isLoading, isOutdated, reload, cancel}. Another key loads again. */
export function useLoad(load, key) {
  const [state, setState] = useState({ isLoading: true });
  const [turn, setTurn] = useState(0);
  const running = useRef();
  useEffect(() => {
    const stop = new AbortController();
    running.current = stop;
    setState((before) => ({ ...before, isLoading: true, error: undefined }));
    load(stop.signal).then(
      (data) => stop.signal.aborted || setState({ data, key, isLoading: false }),
      (error) => stop.signal.aborted || setState({ error, key, isLoading: false }),
    );
    return () => stop.abort();
  }, [...key, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const cancel = useCallback(() => {
    running.current?.abort();
    setState({ error: { status: 0, message: "You have cancelled it." }, isLoading: false });
  }, []);
  const isOutdated = state.data !== undefined && state.key.some((value, index) => value !== key[index]);
  return { ...state, isOutdated, reload, cancel };
}

/** Return the value, a moment after it has last changed. */
export function useSettled(value, milliseconds = 200) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** Return the function that says whether the console offers an operation on a resource to its reader. */
export function usePermissions(kind, name) {
  const session = useContext(Session);
  const { data, isOutdated } = useLoad(
    (signal) => (kind ? get("/console/permissions", { signal, query: { kind, name } }) : Promise.resolve(null)),
    [kind, name],
  );
  return (operation) => Boolean(session?.writes && !isOutdated && data?.operations.includes(operation));
}

/** Show what was loaded, or why it was not; what was loaded before stays until then. */
export function Loaded({ of, children }) {
  if (of.error) return html`<${Problem} error=${of.error} retry=${of.reload} />`;
  if (of.data === undefined) return html`<${Waiting} cancel=${of.cancel} />`;
  return html`<${Fragment}>${of.isOutdated && html`<${Waiting} cancel=${of.cancel} isQuiet />`}${children(of.data)}<//>`;
}

const PATIENCE = 700;

/** Loading, which `isQuiet` does not show at first; after a moment also why it may take long, as far as the service knows. */
function Waiting({ cancel, isQuiet = false }) {
  const session = useContext(Session);
  const [reason, setReason] = useState(null);
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      setReason("");
      const state = session?.serves.includes("health") ? await readHealth(stop.signal).catch(() => null) : null;
      if (!stop.signal.aborted) setReason(state?.reason ?? "");
    }, PATIENCE);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, []);
  if (reason === null) return isQuiet ? null : html`<p class="empty" role="status">Loading…</p>`;
  return html`<div class="empty waiting" role="status">
    <p>Still loading. ${reason ? html`The service says: <strong>${reason}</strong>.` : "The service has not answered yet."}</p>
    <p>The answer is shown when it comes, or why there is none. <button type="button" onClick=${cancel}>Cancel</button></p>
  </div>`;
}

/** Return the answer about health, also that of a node which says with 503 that it is not ready. */
export async function readHealth(signal) {
  try {
    return await get("/health/ready", { signal });
  } catch (error) {
    if (error.status === 503 && error.body?.ready === false) return error.body;
    throw error;
  }
}

export function Problem({ error, retry }) {
  const advice = {
    401: "Log in to see this.",
    403: "Your account has no permission for this. Who am I shows what it has.",
    503: "The service, or Kafka behind it, is not ready. Try again in a moment.",
  }[error.status];
  return html`<div class="problem" role="alert">
    <strong>${error.status ? `Error ${error.code ?? error.status}` : "No answer"}</strong>
    <span>${error.message}</span>
    ${advice && html`<span class="muted">${advice}</span>`}
    ${retry && html`<button type="button" onClick=${retry}>Try again</button>`}
  </div>`;
}

export function Page({ title, crumbs = [], actions, children }) {
  useEffect(() => {
    document.title = `${title} · Console`;
  }, [title]);
  return html`<div class="page">
    <header class="page-head">
      <div>
        ${crumbs.length > 0 &&
        html`<nav class="crumbs" aria-label="Path">
          ${crumbs.map(([text, href]) => html`<a href=${href}>${text}</a><span aria-hidden="true">/</span>`)}
        </nav>`}
        <h1 tabindex="-1">${title}</h1>
      </div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </header>
    ${children}
  </div>`;
}

export function Empty({ children }) {
  return html`<div class="empty">${children}</div>`;
}

/** A part of a page under a heading. */
export function Section({ title, actions, children }) {
  return html`<section class="section">
    <div class="section-head"><h2>${title}</h2>${actions && html`<div class="actions">${actions}</div>`}</div>
    ${children}
  </section>`;
}

export function Badge({ kind = "", children }) {
  return html`<span class=${`badge ${kind}`}>${children}</span>`;
}

export function Time({ at }) {
  if (!at || at < 0) return html`<span class="muted">–</span>`;
  const date = new Date(at);
  const text = date.toISOString().replace("T", " ").slice(0, 19);
  return html`<time datetime=${date.toISOString()} title=${date.toString()}>${text}</time>`;
}

/** Names and values, such as the properties of a subject. */
export function Facts({ of }) {
  return html`<dl class="facts">
    ${of
      .filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false)
      .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}

/** A dense table. `columns`: {title, of: row → content, kind}. */
export function Table({ columns, rows, label, rowKey }) {
  return html`<div class="table-wrap" tabindex="0" role="region" aria-label=${label}>
    <table>
      <caption class="hidden">${label}</caption>
      <thead>
        <tr>${columns.map((column) => html`<th scope="col" class=${column.kind ?? ""}>${column.title}</th>`)}</tr>
      </thead>
      <tbody>
        ${rows.map(
          (row, index) => html`<tr key=${rowKey ? rowKey(row) : index} data-row>
            ${columns.map((column) => html`<td class=${column.kind ?? ""} data-title=${column.title}>${column.of(row)}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Tabs whose selection is a part of the address: `tabs` are [name, title, href]. */
export function Tabs({ tabs, selected, label }) {
  return html`<nav class="tabs" aria-label=${label}>
    ${tabs.map(
      ([name, title, href]) =>
        html`<a href=${href} aria-current=${name === selected ? "page" : undefined}>${title}</a>`,
    )}
  </nav>`;
}

export function Dialog({ title, onClose, children }) {
  const element = useRef();
  useEffect(() => {
    element.current.showModal();
  }, []);
  const id = `dialog-${title.replace(/\W+/g, "-")}`;
  return html`<dialog ref=${element} aria-labelledby=${id} onClose=${onClose}>
    <header><h2 id=${id}>${title}</h2>
      <button type="button" class="quiet" aria-label="Close" onClick=${() => element.current.close()}>✕</button>
    </header>
    ${children}
  </dialog>`;
}

export function Field({ label, hint, children }) {
  return html`<label class="field"><span>${label}</span>${children}${hint && html`<small>${hint}</small>`}</label>`;
}

export function Select({ label, value, options, onChange, any }) {
  return html`<label class="select"><span class=${any === undefined ? "" : "hidden"}>${label}</span>
    <select value=${value ?? ""} aria-label=${label} onChange=${(event) => onChange(event.target.value)}>
      ${any !== undefined && html`<option value="">${any}</option>`}
      ${options.map((option) => {
        const [name, text] = Array.isArray(option) ? option : [option, option];
        return html`<option value=${name} selected=${name === (value ?? "")}>${text}</option>`;
      })}
    </select>
  </label>`;
}

/** Previous and next page of a list with a known total. */
export function Pager({ offset, limit, total, more, onMove }) {
  if (offset === 0 && total <= limit && !more) return null;
  return html`<div class="pager">
    <button type="button" disabled=${offset === 0} onClick=${() => onMove(Math.max(0, offset - limit))}>Previous</button>
    <span role="status">${offset + 1}–${Math.min(offset + limit, total)} of ${total}${more ? " or more" : ""}</span>
    <button type="button" disabled=${offset + limit >= total && !more} onClick=${() => onMove(offset + limit)}>Next</button>
  </div>`;
}

export const number = (value) => (value === undefined || value === null ? "–" : Number(value).toLocaleString("en"));

const UNITS = ["B", "kB", "MB", "GB", "TB"];
/** Return a number of bytes in the largest unit in which it is 1 or more. */
export function showBytes(bytes) {
  const step = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toLocaleString("en", { maximumFractionDigits: step ? 1 : 0 })} ${UNITS[step]}`;
}
