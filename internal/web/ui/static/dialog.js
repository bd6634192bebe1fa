// Links with data-dialog show the page they lead to in a dialog. Whatever goes
// wrong, the link leads to the page as it does without scripts. Who clicks again, or
// leaves meanwhile, gets what they asked for last.
let last = null;
addEventListener("beforeunload", () => { last = null; });
addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const mine = last = {};
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine === last) show(page);
  } catch {
    if (mine === last) location.assign(link.href);
  }
});

function show(page) {
  const body = page.querySelector("[data-dialog-body]");
  if (!body) throw new Error("nothing to show");
  const dialog = document.createElement("dialog");
  const head = document.createElement("div");
  const title = document.createElement("h2");
  const close = document.createElement("button");
  title.textContent = page.querySelector("h1").textContent;
  title.id = "dialog-title";
  close.type = "button";
  close.className = "button small";
  close.textContent = "Close";
  head.className = "dialog-head";
  head.append(title, close);
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.append(head, document.importNode(body, true));
  document.body.append(dialog);
  const end = (event) => { event.preventDefault(); dialog.close(); };
  close.addEventListener("click", end);
  for (const each of dialog.querySelectorAll("[data-close]")) each.addEventListener("click", end);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  dialog.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}
