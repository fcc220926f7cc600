"use strict";
const one = (selector, inside = document) => inside.querySelector(selector);
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
const search = one("#search");
const nav = one("#nav");
const token = one("#token");

// Search: every word has to stand somewhere in a method's name, summary or fields.
const entries = all("[data-words]");
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const entry of entries) entry.hidden = !words.every((word) => entry.dataset.words.includes(word));
  for (const family of all("[data-family]")) family.hidden = !one("[data-words]:not([hidden])", family);
  one(".intro").hidden = one("#errors").hidden = words.length > 0;
  one("#nothing").hidden = entries.some((entry) => !entry.hidden);
  nav.classList.toggle("open", words.length > 0);
}
search.addEventListener("input", filter);
search.addEventListener("keydown", (event) => {
  const first = one("nav [data-words]:not([hidden]) a");
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

// On a narrow screen the list of methods opens and closes.
const menu = one("#menu");
const showMenu = (open) => {
  nav.classList.toggle("open", open);
  menu.setAttribute("aria-expanded", String(open));
};
menu.addEventListener("click", () => showMenu(!nav.classList.contains("open")));
nav.addEventListener("click", (event) => event.target.closest("a") && showMenu(false));
// A link to what the search has hidden shows everything again.
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  const target = link && document.getElementById(link.getAttribute("href").slice(1));
  if (target && target.closest("[hidden]")) {
    search.value = "";
    filter();
  }
});

// The list marks the method that is being read.
const links = new Map(all("nav a").map((link) => [link.getAttribute("href").slice(1), link]));
const watch = new IntersectionObserver(
  (seen) => {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      const link = links.get(target.id);
      link.setAttribute("aria-current", "true");
      if (nav.scrollHeight > nav.clientHeight) {
        const box = nav.getBoundingClientRect();
        const { top, bottom } = link.getBoundingClientRect();
        if (top < box.top || bottom > box.bottom) nav.scrollTop += top - box.top - nav.clientHeight / 2;
      }
    }
  },
  { rootMargin: "-15% 0px -80% 0px" },
);
for (const id of links.keys()) watch.observe(document.getElementById(id));

// Curl lines speak to the server that this page came from.
if (location.protocol.startsWith("http")) {
  for (const code of all(".curl code")) code.textContent = code.textContent.replace(/https?:\/\/[^/\s]+/, location.origin);
}
for (const button of all(".copy")) {
  button.addEventListener("click", async () => {
    const code = one("code", button.closest(".panel"));
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

// The token lives as long as the tab.
token.value = sessionStorage.getItem("rapport-token") || "";
token.addEventListener("input", () => sessionStorage.setItem("rapport-token", token.value.trim()));

async function send(form) {
  const body = one("textarea", form).value;
  const headers = { "Content-Type": "application/json" };
  if (token.value.trim()) headers.Authorization = `Bearer ${token.value.trim()}`;
  const began = performance.now();
  try {
    const response = await fetch(form.dataset.path, { method: "POST", headers, body, credentials: "omit" });
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
for (const form of all("form.try")) {
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
