// SPDX-License-Identifier: BSL-1.0
// The page: its texts, buttons, keys and pointer.

addEventListener("error", (event) => { document.body.dataset.error = event.message; });
document.addEventListener("securitypolicyviolation", (event) => { document.body.dataset.error = "policy: " + event.violatedDirective; });

const byId = (id) => document.getElementById(id);
const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

(function texts() {
  byId("title").textContent = data.title;
  const calls = spans.filter((span) => span.kind === CALL).length;
  const operations = spans.filter((span) => span.kind === PENDING).length;
  const late = spans.filter((span) => span.kind !== STATE && span.grade === LATE).length;
  const failed = spans.filter((span) => span.kind !== STATE && span.grade === FAILED).length;
  const failures = spans.filter((span) => span.kind === STATE && span.tone === BAD).length;
  const bad = (n, word) => {
    const element = document.createElement(n > 0 ? "b" : "span");
    element.textContent = `${n} ${word}`;
    return element;
  };
  byId("summary").append(`${clockText(0, 3, true)} UTC, ${lengthText(data.length)} \u00b7 ${count(calls, "call", "calls")} \u00b7 ` +
    `${count(operations, "pending operation", "pending operations")} \u00b7 `, bad(late, "late"), " \u00b7 ", bad(failed, "failed"), " \u00b7 ",
    bad(failures, failures === 1 ? "resource failure" : "resource failures"));
  if (data.notes.length > 0) {
    byId("notes").textContent = "Note: " + data.notes.join("; ") + ".";
    byId("notes").hidden = false;
  }
  canvas.setAttribute("aria-label", `Timeline of ${data.title}: ${byId("summary").textContent}`);
  byId("problem-next").disabled = byId("problem-before").disabled = problems.length === 0;
})();

function legend() {
  const items = [];
  const item = (name, width, paint) => {
    const element = document.createElement("li");
    const picture = document.createElement("canvas");
    const scale = window.devicePixelRatio || 1;
    picture.width = width * scale;
    picture.height = 16 * scale;
    picture.style.width = width + "px";
    picture.style.height = "16px";
    const c = picture.getContext("2d");
    c.scale(scale, scale);
    paint(c);
    element.append(picture, name);
    items.push(element);
  };
  const tone = (name) => (c) => {
    c.fillStyle = colour[name];
    c.fillRect(0, 2, 20, 12);
    c.strokeStyle = colour[(name === "pending" ? "working" : name) + "-edge"] || colour[name];
    c.strokeRect(0.5, 2.5, 19, 11);
  };
  const bar = (fill) => (c) => { c.fillStyle = fill; c.fillRect(0, 2, 20, 12); };
  const shape = (kind) => (c) => drawMark(c, kind, 7, 8);
  item("online", 20, tone("good"));
  item("changing", 20, tone("working"));
  item("\u2715 failed", 20, tone("bad"));
  item("other state", 20, tone("idle"));
  item("pending operation", 20, tone("pending"));
  item("checkpoint", 14, shape(CHECKPOINT));
  item("final report", 14, shape(REPORT));
  item("call", 20, bar(colour.call));
  if (spans.some((span) => span.kind === WORK)) item("work of the agent", 20, bar(colour.work));
  item("\u2715 failed call", 20, bar(colour.failed));
  item("budget (300 ms, IsAlive 50 ms), and what is over it", 40, (c) => {
    c.fillStyle = colour.call; c.fillRect(0, 2, 20, 12);
    c.fillStyle = colour.failed; c.fillRect(20, 2, 20, 12);
    c.fillStyle = hatch; c.fillRect(20, 2, 20, 12);
    c.strokeStyle = colour.ink; c.lineWidth = 1.5; c.setLineDash([3, 2]);
    c.beginPath(); c.moveTo(20, 0); c.lineTo(20, 16); c.stroke();
  });
  item("failure", 14, shape(FAILURE));
  item("error", 14, shape(ERROR));
  item("warning", 14, shape(WARNING));
  item("signal", 14, shape(SIGNAL));
  item("note", 14, shape(NOTE));
  if (marks.some((mark) => mark.kind === STACK)) item("stack", 14, shape(STACK));
  byId("legend").replaceChildren(...items);
}

