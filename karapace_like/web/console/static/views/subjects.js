// All subjects: searched while one types, filtered and sorted by the service.

import { html, useState } from "../base.js";
import { get } from "../api.js";
import { link, replace } from "../router.js";
import { Badge, Empty, Loaded, Page, Pager, Select, Table, Time, number, useLoad, useSettled } from "../ui.js";

const LIMIT = 50;
export const LEVELS = [
  "NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE",
];
const FILTERS = ["query", "context", "schemaType", "compatibility", "mode", "deleted", "sort"];

export function subjectLink(subject, version, query = {}) {
  return link(version === undefined ? ["subject", subject] : ["subject", subject, String(version)], query);
}

export function Subjects({ query }) {
  const [typed, setTyped] = useState(query.query ?? "");
  const settled = useSettled(typed);
  const offset = Number(query.offset ?? 0);
  const wanted = { ...query, query: settled };
  const change = (changes) => replace(["subjects"], { ...query, query: typed, offset: undefined, ...changes });
  const listed = useLoad(
    (signal) => search(wanted, offset, signal),
    [...FILTERS.map((name) => wanted[name]), offset],
  );
  const contexts = useLoad((signal) => get("/contexts", { signal }), []);
  return html`<${Page}
    title="Subjects"
    actions=${html`<a class="button primary" href=${link(["check"])}>Check a schema</a>`}
  >
    <div class="filters" role="search">
      <input
        type="search"
        aria-label="Search subjects"
        placeholder="Name, id, guid, field:amount, tag:PII"
        value=${typed}
        onInput=${(event) => {
          setTyped(event.target.value);
          replace(["subjects"], { ...query, query: event.target.value, offset: undefined });
        }}
      />
      ${(contexts.data ?? []).length > 1 &&
      html`<${Select} label="Context" any="Any context" value=${query.context} options=${contexts.data}
        onChange=${(context) => change({ context })} />`}
      <${Select} label="Format" any="Any format" value=${query.schemaType} options=${["AVRO", "JSON", "PROTOBUF"]}
        onChange=${(schemaType) => change({ schemaType })} />
      <${Select} label="Level" any="Any level" value=${query.compatibility} options=${LEVELS}
        onChange=${(compatibility) => change({ compatibility })} />
      <${Select} label="Mode" any="Any mode" value=${query.mode} options=${["READWRITE", "READONLY", "IMPORT"]}
        onChange=${(mode) => change({ mode })} />
      <${Select} label="Deleted" value=${query.deleted ?? ""}
        options=${[["", "Live"], ["also", "Live and deleted"], ["only", "Deleted only"]]}
        onChange=${(deleted) => change({ deleted })} />
      <${Select} label="Sort" value=${query.sort ?? "name"}
        options=${[["name", "By name"], ["-time", "Newest first"], ["-versions", "Most versions"], ["id", "By id"]]}
        onChange=${(sort) => change({ sort: sort === "name" ? undefined : sort })} />
    </div>
    <${Loaded} of=${listed}>
      ${(found) => html`<${Found} found=${found} offset=${offset} isFiltered=${isFiltered(wanted)}
        onMove=${(to) => replace(["subjects"], { ...query, offset: to || undefined })} />`}
    <//>
  <//>`;
}

const isFiltered = (query) => FILTERS.some((name) => name !== "sort" && query[name]);

function search(query, offset, signal) {
  const { deleted, ...filters } = query;
  return get("/subjects:search", {
    signal,
    query: { ...filters, deleted: deleted === "also", deletedOnly: deleted === "only", offset, limit: LIMIT },
  });
}

function Found({ found, offset, isFiltered, onMove }) {
  if (found.subjects.length === 0) {
    return html`<${Empty}>${isFiltered ? "No subject matches the search and the filters." : html`<${NoSubjects} />`}<//>`;
  }
  const hasFields = found.subjects.some((hit) => hit.fields);
  return html`
    <p class="muted" role="status">
      ${number(found.total)}${found.isComplete ? "" : " or more"} subject${found.total === 1 ? "" : "s"}
    </p>
    <${Table}
      label="Subjects"
      rows=${found.subjects}
      rowKey=${(hit) => hit.subject}
      columns=${[
        {
          title: "Subject",
          kind: "main",
          of: (hit) => html`<a href=${subjectLink(hit.subject)}>${hit.subject}</a>
            ${hit.deleted && html` <${Badge} kind="bad">deleted<//>`}`,
        },
        ...(hasFields ? [{ title: "Found in", of: (hit) => html`<code>${(hit.fields ?? []).join(", ")}</code>` }] : []),
        { title: "Format", of: (hit) => hit.schemaType },
        { title: "Version", kind: "number", of: (hit) => hit.version },
        { title: "Id", kind: "number", of: (hit) => hit.id },
        { title: "Level", of: (hit) => hit.compatibilityLevel },
        { title: "Mode", of: (hit) => (hit.mode === "READWRITE" ? "" : html`<${Badge} kind="warn">${hit.mode}<//>`) },
        { title: "Registered", of: (hit) => html`<${Time} at=${hit.ts} />` },
      ]}
    />
    <${Pager} offset=${offset} limit=${LIMIT} total=${found.total} more=${!found.isComplete} onMove=${onMove} />`;
}

function NoSubjects() {
  return html`<p>There is no schema yet.</p>
    <p>
      <a href=${link(["check"])}>Write one here</a>, or let a producer register it. With curl:
    </p>
    <pre>curl -X POST -H 'Content-Type: application/vnd.schemaregistry.v1+json' \\
  --data '{"schema": "\\"string\\""}' ${new URL("subjects/example-value/versions", document.baseURI).href}</pre>`;
}
