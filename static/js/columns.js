// The chooser of columns: [data-col] rows, those above [data-hidden] are shown, in their order.
const doc = document;
const one = (selector, within = doc) => within.querySelector(selector);
const all = (selector, within = doc) => Array.from(within.querySelectorAll(selector));

function tell() {
  const columns = all("[data-cols] [data-col]");
  const shown = columns.filter((column) => one("input", column).checked).length;
  all("[data-colcount]").forEach((spot) => { spot.textContent = shown; });
  all("[data-colsaid]").forEach((spot) => {
    spot.textContent = spot.dataset.colsaid.replace("{n}", shown).replace("{m}", columns.length);
  });
}

function shift(button) {
  const column = button.closest("[data-col]");
  const up = button.dataset.colmove === "-1";
  const beside = up ? column.previousElementSibling : column.nextElementSibling;
  if (!beside || !beside.matches("[data-col]:not([data-locked])")) return;
  if (up) beside.before(column);
  else beside.after(column);
  button.focus();
  column.dispatchEvent(new Event("change", { bubbles: true }));
}

doc.addEventListener("click", (event) => {
  const button = event.target.closest("[data-colmove]");
  if (!button) return;
  event.preventDefault();
  shift(button);
});
doc.addEventListener("change", (event) => {
  if (!event.target.matches("[data-col] input")) return;
  const column = event.target.closest("[data-col]");
  const border = one("[data-hidden]", column.parentNode);
  if (event.target.checked) border.before(column);
  else border.after(column);
  event.target.focus();
  tell();
});
