/* Shows /openapi.json in Swagger UI. All addresses are relative, so the page works below any path of a reverse proxy. */
"use strict";

const BASE = new URL(".", location.href).href.replace(/\/$/, "");

/** Return the servers with their addresses made absolute, relative to where the page is served. */
function resolveServers(servers) {
  return servers.map((server) => ({ ...server, url: BASE + server.url.replace(/\/$/, "") }));
}

/** Move an optional parameter's example into its description: Swagger UI would send it with each request. */
function keepOptionalParametersEmpty(operation) {
  for (const parameter of operation.parameters || []) {
    if (parameter.required) continue;
    if (!["boolean", "undefined"].includes(typeof parameter.example) && !parameter.schema.enum) {
      parameter.description = `${parameter.description || ""} Example: \`${parameter.example}\`.`.trim();
    }
    delete parameter.example;
  }
}

function prepareDescription(description) {
  description.servers = resolveServers(description.servers || [{ url: "/" }]);
  for (const item of Object.values(description.paths)) {
    if (item.servers) item.servers = resolveServers(item.servers);
    for (const [name, operation] of Object.entries(item)) {
      if (name !== "servers") keepOptionalParametersEmpty(operation);
    }
  }
  return description;
}

/** Return the groups with the operations whose method, path, summary or group contain every word of the phrase. */
function searchOperations(groups, phrase) {
  const words = phrase.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (group) => (entry) => {
    const text = [entry.get("method"), entry.get("path"), entry.getIn(["operation", "summary"]), group].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  };
  return groups
    .map((group, name) => group.update("operations", (operations) => operations.filter(matches(name))))
    .filter((group) => group.get("operations").size > 0);
}

/** Swagger UI's plugin for a search over all operations; a group is open while a search is on. */
function SearchPlugin({ React }) {
  const create = React.createElement;
  const SearchField = ({ layoutActions }) =>
    create("div", { className: "wrapper search" },
      create("input", {
        type: "search",
        "aria-label": "Search operations",
        placeholder: "Search paths and summaries",
        onChange: (event) => layoutActions.updateFilter(event.target.value),
      }));
  return {
    fn: { opsFilter: searchOperations },
    wrapComponents: {
      FilterContainer: () => SearchField,
      operations: (Operations) => (props) =>
        props.specSelectors.taggedOperations().size
          ? create(Operations, props)
          : create("p", { className: "no-match" }, "No operation matches the search."),
    },
    statePlugins: {
      layout: {
        wrapSelectors: {
          isShown: (original) => (state, thing, ...others) => {
            const search = state.get("filter");
            const isSearch = typeof search === "string" && search.trim() !== "";
            return (isSearch && thing[0] === "operations-tag") || original(thing, ...others);
          },
        },
      },
    },
  };
}

/** Swagger UI's plugin for the Accept header: the first media type is selected, shown and sent. Without it, any type is. */
function AcceptPlugin() {
  const selectMediaType = (system, [path, method]) => {
    const responses = system.specSelectors.specResolvedSubtree(["paths", path, method, "responses"]);
    const content = responses && responses.first().get("content");
    return content && content.keySeq().first();
  };
  return {
    statePlugins: {
      oas3: {
        wrapSelectors: {
          responseContentType: (original, system) => (_, ...call) => original(...call) || selectMediaType(system, call),
        },
      },
      spec: {
        wrapSelectors: {
          currentProducesFor: (original, system) => (_, call) => selectMediaType(system, call) || original(call),
        },
      },
    },
  };
}

async function fetchDescription() {
  const response = await fetch("openapi.json");
  if (!response.ok) throw new Error(`GET openapi.json returned ${response.status}.`);
  return response.json();
}

async function showViewer() {
  const viewer = document.getElementById("viewer");
  try {
    const description = prepareDescription(await fetchDescription());
    document.title = description.info.title;
    SwaggerUIBundle({
      spec: description,
      domNode: viewer,
      layout: "BaseLayout",
      plugins: [SearchPlugin, AcceptPlugin],
      filter: true,
      docExpansion: "none",
      deepLinking: true,
      tryItOutEnabled: true,
      displayRequestDuration: true,
      defaultModelsExpandDepth: 0,
      validatorUrl: null,
    });
  } catch (error) {
    viewer.textContent = `The API description cannot be shown: ${error.message}`;
  }
}

const darkScheme = matchMedia("(prefers-color-scheme: dark)");
const applyScheme = () => document.documentElement.classList.toggle("dark-mode", darkScheme.matches);
darkScheme.addEventListener("change", applyScheme);
applyScheme();
showViewer();
