// Consumer groups: their members, their lag, and a reset of their offsets that is shown before it is done.

import { html, useEffect, useState } from "../base.js";
import { call, clusterPath, get, JSON_TYPE, listAll, orNull, part } from "../api.js";
import { Chart } from "../chart.js";
import { link, replace } from "../router.js";
import { Badge, Dialog, Empty, Facts, Field, Loaded, Page, Problem, Section, Select, Table, number, useLoad, usePermissions } from "../ui.js";

const EVERY = 5000;
const MOST_POINTS = 120;
const STATES = { STABLE: "good", EMPTY: "", DEAD: "bad" };

export function Groups({ query }) {
  const loaded = useLoad(async (signal) => listAll(`${await clusterPath(signal)}/consumer-groups`, { signal }), []);
  const word = (query.query ?? "").toLowerCase();
  return html`<${Page} title="Groups">
    <div class="filters" role="search">
      <input type="search" aria-label="Search groups" placeholder="Part of the name" value=${query.query ?? ""}
        onInput=${(event) => replace(["groups"], { query: event.target.value })} />
    </div>
    <${Loaded} of=${loaded}>
      ${(groups) => {
        const found = groups.filter((group) => group.consumer_group_id.toLowerCase().includes(word));
        if (found.length === 0) return html`<${Empty}>${word ? "No group has this in its name." : "There is no consumer group that you may see. One is there once a consumer has joined it."}<//>`;
        return html`<${Table} label="Groups" rows=${found} columns=${[
          { title: "Group", kind: "main", of: (group) => html`<a href=${link(["group", group.consumer_group_id])}>${group.consumer_group_id}</a>` },
          { title: "State", of: (group) => html`<${Badge} kind=${STATES[group.state] ?? "warn"}>${group.state}<//>` },
          { title: "Kind", of: (group) => group.type ?? (group.is_simple ? "simple" : "consumer") },
          { title: "Assignor", of: (group) => group.partition_assignor },
        ]} />`;
      }}
    <//>
  <//>`;
}

async function loadGroup(group, signal) {
  const path = `${await clusterPath(signal)}/consumer-groups/${part(group)}`;
  const [described, lags, consumers] = await Promise.all([
    get(path, { signal, accept: JSON_TYPE }),
    orNull(listAll(`${path}/lags`, { signal }), 403, 404),
    orNull(listAll(`${path}/consumers`, { signal }), 403, 404),
  ]);
  return { path, described, lags: lags ?? [], consumers: consumers ?? [] };
}

export function Group({ path }) {
  const [group] = path;
  const loaded = useLoad((signal) => loadGroup(group, signal), [group]);
  const [points, setPoints] = useState([]);
  const may = usePermissions("Group", group);
  useEffect(() => {
    const timer = setInterval(loaded.reload, EVERY);
    return () => clearInterval(timer);
  }, [group]);
  useEffect(() => {
    if (loaded.data) setPoints((before) => [...before, [Date.now() / 1000, totalLag(loaded.data)]].slice(-MOST_POINTS));
  }, [loaded.data]);
  return html`<${Page} title=${group} crumbs=${[["Groups", link(["groups"])]]}>
    <${Loaded} of=${loaded}>
      ${(data) => html`
        <${Facts} of=${[
          ["State", html`<${Badge} kind=${STATES[data.described.state] ?? "warn"}>${data.described.state}<//>`],
          ["Members", data.consumers.length],
          ["Lag", number(totalLag(data))],
          ["Assignor", data.described.partition_assignor],
        ]} />
        <${Chart} title="Lag" points=${points} series=${["records"]} />
        <${Section} title="Partitions" actions=${may("write") && data.lags.length > 0 && html`<${Reset} data=${data} onDone=${loaded.reload} />`}>
          ${data.lags.length === 0
            ? html`<${Empty}>The group has committed no offset. Lag is shown once one of its members commits.<//>`
            : html`<${Table} label="Lag by partition" rows=${data.lags} columns=${[
                { title: "Topic", kind: "main", of: (lag) => html`<a href=${link(["topic", lag.topic_name])}>${lag.topic_name}</a>` },
                { title: "Partition", kind: "number", of: (lag) => lag.partition_id },
                { title: "Committed", kind: "number", of: (lag) => number(lag.current_offset) },
                { title: "End", kind: "number", of: (lag) => number(lag.log_end_offset) },
                { title: "Lag", kind: "number", of: (lag) => number(lag.lag) },
                { title: "Member", of: (lag) => lag.client_id || "" },
              ]} />`}
        <//>
        <${Section} title="Members">
          ${data.consumers.length === 0
            ? html`<p class="muted">None. Offsets can be reset only now.</p>`
            : html`<${Table} label="Members" rows=${data.consumers} columns=${[
                { title: "Member", kind: "main", of: (member) => member.consumer_id },
                { title: "Client", of: (member) => member.client_id },
                { title: "Assigned", of: (member) => showAssignment(data.lags, member) || html`<span class="muted">no partition that you may see</span>` },
                { title: "Instance", of: (member) => member.instance_id ?? "" },
              ]} />`}
        <//>`}
    <//>
  <//>`;
}

