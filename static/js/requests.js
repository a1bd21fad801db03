// Requests: a form is sent once, a failure is said in words, and what is given up is no failure.
const doc = document;
const all = (selector, within = doc) => Array.from(within.querySelectorAll(selector));
const toast = (text, tone) => doc.dispatchEvent(new CustomEvent("toast", { detail: { text, tone } }));
const said = (id) => { const words = doc.getElementById(id); return words ? words.content.textContent : ""; };

/* a form is sent once: the second click waits for the answer of the first */
function hold(form, on) {
  if (on) form.dataset.sent = "1";
  else delete form.dataset.sent;
  all("button[type=submit]", form).forEach((button) => { button.toggleAttribute("data-busy", on); });
}

doc.addEventListener("submit", (event) => {
  if (!event.target.dataset.sent) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
doc.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "post" && !event.defaultPrevented && !form.hasAttribute("hx-post")) hold(form, true);
});
doc.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.matches("form[hx-post]")) hold(event.detail.elt, true);
});
doc.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt.matches("form[hx-post]")) hold(event.detail.elt, false);
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) all("form[data-sent]").forEach((form) => hold(form, false));
});

/* failures are said in words */
doc.addEventListener("htmx:sendError", () => toast(said("tpl-offline"), "bad"));
doc.addEventListener("htmx:timeout", () => toast(said("tpl-offline"), "bad"));
doc.addEventListener("htmx:responseError", (event) => {
  const header = event.detail.xhr.getResponseHeader("HX-Trigger") || "";
  if (!header.includes('"toast')) toast(said("tpl-failed"), "bad");
});

/* a newer request of a part takes the place of an older one (hx-sync), which is given up, not failed. htmx
   writes the `error` of an event to the console unless the request itself brings an empty one. */
const running = new Set();

doc.addEventListener("htmx:beforeSend", ({ detail }) => {
  running.add(detail);
  detail.xhr.addEventListener("loadend", () => running.delete(detail));
});
doc.addEventListener("htmx:abort", ({ target }) => {
  running.forEach((request) => { if (target.contains(request.elt)) request.error = ""; });
}, true);
doc.addEventListener("htmx:abort", () => running.forEach((request) => { delete request.error; }));
