// Deletion of a version or of all: softly first, and permanently what is deleted already.

import { Fragment, html, useState } from "../base.js";
import { call, part } from "../api.js";
import { go } from "../router.js";
import { Dialog, Problem, Select } from "../ui.js";

/** The button, and the dialogue that says what a deletion means before it is done. `selected` is the version that is shown. */
export function Deletion({ subject, selected, versions, onDone }) {
  const [isOpen, setOpen] = useState(false);
  const [chosen, choose] = useState("version");
  const [error, setError] = useState(null);
  const isPermanent = selected.deleted;
  const isWhole = chosen === "subject";
  const close = () => {
    setOpen(false);
    setError(null);
  };
  const remove = async () => {
    const path = `/subjects/${part(subject)}${isWhole ? "" : `/versions/${selected.version}`}`;
    try {
      await call("DELETE", path, { query: { permanent: isPermanent } });
    } catch (failed) {
      setError(failed);
      return;
    }
    close();
    if (isPermanent && (isWhole || versions.length === 1)) go(["subjects"]);
    else onDone();
  };
  const word = isPermanent ? "Delete permanently" : "Delete";
  return html`<${Fragment}>
    <button type="button" class="danger" onClick=${() => (choose("version"), setOpen(true))}>${word}…</button>
    ${isOpen &&
    html`<${Dialog} title=${word} onClose=${close}>
      <div class="filters"><${Select} label="What" value=${chosen} options=${listChoices(selected, versions)} onChange=${choose} /></div>
      <p>${isPermanent ? PERMANENTLY : SOFTLY}</p>
      ${error && html`<${Problem} error=${error} />`}
      <p><button type="button" class="danger" onClick=${remove}>${word}</button></p>
    <//>`}
  <//>`;
}

const SOFTLY =
  "It is not found by its subject any more. Its id keeps its meaning, so that records are still read, and it can be registered again.";
const PERMANENTLY =
  "It cannot be restored. Records that were written with its id can no longer be decoded, unless another version has the same id.";

/** Return [value, text] of what can be deleted: all versions permanently only after each of them was deleted. */
function listChoices({ version, deleted }, versions) {
  const live = versions.filter((each) => !each.deleted).length;
  const count = deleted ? versions.length : live;
  const isOffered = count > 1 && !(deleted && live > 0);
  return [["version", `Version ${version}`], ...(isOffered ? [["subject", `All ${count} versions of the subject`]] : [])];
}
