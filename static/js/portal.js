// Frame of every page: theme, clocks, toasts, refresh and the end of the session.
// All handlers hang on document, so pieces swapped in by htmx need no binding of their own.
const doc = document;
const root = doc.documentElement;
const all = (selector, within = doc) => Array.from(within.querySelectorAll(selector));

/* theme: the server renders data-bs-theme from a cookie; the button stores and shows the other one */
doc.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-theme-form]")) return;
  event.preventDefault();
  const theme = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
  root.setAttribute("data-bs-theme", theme);
  const secure = location.protocol === "https:" ? ";secure" : "";
  doc.cookie = `theme=${theme};path=/;max-age=31536000;samesite=lax${secure}`;
});

/* clocks: the server decides the state and how far time counts; here minutes are only worded anew */
const formats = JSON.parse(root.dataset.durations || "{}");
const skew = root.dataset.now ? Date.parse(root.dataset.now) - Date.now() : 0;
const serverNow = () => Date.now() + skew;

function words(seconds, day) {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  const perDay = Math.max(1, Math.floor(day / 60));
  const d = Math.floor(minutes / perDay);
  const h = Math.floor((minutes % perDay) / 60);
  const m = (minutes % perDay) % 60;
  const key = d ? (h ? "dh" : "d") : h ? (m ? "hm" : "h") : "m";
  return (formats[key] || "").replace("%(d)s", d).replace("%(h)s", h).replace("%(m)s", m);
}

function meet() {
  all(".clock[data-seconds]:not([data-met])").forEach((chip) => { chip.dataset.met = serverNow(); });
}

function tick() {
  all(".clock[data-met]").forEach((chip) => {
    const counted = Math.min(serverNow(), Date.parse(chip.dataset.until)) - Number(chip.dataset.met);
    const left = Number(chip.dataset.seconds) - Math.max(0, counted) / 1000;
    const text = words(left, Number(chip.dataset.day));
    const place = chip.querySelector(".clock__t");
    if (text && place) place.textContent = (left < 0 ? chip.dataset.over : chip.dataset.left).replace("%s", text);
    if (left < 0 && !chip.classList.contains("clock--over") && !chip.dataset.crossed) {
      chip.dataset.crossed = "1";
      if (window.htmx) window.htmx.trigger(chip, "clock-crossed");
    }
  });
}
setInterval(tick, 30000);

/* toasts: from the page (Django messages), from the HX-Trigger header, from the other scripts */
function expire(toast, seconds) {
  setTimeout(() => {
    if (toast.matches(":hover, :focus-within")) expire(toast, 3);
    else toast.remove();
  }, seconds * 1000);
}

function show({ text, tone = "good", undo = "" }) {
  const toast = doc.getElementById("tpl-toast").content.firstElementChild.cloneNode(true);
  const bad = tone === "bad" || tone === "error" || tone === "warning";
  toast.querySelector("[data-text]").textContent = text;
  toast.querySelector("[data-good]").hidden = bad;
  toast.querySelector("[data-bad]").hidden = !bad;
  const button = toast.querySelector("[data-undo]");
  if (undo) {
    button.hidden = false;
    button.addEventListener("click", () => {
      window.htmx.ajax("POST", undo, { source: button, swap: "none" });
      toast.hidden = true;
    });
  }
  doc.getElementById("toasts").append(toast);
  expire(toast, bad ? 20 : 10);
}
doc.addEventListener("toast", (event) => show(event.detail));
doc.addEventListener("toasts", (event) => event.detail.value.forEach(show));

/* refresh: once a minute while somebody looks, never under an open dialog, menu or half-typed field */
function busy(part) {
  const at = doc.activeElement;
  const typing = at && at.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
  return Boolean(typing && part.contains(at));
}

function refresh() {
  if (doc.hidden || !window.htmx || doc.querySelector("dialog[open], [data-menu][open]")) return;
  all("[data-refresh]").forEach((part) => { if (!busy(part)) window.htmx.trigger(part, "refresh"); });
}
setInterval(refresh, 60000);

const inBackground = (config) => Boolean(config.triggeringEvent && config.triggeringEvent.type === "refresh");
doc.addEventListener("htmx:configRequest", (event) => {
  if (inBackground(event.detail)) event.detail.headers["X-Background"] = "1";
});

/* session: warn two minutes before the end; any act of the reader moves the end */
const started = Date.now();
const length = root.dataset.sessionEnds ? Date.parse(root.dataset.sessionEnds) - Date.parse(root.dataset.now) : 0;
let ends = started + length;
const warning = () => doc.getElementById("dlg-session");

function watch() {
  const left = ends - Date.now();
  const dialog = warning();
  if (!length || !dialog || dialog.open || left > 120000 || left < 0) return;
  dialog.showModal();
}
if (length) setInterval(watch, 15000);
doc.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && !inBackground(event.detail.requestConfig)) ends = Date.now() + length;
});
doc.addEventListener("acted", () => { ends = Date.now() + length; });
doc.addEventListener("click", (event) => {
  if (!event.target.closest("[data-stay]")) return;
  window.htmx.ajax("GET", doc.getElementById("frame-counts").getAttribute("hx-get"), { swap: "none" });
  warning().close();
});

/* what a page or a swapped piece brings along */
function boot() {
  meet();
  all("[data-scroll-end]:not([data-scrolled])").forEach((part) => {
    part.scrollTop = part.scrollHeight;
    part.dataset.scrolled = "1";
  });
  all("[data-toast]:not([data-timed])").forEach((toast) => {
    toast.dataset.timed = "1";
    if (toast.closest("#toasts") && !toast.querySelector("[data-undo]")) expire(toast, 10);
  });
  const title = doc.querySelector("[data-title]");
  if (title) title.textContent = (doc.querySelector("main h1") || { textContent: doc.title }).textContent;
}
boot();
doc.addEventListener("htmx:afterSettle", boot);
