# SPDX-License-Identifier: BSL-1.0
"""What was measured, in words and tables: docs/performance.md, and the same for a terminal."""
import performance_plot
from performance_rows import bars, divided

SUBJECTS = ("holdfast", "by hand")
UNITS = {"us": "µs"}
FLOOR = [
    ("an atomic load through a C function pointer", "floor.atomicLoad"),
    ("a post to an Asio pool and its run, uncontended", "floor.asioPost"),
    ("a futex wakes another thread, which wakes this one", "floor.futexRoundTrip"),
    ("a hop to an Asio strand and back", "floor.strandHop"),
    ("posix_spawn and exec of /bin/true, waited for", "floor.spawnTrue"),
]
TROUBLE = [
    ("IsAlive, nothing hangs", "isAlive.nothingHangs"),
    ("IsAlive, another resource's check hangs", "isAlive.anotherHangs"),
    ("IsAlive, its own check hangs", "isAlive.itselfHangs"),
    ("LooksAlive, its own check hangs", "looksAlive.itselfHangs"),
    ("IsAlive while 1,000 come online and are terminated: single calls", "isAlive.burst"),
    ("Online answers while 1,000 online() block", "online.othersBlocked"),
    ("… until Online is reported", "online.othersBlocked.done"),
    ("Terminate, online() waits and can be told to stop", "terminate.interruptible"),
    ("Terminate, online() is wedged", "terminate.wedged"),
    ("a program is killed: until the event is signalled", "death.signalled"),
]
ENTRIES = [
    ("Open", "open"), ("ResourceControl, the characteristics", "control"), ("Online answers", "online"), ("… until Online is reported", "online.done"),
    ("Offline answers", "offline"), ("… until Offline is reported", "offline.done"), ("Terminate", "terminate"),
    ("Close", "close"), ("IsAlive", "isAlive"), ("LooksAlive", "looksAlive"), ("IsAlive, single calls", "isAlive.single"),
]
IDLE = [
    ("processor, % of a core", "idle.processor"), ("threads", "idle.threads"), ("memory, KiB", "idle.memory"),
    ("memory of each, KiB", "idle.memoryEach"), ("wake-ups a second", "idle.contextSwitches"),
    ("checks a second", "idle.checks"), ("all of them come online, ms", "many.online"),
    ("threads, each check takes 5 ms", "taking.threads"), ("checks a second, each takes 5 ms", "taking.checks"),
    ("processor, % of a core, each check takes 5 ms", "taking.processor"),
]
MONITORS = ["/bin/true", "ocf:holdfast:application", "ocf:pacemaker:Dummy", "ocf:holdfast:postgresql",
            "ocf:heartbeat:pgsql"]
REPORTED = [
    ("holdfast's monitor, told of the end by the system", "reported", "holdfast run, event"),
    ("ocf:holdfast:application, the waiting monitor", "reported", "ocf:holdfast:application"),
    ("ocf:holdfast:postgresql, the waiting monitor", "reported", "ocf:holdfast:postgresql"),
    ("ocf:heartbeat:pgsql, a monitor every second", "reported", "ocf:heartbeat:pgsql, 1 s"),
    ("holdfast's monitor, an agent that looks every 5 s", "reported", "holdfast run, 5 s poll"),
]


NEEDS = [(f"{who}, {count:,} resources", who, count) for count in (1, 20, 100, 1000) for who in ("monitor", "host (000-hello)")]
NEEDS += [("reaper, its program idle", "reaper, its program idle", 0), ("guard", "guard", 0)]
RECORDER = [("one event", "flight.event"), ("with a text of 46 bytes", "flight.eventWithText"),
            ("the same, four threads at once", "flight.fourThreads"), ("reading the clock, of that", "flight.clock"),
            ("IsAlive, its polls counted", "flight.isAlive"), ("IsAlive, were each poll recorded", "flight.isAliveRecorded")]


