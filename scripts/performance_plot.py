# SPDX-License-Identifier: BSL-1.0
"""Curves over the number of resources, both axes logarithmic, as SVG and nothing else."""
import math

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 76, 150, 46, 52
COLOURS = {"holdfast": "#0b6e4f", "by hand": "#b5540b"}
FONT = "font-family='DejaVu Sans, Verdana, sans-serif'"

PLOTS = {
    "processor.svg": ("Processor while idle, each checked every second", "% of a core", "idle.processor", "value"),
    "memory.svg": ("Memory beyond that of one resource", "KiB", "idle.memory", "value"),
    "threads.svg": ("Threads", "threads", "idle.threads", "value"),
    "is-alive.svg": ("IsAlive, single calls, 99 %", "ns", "isAlive.single", "p99"),
    "online.svg": ("Online answers, 99 %", "µs", "online", "p99"),
    "wake-ups.svg": ("Wake-ups while idle, each checked every second", "1/s", "idle.contextSwitches", "value"),
}


def decades(values):
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values)))
    return low, high if high > low else low + 1


def label(exponent):
    return f"{10 ** exponent:,}" if exponent >= 0 else f"{10 ** exponent:.{-exponent}f}"


def readable(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def text(x, y, words, more=""):
    return f"<text x='{x:.1f}' y='{y:.1f}' {FONT} {more}>{words}</text>"


def picture(title, unit, curves):
    """`curves`: subject -> [(resources, value)]."""
    points = [point for curve in curves.values() for point in curve if point[1] > 0]
    x_low, x_high = decades([x for x, _ in points])
    y_low, y_high = decades([y for _, y in points])

    def x_of(value):
        return LEFT + (math.log10(value) - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def y_of(value):
        return HEIGHT - BOTTOM - (math.log10(value) - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)

    out = [f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}'>",
           f"<rect width='{WIDTH}' height='{HEIGHT}' fill='#ffffff'/>",
           text(LEFT, 26, title, "font-size='15' font-weight='bold' fill='#222222'")]
    for exponent in range(y_low, y_high + 1):
        y = y_of(10 ** exponent)
        out.append(f"<path d='M{LEFT} {y:.1f}H{WIDTH - RIGHT}' stroke='#dddddd'/>")
        out.append(text(LEFT - 8, y + 4, label(exponent), "font-size='12' text-anchor='end' fill='#444444'"))
    for exponent in range(x_low, x_high + 1):
        x = x_of(10 ** exponent)
        out.append(f"<path d='M{x:.1f} {TOP}V{HEIGHT - BOTTOM}' stroke='#dddddd'/>")
        out.append(text(x, HEIGHT - BOTTOM + 18, label(exponent), "font-size='12' text-anchor='middle' fill='#444444'"))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "resources", "font-size='12' text-anchor='middle' fill='#444444'"))
    out.append(text(18, (TOP + HEIGHT - BOTTOM) / 2, unit, f"font-size='12' text-anchor='middle' fill='#444444' "
                    f"transform='rotate(-90 18 {(TOP + HEIGHT - BOTTOM) / 2:.1f})'"))
    ends = []
    for subject, curve in curves.items():
        colour = COLOURS.get(subject, "#555555")
        line = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in curve if y > 0)
        out.append(f"<polyline points='{line}' fill='none' stroke='{colour}' stroke-width='2.5'/>")
        for x, y in curve:
            if y > 0:
                out.append(f"<circle cx='{x_of(x):.1f}' cy='{y_of(y):.1f}' r='4' fill='{colour}'/>")
        if curve and curve[-1][1] > 0:
            ends.append([y_of(curve[-1][1]), x_of(curve[-1][0]), colour, f"{subject} {readable(curve[-1][1])}"])
    # Names at the ends of their curves, apart from each other.
    ends.sort()
    for i, end in enumerate(ends):
        if i > 0:
            end[0] = max(end[0], ends[i - 1][0] + 17)
        out.append(text(end[1] + 10, end[0] + 4, end[3], f"font-size='13' fill='{end[2]}'"))
    out.append("</svg>")
    return "\n".join(out) + "\n"


def pictures(results):
    made = {}
    for name, (title, unit, what, field) in PLOTS.items():
        curves = {}
        for subject in COLOURS:
            curve = [(count, results.number(what, subject, count, field)) for count in results.counts()]
            curve = [(count, value) for count, value in curve if value is not None]
            if any(value > 0 for _, value in curve):
                curves[subject] = curve
        if curves:
            made[name] = picture(title, unit, curves)
    return made
