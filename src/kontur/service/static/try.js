// The page "Try": a picture, and what was found in it as SVG over it.
import { byId, call, callJson, complain, make, number, onFile, save, say } from "./ui.js";

let file = null, answer = null;

export function startTry() {
  onFile(byId("picture-drop"), [byId("picture-file"), byId("camera-file")], detect);
  byId("save-json").addEventListener("click", () =>
    save(new Blob([JSON.stringify(answer, null, 1)], { type: "application/json" }), "detections.json"));
  byId("save-png").addEventListener("click", savePng);
}

function form() {
  const body = new FormData();
  body.append("pictures", file, file.name);
  return { method: "POST", body };
}

async function detect(chosen) {
  complain("");
  file = chosen;
  byId("stage").hidden = true;
  byId("try-status").textContent = say("looking");
  try {
    answer = (await callJson("/v1/detect?contours=true", form())).images[0];
    await showPicture();
    showTry();
  } catch (error) {
    answer = null;
    complain(error.message);
    byId("try-status").textContent = "";
  }
}

// The picture is drawn without its EXIF rotation: the service's pixels are the sensor's.
async function showPicture() {
  const image = byId("picture");
  if (image.src) URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  image.style.imageOrientation = "none";
  await image.decode().catch(() => complain(say("notPicture")));
}

async function savePng() {
  try {
    save(await (await call("/v1/detect?format=overlay", form())).blob(), "overlay.png");
  } catch (error) {
    complain(error.message);
  }
}

export function showTry() {
  if (!answer) return;
  const { detections, unknown, size_wh: size } = answer;
  byId("stage").hidden = false;
  byId("try-status").textContent =
    detections.length + unknown.length === 0 ? say("nothing") : `${detections.length} ${say("foundParts")}, ${unknown.length} ${say("unknownThings")}`;
  // Pixel centres are at integers, so the picture's corner is at -0.5.
  byId("overlay").setAttribute("viewBox", `-0.5 -0.5 ${size[0]} ${size[1]}`);
  const shapes = [
    ...detections.map((found, index) => shape(found.contours_px, found.colour, `${found.part} ${number(found.score)}`, index)),
    ...unknown.map((thing) => shape([thing.outline_px], "#c8c8c8", say("unknown"), -1, "unknown")),
  ];
  byId("overlay").replaceChildren(...shapes);
  showTable(detections);
  choose(-1);
}

const path = (rings) => rings.map((ring) => "M" + ring.map(([x, y]) => `${x} ${y}`).join("L") + "Z").join("");

function shape(rings, colour, title, index, kind = "") {
  return make("svg:path", {
    d: path(rings), class: "shape " + kind, stroke: colour, fill: colour, "fill-rule": "evenodd", tabindex: 0, role: "button",
    "aria-label": title, "data-index": index, onmouseenter: () => choose(index), onfocus: () => choose(index), onclick: () => choose(index),
  }, make("svg:title", {}, title));
}

function showTable(detections) {
  const titles = ["part", "score", "position", "angle"].map((key) => make("th", { scope: "col" }, say(key)));
  byId("found").querySelector("thead").replaceChildren(make("tr", {}, ...titles));
  byId("found").querySelector("tbody").replaceChildren(...detections.map((found, index) => make("tr",
    { class: "pick", "data-index": index, onclick: () => choose(index), onmouseenter: () => choose(index) },
    make("td", {}, found.part), make("td", {}, number(found.score)),
    make("td", {}, `${number(found.pose_px.u, 1)}, ${number(found.pose_px.v, 1)}`), make("td", {}, number(found.pose_px.angle_deg, 1)))));
}

function choose(index) {
  for (const element of document.querySelectorAll("[data-index]")) {
    element.classList.toggle("chosen", index >= 0 && Number(element.dataset.index) === index);
  }
  const found = index >= 0 ? answer.detections[index] : null;
  const rows = !found ? [] : [
    ["part", found.part], ["score", number(found.score)],
    ["position", `${number(found.pose_px.u)}, ${number(found.pose_px.v)}`], ["angle", number(found.pose_px.angle_deg)],
    ["scale", number(found.pose_px.scale_px_per_mm, 4)], ["face", say(found.flipped ? "down" : "up")],
    ["support", found.support === null ? "–" : Math.round(100 * found.support) + " %"], ["residual", number(found.residual_px)],
  ];
  byId("detail").replaceChildren(...rows.flatMap(([key, value]) => [make("dt", {}, say(key)), make("dd", {}, value)]));
}
