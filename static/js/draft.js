// Drafts: <form data-draft="URL">, or a mark [data-draft-url="URL"] inside a form (also in a dialog),
// posts the form's fields to URL soon after they change and on leaving. They are kept on the server,
// never in the browser. [data-draft-state] inside shows data-saved words.
const SECONDS = 5;
const SOON = 1500;
const known = new WeakMap();
const busy = new WeakMap();

function marked() {
  const found = new Map();
  document.querySelectorAll("form[data-draft]").forEach((form) => found.set(form, form.dataset.draft));
  document.querySelectorAll("form [data-draft-url]").forEach((mark) => {
    found.set(mark.closest("form"), mark.dataset.draftUrl);
  });
  return found;
}

function fields(form) {
  const data = new FormData(form);
  const kept = new URLSearchParams();
  data.forEach((value, name) => {
    const secret = form.elements[name] && form.elements[name].type === "password";
    if (typeof value === "string" && name !== "csrfmiddlewaretoken" && !secret) kept.append(name, value);
  });
  return kept;
}

function token(form) {
  const field = form.querySelector("[name=csrfmiddlewaretoken]");
  return field ? field.value : "";
}

async function save(url, form) {
  const body = fields(form);
  const text = body.toString();
  if (known.get(form) === text || form.dataset.sent) return;
  known.set(form, text);
  const state = form.querySelector("[data-draft-state]");
  const sending = new AbortController();
  busy.set(form, sending);
  try {
    const answer = await fetch(url, {
      method: "POST",
      body,
      keepalive: text.length < 60000,
      headers: { "X-CSRFToken": token(form) },
      redirect: "error",
      signal: sending.signal,
    });
    if (!answer.ok) throw new Error(String(answer.status));
    if (state) state.textContent = state.dataset.saved || "";
    document.dispatchEvent(new CustomEvent("acted"));
  } catch (error) {
    if (error.name === "AbortError") return;
    known.delete(form);
    if (state) state.textContent = state.dataset.failed || "";
  }
}

function meet() {
  marked().forEach((_url, form) => {
    if (!known.has(form)) known.set(form, fields(form).toString());
  });
}

/* once the form itself is sent, a draft on its way must not come after it */
function sent(event) {
  const form = event.target.closest && event.target.closest("form");
  if (form && busy.has(form)) busy.get(form).abort();
}

const each = () => marked().forEach(save);
let soon = 0;
meet();
document.addEventListener("htmx:afterSettle", meet);
document.addEventListener("input", (event) => {
  if (!event.target.closest("form")) return;
  clearTimeout(soon);
  soon = setTimeout(each, SOON);
});
document.addEventListener("submit", sent);
setInterval(each, SECONDS * 1000);
window.addEventListener("pagehide", each);
