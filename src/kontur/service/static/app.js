// Tabs, language, and the regular look at what changes.
import { SHOW, startParts } from "./pages.js";
import { showTry, startTry } from "./try.js";
import { byId, complain, currentLanguage, make, say, setLanguage } from "./ui.js";

const LIVE = { monitor: 3000, training: 5000 };
const tabs = [...document.querySelectorAll('[role="tab"]')];
let timer = null;

async function refresh(name) {
  try {
    if (name === "try") return showTry();
    if (!byId(name).hasChildNodes()) byId(name).append(make("p", { class: "faint" }, say("loading")));
    await SHOW[name]();
  } catch (error) {
    complain(error.message);
  }
}

function open(name) {
  complain("");
  clearInterval(timer);
  for (const tab of tabs) {
    const chosen = tab.getAttribute("aria-controls") === name;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
    byId(tab.getAttribute("aria-controls")).hidden = !chosen;
  }
  history.replaceState(null, "", "#" + name);
  refresh(name);
  if (LIVE[name]) timer = setInterval(() => refresh(name), LIVE[name]);
}

function step(event) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const next = tabs[(tabs.indexOf(event.target) + by + tabs.length) % tabs.length];
  next.focus();
  open(next.getAttribute("aria-controls"));
}

for (const tab of tabs) {
  tab.addEventListener("click", () => open(tab.getAttribute("aria-controls")));
  tab.addEventListener("keydown", step);
}
const opened = () => tabs.find((tab) => tab.getAttribute("aria-selected") === "true").getAttribute("aria-controls");
byId("language").addEventListener("change", (event) => {
  setLanguage(event.target.value);
  refresh(opened());
});
setLanguage(currentLanguage());
startTry();
startParts();
const wanted = location.hash.slice(1);
open(tabs.some((tab) => tab.getAttribute("aria-controls") === wanted) ? wanted : "try");
