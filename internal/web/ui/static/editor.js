// An editor of a rules file around a textarea, which stays what the form sends: line
// numbers, what is wrong where it is (the server says, as the form's Check does), and
// what can stand at a place, from the JSON Schema of the file.
for (const box of document.querySelectorAll("[data-editor]")) edit(box);

function edit(box) {
  const area = box.querySelector("textarea");
  const gutter = box.querySelector(".editor-lines");
  const list = document.createElement("ul");
  const checked = document.getElementById("checked");
  const trouble = document.getElementById("editor-trouble");
  let language = null, learning = null, choices = [], at = -1, leave = false, wait = 0, asked = null, wrong = new Set();
  list.className = "editor-choices";
  list.id = `${area.id}-choices`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "What can stand here");
  box.append(list);
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-haspopup", "listbox");

  // Line numbers.
  const number = () => {
    const count = area.value.split("\n").length;
    gutter.replaceChildren(...Array.from({ length: count }, (_, i) => {
      const line = document.createElement("span");
      line.textContent = wrong.has(i + 1) ? `✗ ${i + 1}` : `${i + 1}`;
      if (wrong.has(i + 1)) line.className = "wrong";
      return line;
    }));
    gutter.scrollTop = area.scrollTop;
  };
  const marks = () => { wrong = new Set([...checked.querySelectorAll("[data-line]")].map((link) => Number(link.dataset.line))); number(); };
  area.addEventListener("scroll", () => { gutter.scrollTop = area.scrollTop; close(); });

  // Lines.
  const goTo = (line, column) => {
    const lines = area.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + Math.min([...(lines[line - 1] ?? "")].slice(0, column - 1).join("").length, lines[line - 1]?.length ?? 0);
    area.focus({ preventScroll: true });
    area.setSelectionRange(start, start);
    const height = parseFloat(getComputedStyle(area).lineHeight);
    area.scrollTop = Math.max(0, (line - 4) * height);
    box.scrollIntoView({ block: "nearest" });
  };
  checked.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-line]");
    if (!link) return;
    event.preventDefault();
    goTo(Number(link.dataset.line), Number(link.dataset.column));
  });
  const named = () => { const line = /^#line-(\d+)$/.exec(location.hash); if (line) goTo(Number(line[1]), 1); };
  addEventListener("hashchange", named);

  // What could not be asked, and what to do next; an empty text: all of it could.
  const say = (text) => { trouble.querySelector("span").textContent = text; trouble.hidden = !text; };
  const out = (answer) => new URL(answer.url).pathname === "/signin";
  const unknown = "What can stand here could not be read just now. Press Ctrl Space to try again.";
  const signIn = "You are signed out by now. Your text is still here: sign in in another tab, then go on here.";

  // What is wrong. A newer question takes the place of one that is under way.
  const check = async () => {
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    try {
      const answer = await fetch(box.dataset.check, { method: "POST", signal, body: new URLSearchParams(new FormData(area.form)), headers: { Accept: "text/html" } });
      if (out(answer)) return say(signIn);
      const found = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("checked");
      if (signal.aborted) return;
      if (!found) return say("cxm could not check the file just now. Your text is still here: go on writing, or press Check.");
      checked.replaceChildren(...[...found.childNodes].map((node) => document.importNode(node, true)));
      area.toggleAttribute("aria-invalid", Boolean(checked.querySelector("[data-line]")));
      if (area.hasAttribute("aria-invalid")) area.setAttribute("aria-invalid", "true");
      say("");
      marks();
    } catch {
      if (!signal.aborted) say("cxm does not answer, so the file is not checked while you write. Your text is still here: try again in a moment.");
    }
  };
  const later = () => { clearTimeout(wait); wait = setTimeout(check, 800); };
  addEventListener("pagehide", () => { clearTimeout(wait); asked?.abort(); });

  // What can stand here. What could not be had is asked for again the next time.
  const learn = () => learning ??= (async () => {
    try {
      const answer = await fetch(box.dataset.editor, { headers: { Accept: "application/json" } });
      const found = answer.ok && await answer.json();
      if (found?.schema && Array.isArray(found.words)) language = found;
    } catch { /* said when it is asked for */ }
    if (!language) learning = null;
  })();
  const close = () => { list.hidden = true; choices = []; at = -1; area.removeAttribute("aria-activedescendant"); area.removeAttribute("aria-controls"); };
  const mark = (n) => {
    at = (n + choices.length) % choices.length;
    [...list.children].forEach((line, i) => line.setAttribute("aria-selected", String(i === at)));
    area.setAttribute("aria-activedescendant", list.children[at].id);
    list.children[at].scrollIntoView({ block: "nearest" });
  };
  const offer = (forced) => {
    const place = where(area.value.slice(0, area.selectionStart));
    if (!language?.schema || area.selectionStart !== area.selectionEnd || (!forced && !place.word)) return close();
    choices = possible(language, place).filter((each) => each.name.toLowerCase().startsWith(place.word.toLowerCase()) && (forced || each.name !== place.word)).slice(0, 60);
    if (!choices.length) return close();
    list.replaceChildren(...choices.map((each, i) => {
      const line = document.createElement("li");
      const name = document.createElement("strong");
      line.id = `${list.id}-${i}`;
      line.setAttribute("role", "option");
      line.setAttribute("aria-selected", "false");
      name.textContent = each.name;
      line.append(name);
      if (each.doc) line.append(` ${each.doc}`);
      return line;
    }));
    list.hidden = false;
    put();
    area.setAttribute("aria-controls", list.id);
    mark(0);
  };
  const ask = async () => {
    await learn();
    if (!language) return say(unknown);
    if (trouble.textContent === unknown) say("");
    if (document.activeElement === area) offer(true);
  };
  const put = () => {
    const style = getComputedStyle(area);
    const before = area.value.slice(0, area.selectionStart).split("\n");
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = `${style.fontSize} ${style.fontFamily}`;
    const height = parseFloat(style.lineHeight);
    const top = area.offsetTop + parseFloat(style.paddingTop) + before.length * height - area.scrollTop;
    const left = area.offsetLeft + parseFloat(style.paddingLeft) + pen.measureText(before.at(-1)).width - area.scrollLeft;
    list.style.left = `${Math.max(0, Math.min(left, box.clientWidth - list.offsetWidth - 8))}px`;
    const below = top + list.offsetHeight < box.clientHeight || top - height < list.offsetHeight;
    list.style.top = `${below ? top : top - height - list.offsetHeight}px`;
  };
  const type = (text, from = area.selectionStart) => {
    area.setSelectionRange(from, area.selectionEnd);
    if (!document.execCommand("insertText", false, text)) { // keeps what Ctrl Z takes back
      area.setRangeText(text, from, area.selectionEnd, "end");
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
  };
  const take = (choice) => {
    const { word } = where(area.value.slice(0, area.selectionStart));
    close();
    type(choice.text, area.selectionStart - word.length);
    close();
  };
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const line = event.target.closest("[role=option]");
    if (line) take(choices[[...list.children].indexOf(line)]);
  });

  // Lines that are moved to the right or back.
  const indent = (back) => {
    const start = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
    if (area.selectionStart === area.selectionEnd && !back) return type("  ");
    const text = area.value.slice(start, area.selectionEnd);
    const moved = text.split("\n").map((line) => back ? line.replace(/^ {1,2}/, "") : line && `  ${line}`).join("\n");
    const tail = area.value.length - area.selectionEnd;
    const one = area.selectionStart === area.selectionEnd;
    if (moved === text) return;
    type(moved, start);
    const end = area.value.length - tail;
    area.setSelectionRange(one ? end : start, end);
  };

  area.addEventListener("focus", learn);
  area.addEventListener("blur", () => { leave = false; close(); });
  area.addEventListener("input", (event) => {
    number();
    later();
    if (event.inputType === "insertText" && event.data?.length === 1) offer(false);
    else if (!list.hidden) offer(false);
  });
  area.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      return ask();
    }
    if (!list.hidden) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) { event.preventDefault(); return mark(at + step); }
      if (event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) { event.preventDefault(); return take(choices[at]); }
      if (event.key === "Escape") { event.preventDefault(); return close(); }
      if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") close();
    }
    if (event.key === "Escape") { leave = true; return; }
    if (event.key === "Tab" && !event.ctrlKey && !event.altKey && !event.metaKey) {
      if (leave) return; // Esc, then Tab: on to the next, as anywhere else
      event.preventDefault();
      return indent(event.shiftKey);
    }
    if (event.key !== "Shift") leave = false;
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && area.selectionStart === area.selectionEnd) {
      const line = area.value.slice(area.value.lastIndexOf("\n", area.selectionStart - 1) + 1, area.selectionStart);
      const deep = /^ *(?:- )?/.exec(line)[0].length + (/:\s*[|>]?[+-]?$/.test(line) ? 2 : 0);
      if (!deep) return;
      event.preventDefault();
      type(`\n${" ".repeat(deep)}`);
    }
  });

  marks();
  named();
}

