// A message that can still be taken back counts down; when it has left, the timeline shows where it is.
const root = document.documentElement;
const skew = root.dataset.now ? Date.parse(root.dataset.now) - Date.now() : 0;
const GRACE = 3;

function tick() {
  let left = false;
  document.querySelectorAll("[data-recall]").forEach((form) => {
    const seconds = Math.ceil((Date.parse(form.dataset.recall) - Date.now() - skew) / 1000);
    const place = form.querySelector("[data-recall-left]");
    if (place) place.textContent = seconds > 0 ? String(seconds) : "";
    if (seconds <= 0) form.hidden = true;
    if (seconds <= -GRACE && !form.dataset.over) {
      form.dataset.over = "1";
      left = true;
    }
  });
  const line = document.getElementById("timeline");
  if (left && line && window.htmx) window.htmx.trigger(line, "refresh");
}

tick();
setInterval(tick, 1000);
document.addEventListener("htmx:afterSettle", tick);
