/* New rows of the timeline come by themselves: one request waits for them while the page is seen,
   none while it is not. */
(() => {
  "use strict";
  const news = document.querySelector("[data-live]");
  if (!news) return;
  const REST = 2000;
  let after = news.dataset.after;
  let waiting = null;
  const ways = (page) => [...page.querySelectorAll(".row .title")].map((one) => one.pathname);

  /* At the top of an untouched list the rows are put in place; else a line says how many. */
  const isQuiet = (page) => scrollY < 80 && !document.querySelector("dialog[open], details[open]")
    && !document.querySelector(".columns").contains(document.activeElement)
    && ways(document).length <= ways(page).length;
  const refresh = async () => {
    const answer = await fetch(news.href, {headers: {Accept: "text/html"}});
    if (!answer.ok || answer.redirected) return;
    const made = new DOMParser().parseFromString(await answer.text(), "text/html");
    const known = new Set(ways(document));
    const added = ways(made).filter((way) => !known.has(way));
    if (!added.length) return;
    if (!isQuiet(made)) {
      news.textContent = news.dataset.said.replace("{count}", added.length);
      news.hidden = false;
      return;
    }
    for (const one of made.querySelectorAll(".row"))
      one.classList.toggle("new", added.includes(one.querySelector(".title").pathname));
    const columns = document.querySelector(".columns");
    columns.replaceWith(document.adoptNode(made.querySelector(".columns")));
    htmx.process(document.querySelector(".columns"));
  };
  const listen = async () => {
    while (document.visibilityState === "visible") {
      waiting = new AbortController();
      try {
        const asked = `${news.dataset.live}?after=${after}`;
        const answer = await fetch(asked, {signal: waiting.signal});
        if (!answer.ok || answer.redirected) return;
        const {last, added} = await answer.json();
        after = last;
        if (added) await refresh();
      } catch (error) {
        if (error.name === "AbortError") return;
      }
      await new Promise((go) => setTimeout(go, REST));
    }
  };
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") listen(); else waiting?.abort();
  });
  listen();
})();
