// The live board: says when its figures are old, and asks for them again when somebody returns.
const doc = document;
const bar = doc.getElementById("board-stale");
const cards = () => Array.from(doc.querySelectorAll("[data-figures]"));
const started = Date.now();
const fresh = new Map();
let shownAt = bar ? bar.dataset.at : "";

function oldest() {
  const times = cards().map((card) => fresh.get(card.id) || started);
  return Math.min(Date.now(), ...times);
}

function clockOf(time) {
  const at = new Date(time);
  const two = (n) => String(n).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

function ask() {
  if (!window.htmx) return;
  cards().forEach((card) => window.htmx.trigger(card, "refresh"));
}

function look() {
  if (!bar) return;
  const since = oldest();
  bar.hidden = Date.now() - since < Number(bar.dataset.minutes) * 60000;
  bar.querySelector("[data-stale-at]").textContent = since === started ? shownAt : clockOf(since);
}

doc.addEventListener("htmx:afterSwap", (event) => {
  const card = event.detail.elt.closest ? event.detail.elt.closest("[data-figures]") : null;
  if (!card || !event.detail.successful && event.detail.xhr && event.detail.xhr.status >= 400) return;
  fresh.set(card.id, Date.now());
  look();
});
doc.addEventListener("click", (event) => {
  if (event.target.closest("[data-stale-again]")) ask();
});
doc.addEventListener("visibilitychange", () => {
  const open = doc.querySelector("dialog[open], [data-menu][open]");
  if (!doc.hidden && !open && Date.now() - oldest() > 60000) ask();
  look();
});
setInterval(look, 15000);
