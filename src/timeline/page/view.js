// SPDX-License-Identifier: BSL-1.0
// Which part of the run is seen.

const canvas = document.getElementById("canvas");
const scroller = document.getElementById("scroller");
const view = { from: 0, to: data.length, width: 0, height: 0 };
const SHORTEST = 100; // ns on the whole width

const plotWidth = () => Math.max(view.width - LEFT - RIGHT, 50);
const toX = (at) => LEFT + (at - view.from) / (view.to - view.from) * plotWidth();
const toTime = (x) => view.from + (x - LEFT) / plotWidth() * (view.to - view.from);

/** Shows [from, to], as far as the run goes. */
function show(from, to) {
  const slack = data.length * 0.01;
  const length = Math.min(Math.max(to - from, SHORTEST), data.length + 2 * slack);
  const middle = (from + to) / 2;
  let begin = middle - length / 2;
  begin = Math.min(Math.max(begin, -slack), data.length + slack - length);
  view.from = begin;
  view.to = begin + length;
  drawSoon();
}

function showAll() { show(-data.length * 0.01, data.length * 1.01); }

/** By `factor` (below 1: in), and what is at `x` stays there. */
function zoom(factor, x = LEFT + plotWidth() / 2) {
  const at = toTime(x);
  const from = at - (at - view.from) * factor;
  show(from, from + (view.to - view.from) * factor);
}

function pan(part) {
  const by = (view.to - view.from) * part;
  show(view.from + by, view.to + by);
}

/** Brings an item into view, with something around it, and its lane. */
function reveal(item) {
  const length = view.to - view.from;
  const inside = item.begin >= view.from && item.end <= view.to && (item.isMark || item.length > length / 200);
  if (!inside) {
    const wanted = item.isMark ? Math.min(length, data.length / 10) : Math.max(item.length, item.budget || 0) * 3;
    const middle = (item.begin + item.end) / 2;
    show(middle - wanted / 2, middle + wanted / 2);
  }
  const lane = lanes[item.lane];
  const top = scroller.scrollTop + AXIS, bottom = scroller.scrollTop + view.height;
  if (lane.top < top || lane.bottom > bottom) scroller.scrollTop = Math.max(0, lane.top - AXIS - 20);
}
