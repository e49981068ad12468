// SPDX-License-Identifier: BSL-1.0
// Draws what is in view; what is too small to be told apart is drawn once.

const context = canvas.getContext("2d");
const FONT = '11px system-ui, "DejaVu Sans", sans-serif';
const NAME_FONT = '600 12px system-ui, "DejaVu Sans", sans-serif';
const THINNEST = 2;
let colour = {};
let hatch = null;
let hits = [];      // what is where in the last picture, for the pointer
let chosen = null;
let pending = false;

function readColours() {
  const style = getComputedStyle(document.documentElement);
  colour = new Proxy({}, { get: (known, name) => known[name] ??= style.getPropertyValue("--" + name).trim() });
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const c = tile.getContext("2d");
  c.strokeStyle = colour.on;
  c.lineWidth = 1.6;
  for (const shift of [-6, 0, 6]) { c.beginPath(); c.moveTo(shift - 1, 7); c.lineTo(shift + 7, -1); c.stroke(); }
  hatch = context.createPattern(tile, "repeat");
}

function drawSoon() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => { pending = false; draw(); });
}

function resize() {
  const scale = window.devicePixelRatio || 1;
  view.width = scroller.clientWidth;
  view.height = scroller.clientHeight;
  canvas.width = Math.round(view.width * scale);
  canvas.height = Math.round(view.height * scale);
  canvas.style.width = view.width + "px";
  canvas.style.height = view.height + "px";
  document.getElementById("room").style.height = Math.max(0, contentHeight + 8 - view.height) + "px";
  context.setTransform(scale, 0, 0, scale, 0, 0);
  draw();
}

function box(x, y, width, height, fill, edge) {
  context.fillStyle = fill;
  context.fillRect(x, y, width, height);
  if (!edge) return;
  context.strokeStyle = edge;
  context.lineWidth = 1;
  if (width > 2) context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
  else { context.fillStyle = edge; context.fillRect(x, y, width, height); }
}

function line(x0, y0, x1, y1, stroke, width = 1, dash = []) {
  context.strokeStyle = stroke;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
  context.setLineDash([]);
}

/** The shape of a kind of mark; they differ in shape, not in colour alone. */
function drawMark(c, kind, x, y) {
  const path = (points, close = true) => {
    c.beginPath();
    points.forEach(([px, py], i) => i ? c.lineTo(x + px, y + py) : c.moveTo(x + px, y + py));
    if (close) c.closePath();
  };
  switch (kind) {
    case CHECKPOINT:
      c.fillStyle = colour.checkpoint;
      c.fillRect(x - 0.75, y - 7.5, 1.5, 15);
      path([[0, -4], [3.5, 0], [0, 4], [-3.5, 0]]);
      c.fill();
      break;
    case REPORT:
      c.fillStyle = colour.report;
      c.fillRect(x - 4, y - 4, 8, 8);
      break;
    case FAILURE:
      c.strokeStyle = colour.failed;
      c.lineWidth = 2.5;
      path([[-4.5, -4.5], [4.5, 4.5]], false); c.stroke();
      path([[4.5, -4.5], [-4.5, 4.5]], false); c.stroke();
      break;
    case SIGNAL:
      c.fillStyle = colour.signal;
      path([[0, -5.5], [5.5, 0], [0, 5.5], [-5.5, 0]]);
      c.fill();
      break;
    case ERROR: case WARNING:
      c.fillStyle = kind === ERROR ? colour.failed : colour.warning;
      path([[0, -5.5], [5.5, 4.5], [-5.5, 4.5]]);
      c.fill();
      if (kind === WARNING) { c.strokeStyle = colour["warning-edge"]; c.lineWidth = 0.8; c.stroke(); }
      break;
    case NOTE:
      c.fillStyle = colour.note;
      c.beginPath(); c.arc(x, y, 2.5, 0, 7); c.fill();
      break;
    case STACK:
      c.fillStyle = colour.report;
      for (const dy of [-5, -1, 3]) c.fillRect(x - 4, y + dy, 8, 2);
      break;
  }
}

function drawState(span, row, x0, x1) {
  const tone = ["idle", "working", "good", "bad"][span.tone];
  box(x0, row.y + 1.5, x1 - x0, row.height - 3, colour[tone], colour[tone + "-edge"]);
  inside((span.tone === BAD ? "\u2715 " : "") + span.name, x0 + 5, row.y + 14, Math.min(x1, view.width - RIGHT), colour.ink);
}

function drawPending(span, row, x0, x1) {
  const tone = span.tone === BAD ? "bad" : span.tone === IDLE ? "idle" : "working";
  box(x0, row.y + 1.5, x1 - x0, row.height - 3, span.tone === BAD ? colour.bad : tone === "idle" ? colour.idle : colour.pending,
      colour[tone + "-edge"]);
  const first = Number.isFinite(span.firstMark) ? toX(span.firstMark) - 6 : x1;
  inside((span.tone === BAD ? "\u2715 " : "") + span.name + " pending", Math.max(x0, LEFT) + 5, row.y + 13, Math.min(first, x1), colour.ink);
}

