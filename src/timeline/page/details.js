// SPDX-License-Identifier: BSL-1.0
// What is said about the item under the pointer, and the one that was chosen.

const tip = document.getElementById("tip");
const details = document.getElementById("details");

function itemAt(x, y) {
  if (y < AXIS || x < LEFT) return null;
  let best = null, least = Infinity;
  for (let i = hits.length - 1; i >= 0; --i) {
    const hit = hits[i];
    if (y < hit.y0 || y > hit.y1 || x < hit.x0 - 3 || x > hit.x1 + 3) continue;
    // The nearest; of those that are hit alike the smallest, and marks before what they lie on.
    const distance = Math.max(hit.x0 - x, x - hit.x1, 0) * 1000 + (hit.x1 - hit.x0) - (hit.item.isMark ? 500 : 0);
    if (distance < least) { least = distance; best = hit.item; }
  }
  return best;
}

function showTip(item, x, y) {
  if (!item) { tip.hidden = true; return; }
  const heading = document.createElement("b");
  heading.textContent = item.name;
  const lines = factsOf(item).map(([key, value]) => `${key}: ${value}`).join("\n");
  tip.replaceChildren(heading, document.createTextNode(lines));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - width - 8)) + "px";
  tip.style.top = Math.max(4, y + 18 + height > innerHeight ? y - height - 10 : y + 18) + "px";
}

function choose(item) {
  chosen = item;
  if (item) {
    const heading = document.createElement("h2");
    heading.textContent = item.name;
    const list = document.createElement("dl");
    for (const [key, value] of factsOf(item)) {
      const pair = document.createElement("div");
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = key;
      dd.textContent = value;
      pair.append(dt, dd);
      list.append(pair);
    }
    details.replaceChildren(heading, list);
    details.scrollTop = 0;
  }
  drawSoon();
}

function stepThrough(list, direction) {
  if (list.length === 0) return;
  let at = list.indexOf(chosen);
  if (at < 0) {
    const now = chosen ? chosen.begin : direction > 0 ? view.from : view.to;
    at = firstFrom(list, now) - (direction > 0 ? 1 : 0);
  }
  const item = list[(at + direction + list.length) % list.length];
  choose(item);
  reveal(item);
}

let everything = null; // spans that are no states, and marks, by begin; made when first needed
function allItems() {
  everything ??= [...spans.filter((span) => span.kind !== STATE), ...marks].sort((a, b) => a.begin - b.begin);
  return everything;
}
