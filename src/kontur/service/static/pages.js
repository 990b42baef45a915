// The pages that only show what the service knows.
import { histogramPlot, linePlot } from "./plots.js";
import { byId, call, callJson, complain, make, number, onFile, say, table, thumbnail, tile } from "./ui.js";

export function startParts() {
  onFile(byId("drawing-drop"), [byId("drawing-file")], async (file) => {
    complain("");
    byId("drawing-read").replaceChildren(make("p", { class: "faint" }, say("reading")));
    const body = new FormData();
    body.append("drawing", file, file.name);
    try {
      const drawing = await callJson("/v1/drawings", { method: "POST", body });
      byId("drawing-read").replaceChildren(...drawingView({ ...drawing, file: file.name }));
    } catch (error) {
      byId("drawing-read").replaceChildren();
      complain(error.message);
    }
  });
}

function card(part) {
  const size = `${number(part.bbox_mm[0], 1)} × ${number(part.bbox_mm[1], 1)}`;
  return make("article", { class: "card" }, thumbnail(part.svg, part.name), make("h3", {}, part.name + (part.copies > 1 ? ` × ${part.copies}` : "")),
    make("p", {}, `${say("size")} ${size}`), make("p", {}, `${say("area")} ${number(part.area_mm2, 1)}`),
    make("p", {}, `${say("holes")} ${part.holes.length}, ${say("symmetry")} ${part.symmetry || say("round")}`),
    part.chiral ? make("p", { class: "faint" }, say("chiral")) : null);
}

function drawingView(drawing) {
  const issues = drawing.issues.map((issue) => make("li", { class: issue.severity === "info" ? "faint" : "bad" }, `${issue.code}: ${issue.text}`));
  return [
    make("h2", {}, drawing.file),
    make("p", { class: "faint" }, `${say("unit")} ${drawing.unit}, ${say("confidence")} ${number(drawing.unit_confidence)}`),
    make("div", { class: "cards" }, ...drawing.parts.map(card)),
    drawing.parts.length ? null : make("p", { class: "bad" }, say("noParts")),
    issues.length ? make("h3", {}, say("issues")) : null, issues.length ? make("ul", { class: "issues" }, ...issues) : null,
  ].filter(Boolean);
}

async function showParts() {
  const { drawings, look_alikes: likes } = await callJson("/v1/parts");
  const rows = likes.map((like) => make("li", {},
    `${like.parts.join(" – ")}${like.mirrored ? ` (${say("faceDown")})` : ""}: ${say("differBy")} ${number(like.difference_px, 0)} px`));
  byId("drawings").replaceChildren(
    ...(rows.length ? [make("h2", {}, say("lookAlikes")), make("ul", { class: "issues" }, ...rows)] : []),
    ...drawings.flatMap(drawingView));
}

async function showData() {
  const data = await callJson("/v1/data");
  if (!data) return byId("data").replaceChildren(make("p", {}, say("noData")));
  const titles = Object.keys(data.splits[0]);
  const sheet = URL.createObjectURL(await (await call("/v1/data/sheet")).blob());
  byId("data").replaceChildren(make("div", { class: "tiles" }, tile(data.pictures, say("pictures"))),
    table(titles, data.splits.map((row) => titles.map((title) => row[title]))),
    make("h2", {}, say("sheet")), make("img", { class: "sheet", src: sheet, alt: say("sheet") }));
}

async function showTraining() {
  const training = await callJson("/v1/training");
  if (!training) return byId("training").replaceChildren(make("p", {}, say("noTraining")));
  const { curves } = training;
  const names = Object.keys(curves).filter((name) => !name.startsWith("val/") || !curves[name.replace("val/", "train/")]);
  const plots = names.map((name) => {
    const other = curves[name.replace("train/", "val/")];
    const pair = name.startsWith("train/") && other ? [curves[name], other] : [curves[name]];
    return linePlot(name.replace("train/", "") + (pair.length > 1 ? " (train, val)" : ""), pair);
  });
  const end = training.forecast.ends_at;
  byId("training").replaceChildren(make("div", { class: "tiles" }, tile(training.run, say("run")),
    tile(say(training.running ? "running" : "finished"), ""),
    ...(training.running && end ? [tile(new Date(end * 1000).toLocaleTimeString(), `${say("forecast")} (${say("forecastNote")})`)] : [])),
    make("div", { class: "plots" }, ...plots));
}

function plain(value) {
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "boolean") return say(value ? "yes" : "no");
  if (typeof value === "number" && !Number.isInteger(value)) return number(value, 1);
  return value === null ? "–" : String(value);
}

function facts(value, prefix = "") {
  return Object.entries(value).flatMap(([key, item]) =>
    item !== null && typeof item === "object" && !Array.isArray(item) ? facts(item, `${prefix}${key} · `)
      : [make("dt", {}, prefix + key.replaceAll("_", " ")), make("dd", {}, plain(item))]);
}

async function showMachine() {
  const [machine, model] = await Promise.all([callJson("/v1/machine"), callJson("/v1/model")]);
  byId("machine").replaceChildren(
    make("div", { class: "tiles" }, tile(machine.workers, say("workers")), tile(model.engine, say("engine")),
      ...(model.runtime ? [tile(model.runtime.name, say("runtime")), tile(model.runtime.precision, say("precision")), tile(model.runtime.threads, say("threads"))] : [])),
    make("dl", {}, ...facts(machine)));
}

const judged = (index) => (index === null ? say("tooFew") : index > 0.25 ? say("clear") : index > 0.1 ? say("slight") : say("stable"));

async function showMonitor() {
  const seen = await callJson("/v1/monitor");
  const tiles = make("div", { class: "tiles" }, tile(seen.pictures, say("pictures")), tile(number(seen.per_second, 1), say("perSecond")),
    ...["p50", "p95", "p99"].map((name) => tile(seen.latency_s[name] === null ? "–" : number(1000 * seen.latency_s[name], 0) + " ms", `${say("latency")} ${name}`)),
    tile(seen.unknown_rate === null ? "–" : number(100 * seen.unknown_rate, 0) + " %", say("unknownRate")),
    tile(seen.waiting, say("waiting")), tile(seen.restarts, say("restarts")));
  if (!seen.pictures) return byId("monitor").replaceChildren(tiles, make("p", { class: "faint" }, say("noPictures")));
  const history = { steps: seen.latency_history_s.map((_, k) => k), values: seen.latency_history_s };
  const rejected = await Promise.all(seen.rejected.map(async (item, k) => make("figure", {},
    make("img", { class: "sheet", alt: item.label, src: URL.createObjectURL(await (await call(`/v1/monitor/rejected/${k}`)).blob()) }),
    make("figcaption", {}, `${item.label}, ${new Date(item.at * 1000).toLocaleTimeString()}`))));
  byId("monitor").replaceChildren(tiles,
    make("div", { class: "plots" }, linePlot(say("latencyHistory"), [history]), histogramPlot(say("scores"), seen.scores),
      histogramPlot(say("brightness"), seen.brightness, seen.brightness_trained)),
    make("h2", {}, say("classes")), table([say("part"), "n"], Object.entries(seen.classes).map(([name, count]) => [name, String(count)])),
    make("h2", {}, say("drift")), table(["", say("index"), say("judgement")],
      Object.entries(seen.drift).map(([name, index]) => [name, number(index, 3), judged(index)])),
    ...(rejected.length ? [make("h2", {}, say("rejected")), make("div", { class: "plots" }, ...rejected)] : []));
}

export const SHOW = { parts: showParts, data: showData, training: showTraining, machine: showMachine, monitor: showMonitor };
