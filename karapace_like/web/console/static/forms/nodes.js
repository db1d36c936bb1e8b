// Nodes of forms that all formats share.

/** Nested deeper than this, a part is entered as JSON. */
const DEEPEST = 12;

/** Return a node whose parts are made when they are looked at: `parts` is an object of functions. */
export function makeNode(properties, parts = {}) {
  const node = { ...properties };
  for (const [name, make] of Object.entries(parts)) {
    Object.defineProperty(node, name, {
      get() {
        const made = make();
        Object.defineProperty(node, name, { value: made });
        return made;
      },
      configurable: true,
    });
  }
  return node;
}

export const jsonNode = (type, doc) => ({ kind: "json", type, doc });

/** Return the node of a choice between texts. */
export const choiceNode = (type, texts, doc) => ({ kind: "choice", type, doc, choices: new Map(texts.map((text) => [text, text])) });

/** Whether parts at this depth are still made into a form. */
export const isTooDeep = (depth) => depth > DEEPEST;
