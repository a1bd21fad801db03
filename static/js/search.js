// The palette (#dlg-find): results as one types. Up and down walk the rows, right and left the acts
// of a row, Enter opens what is marked (the first hit at once), or all results where nothing is.
const doc = document;
const dialog = doc.getElementById("dlg-find");
const input = dialog && dialog.querySelector("[role=combobox]");
const box = doc.getElementById("find-box");

const rows = () => Array.from(box.querySelectorAll("[role=row]"));
const cells = (row) => Array.from(row.querySelectorAll("[role=gridcell]"));
const marked = () => box.querySelector("[role=gridcell].is-on");

function mark(cell) {
  const before = marked();
  if (before) { before.classList.remove("is-on"); before.removeAttribute("aria-selected"); }
  if (!cell) { input.removeAttribute("aria-activedescendant"); return; }
  cell.classList.add("is-on");
  cell.setAttribute("aria-selected", "true");
  input.setAttribute("aria-activedescendant", cell.id);
  cell.scrollIntoView({ block: "nearest" });
}

function down(by) {
  const list = rows();
  if (!list.length) return;
  const at = marked() ? list.indexOf(marked().closest("[role=row]")) : -1;
  const next = at < 0 ? (by > 0 ? 0 : list.length - 1) : (at + by + list.length) % list.length;
  mark(cells(list[next])[0]);
}

function aside(by) {
  const now = marked();
  if (!now || input.selectionStart !== input.value.length) return false;
  const list = cells(now.closest("[role=row]"));
  const next = list[list.indexOf(now) + by];
  if (next) mark(next);
  return Boolean(next);
}

function open() {
  const now = marked();
  const part = now && now.querySelector("a[href], button");
  if (!part) return Boolean(now);
  part.click();
  return true;
}

const KEYS = {
  ArrowDown: () => { down(1); return true; },
  ArrowUp: () => { down(-1); return true; },
  ArrowRight: () => aside(1),
  ArrowLeft: () => aside(-1),
  Enter: open,
};

if (input) {
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key];
    if (act) event.stopPropagation();
    if (act && act()) event.preventDefault();
  });
  input.addEventListener("input", () => mark(null));
  input.addEventListener("focus", () => {
    if (!box.childElementCount && window.htmx) window.htmx.trigger(input, "find-open");
  });
  box.addEventListener("htmx:afterSwap", () => {
    input.setAttribute("aria-expanded", String(rows().length > 0));
    mark(input.value.trim() && rows().length ? cells(rows()[0])[0] : null);
  });
  box.addEventListener("click", (event) => {
    if (event.target.closest("[data-find-all]")) input.form.requestSubmit();
  });
  box.addEventListener("mousemove", (event) => {
    const cell = event.target.closest("[role=gridcell]");
    if (cell && cell !== marked()) mark(cell);
  });
  box.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.matches("[data-find-act]") && event.detail.successful) dialog.close();
  });
  dialog.addEventListener("close", () => {
    input.value = "";
    box.replaceChildren();
    mark(null);
    input.setAttribute("aria-expanded", "false");
  });
}
