// The service and its Kafka: health with reasons, nodes and workers, and what is going on, from its own metrics.

import { html, Session, useContext, useEffect, useState } from "../base.js";
import { clusterPath, get, JSON_TYPE, listAll, orNull, request } from "../api.js";
import { Chart } from "../chart.js";
import { Badge, Facts, Loaded, Page, Section, Table, number, readHealth, useLoad } from "../ui.js";

const EVERY = 2000;
const MOST_POINTS = 150;
const PREFIX = "karapace_like_";
const DURATIONS = "http_request_duration_seconds";

/** Return the sum of the samples of each metric, of failed requests apart, and the requests up to each duration. */
export function readMetrics(text) {
  const sums = { errors: 0, buckets: new Map() };
  let first;
  for (const line of text.split("\n")) {
    const sample = /^([a-z_]+)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!sample || !sample[1].startsWith(PREFIX)) continue;
    const [name, labels, value] = [sample[1].slice(PREFIX.length), sample[2] ?? "", Number(sample[3])];
    // Each worker has the whole registry; everything else adds up.
    const worker = /worker="(\d+)"/.exec(labels)?.[1];
    first ??= worker;
    if (name.startsWith("registry_") && worker !== first) continue;
    sums[name] = (sums[name] ?? 0) + value;
    if (name === "http_requests_total" && /status="5/.test(labels)) sums.errors += value;
    if (name === `${DURATIONS}_bucket`) {
      const bound = /le="([^"]+)"/.exec(labels)[1];
      const seconds = bound === "+Inf" ? Infinity : Number(bound);
      sums.buckets.set(seconds, (sums.buckets.get(seconds) ?? 0) + value);
    }
  }
  return sums;
}

/** Return the duration in milliseconds within which this part of the requests was answered: the bound of its bucket. */
function findDuration(before, now, part) {
  const bounds = [...now.buckets.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound) => now.buckets.get(bound) - (before.buckets.get(bound) ?? 0));
  const total = counts.at(-1) ?? 0;
  const index = counts.findIndex((count) => count >= part * total);
  if (total <= 0) return 0;
  return 1000 * (bounds[index] === Infinity ? bounds[index - 1] : bounds[index]);
}

/** Return [time, requests a second, server errors a second, median in ms, 99th percentile in ms] of two measurements. */
function compare(before, now) {
  const rate = (name) => Math.max((now[name] ?? 0) - (before[name] ?? 0), 0) / (now.at - before.at);
  const durations = [0.5, 0.99].map((part) => findDuration(before, now, part));
  return [Date.now() / 1000, rate("http_requests_total"), rate("errors"), ...durations];
}

