"use strict";
const one = (selector, inside = document) => inside.querySelector(selector);
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
const up = document.body.dataset.up;
const base = new URL(up || ".", location.href);
const search = one("#search");
const nav = one("#nav");
const menu = one("#menu");
const token = one("#token");

// Search: every word has to stand somewhere in a page's name, summary or fields.
let words;
async function filter() {
  words ??= fetch(`${up}docs/search.json`).then((answer) => answer.json());
  const known = await words;
  const asked = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const entry of all("[data-page]")) entry.hidden = !asked.every((word) => known[entry.dataset.page].includes(word));
  for (const section of all("nav section, .family")) section.hidden = !one("[data-page]:not([hidden])", section);
  for (const intro of all(".intro")) intro.hidden = asked.length > 0;
  one("#nothing").hidden = one("nav [data-page]:not([hidden])") !== null;
  showMenu(asked.length > 0);
}
search.addEventListener("input", filter);
search.addEventListener("keydown", (event) => {
  const first = one("nav [data-page]:not([hidden]) a");
  if (event.key === "Enter" && first) first.click();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape" && typing === search) {
    search.value = "";
    search.blur();
    filter();
  }
});

// On a narrow screen the list of pages opens and closes.
function showMenu(open) {
  nav.classList.toggle("open", open);
  menu.setAttribute("aria-expanded", String(open));
}
menu.addEventListener("click", () => showMenu(!nav.classList.contains("open")));
const current = one("nav [aria-current]");
if (current) nav.scrollTop = current.offsetTop - nav.clientHeight / 3;

// The programs speak to the server that this page came from.
const HOST = "http://127.0.0.1:8080/";
const codes = all(".samples code");
if (location.protocol.startsWith("http")) {
  for (const code of codes) code.textContent = code.textContent.replace(HOST, base.href);
}

// The language stays chosen.
const tabs = all("[role=tab]");
function choose(tab) {
  for (const other of tabs) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    one(`#${other.getAttribute("aria-controls")}`).hidden = !chosen;
  }
  localStorage.setItem("rapport-language", tab.textContent);
}
tabs.forEach((tab, at) => {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(at + step + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  });
});
const spoken = tabs.find((tab) => tab.textContent === localStorage.getItem("rapport-language"));
if (spoken) choose(spoken);

for (const pre of all(".guide pre")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  pre.append(button);
}
for (const button of all(".copy")) {
  button.addEventListener("click", async () => {
    const code = one("code", button.closest("pre") ?? one("pre:not([hidden])", button.closest(".panel")));
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // no clipboard over plain http: select it, for Ctrl+C
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
}

async function call(method, body) {
  const headers = { "Content-Type": "application/json" };
  if (token.value.trim()) headers.Authorization = `Bearer ${token.value.trim()}`;
  return fetch(new URL(method, base), { method: "POST", headers, body, credentials: "omit" });
}
async function send(form) {
  const began = performance.now();
  try {
    const response = await call(form.dataset.method, one("textarea", form).value);
    const text = await response.text();
    const time = `${Math.round(performance.now() - began)} ms`;
    return { ok: response.ok, status: `${response.status} ${response.statusText}`, time, text: pretty(text) };
  } catch (error) {
    return { ok: false, status: "No answer", time: "", text: String(error.message) };
  }
}
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// What the caller's own org has takes the place of the example's ids.
async function idFrom(source) {
  const response = source.method ? await call(source.method, JSON.stringify(source.request)) : null;
  if (!response?.ok) return undefined;
  const told = (await response.json())[source.key];
  if (source.key !== "events") return told[0]?.display_id;
  const gone = new Set(told.filter((event) => event.type.endsWith("_deleted")).map((event) => event.object));
  return told.map((event) => event.object).findLast((id) => id.includes(source.pattern) && !gone.has(id));
}
async function fill(form) {
  const area = one("textarea", form);
  for (const [example, source] of Object.entries(JSON.parse(form.dataset.ids))) {
    const id = await idFrom(source).catch(() => undefined);
    if (id === undefined) missing(form, example, source);
    else if (area.value === area.defaultValue) {
      area.value = area.defaultValue = area.value.replaceAll(`"${example}"`, JSON.stringify(id));
      for (const code of codes) code.textContent = code.textContent.replaceAll(`"${example}"`, JSON.stringify(id));
    }
  }
}
function missing(form, example, source) {
  const hint = one(".hint", form);
  const link = document.createElement("a");
  link.href = `${up}docs/${source.make}`;
  link.textContent = source.make;
  hint.replaceChildren(`${example} is of the demo. `, link, " makes one of yours.");
  hint.hidden = false;
}

// The token lives as long as the tab.
const form = one("form.try");
if (token) {
  const take = () => form && token.value.trim().startsWith("rpt_") && fill(form);
  token.value = sessionStorage.getItem("rapport-token") ?? "";
  token.addEventListener("input", () => sessionStorage.setItem("rapport-token", token.value.trim()));
  token.addEventListener("change", take);
  take();
}
if (form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = one("[type=submit]", form);
    const result = one(".result", form);
    button.disabled = true;
    const answer = await send(form);
    button.disabled = false;
    result.hidden = false;
    result.classList.toggle("failed", !answer.ok);
    one(".status", result).textContent = answer.status;
    one(".time", result).textContent = answer.time;
    one("pre code", result).textContent = answer.text;
  });
  one("textarea", form).addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}
