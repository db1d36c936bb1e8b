// Kafka Connect's connectors: state, failed tasks with their reasons, restart.

import { html, useState } from "../base.js";
import { call, get, part } from "../api.js";
import { link } from "../router.js";
import { Badge, Empty, Facts, Loaded, Page, Problem, Section, Table, useLoad, usePermissions } from "../ui.js";

const STATES = { RUNNING: "good", FAILED: "bad", PAUSED: "warn", STOPPED: "warn", UNASSIGNED: "warn" };

export const State = ({ of }) => html`<${Badge} kind=${STATES[of] ?? ""}>${of}<//>`;

async function loadConnectors(signal) {
  const listed = await get("/connectors", { signal, query: { expand: "status" } });
  if (!Array.isArray(listed)) return Object.entries(listed).map(([name, { status }]) => ({ name, ...status }));
  return Promise.all(listed.map((name) => get(`/connectors/${part(name)}/status`, { signal })));
}

export function Connectors() {
  const loaded = useLoad(loadConnectors, []);
  return html`<${Page} title="Connectors">
    <${Loaded} of=${loaded}>
      ${(connectors) =>
        connectors.length === 0
          ? html`<${Empty}>Kafka Connect runs no connector that you may see. Create one with POST /connectors, which the API page describes.<//>`
          : html`<${Table} label="Connectors" rows=${connectors} columns=${[
              { title: "Connector", kind: "main", of: ({ name }) => html`<a href=${link(["connector", name])}>${name}</a>` },
              { title: "Kind", of: ({ type }) => type },
              { title: "State", of: ({ connector }) => html`<${State} of=${connector?.state} />` },
              { title: "Tasks", of: ({ tasks = [] }) => `${tasks.filter((task) => task.state === "RUNNING").length} of ${tasks.length} run` },
            ]} />`}
    <//>
  <//>`;
}

export function Connector({ path }) {
  const [name] = path;
  const may = usePermissions("Connect", name);
  const [error, setError] = useState(null);
  const loaded = useLoad(
    async (signal) => ({
      status: await get(`/connectors/${part(name)}/status`, { signal }),
      config: await get(`/connectors/${part(name)}/config`, { signal }),
    }),
    [name],
  );
  const restart = async (path) => {
    setError(null);
    try {
      await call("POST", `/connectors/${part(name)}${path}`);
      loaded.reload();
    } catch (failed) {
      setError(failed);
    }
  };
  const restartAll = html`<button type="button" onClick=${() => restart("/restart")}>Restart</button>`;
  return html`<${Page} title=${name} crumbs=${[["Connectors", link(["connectors"])]]} actions=${may("write") && restartAll}>
    ${error && html`<${Problem} error=${error} />`}
    <${Loaded} of=${loaded}>
      ${({ status, config }) => html`
        <${Facts} of=${[["State", html`<${State} of=${status.connector.state} />`], ["Worker", status.connector.worker_id], ["Kind", status.type]]} />
        ${status.connector.trace && html`<pre class="raw" tabindex="0">${status.connector.trace}</pre>`}
        <${Section} title="Tasks">
          <${Table} label="Tasks" rows=${status.tasks} columns=${[
            { title: "Task", kind: "number", of: (task) => task.id },
            { title: "State", of: (task) => html`<${State} of=${task.state} />` },
            { title: "Worker", of: (task) => task.worker_id },
            { title: "Why", kind: "main", of: (task) => (task.trace ? html`<details><summary>${task.trace.split("\n")[0]}</summary><pre>${task.trace}</pre></details>` : "") },
            { title: "", of: (task) => may("write") && html`<button type="button" onClick=${() => restart(`/tasks/${task.id}/restart`)}>Restart</button>` },
          ]} />
        <//>
        <${Section} title="Config">
          <${Table} label="Config" rows=${Object.entries(config)} columns=${[
            { title: "Name", kind: "main", of: ([key]) => html`<code>${key}</code>` },
            { title: "Value", of: ([key, value]) => html`<code>${/password|secret|token|\.key$/i.test(key) ? "(hidden)" : value}</code>` },
          ]} />
        <//>`}
    <//>
  <//>`;
}
