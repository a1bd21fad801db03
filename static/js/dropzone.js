// Files by drag and drop: [data-dropzone] around an <input type="file">, which works alone as well.
// [data-files] inside lists name and size; data-max (bytes) and data-too-big (words) warn early.
export const zone = (event) => event.target.closest && event.target.closest("[data-dropzone]");

export function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1000))} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function list(box) {
  const place = box.querySelector("[data-files]");
  const input = box.querySelector("input[type=file]");
  if (!place || !input) return;
  const max = Number(box.dataset.max || 0);
  place.replaceChildren(...Array.from(input.files, (file) => {
    const line = document.createElement("li");
    const big = max && file.size > max;
    line.textContent = `${file.name} · ${size(file.size)}${big ? ` · ${box.dataset.tooBig || ""}` : ""}`;
    line.classList.toggle("bad", Boolean(big));
    return line;
  }));
}

function over(event, on) {
  const box = zone(event);
  if (!box) return;
  event.preventDefault();
  box.classList.toggle("is-over", on);
}

document.addEventListener("dragover", (event) => over(event, true));
document.addEventListener("dragleave", (event) => over(event, false));
document.addEventListener("drop", (event) => {
  const box = zone(event);
  if (!box) return;
  over(event, false);
  const input = box.querySelector("input[type=file]");
  if (!event.dataTransfer.files.length) return;
  const files = new DataTransfer();
  const taken = Array.from(event.dataTransfer.files).slice(0, input.multiple ? undefined : 1);
  taken.forEach((file) => files.items.add(file));
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-dropzone] input[type=file]")) list(event.target.closest("[data-dropzone]"));
});
