// SPDX-License-Identifier: BSL-1.0
// What the program wrote, as objects: see toPageJson() in model_json.cpp.
"use strict";

const SPAN_KINDS = ["state", "pending operation", "call", "work"];
const STATE = 0, PENDING = 1, CALL = 2, WORK = 3;
const NORMAL = 0, NEAR = 1, LATE = 2, FAILED = 3;
const IDLE = 0, WORKING = 1, GOOD = 2, BAD = 3;
const MARK_KINDS = ["checkpoint", "report", "failure", "signal", "error", "warning", "note", "stack"];
const CHECKPOINT = 0, REPORT = 1, FAILURE = 2, SIGNAL = 3, ERROR = 4, WARNING = 5, NOTE = 6, STACK = 7;
const THREAD = 2; // of lanes

const data = JSON.parse(document.getElementById("data").textContent);

const lanes = data.lanes.map(([kind, name, hasMarks, hasStates, pendingRows, callRows]) =>
  ({ kind, name, hasMarks, hasStates, pendingRows, callRows }));

const spans = data.spans.map(([kind, grade, tone, open, begin, length, budget, name, facts, lane, row, threadLane, threadRow]) =>
  ({ kind, grade, tone, open, begin, length, budget, name: data.texts[name], facts, lane, row, threadLane, threadRow,
     end: begin + length, firstMark: Infinity }));

const marks = data.marks.map(([kind, at, name, facts, lane, pending]) =>
  ({ kind, begin: at, end: at, length: 0, name: data.texts[name], facts, lane, pending, isMark: true }));

for (const mark of marks) {
  if (mark.pending >= 0) spans[mark.pending].firstMark = Math.min(spans[mark.pending].firstMark, mark.begin);
}

// --- where things are: the same heights as layout.hpp ---------------------------------------------------------------
const AXIS = 42, LEFT = 196, RIGHT = 20;
const EVENTS_HEIGHT = 18, STATE_HEIGHT = 20, PENDING_HEIGHT = 18, CALL_HEIGHT = 18, GAP = 3, PADDING = 7;

// A row is one line on which items must not cover each other: {kind, lane, top, height, items by begin, longest}.
const rows = [];
let contentHeight = AXIS;
let threadsTop = -1;

(function place() {
  for (const lane of lanes) {
    if (lane.kind === THREAD && threadsTop < 0) {
      threadsTop = contentHeight;
      contentHeight += 24;
    }
    lane.top = contentHeight;
    let y = lane.top + PADDING;
    const track = (kind, count, height) => {
      const made = [];
      for (let i = 0; i < count; ++i) {
        made.push({ kind, lane, top: y + i * height, height, items: [], marks: [], longest: 0 });
      }
      if (count > 0) y += count * height + GAP;
      rows.push(...made);
      return made;
    };
    lane.events = track("events", lane.hasMarks ? 1 : 0, EVENTS_HEIGHT);
    lane.states = track("state", lane.hasStates ? 1 : 0, STATE_HEIGHT);
    lane.pending = track("pending", lane.pendingRows, PENDING_HEIGHT);
    lane.calls = track("calls", lane.callRows, CALL_HEIGHT);
    if (y === lane.top + PADDING) y += CALL_HEIGHT;
    lane.bottom = y - GAP + PADDING;
    contentHeight = lane.bottom;
  }
  const add = (row, span) => {
    row.items.push(span);
    row.longest = Math.max(row.longest, span.length, span.budget);
  };
  for (const span of spans) {
    const lane = lanes[span.lane];
    add(span.kind === STATE ? lane.states[0] : span.kind === PENDING ? lane.pending[span.row] : lane.calls[span.row], span);
    if (span.threadLane >= 0) add(lanes[span.threadLane].calls[span.threadRow], span);
  }
  for (const mark of marks) {
    const lane = lanes[mark.lane];
    (mark.pending >= 0 ? lane.pending[spans[mark.pending].row] : lane.events[0]).marks.push(mark);
  }
})();

const isProblem = (item) => item.isMark ? item.kind === FAILURE || item.kind === ERROR : item.kind !== STATE && item.grade >= LATE;
const problems = [...spans, ...marks].filter(isProblem).sort((a, b) => a.begin - b.begin);

/** The first item of a sorted list that begins at or after `at`. */
function firstFrom(items, at) {
  let low = 0, high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].begin < at) low = middle + 1; else high = middle;
  }
  return low;
}

// --- words ----------------------------------------------------------------------------------------------------------
function trimmed(value) {
  const text = value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function lengthText(ns) {
  if (ns < 1e3) return `${Math.round(ns)} ns`;
  if (ns < 1e6) return `${trimmed(ns / 1e3)} us`;
  if (ns < 1e9) return `${trimmed(ns / 1e6)} ms`;
  if (ns < 120e9) return `${trimmed(ns / 1e9)} s`;
  const whole = Math.floor(ns / 1e9);
  const both = (large, unit, small, rest) => `${large} ${unit}` + (small === 0 ? "" : ` ${small} ${rest}`);
  if (whole < 7200) return both(Math.floor(whole / 60), "min", whole % 60, "s");
  return both(Math.floor(whole / 3600), "h", Math.floor(whole / 60) % 60, "min");
}

/** UTC, from nanoseconds since the run's begin. */
function clockText(ns, decimals, withDate) {
  const all = data.beginNs + Math.round(ns);
  const ms = data.beginMs + Math.floor(all / 1e6);
  const rest = ((all % 1e6) + 1e6) % 1e6;
  const iso = new Date(ms).toISOString();
  const fraction = iso.slice(20, 23) + String(rest).padStart(6, "0");
  return (withDate ? iso.slice(0, 10) + " " : "") + iso.slice(11, 19) + (decimals > 0 ? "." + fraction.slice(0, decimals) : "");
}

function budgetText(span) {
  return `${lengthText(span.length)} of ${lengthText(span.budget)}`;
}

/** What is said of an item: pairs of key and value. */
function factsOf(item) {
  const facts = [];
  if (!item.isMark) facts.push(["what", SPAN_KINDS[item.kind] + (item.open ? ", its end was not seen" : "")]);
  else facts.push(["what", MARK_KINDS[item.kind]]);
  if (lanes[item.lane].kind !== THREAD) facts.push(["of", lanes[item.lane].name]);
  facts.push(["at", `${clockText(item.begin, item.isMark ? 3 : 6, false)} UTC (+${lengthText(item.begin)})`]);
  if (!item.isMark) facts.push(["length", lengthText(item.length)]);
  if (!item.isMark && item.budget > 0) {
    const over = item.length - item.budget;
    facts.push(["budget", lengthText(item.budget) + (over > 0 ? `, exceeded by ${lengthText(over)}` : "")]);
  }
  for (const line of data.texts[item.facts].split("\n")) {
    const at = line.indexOf(": ");
    if (at > 0 && at < 24) facts.push([line.slice(0, at), line.slice(at + 2)]);
    else if (line && facts.length) facts[facts.length - 1][1] += "\n" + line;
  }
  return facts;
}
