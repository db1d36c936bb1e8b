// One subject: its versions, the text of one, where it is used, and the settings that hold for it.

import { Fragment, html } from "../base.js";
import { get, orNull, part } from "../api.js";
import { ReferenceGraph } from "../graph.js";
import { link } from "../router.js";
import { SchemaText } from "../text.js";
import { Deletion } from "./deletion.js";
import { Badge, Empty, Facts, Loaded, Page, Section, Tabs, Time, useLoad, usePermissions } from "../ui.js";
import { subjectLink } from "./subjects.js";

export function Subject({ path, query }) {
  const [subject, number] = path;
  const tab = query.tab ?? "schema";
  const loaded = useLoad((signal) => load(subject, signal), [subject]);
  return html`<${Page}
    title=${subject}
    crumbs=${[["Subjects", link(["subjects"])]]}
    actions=${loaded.data && !loaded.isOutdated && html`<${Actions} subject=${subject} number=${number} ...${loaded.data} onDone=${loaded.reload} />`}
  >
    <${Loaded} of=${loaded}>
      ${({ versions, shown }) => {
        const version = findVersion(versions, number) ?? shown;
        return html`<div class="with-side">
          <${TimeLine} subject=${subject} versions=${versions} selected=${version} />
          <div>
            <${Tabs}
              label="Parts of the subject"
              selected=${tab}
              tabs=${["schema", "references", "rules", "settings"].map((name) => [
                name,
                { schema: "Schema", references: "References", rules: "Metadata and rules", settings: "Settings" }[name],
                subjectLink(subject, version.version, { tab: name === "schema" ? undefined : name }),
              ])}
            />
            ${tab === "schema" && html`<${Text} version=${version} />`}
            ${tab === "references" && html`<${References} version=${version} />`}
            ${tab === "rules" && html`<${Rules} version=${version} />`}
            ${tab === "settings" && html`<${Settings} subject=${subject} />`}
          </div>
        </div>`;
      }}
    <//>
  <//>`;
}

const findVersion = (versions, number) => versions.find((version) => String(version.version) === number);

/** What the reader may do with the subject and the version that is shown. */
function Actions({ subject, number, versions, shown, onDone }) {
  const may = usePermissions("Subject", subject);
  const selected = findVersion(versions, number) ?? shown;
  const mayRegister = may("write") || may("register_existing");
  return html`<${Fragment}>
    <a class="button" href=${diffLink(subject, versions)}>Compare</a>
    ${may("delete") && html`<${Deletion} subject=${subject} selected=${selected} versions=${versions} onDone=${onDone} />`}
    ${mayRegister && selected.deleted && html`<a class="button" href=${link(["check"], { subject, version: selected.version })}>Register again</a>`}
    ${mayRegister && html`<a class="button primary" href=${link(["check"], { subject })}>Change</a>`}
  <//>`;
}

function diffLink(subject, versions) {
  const [last, previous = last] = versions;
  return link(["diff", subject, String(previous.version), String(last.version)]);
}

/** Return the versions, the newest first, each without its text; and the one that is shown first. */
async function load(subject, signal) {
  const numbers = await get(`/subjects/${part(subject)}/versions`, { signal, query: { deleted: true } });
  const live = new Set(await orNull(get(`/subjects/${part(subject)}/versions`, { signal }), 404));
  const versions = numbers.map((version) => ({ subject, version, deleted: !live.has(version) })).reverse();
  return { versions, shown: versions.find((version) => !version.deleted) ?? versions[0] };
}

function TimeLine({ subject, versions, selected }) {
  return html`<nav class="side" aria-label="Versions">
    <ol class="timeline">
      ${versions.map(
        (version) => html`<li class=${version.deleted ? "gone" : ""}>
          <a href=${subjectLink(subject, version.version)} aria-current=${version === selected ? "true" : undefined}>
            Version ${version.version}${version.deleted ? " (deleted)" : ""}
          </a>
        </li>`,
      )}
    </ol>
  </nav>`;
}

const useVersion = ({ subject, version }) =>
  useLoad(
    (signal) => get(`/subjects/${part(subject)}/versions/${version}`, { signal, query: { deleted: true } }),
    [subject, version],
  );

function Text({ version }) {
  return html`<${Loaded} of=${useVersion(version)}>
    ${(stored) => html`<${Facts}
        of=${[
          ["Id", stored.id],
          ["Guid", html`<code>${stored.guid}</code>`],
          ["Format", stored.schemaType ?? "AVRO"],
          ["Registered", html`<${Time} at=${stored.ts} />`],
          ["State", stored.deleted && html`<${Badge} kind="bad">deleted<//>`],
        ]}
      />
      <${SchemaText} text=${stored.schema} schemaType=${stored.schemaType} label=${`Schema, version ${stored.version}`} />`}
  <//>`;
}

