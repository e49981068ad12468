// SPDX-License-Identifier: BSL-1.0
// Texts in the picture: none covers another.

const widths = new Map();
function widthOf(text) {
  let width = widths.get(text);
  if (width === undefined) {
    width = context.measureText(text).width;
    if (widths.size > 20000) widths.clear();
    widths.set(text, width);
  }
  return width;
}

function say(text, x, y, ink) {
  context.fillStyle = ink;
  context.fillText(text, x, y);
}

/** Cut to `width`; empty if not even three characters fit. */
function fitted(text, width) {
  if (width < 24) return "";
  if (text.length > 300) text = text.slice(0, 300);
  if (widthOf(text) <= width) return text;
  let low = 0, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(text.slice(0, middle) + "\u2026").width <= width) low = middle; else high = middle - 1;
  }
  return low < 3 ? "" : text.slice(0, low) + "\u2026";
}

/** Within a box that ends at `right`. */
function inside(text, x, y, right, ink) {
  const begin = Math.max(x, LEFT + 5);
  const cut = fitted(text, right - begin - 3);
  if (cut) say(cut, begin, y, ink);
}

function callLabel(span, bad) {
  const sign = bad ? "\u2715 " : span.grade === LATE ? "! " : "";
  return sign + span.name + (span.grade === LATE || span.grade === NEAR ? " " + budgetText(span) : "");
}

/** Texts beside marks, the most important first, where nothing else is. */
function labelMarks(row, visible) {
  if (visible.length === 0) return;
  const right = view.width - 4;
  const taken = new Uint8Array(Math.ceil(view.width) + 16);
  const take = (from, to) => taken.fill(1, Math.max(0, Math.floor(from)), Math.max(0, Math.ceil(to)));
  for (const { x } of visible) take(x - 6, x + 6);
  const weight = [5, 4, 0, 3, 1, 2, 6, 4];
  const order = [...visible].sort((a, b) => weight[a.mark.kind] - weight[b.mark.kind]);
  for (const { mark, x } of order) {
    const from = Math.round(x + 8);
    let room = from;
    let end = right;
    if (mark.pending >= 0) end = Math.min(end, toX(spans[mark.pending].end));
    while (room < end && !taken[room]) ++room;
    if (room - from < 24) continue;
    let text = mark.name.split("\n")[0];
    if (mark.kind === CHECKPOINT) {
      const step = data.texts[mark.facts];
      if (step.startsWith("step: ")) text = step.slice(6).split("\n")[0];
    }
    const cut = fitted(text, room - from - 4);
    if (!cut || (cut !== text && widthOf(cut) < 60)) continue;
    say(cut, from, row.y + 13, weight[mark.kind] <= 1 ? colour.red : mark.kind === CHECKPOINT ? colour.ink : colour.quiet);
    take(from, from + widthOf(cut) + 4);
  }
}

// --- the axis -------------------------------------------------------------------------------------------------------
const STEPS = [];
for (let decade = 1; decade < 1e9; decade *= 10) STEPS.push(decade, 2 * decade, 5 * decade);
for (const s of [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800]) STEPS.push(s * 1e9);

function ticksOf() {
  const least = (view.to - view.from) * 112 / plotWidth();
  const step = STEPS.find((s) => s >= least) ?? Math.ceil(least / 604800e9) * 604800e9;
  let decimals = 0;
  for (let unit = 1e9; unit > step && decimals < 9; unit /= 10) ++decimals;
  // Round on the clock, not since the begin.
  const inDay = (data.beginMs % 86400000) * 1e6 + data.beginNs;
  const ticks = [];
  for (let n = Math.ceil((inDay + view.from) / step); ; ++n) {
    const at = n * step - inDay;
    if (at > view.to) return ticks;
    ticks.push({ at, x: toX(at), clock: clockText(at, decimals, false), since: (at < 0 ? "\u2212" : "+") + lengthText(Math.abs(at)) });
  }
}

function drawAxis(ticks) {
  box(0, 0, view.width, AXIS, colour.paper);
  context.textAlign = "right";
  say("UTC", LEFT - 10, 17, colour.quiet);
  say("since begin", LEFT - 10, 33, colour.quiet);
  context.textAlign = "left";
  for (const { x, clock, since } of ticks) {
    line(Math.round(x) + 0.5, 4, Math.round(x) + 0.5, AXIS, colour.grid);
    if (x + 4 + widthOf(clock) > view.width) continue;
    say(clock, x + 4, 17, colour.ink);
    say(since, x + 4, 33, colour.quiet);
  }
  line(0, AXIS - 0.5, view.width, AXIS - 0.5, colour.edge);
  line(LEFT - 0.5, 0, LEFT - 0.5, Math.min(view.height, contentHeight - scroller.scrollTop), colour.edge);
}

function drawNames(scroll) {
  context.save();
  context.beginPath();
  context.rect(0, AXIS, view.width, view.height - AXIS);
  context.clip();
  if (threadsTop >= 0) {
    const y = threadsTop - scroll;
    if (y > AXIS - 24) {
      box(0, y, view.width, 24, colour.paper);
      say("THREADS (the same calls, by the thread that made them)", 16, y + 17, colour.quiet);
    }
  }
  for (const lane of lanes) {
    const y = lane.top - scroll;
    if (lane.bottom - scroll < AXIS || y > view.height) continue;
    const isThread = lane.kind === THREAD;
    context.font = isThread ? FONT : NAME_FONT;
    const room = isThread ? LEFT - 30 : 112;
    const cut = widthOfName(lane, room);
    say(cut, 16, y + PADDING + 13, colour.ink);
    context.font = FONT;
    if (isThread) continue;
    context.textAlign = "right";
    for (const [track, name] of [[lane.events, "events"], [lane.states, "state"], [lane.pending, "pending"], [lane.calls, "calls"]]) {
      if (track.length > 0) say(name, LEFT - 10, track[0].top - scroll + 13, colour.quiet);
    }
    context.textAlign = "left";
  }
  context.restore();
}

/** The lane's name, cut to its room; in the font that is set, so beside the widths that are kept. */
function widthOfName(lane, room) {
  if (lane.cut === undefined) {
    let text = lane.name;
    if (context.measureText(text).width > room) {
      while (text.length > 1 && context.measureText(text + "\u2026").width > room) text = text.slice(0, -1);
      text += "\u2026";
    }
    lane.cut = text;
  }
  return lane.cut;
}