/** Return the partitions of a member, by topic: `orders 0, 2`. */
function showAssignment(lags, { consumer_id: member }) {
  const topics = new Map();
  for (const lag of lags) if (lag.consumer_id === member) topics.set(lag.topic_name, [...(topics.get(lag.topic_name) ?? []), lag.partition_id]);
  return [...topics].map(([topic, partitions]) => `${topic} ${partitions.join(", ")}`).join("; ");
}

const totalLag = ({ lags }) => lags.reduce((sum, lag) => sum + Math.max(lag.lag ?? 0, 0), 0);

/** A reset is planned first: the table shows what would be written, and only then it is offered. */
function Reset({ data, onDone }) {
  const [isOpen, setOpen] = useState(false);
  const [topic, setTopic] = useState(data.lags[0].topic_name);
  const [target, setTarget] = useState("earliest");
  const [offset, setOffset] = useState("0");
  const [plan, setPlan] = useState(null);
  const [error, setError] = useState(null);
  const topics = [...new Set(data.lags.map((lag) => lag.topic_name))];
  const show = async () => {
    setError(null);
    try {
      setPlan(await planReset(data.lags.filter((lag) => lag.topic_name === topic), target, Number(offset)));
    } catch (failed) {
      setError(failed);
    }
  };
  const apply = async () => {
    const offsets = plan.map(({ lag, to }) => ({ topic_name: topic, partition_id: lag.partition_id, offset: to }));
    try {
      await call("POST", `${data.path}/offsets:alter`, { body: { data: offsets }, type: JSON_TYPE, accept: JSON_TYPE });
      setOpen(false);
      setPlan(null);
      onDone();
    } catch (failed) {
      setError(failed);
    }
  };
  if (!isOpen) return html`<button type="button" onClick=${() => setOpen(true)}>Reset offsets…</button>`;
  return html`<${Dialog} title="Reset offsets" onClose=${() => setOpen(false)}>
    <div class="filters">
      <${Select} label="Topic" value=${topic} options=${topics} onChange=${(name) => (setTopic(name), setPlan(null))} />
      <${Select} label="To" value=${target} options=${[["earliest", "the first record"], ["latest", "the end"], ["offset", "an offset"]]}
        onChange=${(name) => (setTarget(name), setPlan(null))} />
      ${target === "offset" && html`<${Field} label="Offset"><input type="number" min="0" value=${offset} onInput=${(event) => (setOffset(event.target.value), setPlan(null))} /><//>`}
      <button type="button" onClick=${show}>Show what would change</button>
    </div>
    ${error && html`<${Problem} error=${error} />`}
    ${plan && html`<${Table} label="Planned offsets" rows=${plan} columns=${[
      { title: "Partition", kind: "number", of: ({ lag }) => lag.partition_id },
      { title: "Now", kind: "number", of: ({ lag }) => number(lag.current_offset) },
      { title: "Then", kind: "number", of: ({ to }) => number(to) },
      { title: "Read again or left out", of: ({ lag, to }) => (to < lag.current_offset ? `${number(lag.current_offset - to)} again` : to > lag.current_offset ? `${number(to - lag.current_offset)} left out` : "nothing") },
    ]} />
    <p><button type="button" class="danger" onClick=${apply}>Reset these offsets</button></p>`}
  <//>`;
}

async function planReset(lags, target, offset) {
  return Promise.all(
    lags.map(async (lag) => {
      const ends = await get(`/topics/${part(lag.topic_name)}/partitions/${lag.partition_id}/offsets`);
      const wanted = { earliest: ends.beginning_offset, latest: ends.end_offset, offset }[target];
      return { lag, to: Math.min(Math.max(wanted, ends.beginning_offset), ends.end_offset) };
    }),
  );
}
