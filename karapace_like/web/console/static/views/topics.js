// All topics, and what one of them is made of: partitions, configs, its policy.

import { html, Session, useContext, useEffect, useState } from "../base.js";
import { clusterPath, get, listAll, orNull, part } from "../api.js";
import { Chart } from "../chart.js";
import { link, replace } from "../router.js";
import { Badge, Empty, Facts, Loaded, Page, Pager, Section, Table, Tabs, number, showBytes, useLoad, usePermissions } from "../ui.js";
import { Produce } from "./produce.js";
import { Records } from "./records.js";
import { subjectLink } from "./subjects.js";

const LIMIT = 50;
const EVERY = 3000;
const SIZES_EVERY = 15_000; // each broker is asked
const MOST_POINTS = 100;
const TABS = { records: "Records", partitions: "Partitions", configs: "Configs", policy: "Policy", produce: "Produce" };

export function Topics({ query }) {
  const loaded = useLoad((signal) => get("/topics", { signal }), []);
  const word = (query.query ?? "").toLowerCase();
  const offset = Number(query.offset ?? 0);
  return html`<${Page} title="Topics">
    <div class="filters" role="search">
      <input type="search" aria-label="Search topics" placeholder="Part of the name" value=${query.query ?? ""}
        onInput=${(event) => replace(["topics"], { query: event.target.value })} />
    </div>
    <${Loaded} of=${loaded}>
      ${(names) => {
        const found = names.filter((name) => name.toLowerCase().includes(word));
        if (found.length === 0) {
          return html`<${Empty}>${word ? "No topic has this in its name." : "There is no topic that you may see. Kafka, or a producer, creates topics."}<//>`;
        }
        return html`<p class="muted" role="status">${number(found.length)} topic${found.length === 1 ? "" : "s"}</p>
          <${Table} label="Topics" rows=${found.slice(offset, offset + LIMIT)} rowKey=${(name) => name} columns=${[
            { title: "Topic", kind: "main", of: (name) => html`<a href=${link(["topic", name])}>${name}</a>` },
            { title: "", of: (name) => html`<a href=${link(["topic", name, "partitions"])}>partitions</a> · <a href=${link(["topic", name, "configs"])}>configs</a>` },
          ]} />
          <${Pager} offset=${offset} limit=${LIMIT} total=${found.length} onMove=${(to) => replace(["topics"], { ...query, offset: to || undefined })} />`;
      }}
    <//>
  <//>`;
}

export function Topic({ path, query }) {
  const session = useContext(Session);
  const [topic, tab = "records"] = path;
  const may = usePermissions("Topic", topic);
  const offered = {
    records: session.serves.includes("records"),
    partitions: true,
    configs: session.serves.includes("groups"),
    policy: session.serves.includes("policies"),
    produce: session.serves.includes("produce") && may("write"),
  };
  return html`<${Page} title=${topic} crumbs=${[["Topics", link(["topics"])]]}>
    <${Tabs} label="Parts of the topic" selected=${tab}
      tabs=${Object.entries(TABS).filter(([name]) => offered[name]).map(([name, title]) => [name, title, link(["topic", topic, name])])} />
    ${tab === "records" && html`<${Records} topic=${topic} query=${query} />`}
    ${tab === "partitions" && html`<${Partitions} topic=${topic} />`}
    ${tab === "configs" && html`<${Configs} topic=${topic} />`}
    ${tab === "policy" && html`<${Policy} topic=${topic} />`}
    ${tab === "produce" && (offered.produce ? html`<${Produce} topic=${topic} />` : html`<${Empty}>Producing to this topic is not offered to you. <a href=${link(["me"])}>Who am I</a> shows what you may do.<//>`)}
  <//>`;
}

export async function loadPartitions(topic, signal) {
  const partitions = await get(`/topics/${part(topic)}/partitions`, { signal });
  const offsets = await Promise.all(
    partitions.slice(0, 200).map(({ partition }) =>
      orNull(get(`/topics/${part(topic)}/partitions/${partition}/offsets`, { signal }), 403, 404),
    ),
  );
  return partitions.map((partition, index) => ({ ...partition, ...offsets[index] }));
}

/** Return the bytes of each partition on its leader's disk; null where the cluster does not say. */
async function loadSizes(topic, signal) {
  const listed = await orNull(listAll(`${await clusterPath(signal)}/topics/${part(topic)}/replica-sizes`, { signal }), 400, 403, 404);
  if (!listed?.length) return null;
  const sizes = new Map();
  for (const { partition_id: partition, size_bytes: bytes } of listed) sizes.set(partition, Math.max(bytes, sizes.get(partition) ?? 0));
  return sizes;
}

function useReload(loaded, every) {
  useEffect(() => {
    const timer = setInterval(loaded.reload, every);
    return () => clearInterval(timer);
  }, []);
}

function useRate(loaded) {
  const [points, setPoints] = useState([]);
  useReload(loaded, EVERY);
  useEffect(() => {
    if (!loaded.data) return;
    const end = loaded.data.reduce((sum, each) => sum + (each.end_offset ?? 0), 0);
    setPoints((before) => [...before, { at: Date.now() / 1000, end }].slice(-MOST_POINTS));
  }, [loaded.data]);
  return points.slice(1).map((point, index) => [point.at, Math.max(point.end - points[index].end, 0) / (point.at - points[index].at)]);
}