function drawCall(span, row, x0, x1, next) {
  const y = row.y + 3, height = row.height - 6;
  const bad = span.grade === FAILED;
  box(x0, y, x1 - x0, height, bad ? colour.failed : span.kind === WORK ? colour.work : colour.call);
  let busy = x1, limit = x1;
  if (span.budget > 0 && span.length * 2 >= span.budget) {
    limit = toX(span.begin + span.budget);
    if (span.length > span.budget && x1 - Math.max(limit, x0) > 0.5) {
      const over = Math.max(limit, x0);
      box(over, y, x1 - over, height, colour.failed);
      box(over, y, x1 - over, height, hatch);
    } else if (limit - x1 > 1) {
      context.setLineDash([2, 2]);
      context.strokeStyle = colour["working-edge"];
      context.lineWidth = 1;
      context.strokeRect(x1, y + 0.5, limit - x1, height - 1);
      context.setLineDash([]);
    }
    line(limit, row.y, limit, row.y + row.height, colour.ink, 1.5, [3, 2]);
    busy = Math.max(busy, limit);
  }
  const name = callLabel(span, bad);
  const start = Math.max(x0, LEFT) + 4;
  const width = widthOf(name);
  if (start + width + 4 <= Math.min(x1, limit > x0 ? limit : x1)) say(name, start, row.y + 13, colour.on);
  else if (busy > LEFT && busy + width + 12 <= Math.min(next, view.width)) {
    say(name, busy + 4, row.y + 13, span.grade >= LATE ? colour.red : colour.ink);
  }
}

function drawRow(row) {
  const from = firstFrom(row.items, view.from - row.longest);
  const right = view.width - RIGHT + 8;
  let drawn = -1, worst = NORMAL;
  for (let i = from; i < row.items.length; ++i) {
    const span = row.items[i];
    if (span.begin > view.to) break;
    const reach = Math.max(span.end, span.grade > NORMAL && span.grade < FAILED ? span.begin + span.budget : 0);
    if (reach < view.from) continue;
    seen.add(span);
    let x0 = Math.max(toX(span.begin), LEFT - 2);
    const x1 = Math.min(Math.max(toX(span.end), x0 + THINNEST), right);
    if (x1 <= drawn + 0.5 && span.grade <= worst && span !== chosen) continue;
    if (span.grade <= worst) x0 = Math.max(x0, drawn); // what is worse stays in sight
    worst = x1 > drawn + 0.5 ? span.grade : Math.max(worst, span.grade);
    drawn = Math.max(drawn, x1);
    const next = i + 1 < row.items.length ? toX(row.items[i + 1].begin) : view.width;
    if (row.kind === "state") drawState(span, row, x0, x1);
    else if (row.kind === "pending") drawPending(span, row, x0, x1);
    else drawCall(span, row, x0, x1, next);
    hits.push({ item: span, x0, x1, y0: row.y, y1: row.y + row.height });
    if (span === chosen) outline(x0, row.y, x1, row.y + row.height);
  }
  drawMarks(row);
}

function outline(x0, y0, x1, y1) {
  context.strokeStyle = colour.focus;
  context.lineWidth = 2;
  context.strokeRect(x0 - 2, y0, x1 - x0 + 4, y1 - y0);
}

function drawMarks(row) {
  const visible = [];
  let last = -9, lastKind = -1;
  const y = row.y + 9;
  for (let i = firstFrom(row.marks, view.from); i < row.marks.length && row.marks[i].begin <= view.to; ++i) {
    const mark = row.marks[i];
    ++marksSeen;
    const x = toX(mark.begin);
    if (x - last < 0.5 && mark.kind === lastKind && mark !== chosen) continue;
    last = x;
    lastKind = mark.kind;
    drawMark(context, mark.kind, x, y);
    visible.push({ mark, x });
    hits.push({ item: mark, x0: x - 6, x1: x + 6, y0: row.y, y1: row.y + row.height });
    if (mark === chosen) outline(x - 6, row.y, x + 6, row.y + row.height);
  }
  labelMarks(row, visible);
}

let seen = new Set();
let marksSeen = 0;

function draw() {
  const started = performance.now();
  const scroll = scroller.scrollTop;
  hits = [];
  seen = new Set();
  marksSeen = 0;
  context.font = FONT;
  context.textBaseline = "alphabetic";
  box(0, 0, view.width, view.height, colour.paper);
  lanes.forEach((lane, i) => {
    if (i % 2 === 0) box(0, lane.top - scroll, view.width, lane.bottom - lane.top, colour.stripe);
  });
  const ticks = ticksOf();
  const bottom = Math.min(view.height, contentHeight - scroll);
  for (const tick of ticks) line(Math.round(tick.x) + 0.5, AXIS, Math.round(tick.x) + 0.5, bottom, colour.grid);

  context.save();
  context.beginPath();
  context.rect(LEFT, AXIS, view.width - LEFT, view.height - AXIS);
  context.clip();
  for (const row of rows) {
    row.y = row.top - scroll;
    if (row.y + row.height >= AXIS && row.y <= view.height) drawRow(row);
  }
  context.restore();
  drawAxis(ticks);
  drawNames(scroll);

  const body = document.body.dataset;
  body.spans = spans.length;
  body.marks = marks.length;
  body.lanes = lanes.length;
  body.drawnSpans = seen.size;
  body.drawnMarks = marksSeen;
  body.drawMilliseconds = (performance.now() - started).toFixed(1);
  body.requests = performance.getEntriesByType("resource").length;
  body.ready = "true";
}