def figure(value, unit=""):
    if value is None:
        return "–"
    if value == int(value) and abs(value) < 1e15 and (value >= 100 or unit == ""):
        words = f"{int(value):,}"
    elif value >= 1000:
        words = f"{value:,.0f}"
    elif value >= 100:
        words = f"{value:.0f}"
    elif value >= 10:
        words = f"{value:.1f}"
    else:
        words = f"{value:.2f}"
    return words + (" " + UNITS.get(unit, unit) if unit else "")


def ratio(one, other):
    value = divided(one, other)
    return "–" if value is None else f"{figure(value)} ×"


def scaled(results, what, subject, resources=0):
    """(median, 99 %, worst) as words, with a unit that fits."""
    row = results.row(what, subject, resources)
    if row is None:
        return ["–"] * 3
    if "stopped" in row:
        return ["stopped"] * 3
    unit, divisor = row["unit"], 1
    for smaller, larger in (("ns", "us"), ("us", "ms")):
        if unit == smaller and row["median"] / divisor >= 10_000:
            unit, divisor = larger, divisor * 1e3
    return [figure(row[field] / divisor, unit) for field in ("median", "p99", "worst")]


def bar_rows(results):
    for bar in bars(results):
        sign = "≤" if bar.less else "≥"
        yield [bar.words, f"{sign} {figure(bar.limit, bar.unit)}", bar.said or figure(bar.measured, bar.unit), bar.met()]


def floor_rows(results):
    load = results.number("floor.atomicLoad", "floor")
    for words, what in FLOOR:
        yield [words, *scaled(results, what, "floor"), ratio(results.number(what, "floor"), load)]


def pair_rows(results, table, resources=0):
    for words, what in table:
        if all(results.row(what, subject, resources) is None for subject in SUBJECTS):
            continue
        numbers = [results.number(what, subject, resources) for subject in SUBJECTS]
        yield [words, *scaled(results, what, SUBJECTS[0], resources), *scaled(results, what, SUBJECTS[1], resources),
               ratio(numbers[1], numbers[0])]


def idle_rows(results, resources):
    for words, what in IDLE:
        numbers = [results.number(what, subject, resources) for subject in SUBJECTS]
        yield [words, *[figure(number) for number in numbers], ratio(numbers[1], numbers[0])]


def monitor_rows(results):
    true = results.number("monitor.wall", "/bin/true")
    for subject in MONITORS:
        wall = results.number("monitor.wall", subject)
        spent = results.number("monitor.processor", subject, field="mean")
        host = results.number("monitor.host", subject)
        whole = None if spent is None else (spent + (host or 0)) / 1000  # 1,000 of them, in seconds
        yield [subject, *scaled(results, "monitor.wall", subject), ratio(wall, true), figure(whole, "s")]


def reported_rows(results):
    for words, what, subject in REPORTED:
        yield [words, *scaled(results, what, subject)]
    cost = results.number("monitor.wall", "ocf:heartbeat:pgsql")
    if cost is not None:
        yield ["ocf:heartbeat:pgsql, a monitor every 10 s (reckoned: half of it, and a monitor)", figure(5 + cost / 1e6, "s"), "–",
               figure(10 + cost / 1e6, "s")]


def need_rows(results):
    for words, subject, resources in NEEDS:
        numbers = [results.number(what, subject, resources) for what in ("need.pss", "need.rss", "need.threads")]
        if any(number is not None for number in numbers):
            memory = [None if number is None else number / 1024 for number in numbers[:2]]
            yield [words, *[figure(one, "MiB") for one in memory], figure(numbers[2])]


def recorder_rows(results):
    for words, what in RECORDER:
        yield [words, figure(results.number(what), "ns")]


BARS = ["what", "bar", "measured", "met"]
DISTRIBUTION = ["", "median", "99 %", "worst"]
PAIR = ["", "holdfast: median", "99 %", "worst", "by hand: median", "99 %", "worst", "by hand / holdfast"]


