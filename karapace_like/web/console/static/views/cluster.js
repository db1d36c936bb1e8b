// The service and its Kafka: health with reasons, who is primary, the replay, and what is going on, from its own metrics.

import { html, Session, useContext, useEffect, useState } from "../base.js";
import { clusterPath, get, JSON_TYPE, listAll, orNull, request } from "../api.js";
import { Chart } from "../chart.js";
import { Badge, Facts, Loaded, Page, Section, Table, number, useLoad } from "../ui.js";

const EVERY = 2000;
const MOST_POINTS = 150;
const PREFIX = "karapace_like_";

async function readHealth(signal) {
  // A node that is not ready says why with 503.
  try {
    return await get("/health/ready", { signal });
  } catch (error) {
    if (error.status === 503) return { ready: false, problem: error.message };
    throw error;
  }
}

/** Return the sums of the samples of each metric, with those of failed requests apart. */
function readMetrics(text) {
  const sums = {};
  for (const line of text.split("\n")) {
    const sample = /^([a-z_]+)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!sample || !sample[1].startsWith(PREFIX)) continue;
    const name = sample[1].slice(PREFIX.length);
    sums[name] = (sums[name] ?? 0) + Number(sample[3]);
    if (name === "http_requests_total" && /status="5/.test(sample[2] ?? "")) sums.errors = (sums.errors ?? 0) + Number(sample[3]);
  }
  return sums;
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
      if (before) {
        const earlier = before;
        const rate = (name) => Math.max((now[name] ?? 0) - (earlier[name] ?? 0), 0) / (now.at - earlier.at);
        const timed = (now.http_request_duration_seconds_count ?? 0) - (earlier.http_request_duration_seconds_count ?? 0);
        const spent = (now.http_request_duration_seconds_sum ?? 0) - (earlier.http_request_duration_seconds_sum ?? 0);
        const point = [Date.now() / 1000, rate("http_requests_total"), rate("errors"), timed > 0 ? (spent / timed) * 1000 : 0];
        setPoints((all) => [...all, point].slice(-MOST_POINTS));
      }
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
  const health = useLoad(readHealth, []);
  const [points, sums] = useRates();
  useEffect(() => {
    const timer = setInterval(health.reload, 2 * EVERY);
    return () => clearInterval(timer);
  }, []);
  return html`<${Page} title="Cluster">
    ${session.serves.includes("health") && html`<${Loaded} of=${health}>${(state) => html`<${Health} state=${state} />`}<//>`}
    ${session.serves.includes("metrics") &&
    html`<${Section} title="This process">
      <div class="charts">
        <${Chart} title="Requests" unit="/s" points=${points.map(([at, requests]) => [at, requests])} series=${["requests"]} />
        <${Chart} title="Server errors" unit="/s" points=${points.map(([at, , errors]) => [at, errors])} series=${["errors"]} />
        <${Chart} title="Time of a request" unit=" ms" points=${points.map(([at, , , time]) => [at, time])} series=${["on average"]} />
      </div>
      ${sums && html`<${Facts} of=${[
        ["Replay position", sums.registry_position === undefined ? null : number(sums.registry_position)],
        ["Records to be applied", sums.registry_lag_records === undefined ? null : number(sums.registry_lag_records)],
        ["Subjects", sums.registry_subjects === undefined ? null : number(sums.registry_subjects)],
        ["Versions", sums.registry_versions === undefined ? null : number(sums.registry_versions)],
        ["Requests in flight", number(sums.http_requests_in_flight)],
        ["Consumer instances", sums.proxy_consumer_instances === undefined ? null : number(sums.proxy_consumer_instances)],
      ]} />`}
    <//>`}
    ${session.serves.includes("groups") && html`<${Brokers} />`}
  <//>`;
}

function Health({ state }) {
  const rows = Object.entries(state).filter(([, value]) => value !== null && typeof value !== "object");
  const warnings = [...(state.warnings ?? []), ...(state.problems ?? [])];
  return html`
    <p role="status"><${Badge} kind=${state.ready === false || state.status === "not ready" ? "bad" : "good"}>${state.ready === false ? "not ready" : "ready"}<//></p>
    <${Facts} of=${rows.map(([name, value]) => [name.replaceAll("_", " "), String(value)])} />
    ${Object.entries(state).filter(([, value]) => value && typeof value === "object" && !Array.isArray(value)).map(
      ([name, value]) => html`<${Section} title=${name.replaceAll("_", " ")}><${Facts} of=${Object.entries(value).filter(([, each]) => typeof each !== "object").map(([key, each]) => [key.replaceAll("_", " "), String(each)])} /><//>`,
    )}
    ${warnings.length > 0 && html`<${Section} title="Warnings"><ul>${warnings.map((warning) => html`<li>${typeof warning === "string" ? warning : JSON.stringify(warning)}</li>`)}</ul><//>`}`;
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
