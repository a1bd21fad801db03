// Lists and single keys: j k x o on any [data-list] with [data-row]; other keys click [data-key="e"].
// The cursor and the selection are kept by the value of data-row and of the tick box, so that rows
// swapped in by htmx carry them on; the entry of the history keeps the cursor for the way back.
const doc = document;
const root = doc.documentElement;
const one = (selector, within = doc) => within.querySelector(selector);
const all = (selector, within = doc) => Array.from(within.querySelectorAll(selector));
const rows = () => all("[data-list] [data-row]");
const current = () => one("[data-row].is-cursor");
const named = (key) => (key ? one(`[data-list] [data-row="${CSS.escape(key)}"]`) : null);

/* cursor */
let place = "";
let later = 0;

function remember() {
  clearTimeout(later);
  later = setTimeout(() => {
    if (place) history.replaceState({ ...history.state, row: place }, "");
  }, 150);
}

function mark(row) {
  rows().forEach((each) => each.classList.toggle("is-cursor", each === row));
  place = row ? row.dataset.row : "";
}

function move(step) {
  const list = rows();
  if (!list.length) return;
  const row = list[Math.max(0, Math.min(list.length - 1, list.indexOf(current()) + step))];
  mark(row);
  remember();
  row.scrollIntoView({ block: "nearest" });
  const link = one("a", row);
  if (link) link.focus({ preventScroll: true });
}

/* selection: counted in [data-selcount], shown with [data-bulkbar], kept when rows are swapped */
const chosen = new Set();
let anchor = "";
const box = (row) => one("input[type=checkbox]", row);

function count() {
  const ticks = rows().map(box).filter(Boolean);
  const number = ticks.filter((tick) => tick.checked).length;
  const whole = number > 0 && number === ticks.length;
  const every = one("[data-selall]");
  if (every) {
    every.checked = whole;
    every.indeterminate = number > 0 && !whole;
  }
  const said = beyond(whole) || number;
  all("[data-selcount]").forEach((spot) => { spot.textContent = said; });
  all("[data-bulkbar]").forEach((bar) => { bar.hidden = !number; });
}

/* [data-allmatch]: offered once the whole page is ticked and there are further pages */
function beyond(whole) {
  const offer = one("[data-allmatch]");
  if (!offer) return "";
  const words = one("[data-n]", offer);
  offer.hidden = !(whole && offer.closest("form[data-more]") && words);
  const tick = one("input", offer);
  if (offer.hidden) tick.checked = false;
  return tick.checked ? words.dataset.n : "";
}

function select(row, on) {
  const tick = row && box(row);
  if (!tick) return;
  tick.checked = on === undefined ? !tick.checked : on;
  row.classList.toggle("is-sel", tick.checked);
  if (tick.checked) chosen.add(tick.value);
  else chosen.delete(tick.value);
  count();
}

function range(row, on) {
  const list = rows();
  const from = list.indexOf(named(anchor) || row);
  const to = list.indexOf(row);
  list.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((each) => select(each, on));
}

doc.addEventListener("click", (event) => {
  const row = event.target.closest("[data-row]");
  if (event.target.closest("[data-selnone]")) rows().forEach((each) => select(each, false));
  if (!row || event.target !== box(row)) return;
  const on = event.target.checked;
  if (event.shiftKey && anchor) range(row, on);
  else anchor = row.dataset.row;
});
doc.addEventListener("change", (event) => {
  const row = event.target.closest("[data-row]");
  const on = event.target.checked;
  if (event.target.closest("[data-allmatch]")) count();
  else if (event.target.matches("[data-selall]")) rows().forEach((each) => select(each, on));
  else if (row && event.target === box(row)) select(row, on);
});

function carryOn() {
  rows().forEach((row) => {
    const tick = box(row);
    if (tick && (tick.checked || chosen.has(tick.value))) select(row, true);
  });
  if (!current() && named(place)) mark(named(place));
  count();
}
doc.addEventListener("htmx:afterSettle", carryOn);
place = (history.state && history.state.row) || "";
carryOn();

/* a[data-back]: the page one came from, as it was left, when it is the one the link names */
doc.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-back]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || link.href !== doc.referrer) return;
  event.preventDefault();
  history.back();
});

/* keys */
let waiting = 0;

function go(key) {
  const entry = one(`a.navi[data-chord="${CSS.escape(key)}"]`);
  if (entry) location.href = entry.href;
  return Boolean(entry);
}

function next() {
  const row = current();
  const step = row && one("[data-step]", row);
  if (step) step.click();
  else if (row && row.dataset.next) window.htmx.ajax("GET", row.dataset.next, { source: row, swap: "none" });
  return Boolean(step || (row && row.dataset.next));
}

doc.addEventListener("open-dialog", (event) => {
  window.htmx.ajax("GET", event.detail.url, { target: "#dialog", swap: "innerHTML" });
});

function follow(selector, within = doc) {
  const link = within && one(selector, within);
  if (link) link.click();
  return Boolean(link);
}

function show(id) {
  const dialog = doc.getElementById(id);
  if (dialog && !dialog.open) dialog.showModal();
  return Boolean(dialog);
}

const ACTS = {
  j: () => move(1),
  k: () => move(-1),
  x: () => { select(current()); anchor = place; },
  X: () => { if (current()) range(current(), true); },
  g: () => { waiting = Date.now(); },
  o: () => follow("a", current()),
  e: next,
  "/": () => { const field = one("[data-find]"); if (field) field.focus(); },
  "?": () => show("dlg-keys"),
  c: () => follow("[data-new]"),
};

const AWAY = "dialog, [role=dialog], [role=menu], [data-menu][open]";

function resting(target) {
  if (root.dataset.keys === "off" || one("dialog[open]")) return true;
  if (target.isContentEditable || (target.closest && target.closest(AWAY))) return true;
  return /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(checkbox|radio)$/.test(target.type);
}

function withCtrl(event) {
  const { key, target } = event;
  if (key === "k" && one("#dlg-find")) {
    event.preventDefault();
    if (!one("dialog[open]")) one("#dlg-find").showModal();
  } else if (key === "Enter" && target.form) {
    event.preventDefault();
    target.form.requestSubmit();
  }
}

function pick(key) {
  const radio = current() && one(`[data-pick="${CSS.escape(key)}"]`, current());
  if (!radio) return false;
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
  move(1);
  return true;
}

function press(key) {
  const button = one(`[data-key="${CSS.escape(key)}"]`);
  if (!button || button.getAttribute("aria-disabled") === "true") return false;
  const bar = button.closest("[data-bulkbar]");
  if (bar && bar.hidden) select(current(), true);
  button.click();
  return true;
}

function act(key) {
  const chord = waiting && Date.now() - waiting < 1500;
  waiting = 0;
  if (chord && go(key)) return true;
  if (current() && pick(key)) return true;
  if (press(key)) return true;
  if (!(key in ACTS)) return false;
  return ACTS[key]() !== false;
}

doc.addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  if (event.ctrlKey || event.metaKey) { withCtrl(event); return; }
  if (event.altKey || resting(event.target)) return;
  const key = event.key.length === 1 && !event.shiftKey ? event.key.toLowerCase() : event.key;
  if (event.repeat && key !== "j" && key !== "k") return;
  if (act(key)) event.preventDefault();
});
