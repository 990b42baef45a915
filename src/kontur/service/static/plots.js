// Lines and bars as SVG.
import { make, number } from "./ui.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [420, 190, 48, 24, 10];

function frame(title, lowX, highX, highY, marks) {
  const axis = (x1, y1, x2, y2) => make("svg:line", { x1, y1, x2, y2, class: "axis" });
  const label = (x, y, text, anchor) => make("svg:text", { x, y, "text-anchor": anchor }, text);
  const base = HEIGHT - BOTTOM;
  const svg = make("svg:svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title },
    axis(LEFT, base, WIDTH - 6, base), axis(LEFT, TOP, LEFT, base),
    label(LEFT, HEIGHT - 8, lowX, "start"), label(WIDTH - 6, HEIGHT - 8, highX, "end"),
    label(LEFT - 6, TOP + 8, highY, "end"), label(LEFT - 6, base, "0", "end"), ...marks);
  return make("figure", {}, svg, make("figcaption", {}, title));
}

const short = (value) => (Math.abs(value) >= 1000 ? value.toExponential(1) : String(Number(value.toPrecision(3))));

// curves: [{steps, values}], the second one drawn in the second colour.
export function linePlot(title, curves) {
  const steps = curves.flatMap((curve) => curve.steps);
  const top = Math.max(...curves.flatMap((curve) => curve.values), 1e-9);
  const [low, high] = [Math.min(...steps), Math.max(...steps)];
  const x = (step) => LEFT + ((step - low) / Math.max(high - low, 1)) * (WIDTH - LEFT - 8);
  const y = (value) => TOP + (1 - Math.max(value, 0) / top) * (HEIGHT - BOTTOM - TOP);
  const lines = curves.map((curve, index) => make("svg:polyline", {
    class: index ? "line second" : "line",
    points: curve.steps.map((step, k) => `${number(x(step), 1)},${number(y(curve.values[k]), 1)}`).join(" "),
  }));
  return frame(title, short(low), short(high), short(top), lines);
}

// histogram: {counts, edges}; other: drawn as outlines, scaled to the same sum.
export function histogramPlot(title, histogram, other = null) {
  const sum = (counts) => counts.reduce((a, b) => a + b, 0) || 1;
  const shares = (counts) => counts.map((count) => count / sum(counts));
  const [mine, theirs] = [shares(histogram.counts), other ? shares(other.counts) : []];
  const top = Math.max(...mine, ...theirs, 1e-9);
  const width = (WIDTH - LEFT - 8) / mine.length;
  const bar = (share, k, name) => make("svg:rect", {
    class: name, x: LEFT + k * width + 1, width: width - 2,
    y: HEIGHT - BOTTOM - (share / top) * (HEIGHT - BOTTOM - TOP), height: (share / top) * (HEIGHT - BOTTOM - TOP),
  });
  const bars = [...mine.map((share, k) => bar(share, k, "bar")), ...theirs.map((share, k) => bar(share, k, "bar second"))];
  const edges = histogram.edges;
  return frame(title, short(edges[0]), short(edges[edges.length - 1]), `${Math.round(100 * top)} %`, bars);
}
