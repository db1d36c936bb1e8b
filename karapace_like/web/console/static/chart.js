// Small charts over time; the library is loaded with the first one.

import { html, useEffect, useRef, useState } from "./base.js";
import { number } from "./ui.js";

const COLOURS = ["--primary", "--bad", "--warn"];
let library;

function load() {
  library ??= (() => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("./vendored/uplot.css", import.meta.url);
    document.head.append(style);
    return import("./vendored/uplot.js").then((module) => module.default);
  })();
  return library;
}

/** `points`: [seconds, value, ...]; `series`: the name of each value. The last values are also said in words. */
export function Chart({ title, points, series, unit = "" }) {
  const host = useRef();
  const chart = useRef();
  const [isReady, setReady] = useState(false);
  useEffect(() => {
    let isGone = false;
    load().then((Plot) => {
      if (isGone || !host.current) return; // an effect may run after its element has gone
      const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
      const axis = { stroke: () => colour("--muted"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false }, font: "11px sans-serif" };
      chart.current = new Plot(
        {
          width: host.current.clientWidth || 300,
          height: 130,
          legend: { show: false },
          cursor: { show: false },
          scales: { y: { range: (_, min, max) => [0, max > 0 ? max * 1.1 : 1] } },
          axes: [{ ...axis, space: 70 }, { ...axis, size: 46, space: 30 }],
          series: [{}, ...series.map((label, index) => ({ label, width: 2, stroke: () => colour(COLOURS[index]), points: { show: false } }))],
        },
        [[], ...series.map(() => [])],
        host.current,
      );
      setReady(true);
    });
    const resize = () => chart.current?.setSize({ width: host.current.clientWidth, height: 130 });
    addEventListener("resize", resize);
    return () => {
      isGone = true;
      removeEventListener("resize", resize);
      chart.current?.destroy();
    };
  }, []);
  useEffect(() => {
    if (isReady) chart.current.setData([0, ...series].map((_, index) => points.map((point) => point[index])));
  }, [points, isReady]);
  const last = points.at(-1);
  return html`<figure class="chart">
    <figcaption>${title}: ${last ? series.map((name, index) => `${number(Math.round(last[index + 1] * 100) / 100)}${unit} ${name}`).join(", ") : "being measured"}</figcaption>
    <div ref=${host} aria-hidden="true"></div>
  </figure>`;
}