function Partitions({ topic }) {
  const session = useContext(Session);
  const loaded = useLoad((signal) => loadPartitions(topic, signal), [topic]);
  const measured = useLoad((signal) => (session.serves.includes("groups") ? loadSizes(topic, signal) : Promise.resolve(null)), [topic]);
  const sizes = measured.data;
  useReload(measured, SIZES_EVERY);
  const rates = useRate(loaded);
  return html`<${Loaded} of=${loaded}>
    ${(partitions) => html`<${Facts} of=${[
        ["Partitions", partitions.length],
        ["Offsets in use", number(partitions.reduce((sum, each) => sum + ((each.end_offset ?? 0) - (each.beginning_offset ?? 0)), 0))],
        ["Size", sizes && showBytes([...sizes.values()].reduce((sum, bytes) => sum + bytes, 0))],
      ]} />
      <${Chart} title="Written" unit="/s" points=${rates} series=${["records"]} />
      <${Table} label="Partitions" rows=${partitions} columns=${[
        { title: "Partition", kind: "number", of: (each) => html`<a href=${link(["topic", topic, "records"], { partition: each.partition })}>${each.partition}</a>` },
        { title: "Leader", kind: "number", of: (each) => each.leader },
        { title: "Replicas", of: (each) => each.replicas.map((replica) => replica.broker).join(", ") },
        {
          title: "In sync",
          of: ({ replicas }) => {
            const lost = replicas.filter((replica) => !replica.in_sync).length;
            return lost ? html`<${Badge} kind="bad">${lost} behind<//>` : html`<${Badge} kind="good">all<//>`;
          },
        },
        ...(sizes ? [{ title: "Size", kind: "number", of: (each) => showBytes(sizes.get(each.partition) ?? 0) }] : []),
        { title: "First offset", kind: "number", of: (each) => number(each.beginning_offset) },
        { title: "Next offset", kind: "number", of: (each) => number(each.end_offset) },
      ]} />`}
  <//>`;
}

function Configs({ topic }) {
  const loaded = useLoad(async (signal) => listAll(`${await clusterPath(signal)}/topics/${part(topic)}/configs`, { signal }), [topic]);
  return html`<${Loaded} of=${loaded}>
    ${(configs) => html`<${Table} label="Configs" rows=${configs.sort((a, b) => a.is_default - b.is_default || a.name.localeCompare(b.name))} columns=${[
      { title: "Config", kind: "main", of: (config) => html`<code>${config.name}</code>` },
      { title: "Value", of: (config) => html`<code>${config.is_sensitive ? "(sensitive)" : config.value}</code>` },
      { title: "Set", of: (config) => (config.is_default ? html`<span class="muted">by default</span>` : html`<${Badge} kind="warn">${config.source ?? "here"}<//>`) },
    ]} />`}
  <//>`;
}

function Policy({ topic }) {
  const loaded = useLoad(
    async (signal) => ({
      policy: await orNull(get(`/policies/${part(topic)}`, { signal, query: { effective: true } }), 404),
      violations: await orNull(get(`/policies/${part(topic)}/violations`, { signal }), 403, 404, 405),
    }),
    [topic],
  );
  return html`<${Loaded} of=${loaded}>
    ${({ policy, violations }) =>
      policy === null
        ? html`<${Empty}>The topic has no policy: records are written as clients send them. A policy says which schemas they must have.<//>`
        : html`<pre class="raw">${JSON.stringify(policy, null, 2)}</pre>
            ${violations && html`<${Violations} of=${violations} />`}`}
  <//>`;
}

/** What the policy has refused, or would have refused, on all nodes since they have started. */
function Violations({ of: { counts, examples, nodes } }) {
  if (counts.length === 0) return html`<${Section} title="Violations"><p class="muted">None since the nodes have started.</p><//>`;
  const silent = nodes.known === null ? "Other nodes are not known." : nodes.answered < nodes.known && `${nodes.known - nodes.answered} of ${nodes.known} nodes did not answer.`;
  return html`<${Section} title="Violations">
    ${silent && html`<p class="muted">${silent}</p>`}
    <${Table} label="Violations by reason" rows=${counts} columns=${[
      { title: "Reason", kind: "main", of: ({ reason }) => html`<code>${reason}</code>` },
      { title: "Part", of: ({ part: name }) => name },
      { title: "", of: ({ mode }) => html`<${Badge} kind=${mode === "enforce" ? "bad" : "warn"}>${mode === "enforce" ? "refused" : "would be refused"}<//>` },
      { title: "Count", kind: "number", of: ({ count }) => number(count) },
    ]} />
    <h2>The latest ones</h2>
    <ul class="reasons">
      ${examples.map(
        (example) => html`<li>
          <span class="muted">${example.timestamp}</span> <code>${example.reason}</code>${example.path && html` at <code>${example.path}</code>`}
          <p>${example.message}</p>
        </li>`,
      )}
    </ul>
  <//>`;
}

/** The subjects that records of the topic use by default. */
export function TopicSubjects({ topic }) {
  return html`<a href=${subjectLink(`${topic}-value`)}>${topic}-value</a>`;
}