// where is the place at the end of a text: the keys that lead to it ("[]" for an item of
// a list), whether a key or a value stands there, and the word that is being written.
function where(before) {
  const lines = before.split("\n");
  const last = lines.pop();
  const path = [];
  let block = -1; // the column of a key whose text goes on in deeper lines
  const push = (column, key) => {
    while (path.length && (path.at(-1).column > column || (path.at(-1).column === column && (key !== "[]" || path.at(-1).key === "[]")))) path.pop();
    if (key) path.push({ column, key });
  };
  const dashes = (line) => {
    let column = line.search(/\S/);
    for (let item; (item = /^-(?: +|$)/.exec(line.slice(column))); column += item[0].length) push(column, "[]");
    return column;
  };
  for (const line of lines) {
    const indent = line.search(/\S/);
    if (indent < 0 || line[indent] === "#" || (block >= 0 && indent > block)) continue;
    block = -1;
    const column = dashes(line);
    const pair = /^(?:"([^"]*)"|'([^']*)'|([^\s"'{[#][^:]*?))\s*:(?:\s+(.*))?$/.exec(line.slice(column));
    if (!pair) continue;
    push(column, pair[1] ?? pair[2] ?? pair[3]);
    if (/^[|>][+-]?\s*(#.*)?$/.test(pair[4] ?? "")) block = column;
  }
  const keys = () => path.map((each) => each.key);
  if (block >= 0 && (last.search(/\S/) > block || (!last.trim() && last.length > block))) {
    return { path: keys(), value: true, condition: path.at(-1).key === "when", word: /\w*$/.exec(last)[0] };
  }
  const start = last.trim() ? dashes(last) : last.length;
  const pair = /^([^\s"'{[#:]+)\s*:\s+(.*)$/.exec(last.slice(start));
  push(start, pair?.[1]);
  const rest = pair ? pair[2] : last.slice(start);
  if (pair?.[1] === "when") return { path: keys(), value: true, condition: true, word: /\w*$/.exec(rest)[0] };
  return braced(keys(), rest, Boolean(pair));
}

// braced goes on within what one line opens: braces and brackets.
function braced(path, text, value) {
  const quiet = text.replace(/"[^"]*"|'[^']*'/g, (quoted) => "x".repeat(quoted.length));
  const open = [];
  let from = 0, key = null;
  for (let i = 0; i < quiet.length; i++) {
    if (quiet[i] === "{" || quiet[i] === "[") { open.push(quiet[i]); path = [...path, ...(key ? [key] : []), ...(quiet[i] === "[" ? ["[]"] : [])]; key = null; from = i + 1; }
    else if (quiet[i] === "}" || quiet[i] === "]") return { path, value, word: " " }; // what is closed is not gone into again
    else if (quiet[i] === "," && open.length) { key = null; from = i + 1; }
    else if (quiet[i] === ":" && open.at(-1) === "{" && /\s/.test(quiet[i + 1] ?? "")) { key = text.slice(from, i).trim(); from = i + 1; }
  }
  const word = /[\w:.-]*$/.exec(text.slice(from))[0];
  if (!open.length) return { path, value, word };
  if (key === "when") return { path: [...path, key], value: true, condition: true, word: /\w*$/.exec(text)[0] };
  return { path: key ? [...path, key] : path, value: Boolean(key) || open.at(-1) === "[", word, flow: true };
}

// possible are the names that can stand at a place.
function possible(language, place) {
  if (place.condition) return language.words.map((each) => ({ ...each, text: each.name }));
  let all = [language.schema];
  for (const key of place.path) all = all.flatMap((each) => below(each, key));
  all = all.flatMap(each);
  const out = new Map();
  for (const schema of all) {
    if (!place.value && !schema.properties) for (const word of schema.enum ?? []) out.set(word, { name: String(word), doc: "", text: String(word) });
    if (!place.value) for (const [name, field] of Object.entries(schema.properties ?? {})) {
      const nested = !place.flow && each(field).every((one) => one.type === "object" || one.type === "array");
      out.set(name, { name, doc: field.description ?? "", text: nested ? `${name}:` : `${name}: ` });
    }
    if (place.value) {
      const words = schema.type === "boolean" ? ["true", "false"] : [...(schema.enum ?? []), ...("const" in schema ? [schema.const] : [])];
      for (const word of words) out.set(word, { name: String(word), doc: "", text: String(word) });
      for (const one of schema.type === "array" ? each(schema.items ?? {}) : []) for (const word of one.enum ?? []) out.set(word, { name: String(word), doc: "", text: String(word) });
    }
  }
  return [...out.values()];
}

// each are the ways in which something may be written.
function each(schema) { return schema.anyOf ? schema.anyOf.flatMap(each) : [schema]; }

function below(schema, key) {
  return each(schema).flatMap((one) => {
    if (key === "[]") return one.items ? [one.items] : [];
    if (one.properties?.[key]) return [one.properties[key]];
    return one.additionalProperties ? [one.additionalProperties] : [];
  });
}
