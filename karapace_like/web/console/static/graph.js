// References as a graph: what a version needs on its left, what needs it on its right, as many columns as the longest way has steps.

import { html } from "./base.js";

const WIDTH = 210;
const HEIGHT = 44;
const ACROSS = 70;
const DOWN = 14;
const MARGIN = 8;
const LETTERS = 27;
const MOST_COLUMNS = 100;

const keyOf = ({ subject, version }) => `${subject}\n${version}`;
const shorten = (text) => (text.length > LETTERS ? `${text.slice(0, LETTERS - 1)}…` : text);

/** Return the nodes with their columns (0 in the middle), and the references between them. */
function arrange({ subject, version, references, referrers }) {
  const nodes = new Map([[keyOf({ subject, version }), { subject, version, column: 0 }]]);
  const add = (node) => nodes.has(keyOf(node)) || nodes.set(keyOf(node), { ...node, column: 0 });
  for (const edge of references) add({ subject: edge.subject, version: edge.version, isMissing: edge.isMissing });
  for (const edge of referrers) add(edge.referrer);
  const lines = (edges) => edges.map((edge) => ({ from: keyOf(edge.referrer), to: keyOf(edge), name: edge.name }));
  const [needs, users] = [lines(references), lines(referrers)];
  order(needs, ({ from, to }) => {
    const [referrer, target] = [nodes.get(from), nodes.get(to)];
    if (target.column < referrer.column) return false;
    target.column = referrer.column - 1;
    return true;
  });
  order(users, ({ from, to }) => {
    const [referrer, target] = [nodes.get(from), nodes.get(to)];
    if (referrer.column > target.column) return false;
    referrer.column = target.column + 1;
    return true;
  });
  return { nodes: place([...nodes.values()]), edges: [...needs, ...users] };
}

/** Move nodes until every line leads to the right; references form no cycle, and other registries' data is bounded. */
function order(edges, move) {
  for (let turn = 0; turn < MOST_COLUMNS && edges.filter(move).length > 0; turn += 1);
}

/** Give each node its place: columns from left to right, each centred. */
function place(nodes) {
  const first = Math.min(...nodes.map((node) => node.column));
  const columns = Map.groupBy ? Map.groupBy(nodes, (node) => node.column) : group(nodes);
  const tallest = Math.max(...[...columns.values()].map((column) => column.length));
  for (const [column, members] of columns) {
    const top = ((tallest - members.length) * (HEIGHT + DOWN)) / 2;
    members.forEach((node, index) => {
      node.x = MARGIN + (column - first) * (WIDTH + ACROSS);
      node.y = MARGIN + top + index * (HEIGHT + DOWN);
    });
  }
  return nodes;
}

function group(nodes) {
  const columns = new Map();
  for (const node of nodes) columns.set(node.column, [...(columns.get(node.column) ?? []), node]);
  return columns;
}

/** `graph`: the answer of `GET …/references`; `href`: node → address. */
export function ReferenceGraph({ graph, href }) {
  const { nodes, edges } = arrange(graph);
  const byKey = new Map(nodes.map((node) => [keyOf(node), node]));
  const width = Math.max(...nodes.map((node) => node.x)) + WIDTH + MARGIN;
  const height = Math.max(...nodes.map((node) => node.y)) + HEIGHT + MARGIN;
  return html`<div class="table-wrap graph" tabindex="0" role="region" aria-label="Graph of references">
    <svg width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}>
      ${edges.map(({ from, to, name }) => html`<${Line} from=${byKey.get(from)} to=${byKey.get(to)} name=${name} />`)}
      ${nodes.map((node) => html`<${Node} node=${node} href=${href(node)} />`)}
    </svg>
  </div>`;
}

/** A line from the right side of what is referred to, to the left side of what refers to it. */
function Line({ from, to, name }) {
  if (!from || !to) return null;
  const [x1, y1, x2, y2] = [to.x + WIDTH, to.y + HEIGHT / 2, from.x, from.y + HEIGHT / 2];
  const bend = Math.max(Math.abs(x2 - x1) / 2, ACROSS / 2);
  return html`<path class="edge" d=${`M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`}>
    <title>${`${from.subject} refers to ${to.subject} as ${name}`}</title>
  </path>`;
}

function Node({ node, href }) {
  const label = `${node.subject} version ${node.version}${node.isMissing ? " (missing)" : ""}`;
  const box = html`
    <rect x=${node.x} y=${node.y} width=${WIDTH} height=${HEIGHT} rx="6" />
    <text x=${node.x + 10} y=${node.y + 18}>${shorten(node.subject)}</text>
    <text class="detail" x=${node.x + 10} y=${node.y + 34}>version ${node.version}${node.isMissing ? ", missing" : ""}</text>
    <title>${label}</title>`;
  const kind = `node${node.column === 0 ? " own" : ""}${node.isMissing ? " missing" : ""}`;
  return node.isMissing || node.column === 0
    ? html`<g class=${kind} role="img" aria-label=${label}>${box}</g>`
    : html`<a class=${kind} href=${href} aria-label=${label}>${box}</a>`;
}
