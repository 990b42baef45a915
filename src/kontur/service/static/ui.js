// Small helpers: elements without innerHTML of foreign text, calls to the service, the language.
import { TEXTS } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";
let language = localStorage.getItem("language") || (navigator.language.startsWith("ru") ? "ru" : "en");

export const say = (key) => TEXTS[language][key];
export const byId = (id) => document.getElementById(id);

export function setLanguage(wanted) {
  language = wanted in TEXTS ? wanted : "en";
  localStorage.setItem("language", language);
  document.documentElement.lang = language;
  byId("language").value = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
  for (const element of document.querySelectorAll("[data-alt]")) element.alt = say(element.dataset.alt);
}
export const currentLanguage = () => language;

export function make(tag, attributes = {}, ...children) {
  const element = tag.startsWith("svg:") ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const number = (value, digits = 2) => (value === null || value === undefined ? "–" : Number(value).toFixed(digits));

export function table(titles, rows) {
  const head = make("thead", {}, make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title))));
  const body = rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell))));
  return make("div", { class: "scroll" }, make("table", {}, head, make("tbody", {}, ...body)));
}

export const tile = (value, label) => make("div", { class: "tile" }, make("b", {}, String(value)), label);

// An SVG from the service is shown as a picture, so that nothing in it can run.
export const thumbnail = (svg, name) =>
  make("img", { class: "thumb", alt: name, src: "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svg) });

export function complain(text) {
  byId("problem").textContent = text;
  byId("problem").hidden = !text;
}

async function askToken() {
  const dialog = byId("token-dialog");
  dialog.showModal();
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  sessionStorage.setItem("token", byId("token").value);
  byId("token").value = "";
}

// Call the service; asks for the token when it is needed, and throws an Error with the service's own sentence.
export async function call(path, options = {}) {
  const token = sessionStorage.getItem("token");
  const headers = token ? { Authorization: "Bearer " + token } : {};
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch {
    throw new Error(say("offline"));
  }
  if (response.status === 401) {
    await askToken();
    return call(path, options);
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Error(problem.detail || response.status + " " + response.statusText);
  }
  return response;
}
export const callJson = async (path, options) => (await call(path, options)).json();

export function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Wire a drop area and its file inputs.
export function onFile(area, inputs, use) {
  for (const input of inputs) {
    input.addEventListener("change", () => {
      if (input.files[0]) use(input.files[0]);
      input.value = "";
    });
  }
  for (const name of ["dragenter", "dragover"]) {
    area.addEventListener(name, (event) => { event.preventDefault(); area.classList.add("over"); });
  }
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    if (event.dataTransfer.files[0]) use(event.dataTransfer.files[0]);
  });
}