def sections(results):
    """(title, words below it, header, rows)."""
    yield "The bars", "bars", BARS, bar_rows(results)
    yield "The floor", "floor", [*DISTRIBUTION, "in atomic loads"], floor_rows(results)
    yield "When something hangs, blocks or dies", "trouble", PAIR, pair_rows(results, TROUBLE)
    for count in results.counts():
        yield f"Entry points at {count:,} resources", "", PAIR, pair_rows(results, ENTRIES, count)
    for count in results.counts():
        words = "idle" if count == min(results.counts()) else ""
        yield f"Idle at {count:,} resources", words, ["", "holdfast", "by hand", "by hand / holdfast"], idle_rows(results, count)
    yield "A monitor under Pacemaker", "monitor", [*DISTRIBUTION, "against /bin/true",
                                                  "processor for 1,000"], monitor_rows(results)
    yield "From kill -9 to the failure reported", "reported", DISTRIBUTION, reported_rows(results)
    yield "What the monitor's processes need", "", ["", "PSS", "RSS", "threads"], need_rows(results)
    yield "The flight recorder", "", ["", "median"], recorder_rows(results)


WORDS = {
    "bars": "What the design promises, and what this run gave. A figure is of the machine above: the ratios further down travel better.",
    "floor": "What the system and the libraries below charge; means of many calls in a row, so that \"worst\" is the worst batch.",
    "trouble": """\"By hand\" is a library of the usual kind ([tests/benchmark/contender](../tests/benchmark/contender/resource.hpp)): one thread for each pending operation,
one for each resource that checks it, a kept verdict, one mutex around everything. It holds no lock
while the user's code runs or a thread is made, and gives up a wedged thread after 300 ms. Both run the same user's code, which does next to nothing. What the figures do not
show: when a check hangs, the kept verdict of the one by hand stays "alive" for ever, and what a wedged online() starts after Terminate stays
started. IsAlive is a mean of 1,000 calls in a row; \"single calls\" are timed one by one, the clock's own 20 to 30 ns included. Who
polls beside the 1,000 asks again 10 µs after the answer: the slower the answers, the fewer of them are in the figures, which is kind to the slower side. Of a
few hundred samples 99 % is among the worst few, and 99.9 % of 1,000 in a run is all but the worst. The libraries take turns, and who is first alternates.""",
    "idle": """Each is checked every second; CheckInterval's default is 5 s. The last three rows are of checks that take 5 ms each, as one that asks a server does.
holdfast spreads the checks of resources that came online together over the interval in 16 groups: what is checked at once needs a thread of its own if the
check takes time, and the one that is asked does not see all of them at the same moment. Checks that take none would need fewer wake-ups all at once.""",
    "monitor": """Each agent as Pacemaker's executor runs it, a process per monitor, one after the other in turn. `ocf:pacemaker:Dummy` looks for a file;
`ocf:heartbeat:pgsql` asks a real PostgreSQL, which ours does, too, in a process that stays. Not the same work: ours answers with the
verdict that process has kept since its last check, while the script asks anew each time. The last column is what the started processes use, and what the process
that stays uses for answering. Its own checks are not in it: they run once per CheckInterval, however many monitors ask. What PostgreSQL's own
processes spend on a query is counted on neither side.""",
    "reported": """At a random moment between two polls. `application` and the two rows of `holdfast's monitor` watch a program that sleeps; the two
of PostgreSQL kill the same server's first process, so these are the ones to compare: a monitor that Pacemaker repeats every second against one that waits: what
differs is above all when somebody looks.""",
}


def explained(results):
    """Why a bar was missed, where the figures themselves tell it."""
    remarks = []
    checks = [f"{figure(value, 'us')} a second in `{who}`" for who in MONITORS
              if (value := results.number("monitor.ownChecks", who)) is not None]
    if checks:
        remarks.append("What the process that stays spends on its own checks, and on waiting: " + ", ".join(checks) + ".")
    true, dummy = results.number("monitor.wall", "/bin/true"), results.number("monitor.wall", "ocf:pacemaker:Dummy")
    most = divided(dummy, true)
    if most is not None and most < 4:
        remarks.append(f"`ocf:pacemaker:Dummy` takes {figure(most)} times as long as `/bin/true` on this machine, so no program that is started could be "
                       "4 times as fast: starting a program is what a monitor costs, and ours adds "
                       f"{figure(results.number('monitor.wall', 'ocf:holdfast:application') - true, 'us')} to it.")
    return remarks


