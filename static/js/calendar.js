// A year of days: arrows by day and week, Page Up and Page Down by month, one stop in the tab order.
const doc = document;
const grid = () => doc.querySelector("[data-days]");
const days = () => Array.from(doc.querySelectorAll("[data-days] [data-day]"));
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

function rove(target) {
  days().forEach((day) => { day.tabIndex = day === target ? 0 : -1; });
}

function start() {
  const all = days();
  if (!all.length) return;
  rove(all.find((day) => day.classList.contains("is-pick")) || all.find((day) => day.classList.contains("is-now")) || all[0]);
}

function month(day, step) {
  const [year, number, on] = day.dataset.day.split("-").map(Number);
  const last = new Date(Date.UTC(year, number + step, 0)).getUTCDate();
  const there = new Date(Date.UTC(year, number - 1 + step, Math.min(on, last)));
  return there.toISOString().slice(0, 10);
}

function target(day, key) {
  const all = days();
  const place = all.indexOf(day);
  if (key in STEPS) return all[place + STEPS[key]];
  if (key === "Home") return all[0];
  if (key === "End") return all[all.length - 1];
  const iso = month(day, key === "PageUp" ? -1 : 1);
  return all.find((each) => each.dataset.day === iso);
}

doc.addEventListener("keydown", (event) => {
  const day = event.target.closest && event.target.closest("[data-days] [data-day]");
  const moves = event.key in STEPS || ["Home", "End", "PageUp", "PageDown"].includes(event.key);
  if (!day || !moves || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const next = target(day, event.key);
  if (!next) return;
  rove(next);
  next.focus();
});

/* the chosen day is marked at once; its panel follows */
doc.addEventListener("click", (event) => {
  const day = event.target.closest("[data-days] [data-day]");
  if (!day || event.ctrlKey || event.metaKey || event.shiftKey) return;
  days().forEach((each) => {
    each.classList.toggle("is-pick", each === day);
    if (each === day) each.setAttribute("aria-current", "true");
    else each.removeAttribute("aria-current");
  });
  rove(day);
});

/* on a narrow page the panel stands below the year: go there */
doc.addEventListener("htmx:afterSettle", (event) => {
  const panel = doc.getElementById("day");
  if (event.detail.target && event.detail.target.id === "cal") start();
  const asked = event.detail.requestConfig && event.detail.requestConfig.elt;
  if (!panel || !asked || !asked.matches || !asked.matches("[data-day]")) return;
  const below = panel.getBoundingClientRect().top > window.innerHeight / 2;
  if (below && window.innerWidth < 1200) panel.scrollIntoView({ block: "start" });
});

if (grid()) start();
