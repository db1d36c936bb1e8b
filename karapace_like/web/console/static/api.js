// Calls of the service's own HTTP API, with the reader's credentials.

/** The address under which the service is served, which may be a path of a reverse proxy. */
export const root = new URL("./", document.baseURI);

const STORED = "console.authorization";
const LISTED = 200;
export const REGISTRY = "application/vnd.schemaregistry.v1+json";
export const JSON_TYPE = "application/json";

/** What the service answered instead of a result: `{"error_code", "message"}`, or other JSON, which is the `body`. */
export class ApiError extends Error {
  constructor(status, code, message, body) {
    super(message);
    this.status = status;
    this.code = code;
    this.body = body;
  }
}

// Of this tab only. `credentials` decides whether the browser adds what it holds itself: a client certificate.
let authorization = sessionStorage.getItem(STORED);
let credentials = sessionStorage.getItem(`${STORED}.certificate`) ? "same-origin" : "omit";
let onUnauthenticated = () => {};

export const authentication = {
  /** Called when a call was answered with 401. */
  watch(listener) {
    onUnauthenticated = listener;
  },
  useBasic(username, password) {
    const bytes = new TextEncoder().encode(`${username}:${password}`);
    this.keep(`Basic ${btoa(String.fromCharCode(...bytes))}`);
  },
  useBearer(token) {
    this.keep(`Bearer ${token.trim()}`);
  },
  useCertificate() {
    this.forget();
    credentials = "same-origin";
    sessionStorage.setItem(`${STORED}.certificate`, "1");
  },
  keep(header) {
    authorization = header;
    credentials = "omit";
    sessionStorage.setItem(STORED, header);
  },
  forget() {
    authorization = null;
    credentials = "omit";
    sessionStorage.removeItem(STORED);
    sessionStorage.removeItem(`${STORED}.certificate`);
  },
  get isEntered() {
    return authorization !== null || credentials !== "omit";
  },
};

function makeHeaders({ body, type, accept }) {
  const headers = { Accept: accept ?? "*/*" };
  if (body !== undefined) headers["Content-Type"] = type ?? JSON_TYPE;
  if (authorization) headers.Authorization = authorization;
  return headers;
}

async function send(method, path, options) {
  const { body, query, signal } = options;
  const url = new URL(`.${path}`, root); // not as `subjects:search`, which would be a scheme
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "" && value !== false) url.searchParams.set(name, value);
  }
  const init = { method, signal, credentials, headers: makeHeaders(options), redirect: "error" };
  if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, 0, "The service does not answer. Check that it runs and that the network is up, then reload.");
  }
}

async function explain(response) {
  const text = await response.text();
  try {
    const body = JSON.parse(text);
    return new ApiError(response.status, body.error_code ?? response.status, body.message ?? text.slice(0, 300), body);
  } catch {
    return new ApiError(response.status, response.status, text.slice(0, 300) || `HTTP ${response.status}`);
  }
}

/** Send a request and return its response; throws ApiError. */
export async function request(method, path, options = {}) {
  const response = await send(method, path, options);
  if (response.ok) return response;
  const error = await explain(response);
  if (response.status === 401) onUnauthenticated();
  throw error;
}

/** Send a request and return the JSON of its response, null for none; throws ApiError. */
export async function call(method, path, options = {}) {
  const response = await request(method, path, options);
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

export const get = (path, options) => call("GET", path, options);

/** Return the value, or null where the API answers with one of these statuses. */
export async function orNull(promise, ...statuses) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ApiError && statuses.includes(error.status)) return null;
    throw error;
  }
}

/** Return all objects of a paged list of REST v3, `most` at most. */
export async function listAll(path, { signal, most = 2000 } = {}) {
  const data = [];
  let token;
  do {
    const page = await get(path, { signal, query: { page_size: LISTED, page_token: token }, accept: JSON_TYPE });
    data.push(...page.data);
    const next = page.metadata?.next;
    token = next ? new URL(next, root).searchParams.get("page_token") : null;
  } while (token && data.length < most);
  return data;
}

let cluster;
/** Return the path of the Kafka cluster in REST v3. */
export async function clusterPath(signal) {
  cluster ??= (await get("/v3/clusters", { signal, accept: JSON_TYPE })).data[0].cluster_id;
  return `/v3/clusters/${encodeURIComponent(cluster)}`;
}

export const part = encodeURIComponent;
