// A select with data-combobox becomes a field that can be searched in, as WAI-ARIA's
// combobox pattern describes it. The select stays, and is what the form sends. With
// data-source the server is asked for the options that match (?q=, and ?within= the
// value of the field that data-within names).
for (const select of document.querySelectorAll("select[data-combobox]")) enhance(select);

function enhance(select) {
  const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
  const box = document.createElement("div");
  const input = document.createElement("input");
  const list = document.createElement("ul");
  const { source, within } = select.dataset;
  let at = -1, wait = 0, asked = null;
  box.className = "combo";
  list.id = `${select.id}-list`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", label.textContent);
  input.id = `${select.id}-text`;
  input.autocomplete = "off";
  input.required = select.required;
  input.value = select.selectedOptions[0]?.value ? select.selectedOptions[0].textContent : "";
  for (const [name, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-controls", list.id], ["aria-autocomplete", "list"]]) input.setAttribute(name, value);
  for (const name of ["aria-describedby", "aria-invalid"]) if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  label.htmlFor = input.id;
  select.hidden = true;
  select.before(box);
  box.append(input, list);

  const shown = () => [...list.querySelectorAll("[role=option]:not([aria-disabled])")];
  const close = () => { clearTimeout(wait); asked?.abort(); list.hidden = true; at = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
  const mark = (n) => {
    const options = shown();
    at = options.length ? (n + options.length) % options.length : -1;
    options.forEach((each, i) => each.setAttribute("aria-selected", String(i === at)));
    if (at < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", options[at].id);
    options[at].scrollIntoView({ block: "nearest" });
  };
  const say = (text) => {
    const line = document.createElement("li");
    line.textContent = text;
    line.setAttribute("role", "option");
    line.setAttribute("aria-selected", "false");
    line.setAttribute("aria-disabled", "true");
    list.append(line);
  };
  const ask = async (text) => {
    const url = new URL(source, location.href);
    url.searchParams.set("q", text);
    if (within) url.searchParams.set("within", select.form.elements[within].value);
    let why = "The list could not be read. Type again to try again.";
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    try {
      const answer = await fetch(url, { signal, headers: { Accept: "application/json" } });
      if (new URL(answer.url).pathname === "/signin") why = "You are signed out by now. Sign in in another tab, then type again.";
      if (!answer.ok) throw new Error(answer.status);
      const found = await answer.json();
      const now = select.selectedOptions[0];
      select.replaceChildren(new Option("", ""), ...found.options.map((o) => Object.assign(new Option(o.text, o.value), { disabled: Boolean(o.disabled) })));
      if (now?.value && ![...select.options].some((o) => o.value === now.value)) select.append(now);
      select.value = now?.value ?? "";
      show("", now?.value && !found.options.some((o) => o.value === now.value) ? now : null);
      if (found.more) say("There are more: type a part of the name");
    } catch {
      if (signal.aborted) return;
      list.replaceChildren();
      say(why);
    }
  };
  const open = (text) => {
    if (!source) return show(text);
    clearTimeout(wait);
    wait = setTimeout(ask, list.hidden ? 0 : 200, text);
    list.replaceChildren();
    say("Looking…");
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  };
  const show = (text, besides = null) => {
    list.replaceChildren(...[...select.options].flatMap((option, i) => {
      if (!option.value || option === besides || !option.textContent.toLowerCase().includes(text.toLowerCase())) return [];
      const line = document.createElement("li");
      line.id = `${list.id}-${i}`;
      line.textContent = option.textContent;
      line.dataset.value = option.value;
      line.setAttribute("role", "option");
      line.setAttribute("aria-selected", "false");
      if (option.disabled) line.setAttribute("aria-disabled", "true");
      return [line];
    }).slice(0, 100));
    if (!list.children.length) say("Nothing of that name");
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    at = -1;
  };
  const choose = (line) => { select.value = line.dataset.value; input.value = line.textContent; close(); select.dispatchEvent(new Event("change", { bubbles: true })); };
  const restore = () => { const now = select.selectedOptions[0]; input.value = now?.value ? now.textContent : ""; close(); };

  input.addEventListener("click", () => { if (list.hidden) open(""); });
  input.addEventListener("input", () => open(input.value));
  input.addEventListener("blur", restore);
  if (within) select.form.elements[within].addEventListener("change", () => {
    select.replaceChildren(new Option("", ""));
    restore();
  });
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const line = event.target.closest("[role=option]:not([aria-disabled])");
    if (line) choose(line);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) open("");
      mark(event.key === "ArrowDown" ? at + 1 : Math.max(at, 0) - 1);
    } else if (event.key === "Enter" && !list.hidden) {
      event.preventDefault();
      if (at >= 0) choose(shown()[at]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      restore();
    }
  });
}