function useRates() {
  const session = useContext(Session);
  const [points, setPoints] = useState([]);
  const [sums, setSums] = useState(null);
  useEffect(() => {
    if (!session.serves.includes("metrics")) return undefined;
    const stop = new AbortController();
    let before = null;
    const measure = async () => {
      const response = await request("GET", "/metrics", { signal: stop.signal, accept: "text/plain" }).catch(() => null);
      if (!response || stop.signal.aborted) return;
      const now = { at: performance.now() / 1000, ...readMetrics(await response.text()) };
      const point = before && compare(before, now);
      if (point) setPoints((all) => [...all, point].slice(-MOST_POINTS));
      before = now;
      setSums(now);
    };
    measure();
    const timer = setInterval(measure, EVERY);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, []);
  return [points, sums];
}

export function ClusterView() {
  const session = useContext(Session);
  return html`<${Page} title="Cluster">
    ${session.serves.includes("health") && html`<${Service} />`}
    ${session.serves.includes("metrics") && html`<${Rates} />`}
    ${session.serves.includes("groups") && html`<${Brokers} />`}
  <//>`;
}

/** Health with its reasons, the nodes, and the workers of this one. */
function Service() {
  const health = useLoad(readHealth, []);
  const nodes = useLoad((signal) => orNull(get("/health/nodes", { signal }), 404), []);
  useEffect(() => {
    const timer = setInterval(() => (health.reload(), nodes.reload()), 2 * EVERY);
    return () => clearInterval(timer);
  }, []);
  return html`
    <${Loaded} of=${health}>${(state) => html`<${Health} state=${state} />`}<//>
    <${Loaded} of=${nodes}>${(found) => found && html`<${Nodes} of=${found} />`}<//>`;
}

function Health({ state }) {
  return html`
    <p role="status">
      <${Badge} kind=${state.reads ? "good" : "bad"}>${state.reads ? "reads are served" : "no reads"}<//>${" "}
      <${Badge} kind=${state.writes ? "good" : "bad"}>${state.writes ? "writes are served" : "no writes"}<//>
    </p>
    ${state.reason && html`<p class="problem">${state.reason}</p>`}
    ${state.warnings.length > 0 && html`<${Section} title="Warnings"><ul>${state.warnings.map((warning) => html`<li>${warning}</li>`)}</ul><//>`}`;
}

function Nodes({ of: { nodes, is_known: isKnown, workers } }) {
  const role = (node) => (node.is_primary ? html`<${Badge} kind="good">primary<//>` : node.answers ? "follower" : html`<${Badge} kind="bad">no answer<//>`);
  return html`<${Section} title="Nodes">
    ${!isKnown && html`<p class="muted">Kafka cannot name the other nodes at the moment.</p>`}
    <${Table} label="Nodes" rows=${nodes} columns=${[
      { title: "Node", kind: "main", of: (node) => html`${node.url ?? "(address unknown)"}${node.is_this ? html` <span class="muted">this one</span>` : ""}` },
      { title: "Role", of: role },
      { title: "Replay", of: (node) => (node.position === null ? "" : `${number(node.position)} of ${number(node.end)}`) },
      { title: "Up for", of: (node) => (node.uptime_seconds === null ? "" : `${number(node.uptime_seconds)} s`) },
      { title: "Version", of: (node) => node.version ?? "" },
      { title: "Problem", of: (node) => node.problem ?? "" },
    ]} />
    ${workers.length > 1 &&
    html`<${Table} label="Workers of this node" rows=${workers} columns=${[
      { title: "Worker", kind: "number", of: (worker) => worker.worker },
      { title: "Position", kind: "number", of: (worker) => number(worker.position) },
      { title: "State", of: (worker) => html`<${Badge} kind=${worker.serves ? "good" : "bad"}>${worker.serves ? "serves" : "being started"}<//>` },
    ]} />`}
  <//>`;
}

function Rates() {
  const [points, sums] = useRates();
  return html`<${Section} title="This node">
    <div class="charts">
      <${Chart} title="Requests" unit="/s" points=${points.map(([at, requests]) => [at, requests])} series=${["requests"]} />
      <${Chart} title="Server errors" unit="/s" points=${points.map(([at, , errors]) => [at, errors])} series=${["errors"]} />
      <${Chart} title="Time of a request, at most" unit=" ms" points=${points.map(([at, , , ...durations]) => [at, ...durations])} series=${["for half of them", "for 99 %"]} />
    </div>
    ${sums && html`<${Facts} of=${[
      ["Subjects", sums.registry_subjects === undefined ? null : number(sums.registry_subjects)],
      ["Versions", sums.registry_versions === undefined ? null : number(sums.registry_versions)],
      ["Requests in flight", number(sums.http_requests_in_flight)],
      ["Consumer instances", sums.proxy_consumer_instances === undefined ? null : number(sums.proxy_consumer_instances)],
    ]} />`}
  <//>`;
}

function Brokers() {
  const loaded = useLoad(async (signal) => {
    const path = await clusterPath(signal);
    const [cluster, brokers] = await Promise.all([
      get(path, { signal, accept: JSON_TYPE }),
      orNull(listAll(`${path}/brokers`, { signal }), 403),
    ]);
    return { cluster, brokers };
  }, []);
  return html`<${Section} title="Kafka">
    <${Loaded} of=${loaded}>
      ${({ cluster, brokers }) => html`
        <${Facts} of=${[["Cluster", cluster.cluster_id], ["Controller", cluster.controller?.related?.split("/").at(-1)]]} />
        ${brokers && html`<${Table} label="Brokers" rows=${brokers} columns=${[
          { title: "Broker", kind: "number", of: (broker) => broker.broker_id },
          { title: "Address", kind: "main", of: (broker) => `${broker.host}:${broker.port}` },
          { title: "Rack", of: (broker) => broker.rack ?? "" },
        ]} />`}`}
    <//>
  <//>`;
}
