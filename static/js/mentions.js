// People in a note: in textarea[data-mentions] typing @ and letters asks [data-mentions-url]?q=letters for a list
// of <li role="option" data-value data-label data-more>; choosing writes @Name, and form and draft
// send @[value]. data-mentions-known holds the people behind the names of a note that came back.
const doc = document;
const chosen = new WeakMap();
let open = null;
let asked = 0;

/* name -> person: those of a restored note, and who is chosen now */
function known(area) {
  if (!chosen.has(area)) chosen.set(area, new Map(Object.entries(JSON.parse(area.dataset.mentionsKnown || "{}"))));
  return chosen.get(area);
}

function word(area) {
  const found = /(?:^|[\s(（,，。;；:：])@([\p{L}\d-]{0,30}(?: [\p{L}\d-]{0,30})?)$/u.exec(area.value.slice(0, area.selectionStart));
  return found ? { text: found[1], from: area.selectionStart - found[1].length - 1 } : null;
}

function close() {
  if (!open) return;
  open.area.removeAttribute("aria-activedescendant");
  open.area.setAttribute("aria-expanded", "false");
  open.list.remove();
  open = null;
}

const options = () => Array.from(open.list.querySelectorAll("[role=option]:not([aria-disabled])"));

function mark(option) {
  options().forEach((each) => each.setAttribute("aria-selected", String(each === option)));
  if (option) {
    open.area.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }
}

function place(area, html) {
  close();
  const list = doc.createElement("ul");
  list.className = "pop mentions";
  list.id = "mentions-list";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", area.dataset.mentionsLabel || "@");
  list.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  (area.closest(".composer") || area.closest("form")).append(list);
  area.setAttribute("role", "combobox");
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", list.id);
  area.setAttribute("aria-expanded", "true");
  open = { area, list };
  mark(options()[0]);
}

async function ask(area) {
  const at = word(area);
  if (!at) { close(); return; }
  asked += 1;
  const mine = asked;
  const url = `${area.closest("[data-mentions-url]").dataset.mentionsUrl}?q=${encodeURIComponent(at.text)}`;
  const answer = await fetch(url, { headers: { "HX-Request": "true" }, credentials: "same-origin" }).catch(() => null);
  if (mine !== asked || !answer || !answer.ok || !area.isConnected) return;
  place(area, await answer.text());
}

function choose(option) {
  const { area } = open;
  const at = word(area);
  if (!at || !option) { close(); return; }
  const { label, value, more } = option.dataset;
  const other = known(area).get(`@${label}`);  // somebody else of this name is in the note already
  const name = other && String(other) !== value ? `@${label} (${more})` : `@${label}`;
  area.setRangeText(`${name} `, at.from, area.selectionStart, "end");
  known(area).set(name, value);
  close();
  area.focus();
}

doc.addEventListener("input", (event) => {
  const area = event.target.closest("textarea[data-mentions]");
  if (area && !event.isComposing) ask(area);
});
doc.addEventListener("compositionend", (event) => {
  const area = event.target.closest("textarea[data-mentions]");
  if (area) ask(area);
});
doc.addEventListener("keydown", (event) => {
  if (!open || event.target !== open.area || event.isComposing) return;
  const list = options();
  const now = list.findIndex((each) => each.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown") mark(list[(now + 1) % list.length]);
  else if (event.key === "ArrowUp") mark(list[(now - 1 + list.length) % list.length]);
  else if ((event.key === "Enter" || event.key === "Tab") && list[now] && !event.ctrlKey && !event.metaKey) choose(list[now]);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);
doc.addEventListener("mousedown", (event) => {
  const option = open && event.target.closest("#mentions-list [role=option]:not([aria-disabled])");
  if (option) { event.preventDefault(); choose(option); }
});
doc.addEventListener("focusout", (event) => { if (open && event.target === open.area) setTimeout(close, 150); });

/* the server gets codes, the writer sees names; longer names first, so that no name eats another */
doc.addEventListener("formdata", ({ target, formData }) => {
  const area = target.querySelector("textarea[data-mentions]");
  if (!area || !formData.has(area.name)) return;
  const names = Array.from(known(area).entries()).sort((one, two) => two[0].length - one[0].length);
  const text = names.reduce((words, [name, pk]) => words.split(name).join(`@[${pk}]`), formData.get(area.name));
  formData.set(area.name, text);
});
