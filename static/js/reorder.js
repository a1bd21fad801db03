// Order by drag: rows of [data-reorder] are taken by [data-grip]; dropping one sends the row's own
// form[data-move] with the new place (from 1), as its buttons Move up and Move down do without this.
const doc = document;
let taken = null;
let home = null;

const rowOf = (target) => target.closest && target.closest("[data-reorder] > li");
const rows = (list) => Array.from(list.children).filter((row) => row.querySelector("form[data-move]"));

doc.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest("[data-grip]");
  const row = grip && rowOf(grip);
  if (row) row.draggable = true;
});
doc.addEventListener("dragstart", (event) => {
  const row = rowOf(event.target);
  if (!row || !row.draggable) return;
  taken = row;
  home = row.nextElementSibling;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", "");
  row.classList.add("is-taken");
});
doc.addEventListener("dragover", (event) => {
  const row = rowOf(event.target);
  if (!taken || !row || row.parentNode !== taken.parentNode) return;
  event.preventDefault();
  if (row === taken || !row.querySelector("form[data-move]")) return;
  const box = row.getBoundingClientRect();
  const below = event.clientY > box.top + box.height / 2;
  row.parentNode.insertBefore(taken, below ? row.nextElementSibling : row);
});
doc.addEventListener("drop", (event) => {
  if (taken && rowOf(event.target)) event.preventDefault();
});
doc.addEventListener("dragend", (event) => {
  if (!taken) return;
  const row = taken;
  const list = row.parentNode;
  taken = null;
  row.draggable = false;
  row.classList.remove("is-taken");
  if (event.dataTransfer.dropEffect === "none") list.insertBefore(row, home);
  if (row.nextElementSibling === home) return;
  const form = row.querySelector("form[data-move]");
  form.elements.place.value = String(rows(list).indexOf(row) + 1);
  form.requestSubmit();
});
