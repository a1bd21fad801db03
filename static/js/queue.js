// The case queue: rows that stay where they are while somebody looks at them, and the place on the
// page for the way back. Without this the list refreshes as a whole.
const doc = document;
const one = (selector, within = doc) => within.querySelector(selector);
const all = (selector, within = doc) => Array.from(within.querySelectorAll(selector));
const list = () => doc.getElementById("rows");
const keysOf = (within) => all("tr[data-row]", within).map((row) => row.dataset.row);
const found = (key, within) => one(`tr[data-row="${CSS.escape(key)}"]`, within);

/* a background refresh moves no row under the pointer or the focus: it says how much has changed */
const pill = one("[data-fresh]");
const inUse = () => list().matches(":hover") || list().contains(doc.activeElement);

function steady(keys) {  // length of the longest run of rows that keep their order
  const best = keys.map(() => 1);
  keys.forEach((key, at) => {
    for (let n = 0; n < at; n += 1) if (keys[n] < key) best[at] = Math.max(best[at], best[n] + 1);
  });
  return Math.max(0, ...best);
}

function changes(before, after) {
  const kept = before.filter((key) => after.includes(key));
  const moved = kept.length - steady(kept.map((key) => after.indexOf(key)));
  return before.length - kept.length + (after.length - kept.length) + moved;
}

function say(number) {
  if (!pill) return;
  pill.hidden = !number;
  const words = number === 1 ? pill.dataset.one : pill.dataset.many.replace("{n}", number);
  one("[data-fresh-words]", pill).textContent = number ? words : "";
}

const parts = (row) => all("a, button, input:not([type=hidden])", row);
let held = null;

function keepFocus() {
  const row = doc.activeElement && doc.activeElement.closest("#rows tr[data-row]");
  held = row ? [row.dataset.row, parts(row).indexOf(doc.activeElement)] : null;
}

function giveFocus() {
  const row = held && found(held[0], list());
  const part = row && parts(row)[held[1]];
  if (part && doc.activeElement !== part) part.focus({ preventScroll: true });
  held = null;
}

function renew(fresh) {  // what the rows say may change, where they stand may not
  keepFocus();
  all("tr[data-row]", list()).forEach((row) => {
    const newer = found(row.dataset.row, fresh);
    row.classList.toggle("is-gone", !newer);
    if (!newer) return;
    Array.from(newer.cells).forEach((cell, at) => {
      const mine = row.cells[at];
      if (at === 0) one("input[name=version]", mine).value = one("input[name=version]", cell).value;
      else if (mine.innerHTML !== cell.innerHTML) {
        mine.replaceChildren(...cell.cloneNode(true).childNodes);
        window.htmx.process(mine);
      }
    });
  });
  giveFocus();
  doc.dispatchEvent(new CustomEvent("htmx:afterSettle"));
}

doc.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig, serverResponse, xhr } = event.detail;
  if (!target || target.id !== "rows" || xhr.status !== 200) return;
  const quiet = requestConfig.headers["X-Background"] === "1";
  if (quiet && inUse() && keysOf(list()).length) {
    const fresh = new DOMParser().parseFromString(serverResponse, "text/html");
    const same = keysOf(list()).join() === keysOf(fresh).join();
    if (!same) {
      event.detail.shouldSwap = false;
      say(changes(keysOf(list()), keysOf(fresh)));
      renew(fresh);
      return;
    }
  }
  say(0);
  keepFocus();
});
doc.addEventListener("htmx:afterSettle", giveFocus);
doc.addEventListener("click", (event) => {
  if (!event.target.closest("[data-fresh]")) return;
  window.htmx.ajax("GET", list().getAttribute("hx-get"), { source: "#rows", target: "#rows", swap: "outerHTML" });
});
doc.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target } = event.detail;
  const used = target.id === "busiest" && (target.matches(":hover") || target.contains(doc.activeElement));
  if (used || (target.id === "cols-list" && target.closest("details[open]"))) event.detail.shouldSwap = false;
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted && window.htmx) window.htmx.trigger(list(), "refresh");
});

/* one line per case leaves no room for the filters beside it: a button shows them */
doc.addEventListener("click", (event) => {
  const button = event.target.closest("[data-filters]");
  if (!button) return;
  const on = button.closest(".queue").classList.toggle("is-filters");
  button.setAttribute("aria-expanded", String(on));
});

/* the tab of the open view stays in sight when the figures widen those before it, until one scrolls them;
   the page itself does not move */
const tabs = one(".tabs");
let led = Boolean(tabs);
function showTab() {
  const tab = led && one("[aria-current]", tabs);
  if (!tab) return;
  const [box, spot] = [tabs.getBoundingClientRect(), tab.getBoundingClientRect()];
  tabs.scrollLeft += Math.min(0, spot.left - box.left) + Math.max(0, spot.right - box.right);
}
showTab();
doc.addEventListener("htmx:afterSettle", showTab);
["pointerdown", "wheel"].forEach((name) => {
  if (tabs) tabs.addEventListener(name, () => { led = false; }, { passive: true });
});

/* the place on the page stands in the entry of the history */
let later = 0;
window.addEventListener("scroll", () => {
  clearTimeout(later);
  later = setTimeout(() => history.replaceState({ ...history.state, y: Math.round(window.scrollY) }, ""), 150);
}, { passive: true });
const [came] = performance.getEntriesByType("navigation");
if (history.state && history.state.y && came && came.type !== "navigate") window.scrollTo(0, history.state.y);
