// Parts of a page that change while it is looked at: the server sends each part
// anew (server-sent events), and it takes the place of the one with its id. When
// nothing comes any more, the page says so.
for (const live of document.querySelectorAll("[data-live]")) watch(live);

function watch(live) {
  const source = new EventSource(live.dataset.live);
  const notice = document.createElement("p");
  let failed = 0, left = false;
  notice.className = "notice tone-warn";
  const say = (text) => {
    notice.replaceChildren(Object.assign(document.createElement("span"), { textContent: text }));
    document.querySelector(".notices").append(notice);
  };
  source.addEventListener("part", (event) => {
    const parsed = new DOMParser().parseFromString(event.data, "text/html");
    for (const part of [...parsed.body.children]) {
      document.getElementById(part.id)?.replaceWith(document.importNode(part, true));
    }
  });
  source.addEventListener("done", () => source.close());
  source.addEventListener("next", (event) => {
    source.close();
    if (/^\/[^/\\]/.test(event.data)) location.replace(event.data);
  });
  source.addEventListener("open", () => { failed = 0; notice.remove(); });
  source.addEventListener("error", () => {
    if (left) return;
    if (source.readyState === EventSource.CLOSED) say("This page does not change by itself any more. Load it again to see how it stands now.");
    else if (++failed > 1) say("cxm does not answer. What you see may be old; the page goes on by itself when cxm answers again.");
  });
  addEventListener("pagehide", () => { left = true; });
  addEventListener("pageshow", () => { left = false; });
}
