// Parts of a page that change while it is looked at: the server sends each part
// anew (server-sent events), and it takes the place of the one with its id.
for (const live of document.querySelectorAll("[data-live]")) {
  const source = new EventSource(live.dataset.live);
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
}
