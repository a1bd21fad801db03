// Who else is on this page: [data-presence] asks every 15 s while the tab is looked at, at once when
// the reader begins to write. Only a change of writers reaches the live region #presence.
const doc = document;
const BEAT = 15000;
const WRITES = 10000;
let typed = 0;
let beaten = 0;

const part = () => doc.querySelector("[data-presence]");
const writing = () => Date.now() - typed < WRITES;

function beat() {
  const here = part();
  if (!here || doc.hidden || !window.htmx) return;
  beaten = Date.now();
  window.htmx.trigger(here, "refresh");
}

doc.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.matches("[data-presence]")) event.detail.parameters.typing = writing() ? "1" : "";
});

/* the same words again would be read out again */
doc.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  if (!target || target.id !== "presence" || !fragment) return;
  const words = (node) => node.textContent.replace(/\s+/g, " ").trim();
  if (words(fragment) === words(target)) event.detail.shouldSwap = false;
});

doc.addEventListener("input", (event) => {
  if (!part() || !event.target.matches("textarea, input[type=text], input:not([type]), select")) return;
  if (!event.target.closest(".case, #dialog")) return;
  const began = !writing();
  typed = Date.now();
  if (began && Date.now() - beaten > 1000) beat();
});
doc.addEventListener("submit", () => { typed = 0; }, true);
doc.addEventListener("visibilitychange", () => { if (!doc.hidden && Date.now() - beaten > BEAT / 2) beat(); });
doc.addEventListener("htmx:afterSettle", (event) => {
  const here = part();
  if (here && event.detail.target && event.detail.target.id === "case-head" && !here.childElementCount) beat();
});

/* leaving says so at once; who does not is forgotten after 45 s */
window.addEventListener("pagehide", () => {
  const here = part();
  const token = doc.querySelector("[name=csrfmiddlewaretoken]");
  if (!here || !token || !navigator.sendBeacon) return;
  const data = new FormData();
  data.append("csrfmiddlewaretoken", token.value);
  data.append("leave", "1");
  navigator.sendBeacon(here.getAttribute("hx-post"), data);
});

if (part()) {
  setTimeout(beat, 300);
  setInterval(beat, BEAT);
}
