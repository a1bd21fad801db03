// Files anywhere on a page: [data-drop-url] takes what is dropped on it or pasted into the page and sends
// the files one after the other with a bar each; [data-drop-list] holds the bars, data-drop-max (bytes) and
// data-drop-words the words. Fires "case-changed" when something was kept.
import { size, zone } from "./dropzone.js";

const page = () => document.querySelector("[data-drop-url]");
const waiting = [];
let sending = false;
let kept = 0;
let depth = 0;

const holdsFiles = (event) => event.dataTransfer && Array.from(event.dataTransfer.types || []).includes("Files");
const words = (box) => JSON.parse(box.dataset.dropWords || "{}");

function line(box, file) {
  const place = box.querySelector("[data-drop-list]");
  const item = document.createElement("li");
  const name = document.createElement("span");
  name.className = "trunc grow";
  name.textContent = `${file.name} · ${size(file.size)}`;
  const bar = document.createElement("progress");
  bar.max = 100;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  const said = document.createElement("span");
  said.className = "tiny";
  item.append(name, bar, said);
  place.append(item);
  place.hidden = false;
  return { item, bar, said };
}

function end(shown, text, good) {
  shown.bar.remove();
  shown.said.textContent = text;
  shown.item.classList.add(good ? "good" : "bad");
  setTimeout(() => {
    const place = shown.item.parentNode;
    shown.item.remove();
    if (place && !place.childElementCount) place.hidden = true;
  }, good ? 8000 : 30000);
}

function answered(request) {
  try { return JSON.parse(request.responseText); } catch (_) { return {}; }
}

function send(box, { file, shown }) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const data = new FormData();
    data.append("file", file, file.name);
    request.open("POST", box.dataset.dropUrl);
    request.setRequestHeader("X-CSRFToken", JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"]);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) shown.bar.value = Math.round((event.loaded / event.total) * 100);
    });
    request.addEventListener("load", () => {
      const answer = answered(request);
      if (request.status === 201) kept += 1;
      end(shown, answer.text || words(box).failed || "", request.status < 300);
      resolve();
    });
    request.addEventListener("error", () => { end(shown, words(box).failed || "", false); resolve(); });
    request.send(data);
  });
}

async function work(box) {
  if (sending) return;
  sending = true;
  while (waiting.length) await send(box, waiting.shift());
  sending = false;
  if (kept && window.htmx) window.htmx.trigger(document.body, "case-changed");
  kept = 0;
}

function take(box, files) {
  const max = Number(box.dataset.dropMax || 0);
  Array.from(files).forEach((file) => {
    const shown = line(box, file);
    if (max && file.size > max) end(shown, words(box).big || "", false);
    else waiting.push({ file, shown });
  });
  work(box);
}

function stamped(file) {
  const now = new Date();
  const two = (number) => String(number).padStart(2, "0");
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  return new File([file], `screenshot-${day}-${time}.${file.type.split("/")[1].replace("jpeg", "jpg")}`, { type: file.type });
}

document.addEventListener("dragenter", (event) => {
  if (!page() || !holdsFiles(event)) return;
  depth += 1;
  page().classList.add("is-dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!page() || !holdsFiles(event)) return;
  depth = Math.max(0, depth - 1);
  if (!depth) page().classList.remove("is-dropping");
});
document.addEventListener("dragover", (event) => { if (page() && holdsFiles(event)) event.preventDefault(); });
document.addEventListener("drop", (event) => {
  const box = page();
  if (!box || !holdsFiles(event)) return;
  depth = 0;
  box.classList.remove("is-dropping");
  if (zone(event)) return;
  event.preventDefault();
  take(box, event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
  const box = page();
  const data = event.clipboardData;
  if (!box || !data || document.querySelector("dialog[open]") || !data.files.length) return;
  if (Array.from(data.types).includes("text/plain")) return;
  event.preventDefault();
  take(box, Array.from(data.files, (file) => (file.type.startsWith("image/") ? stamped(file) : file)));
});
document.addEventListener("change", (event) => {
  const box = page();
  if (!box || !event.target.matches("[data-drop-pick]")) return;
  take(box, event.target.files);
  event.target.value = "";
});