function References({ version: { subject, version } }) {
  const loaded = useLoad(
    (signal) => get(`/subjects/${part(subject)}/versions/${version}/references`, { signal }),
    [subject, version],
  );
  const href = (node) => subjectLink(node.subject, node.version, { tab: "references" });
  return html`<${Loaded} of=${loaded}>
    ${(graph) => html`
      <${ReferenceGraph} graph=${graph} href=${href} />
      ${!graph.isComplete && html`<p class="muted">There are more references; the nearest 500 in each direction are shown.</p>`}
      <div class="two">
        <${Edges} title="Refers to" none="It refers to no other schema." edges=${graph.references}
          nodeOf=${(edge) => edge} viaOf=${(edge) => edge.referrer} href=${href} />
        <${Edges} title="Referred to by" none="No schema refers to it." edges=${graph.referrers}
          nodeOf=${(edge) => edge.referrer} viaOf=${(edge) => edge} href=${href} />
      </div>`}
  <//>`;
}

/** The same in words: each reference, and the schema through which it is an indirect one. */
function Edges({ title, none, edges, nodeOf, viaOf, href }) {
  return html`<${Section} title=${title}>
    ${edges.length === 0 && html`<p class="muted">${none}</p>`}
    <ul class="edges">
      ${edges.map((edge) => {
        const { subject, version } = nodeOf(edge);
        return html`<li>
          <a href=${href({ subject, version })}>${subject}</a> version ${version}, as <code>${edge.name}</code>
          ${edge.isMissing && html` <${Badge} kind="bad">missing<//>`}
          ${edge.depth > 1 && html`<span class="muted"> through ${viaOf(edge).subject}</span>`}
        </li>`;
      })}
    </ul>
  <//>`;
}

function Rules({ version }) {
  return html`<${Loaded} of=${useVersion(version)}>
    ${({ metadata, ruleSet }) => {
      const rules = Object.entries(ruleSet ?? {}).flatMap(([list, each]) =>
        Array.isArray(each) ? each.map((rule) => ({ list, ...rule })) : [],
      );
      if (!metadata && rules.length === 0) return html`<${Empty}>This version has no metadata and no rules.<//>`;
      return html`
        ${metadata && html`<${Metadata} metadata=${metadata} />`}
        ${rules.map(
          (rule) => html`<${Section} title=${rule.name}>
            ${rule.doc && html`<p>${rule.doc}</p>`}
            <${Facts}
              of=${[
                ["Kind", `${rule.kind ?? ""} ${rule.mode ?? ""}`],
                ["Type", rule.type],
                ["Expression", rule.expr && html`<code>${rule.expr}</code>`],
                ["Tags", rule.tags?.join(", ")],
                ["On failure", rule.onFailure],
                ["State", rule.disabled && html`<${Badge} kind="warn">disabled<//>`],
              ]}
            />
          <//>`,
        )}`;
    }}
  <//>`;
}

function Metadata({ metadata }) {
  const tags = Object.entries(metadata.tags ?? {});
  const hidden = new Set(metadata.sensitive ?? []);
  return html`<${Section} title="Metadata">
    <${Facts} of=${Object.entries(metadata.properties ?? {}).map(([name, value]) => [name, hidden.has(name) ? "(sensitive)" : value])} />
    ${tags.map(([path, names]) => html`<p><code>${path}</code> ${names.map((name) => html`<${Badge}>${name}<//>`)}</p>`)}
  <//>`;
}

const ORIGINS = { subject: "this subject", context: "its context", global: "everything" };

function Settings({ subject }) {
  const loaded = useLoad((signal) => loadSettings(subject, signal), [subject]);
  return html`<${Loaded} of=${loaded}>
    ${({ config, mode }) => html`<${Facts}
      of=${[
        ["Compatibility level", html`${config.value.compatibilityLevel} <${Origin} of=${config.origin} />`],
        ["Mode", html`${mode.value.mode} <${Origin} of=${mode.origin} />`],
        ...Object.entries(config.value)
          .filter(([name]) => name !== "compatibilityLevel")
          .map(([name, value]) => [name, html`<code>${typeof value === "object" ? JSON.stringify(value) : String(value)}</code>`]),
      ]}
    />`}
  <//>`;
}

function Origin({ of }) {
  return html`<span class="muted">set for ${ORIGINS[of]}</span>`;
}

async function loadSettings(subject, signal) {
  return { config: await find("config", subject, signal), mode: await find("mode", subject, signal) };
}

/** Return the setting that holds for a subject, and where it is set. */
async function find(name, subject, signal) {
  // Settings of the default context are those of everything.
  const context = /^:\.[^:]+:/.exec(subject)?.[0];
  for (const [origin, scope] of [["subject", subject], ...(context ? [["context", context]] : [])]) {
    const value = await orNull(get(`/${name}/${part(scope)}`, { signal }), 404, 403);
    if (value) return { value, origin };
  }
  return { value: await get(`/${name}/${part(subject)}`, { signal, query: { defaultToGlobal: true } }), origin: "global" };
}
