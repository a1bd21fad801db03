// Single keys: j k x o on the rows of a list, g and a letter for a page; others click [data-key="e"].
import { current, move, pin, range, select } from "./selection.js";

const doc = document;
const root = doc.documentElement;
const one = (selector, within = doc) => within.querySelector(selector);

/* a[data-back]: the page one came from, as it was left, when it is the one the link names */
doc.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-back]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || link.href !== doc.referrer) return;
  event.preventDefault();
  history.back();
});

/* chords: g and a letter struck within this time; by when the keys were struck, however slow the page */
const CHORD_MS = 1500;
let struck = -Infinity;

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
  x: () => { select(current()); pin(); },
  X: () => { if (current()) range(current(), true); },
  g: (at) => { struck = at; },
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

function act(key, at) {
  const chord = at - struck < CHORD_MS;
  struck = -Infinity;
  if (chord && go(key)) return true;
  if (current() && pick(key)) return true;
  if (press(key)) return true;
  if (!(key in ACTS)) return false;
  return ACTS[key](at) !== false;
}

doc.addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  if (event.ctrlKey || event.metaKey) { withCtrl(event); return; }
  if (event.altKey || resting(event.target)) return;
  const key = event.key.length === 1 && !event.shiftKey ? event.key.toLowerCase() : event.key;
  if (event.repeat && key !== "j" && key !== "k") return;
  if (act(key, event.timeStamp)) event.preventDefault();
});
