// The address after the `#`: which view is shown, of what. Every view has an address of its own.

import { useEffect, useMemo, useState } from "./vendored/preact.js";

/** Return {path: [...], query: {...}} of an address such as `#/subjects/a%2Fb?version=3`. */
export function parse(hash) {
  const [path, query] = hash.replace(/^#\/?/, "").split("?");
  return {
    path: path.split("/").filter(Boolean).map(decode),
    query: Object.fromEntries(new URLSearchParams(query ?? "")),
  };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Return the address of a view. */
export function link(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const search = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${search ? `?${search}` : ""}`;
}

export function go(path, query) {
  location.hash = link(path, query);
}

/** Change the address without a step in the browser's history, as for each letter of a search. */
export function replace(path, query) {
  history.replaceState(null, "", link(path, query));
  dispatchEvent(new HashChangeEvent("hashchange"));
}

export function useAddress() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener("hashchange", follow);
    follow(); // the address may have changed after it was rendered: effects run later
    return () => removeEventListener("hashchange", follow);
  }, []);
  return useMemo(() => parse(hash), [hash]);
}