// --- buttons and keys -----------------------------------------------------------------------------------------------
const commands = {
  "problem-next": () => stepThrough(problems, 1),
  "problem-before": () => stepThrough(problems, -1),
  left: () => pan(-0.25),
  right: () => pan(0.25),
  in: () => zoom(0.5),
  out: () => zoom(2),
  all: showAll,
};
for (const [id, command] of Object.entries(commands)) byId(id).addEventListener("click", command);

const keys = {
  ArrowLeft: commands.left, ArrowRight: commands.right, "+": commands.in, "=": commands.in, "-": commands.out, 0: showAll,
  n: commands["problem-next"], p: commands["problem-before"],
  ".": () => stepThrough(allItems(), 1), ",": () => stepThrough(allItems(), -1),
  ArrowUp: () => { scroller.scrollTop -= 60; }, ArrowDown: () => { scroller.scrollTop += 60; },
  Home: () => show(0, view.to - view.from), End: () => show(data.length - (view.to - view.from), data.length),
  Escape: () => { choose(null); tip.hidden = true; },
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const command = keys[event.key] ?? keys[event.key.toLowerCase()];
  if (!command) return;
  command();
  event.preventDefault();
});

// --- the pointer ----------------------------------------------------------------------------------------------------
let drag = null;
const place = (event) => {
  const bounds = canvas.getBoundingClientRect();
  return [event.clientX - bounds.left, event.clientY - bounds.top];
};

canvas.addEventListener("wheel", (event) => {
  const [x] = place(event);
  if (x < LEFT && !event.ctrlKey) return; // over the names it scrolls
  event.preventDefault();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX || event.deltaY) / 1000);
  else zoom(Math.exp(Math.max(-400, Math.min(400, event.deltaY * (event.deltaMode === 1 ? 30 : 1))) / 400), x);
}, { passive: false });

canvas.addEventListener("pointerdown", (event) => {
  const [x, y] = place(event);
  if (event.button !== 0) return;
  drag = { x, y, from: view.from, to: view.to, scroll: scroller.scrollTop, moved: false, range: event.shiftKey };
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  const [x, y] = place(event);
  if (!drag) {
    const item = itemAt(x, y);
    canvas.style.cursor = item ? "pointer" : x >= LEFT ? "grab" : "default";
    showTip(item, event.clientX, event.clientY);
    return;
  }
  if (!drag.moved && Math.abs(x - drag.x) + Math.abs(y - drag.y) < 4) return;
  drag.moved = true;
  tip.hidden = true;
  if (drag.range) {
    draw();
    context.globalAlpha = 0.25;
    box(Math.min(x, drag.x), AXIS, Math.abs(x - drag.x), view.height - AXIS, colour.focus);
    context.globalAlpha = 1;
    return;
  }
  const by = (drag.x - x) / plotWidth() * (drag.to - drag.from);
  show(drag.from + by, drag.to + by);
  scroller.scrollTop = drag.scroll + drag.y - y;
});
canvas.addEventListener("pointerup", (event) => {
  const [x, y] = place(event);
  if (drag && drag.moved && drag.range) show(toTime(Math.min(x, drag.x)), toTime(Math.max(x, drag.x)));
  else if (drag && !drag.moved) choose(itemAt(x, y));
  drag = null;
});
canvas.addEventListener("pointercancel", () => { drag = null; });
canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
canvas.addEventListener("dblclick", (event) => {
  const item = itemAt(...place(event));
  if (item && !item.isMark) show(item.begin - item.length * 0.3 - 500, item.end + item.length * 0.3 + 500);
});

scroller.addEventListener("scroll", drawSoon);
new ResizeObserver(resize).observe(scroller);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); legend(); draw(); });

readColours();
legend();
view.from = -data.length * 0.01;
view.to = data.length * 1.01;
resize();
