// draw.js - sparklines as SVG, charts by uPlot, in the colours of the theme
/* global uPlot */
import { LETTERS } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** An empty sparkline; draw() fills it. */
export function sparkline() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 120 24");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("spark");
  for (const kind of ["limit", "line"]) {
    const path = document.createElementNS(SVG, "path");
    path.classList.add(kind);
    path.setAttribute("vector-effect", "non-scaling-stroke");
    svg.append(path);
  }
  return svg;
}

/** Values, null in holes, oldest first; the limit in the same unit or null. */
export function spark(svg, values, limit) {
  const seen = values.filter((v) => v !== null);
  const top = limit ? Math.max(1, ...seen, limit * 1.15) * 1.05 : Math.max(1, ...seen) * 1.6;
  const y = (v) => (24 - v / top * 23).toFixed(1);
  let d = "", down = false;
  values.forEach((v, i) => {
    if (v !== null)
      d += `${down ? "L" : "M"}${(i * 120 / Math.max(1, values.length - 1)).toFixed(1)} ${y(v)}`;
    down = v !== null;
  });
  svg.lastChild.setAttribute("d", d);
  svg.firstChild.setAttribute("d", limit && seen.length ? `M0 ${y(limit)}H120` : "");
}

/** Seconds that were degraded or down, shaded behind the lines. */
function shade(chart, states) {
  const { ctx, bbox } = chart;
  const fill = { degraded: css("--shade-degraded"), down: css("--shade-down") };
  ctx.save();
  for (let from = 0; from < states.length;) {
    let to = from + 1;
    while (to < states.length && states[to] === states[from])
      to++;
    const colour = fill[LETTERS[states[from]]];
    if (colour) {
      const left = chart.valToPos(chart.data[0][from], "x", true);
      const right = chart.valToPos(chart.data[0][Math.min(to, states.length - 1)], "x", true);
      ctx.fillStyle = colour;
      ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
    }
    from = to;
  }
  ctx.restore();
}

const clock = (s) => new Date(s * 1000).toTimeString().slice(0, 8);
const HEIGHT = 148;

/**
 * A chart of `lines` ({label, colour: a CSS variable, dash}); data come by setData.  `states()`
 * gives the letters of the path's states; `legend` is the element for the values at the cursor.
 */
export function chart(holder, lines, states, legend) {
  const width = () => Math.max(200, holder.clientWidth);
  const axis = { stroke: css("--quiet"), grid: { stroke: css("--rule"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const show = (u) => {
    const at = u.cursor.idx ?? u.data[0].length - 1;
    legend.replaceChildren(...lines.map((line, i) => {
      const item = document.createElement("span"), value = u.data[i + 1][at];
      item.className = "key-" + line.label.replace(" ", "-");
      item.style.setProperty("--line", `var(${line.colour})`);
      item.textContent = `${line.label} ${value === null || value === undefined ? "–" : value >= 10 ? value.toFixed(0) : value.toFixed(value >= 1 ? 1 : 2)}`;
      return item;
    }));
  };
  const u = new uPlot({
    width: width(), height: HEIGHT, legend: { show: false },
    cursor: { sync: { key: "path" }, y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range: (_, low, high) => [0, Math.max(high ?? 0, 0.01) * 1.1] } },
    axes: [{ ...axis, space: 90, size: 24, values: (_, ticks) => ticks.map(clock) }, { ...axis, size: 44, space: 32 }],
    series: [{}, ...lines.map((line) => ({
      label: line.label, stroke: () => css(line.colour), width: line.dash ? 1 : 1.5,
      dash: line.dash, spanGaps: false, points: { show: false },
    }))],
    hooks: { drawClear: [(self) => shade(self, states())], setCursor: [show], setData: [show] },
  }, [[], ...lines.map(() => [])], holder);
  new ResizeObserver(() => u.setSize({ width: width(), height: HEIGHT })).observe(holder);
  return u;
}
