/* What pages do with script beyond what they do without: keys, the drawer, who and which account
   while one types, files, drafts. */
(() => {
  "use strict";
  const at = (name) => document.body.dataset[name];
  const drawer = document.getElementById("drawer");

  /* The zone of whoever looks; the page that comes next is in it. */
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie =
    `rapport_zone=${zone}; path=/; max-age=31536000; samesite=lax`;

  /* Where a fragment is asked, so that a redirect is right behind a proxy's path too. */
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-Asked"] = new URL(event.detail.path, location.href).href;
  });

  /* A fragment's addresses are meant from the page that it was made for. */
  const named = ["href", "action", "hx-get", "hx-post", "data-suggest", "data-files"];
  const settled = (text, page) => {
    const made = new DOMParser().parseFromString(text, "text/html");
    for (const name of named)
      for (const one of made.querySelectorAll(`[${name}]`))
        one.setAttribute(name, new URL(one.getAttribute(name), page).href);
    return made.documentElement.outerHTML;
  };
  document.addEventListener("htmx:beforeSwap", ({detail}) => {
    detail.serverResponse = settled(detail.serverResponse, detail.xhr.responseURL);
  });

  /* Log from anywhere: the form's own page in a drawer. */
  const open = async (url) => {
    await htmx.ajax("GET", url, {target: "#drawer-body", select: "#log", swap: "innerHTML"});
    if (!drawer.open) drawer.showModal();
    drawer.querySelector("[autofocus]")?.focus();
  };
  const typing = (one) => one.closest("input, textarea, select, [contenteditable], dialog[open]");
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-drawer]");
    if (!link || !drawer || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link.href);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (at("keys") === "off") return;
    const log = document.querySelector("[data-drawer]");
    const seek = [...document.querySelectorAll(".place")].find((one) => /\/search$/.test(one.pathname));
    if (event.key === "/" && seek) {
      event.preventDefault();
      const field = document.getElementById("q");
      if (field) field.select(); else location.href = seek.href;
    }
    if (event.key === "c" && log && drawer) { event.preventDefault(); open(log.href); }
    if (event.key === "e") document.querySelector("[data-edit]")?.click();
    if (event.key === "j" || event.key === "k") {
      const rows = [...document.querySelectorAll(".row .title")];
      const now = rows.indexOf(document.activeElement);
      rows[Math.max(0, now + (event.key === "j" ? 1 : -1))]?.focus();
    }
  });
  /* The palette: anywhere, by its name. */
  const palette = document.getElementById("palette");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "k" || !(event.ctrlKey || event.metaKey) || !palette) return;
    event.preventDefault();
    if (palette.open) return palette.close();
    if (drawer?.open) drawer.close();
    palette.showModal();
    palette.querySelector("input").select();
  });
  palette?.addEventListener("click", (event) => { if (event.target === palette) palette.close(); });
  document.querySelector(".parts [aria-current]")?.scrollIntoView({block: "nearest", inline: "center"});
  drawer?.querySelector(".shut").addEventListener("click", () => drawer.close());
  for (const menu of document.querySelectorAll(".menu, .filters"))
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(".menu[open], .filters[open]"))
      if (!menu.contains(event.target)) menu.open = false;
  });

  /* A form is sent once. */
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    for (const button of event.target.querySelectorAll("button:not([name])"))
      setTimeout(() => { button.disabled = true; });
  });
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("form button")) button.disabled = false;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    for (const button of document.querySelectorAll("form button")) button.disabled = false;
  });

  /* Who, and which account: what fits is offered below the field (a combobox of ARIA). */
  const last = (text) => text.slice(text.lastIndexOf(",") + 1).trim();
  document.addEventListener("input", async (event) => {
    const field = event.target.closest("[data-suggest]");
    if (!field) return;
    const asked = last(field.value);
    const list = document.getElementById(field.getAttribute("aria-controls"));
    clearTimeout(field.wait);
    if (asked.length < 2) return shut(field, list);
    field.wait = setTimeout(async () => {
      const answer = await fetch(`${field.dataset.suggest}?q=${encodeURIComponent(asked)}`);
      if (!answer.ok || last(field.value) !== asked) return;
      list.innerHTML = await answer.text();
      field.setAttribute("aria-expanded", list.childElementCount ? "true" : "false");
      mark(field, list, 0);
    }, 120);
  });
  const shut = (field, list) => {
    list.replaceChildren();
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  const mark = (field, list, place) => {
    [...list.children].forEach((one, number) => {
      one.id = `${list.id}-${number}`;
      one.setAttribute("aria-selected", number === place ? "true" : "false");
      if (number === place) field.setAttribute("aria-activedescendant", one.id);
    });
  };
  const take = (field, list, option) => {
    if (option.dataset.way) {
      const page = new URL(field.dataset.suggest, location.href);
      location.href = new URL(option.dataset.way, page);
      return;
    }
    const before = field.value.slice(0, field.value.lastIndexOf(",") + 1);
    const several = field.name === "who";
    field.value = (several && before ? before + " " : "") + option.dataset.value
      + (several ? ", " : "");
    const account = field.form.elements.account;
    if (option.dataset.account && account && !account.value) account.value = option.dataset.account;
    shut(field, list);
    field.dispatchEvent(new Event("change", {bubbles: true}));
  };
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("[data-suggest]");
    if (!field) return;
    const list = document.getElementById(field.getAttribute("aria-controls"));
    const place = [...list.children].findIndex((one) => one.ariaSelected === "true");
    if (place < 0) return;
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (step) mark(field, list, (place + step + list.childElementCount) % list.childElementCount);
    else if (event.key === "Enter") take(field, list, list.children[place]);
    else if (event.key === "Escape") { event.stopPropagation(); shut(field, list); }
    else return;
    event.preventDefault();
  });
  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    const list = option.parentElement;
    take(document.querySelector(`[aria-controls="${list.id}"]`), list, option);
  });
  document.addEventListener("focusout", (event) => {
    const field = event.target.closest?.("[data-suggest]");
    if (field) shut(field, document.getElementById(field.getAttribute("aria-controls")));
  });

  /* Files go up as soon as they are chosen, dropped or pasted; the form names them. */
  const send = async (form, file) => {
    const list = form.querySelector(".files");
    const row = document.createElement("li");
    row.textContent = `${file.name} …`;
    list.append(row);
    try {
      const place = await fetch(form.dataset.files, {
        method: "POST", body: new URLSearchParams({name: file.name, type: file.type}),
      });
      if (!place.ok) throw new Error(place.status);
      const {id, url, form_data} = await place.json();
      const body = new FormData();
      for (const {key, value} of form_data) body.append(key, value);
      body.append("file", file);
      const sent = await fetch(new URL(url, place.url), {method: "POST", body});
      if (!sent.ok) throw new Error(sent.status);
      const field = Object.assign(document.createElement("input"),
        {type: "hidden", name: "file", value: id});
      row.replaceChildren(file.name, field);
    } catch {
      row.textContent = `${file.name}: ${list.dataset.failed}`;
      row.classList.add("error");
    }
  };
  const sendAll = (form, files) => { for (const file of files) send(form, file); };
  document.addEventListener("change", (event) => {
    if (event.target.type !== "file" || !event.target.form?.dataset.files) return;
    sendAll(event.target.form, event.target.files);
    event.target.value = "";
  });
  for (const [name, where] of [["drop", "dataTransfer"], ["paste", "clipboardData"]])
    document.addEventListener(name, (event) => {
      const form = event.target.closest?.("[data-files]");
      if (!form || !event[where].files.length) return;
      event.preventDefault();
      sendAll(form, event[where].files);
    });
  document.addEventListener("dragover", (event) => {
    if (event.target.closest?.("[data-files]")) event.preventDefault();
  });

  /* A draft is one person's, and leaves with them. */
  const drafts = `draft ${at("reader")}`;
  const isLog = (form) => form?.id === "log-form" && at("reader");
  document.addEventListener("input", (event) => {
    if (!isLog(event.target.form)) return;
    const kept = [...new FormData(event.target.form)].filter(([, one]) => typeof one === "string");
    localStorage.setItem(drafts, JSON.stringify(kept));
  });
  document.addEventListener("htmx:afterSwap", () => recall());
  const recall = () => {
    const form = document.getElementById("log-form");
    const kept = isLog(form) && localStorage.getItem(drafts);
    if (!kept || form.dataset.sent || form.recalled) return;
    form.recalled = true;
    for (const [name, value] of JSON.parse(kept)) {
      const field = form.elements[name];
      if (name === "tag" || name === "file") continue;
      if (field) field.value = value;
    }
  };
  recall();
  if (at("saved")) localStorage.removeItem(drafts);
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-leaving]"))
      for (const name of Object.keys(localStorage))
        if (name.startsWith("draft ")) localStorage.removeItem(name);
  });
})();