def incomplete(results):
    """What is missing of the rows of the C table, and which limit of the contract holdfast broke."""
    problems = []
    wanted = [(what, 0) for _, what in TROUBLE]
    wanted += [(what, count) for count in results.counts() for _, what in ENTRIES + IDLE]
    for what, count in wanted:
        for subject in SUBJECTS:
            if results.number(what, subject, count) is None:
                problems.append(f"not measured: {what}, {subject}, {count} resources")
    if not results.counts():
        problems.append("nothing was measured at any number of resources")
    # W-135: IsAlive takes 50 ms at most, every other entry point 300 ms.
    for what, count in wanted:
        row = results.row(what, "holdfast", count)
        if row is None or "worst" not in row or what.endswith(".done") or what == "death.signalled":
            continue
        worst = row["worst"] / {"ns": 1e6, "us": 1e3}[row["unit"]]
        if worst > (50 if what.startswith(("isAlive", "looksAlive")) else 300):
            problems.append(f"{what}, {count} resources: {worst:.0f} ms is beyond the contract's limit")
    return problems


def markdown_table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def page(results):
    machine = results.machine
    out = ["<!-- SPDX-License-Identifier: BSL-1.0 -->", "<!-- Written by scripts/performance.py from performance/results.json. -->",
           "# Performance", "",
           f"Measured on {machine['date']} by `{results.command}`: {machine['processor']}, {machine['processors']} processors, "
           f"{machine['memory']}; Linux {machine['kernel']}, {machine['system']}; {machine['compiler']}, RelWithDebInfo.",
           f"Load before the run ended, its own work included: {machine['load']}." + (
               " Everything here comes from one run, but the simulation's figures." if results.command == "./dev bench" else ""), ""]
    shown_plots = False
    for title, words, header, rows in sections(results):
        if title.startswith("Idle") and not shown_plots:
            shown_plots = True
            out += ["## Against the number of resources", ""]
            for name in performance_plot.pictures(results):
                out.append(f"![{performance_plot.PLOTS[name][0]}](performance/{name})")
            out.append("")
        out += [f"## {title}", ""]
        if words:
            out += [WORDS[words], ""]
        out += [markdown_table(header, rows), ""]
    stopped = results.stopped()
    if stopped:
        out += ["## What could not be measured", ""]
        for row in stopped:
            where = f", {row['resources']:,} resources" if "resources" in row else ""
            out.append(f"- {row['what']}, {row['subject']}{where}: {row['stopped']}")
        out.append("")
    remarks = explained(results)
    if remarks:
        at = out.index("## The floor")
        out[at:at] = [*remarks, ""]
    out += ["## Again", "",
            "    ./dev bench            measures and shows the tables; 8 to 10 minutes, as root on Debian 12",
            "    ./dev bench --quick    the same with few of everything, in less than a minute", "",
            "`--quick` leaves the documents alone; the whole run writes this page, its pictures and [its figures](performance/results.json).",
            "A machine that does other things meanwhile shows in the 99 % and the worst, seldom in the medians.", ""]
    return "\n".join(out)


def plain(results):
    out = []
    for title, _, header, rows in sections(results):
        table = [header, *[list(row) for row in rows]]
        widths = [max(len(row[i]) for row in table) for i in range(len(header))]
        out.append(f"== {title}")
        for row in table:
            first = row[0].ljust(widths[0])
            out.append("  " + first + "".join("  " + word.rjust(width) for word, width in zip(row[1:], widths[1:])))
        out.append("")
    for row in results.stopped():
        out.append(f"not measured: {row['what']}, {row['subject']}, {row.get('resources', '')}: {row['stopped']}")
    return "\n".join(out) + "\n"
