// Lists: the cursor and the selection on any [data-list] with [data-row], moved by keys.js and the mouse.
// Both are kept by the value of data-row and of the tick box, so that rows swapped in by htmx carry
// them on; the entry of the history keeps the cursor for the way back.
const doc = document;
const one = (selector, within = doc) => within.querySelector(selector);
const all = (selector, within = doc) => Array.from(within.querySelectorAll(selector));
const rows = () => all("[data-list] [data-row]");
export const current = () => one("[data-row].is-cursor");
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

export function move(step) {
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

export function select(row, on) {
  const tick = row && box(row);
  if (!tick) return;
  tick.checked = on === undefined ? !tick.checked : on;
  row.classList.toggle("is-sel", tick.checked);
  if (tick.checked) chosen.add(tick.value);
  else chosen.delete(tick.value);
  count();
}

export function range(row, on) {
  const list = rows();
  const from = list.indexOf(named(anchor) || row);
  const to = list.indexOf(row);
  list.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((each) => select(each, on));
}

/* from here a later range starts */
export function pin() {
  anchor = place;
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
