// Dialogs, menus, small switches, and the errors of a form.
const doc = document;
const one = (selector, within = doc) => within.querySelector(selector);
const all = (selector, within = doc) => Array.from(within.querySelectorAll(selector));
const host = doc.getElementById("dialog");

/* a[data-dialog]: the page behind the link is shown in #dialog; without JavaScript it is a page */
function load(link) {
  window.htmx.ajax("GET", link.getAttribute("href"), { source: link, target: "#dialog", swap: "innerHTML" });
}

function close(dialog) {
  if (dialog && dialog.open) dialog.close();
}

/* a long form scrolls, and what scrolls would take the focus: the first field shall have it */
function open(dialog) {
  dialog.showModal();
  const body = one(".body", dialog);
  const field = body && one("input:not([type=hidden]), select, textarea", body);
  if (field && doc.activeElement === body) field.focus();
}

if (host) {
  host.addEventListener("close", () => { host.replaceChildren(); });
  doc.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === host && host.firstElementChild && !host.open) open(host);
  });
  doc.addEventListener("close-dialog", () => close(host));
}

const SWITCHES = {
  open: (button) => { const dialog = one(button.dataset.open); if (dialog && !dialog.open) dialog.showModal(); },
  close: (button) => close(button.closest("dialog")),
  dialog: load,
  print: () => window.print(),
  toggleHidden: (button) => {
    const part = one(button.dataset.toggleHidden);
    part.hidden = !part.hidden;
    button.setAttribute("aria-expanded", String(!part.hidden));
  },
  tab: (button) => {
    all("[data-tab]", button.parentNode).forEach((each) => {
      const on = each === button;
      each.setAttribute("aria-selected", String(on));
      const panel = one(each.dataset.tab);
      if (panel && panel.getAttribute("role") === "tabpanel") panel.hidden = !on;
    });
    const shown = one(button.dataset.tab);
    if (shown && shown.getAttribute("role") !== "tabpanel") shown.focus();
  },
};
const SELECTOR = "[data-open], [data-close], [data-dialog], [data-print], [data-toggle-hidden], [data-tab]";

doc.addEventListener("click", (event) => {
  all("[data-menu][open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  const button = event.target.closest(SELECTOR);
  if (!button || button.getAttribute("aria-disabled") === "true") return;
  const modified = event.ctrlKey || event.metaKey || event.shiftKey;
  const name = Object.keys(SWITCHES).find((key) => key in button.dataset);
  if (name === "dialog" && (modified || !window.htmx || !host)) return;
  if (name === "close" && !button.closest("dialog")) return;
  if (button.tagName === "A") event.preventDefault();
  SWITCHES[name](button);
});

doc.addEventListener("click", (event) => {
  const link = event.target.closest("[data-error-summary] a[href^='#']");
  const field = link && doc.getElementById(link.hash.slice(1));
  if (field) { event.preventDefault(); field.focus(); }
});

doc.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  all("[data-menu][open]").forEach((menu) => { menu.open = false; one("summary", menu).focus(); });
});

/* errors of a form take the focus */
function focusErrors() {
  const summary = one("[data-error-summary]:not([data-seen])");
  if (!summary) return;
  summary.dataset.seen = "1";
  summary.focus();
}
focusErrors();
doc.addEventListener("htmx:afterSettle", focusErrors);
