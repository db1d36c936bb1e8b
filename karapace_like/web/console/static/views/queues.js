// Queues: share groups, with their members, configs, and how far each partition is done.

import { html, useEffect, useState } from "../base.js";
import { call, get, JSON_TYPE, part } from "../api.js";
import { link, replace } from "../router.js";
import { Badge, Dialog, Empty, Facts, Field, Loaded, Page, Problem, Section, Select, Table, number, useLoad, usePermissions } from "../ui.js";

const EVERY = 5000;
const STATES = { STABLE: "good", EMPTY: "", DEAD: "bad" };
const CONFIGS = {
  "share.record.lock.duration.ms": "Lock duration (ms)",
  "share.delivery.count.limit": "Deliveries at most",
  "share.auto.offset.reset": "A new queue starts at",
  "share.isolation.level": "Isolation",
};

export function Queues({ query }) {
  const loaded = useLoad((signal) => get("/queues", { signal }), []);
  const word = (query.query ?? "").toLowerCase();
  return html`<${Page} title="Queues">
    <div class="filters" role="search">
      <input type="search" aria-label="Search queues" placeholder="Part of the name" value=${query.query ?? ""}
        onInput=${(event) => replace(["queues"], { query: event.target.value })} />
    </div>
    <${Loaded} of=${loaded}>
      ${(names) => {
        const found = names.filter((name) => name.toLowerCase().includes(word));
        if (found.length === 0) return html`<${Empty}>${word ? "No queue has this in its name." : "There is no queue that you may see. One begins with the first POST /queues/NAME/receive."}<//>`;
        return html`<${Table} label="Queues" rows=${found} rowKey=${(name) => name} columns=${[
          { title: "Queue", kind: "main", of: (name) => html`<a href=${link(["queue", name])}>${name}</a>` },
        ]} />`;
      }}
    <//>
  <//>`;
}

export function Queue({ path }) {
  const [name] = path;
  const loaded = useLoad((signal) => get(`/queues/${part(name)}`, { signal }), [name]);
  const may = usePermissions("Group", name);
  useEffect(() => {
    const timer = setInterval(loaded.reload, EVERY);
    return () => clearInterval(timer);
  }, [name]);
  return html`<${Page} title=${name} crumbs=${[["Queues", link(["queues"])]]}>
    <${Loaded} of=${loaded}>
      ${({ state, members, config, partitions }) => html`
        <${Facts} of=${[
          ["State", html`<${Badge} kind=${STATES[state] ?? "warn"}>${state}<//>`],
          ["Members", members],
          ["Records to be done", partitions.some((each) => each.lag === null) ? "unknown" : number(partitions.reduce((sum, each) => sum + each.lag, 0))],
          ...Object.entries(CONFIGS).map(([key, title]) => [title, config[key]]),
        ]} />
        <${Section} title="Partitions" actions=${may("config") && html`<${Configure} name=${name} config=${config} onDone=${loaded.reload} />`}>
          ${partitions.length === 0
            ? html`<${Empty}>Nothing has been received yet, or from no topic that you may see.<//>`
            : html`<${Table} label="Progress by partition" rows=${partitions} columns=${[
                { title: "Topic", kind: "main", of: (each) => html`<a href=${link(["topic", each.topic])}>${each.topic}</a>` },
                { title: "Partition", kind: "number", of: (each) => each.partition },
                { title: "Done before", kind: "number", of: (each) => number(each.start_offset) },
                { title: "End", kind: "number", of: (each) => number(each.end_offset) },
                { title: "To be done", kind: "number", of: (each) => number(each.lag) },
              ]} />`}
        <//>`}
    <//>
  <//>`;
}

function Configure({ name, config, onDone }) {
  const [isOpen, setOpen] = useState(false);
  const [duration, setDuration] = useState(config["share.record.lock.duration.ms"] ?? "");
  const [start, setStart] = useState(config["share.auto.offset.reset"] ?? "latest");
  const [error, setError] = useState(null);
  const save = async (event) => {
    event.preventDefault();
    try {
      await call("PUT", `/queues/${part(name)}/config`, { body: { lock_duration_ms: Number(duration), start }, type: JSON_TYPE });
      setOpen(false);
      setError(null);
      onDone();
    } catch (failed) {
      setError(failed);
    }
  };
  if (!isOpen) return html`<button type="button" onClick=${() => setOpen(true)}>Configure…</button>`;
  return html`<${Dialog} title="Configure the queue" onClose=${() => setOpen(false)}>
    <form onSubmit=${save}>
      <${Field} label="Lock duration (ms)" hint="How long a receiver has for a record.">
        <input type="number" min="1" required value=${duration} onInput=${(event) => setDuration(event.target.value)} />
      <//>
      <${Select} label="A new queue starts at" value=${start} options=${[["earliest", "the first record"], ["latest", "the end"]]} onChange=${setStart} />
      ${error && html`<${Problem} error=${error} />`}
      <p><button type="submit" class="primary">Save</button></p>
    </form>
  <//>`;
}
