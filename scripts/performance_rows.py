# SPDX-License-Identifier: BSL-1.0
"""What was measured, by name; and the bars it is held against."""


class Results:
    def __init__(self, content):
        self.machine = content["machine"]
        self.command = content["command"]
        self.simulation = content.get("simulation", {})  # of which run its figures are
        self._rows = {(row["what"], row["subject"], row.get("resources", 0)): row for row in content["rows"]}

    def row(self, what, subject="holdfast", resources=0):
        return self._rows.get((what, subject, resources))

    def number(self, what, subject="holdfast", resources=0, field="median"):
        """A figure in the row's unit; None if it was not measured."""
        row = self.row(what, subject, resources)
        if row is None or "stopped" in row:
            return None
        return row["value"] if "value" in row else row[field]

    def why_stopped(self, what, resources=0, subject="holdfast"):
        """Why a library did not get as far as this row; empty if it did, or was never asked."""
        rows = [self.row(what, subject, resources)]
        rows += [self.row(scenario, subject, resources) for scenario, begins in SCENARIOS.items() if what.startswith(begins)]
        return next((row["stopped"] for row in rows if row is not None and "stopped" in row), "")

    def counts(self):
        return sorted({resources for (what, _, resources) in self._rows if what in ("idle.processor", "many") and resources})

    def stopped(self):
        return [row for row in self._rows.values() if "stopped" in row]


def divided(one, other):
    return None if one is None or other in (None, 0) else one / other


def milli(value, divisor):
    return None if value is None else value / divisor


# Which rows a scenario of table_benchmark gives: if it does not end, they are missing.
SCENARIOS = {"hung": ("isAlive.nothingHangs", "isAlive.anotherHangs", "isAlive.itselfHangs", "looksAlive.itselfHangs"),
             "blocked": ("online.othersBlocked",), "burst": ("isAlive.burst",), "terminate": ("terminate.",),
             "death": ("death.",), "many": ("idle.", "isAlive.single", "many."), "taking": ("taking.",)}
WANTED_SCHEDULES = 1_000_000
# However many resources there are, only so many threads look after them: a constant, and what bursts may make of it.
THREADS, THREADS_OF_MANY = 32, 4 * 32


class Bar:
    """One line of the design's table: what was measured, what it is held against, and whether less is wanted."""

    def __init__(self, words, measured, unit, limit, less=True, why="", said=""):
        self.words, self.measured, self.unit, self.limit, self.less = words, measured, unit, limit, less
        self.why = why    # why holdfast did not get that far: that is a bar it fails
        self.said = said  # instead of the figure
        self.short = ""   # why a good figure does not count

    def met(self):
        if self.why:
            return f"**no** (stopped: {self.why})"
        if self.measured is None:
            return "not measured here"
        if not (self.measured <= self.limit if self.less else self.measured >= self.limit):
            return "**no**"
        return f"**no** ({self.short})" if self.short else "yes"


def bars(results):
    """The table of the design."""
    many = 1000 if 1000 in results.counts() else max(results.counts(), default=0)
    most = max(results.counts(), default=0)
    all_bars = []

    def held(words, what, unit, limit, field="median", divisor=1, resources=0):
        """A bar for holdfast's own library."""
        all_bars.append(Bar(words, milli(results.number(what, resources=resources, field=field), divisor), unit, limit,
                            why=results.why_stopped(what, resources)))

    def other(words, measured, unit, limit, less=True):
        all_bars.append(Bar(words, measured, unit, limit, less))

    held("IsAlive, the resource's own check hangs: median", "isAlive.itselfHangs", "ns", 200)
    held("LooksAlive, the resource's own check hangs: median", "looksAlive.itselfHangs", "ns", 200)
    held("IsAlive, another resource's check hangs: median", "isAlive.anotherHangs", "ns", 200)
    held("IsAlive, the resource's own check hangs: worst", "isAlive.itselfHangs.single", "ms", 50, "worst", 1e6)
    held("IsAlive, 1,000 come online and are terminated: worst", "isAlive.burst", "ms", 50, "worst", 1e6)
    for count in results.counts():
        held(f"IsAlive, {count:,} resources: worst", "isAlive.single", "ms", 50, "worst", 1e6, count)
    held("Online answers, 1,000 other online() block: median", "online.othersBlocked", "us", 50)
    held("Online answers, 1,000 other online() block: 99.9 %", "online.othersBlocked", "ms", 5, "p999", 1e3)
    held("Terminate, interruptible online(): 99 %", "terminate.interruptible", "ms", 5, "p99", 1e3)
    held("Terminate, interruptible online(): worst", "terminate.interruptible", "ms", 300, "worst", 1e3)
    held("Terminate, wedged online(), what the library adds: worst", "terminate.wedged", "ms", 120, "worst", 1e3)
    held("Terminate, wedged online(), a terminate() that returns at once: worst", "terminate.wedged", "ms", 300, "worst", 1e3)
    held("a program dies, the failure event is signalled: 99 %", "death.signalled", "ms", 10, "p99")
    held(f"{many:,} resources checked every second: processor", "idle.processor", "% of a core", 5, resources=many)
    held(f"{many:,} resources: memory of each beyond the user's own", "idle.memoryEach", "KiB", 8, resources=many)
    held(f"{many:,} resources: threads, in all", "idle.threads", "", THREADS, resources=many)
    held(f"{many:,} resources, each check takes 5 ms: threads, in all", "taking.threads", "", 2 * THREADS, resources=many)
    if most > many:
        held(f"{most:,} resources: threads, in all", "idle.threads", "", THREADS_OF_MANY, resources=most)
    n = results.number
    ours = n("monitor.wall", "ocf:holdfast:application")
    other("OCF monitor, against starting /bin/true", divided(ours, n("monitor.wall", "/bin/true")), "times", 1.3)
    other("ocf:pacemaker:Dummy, against ours", divided(n("monitor.wall", "ocf:pacemaker:Dummy"), ours), "times", 4, False)
    other("ocf:heartbeat:pgsql, against ours",
          divided(n("monitor.wall", "ocf:heartbeat:pgsql"), n("monitor.wall", "ocf:holdfast:postgresql")), "times", 50, False)
    other("a program dies, Pacemaker has restarted it (one node): median", n("recovery", "pacemaker, waiting monitor"), "ms", 35)
    all_bars.append(simulated(results))
    return all_bars


def simulated(results):
    """It has a run of its own, ./dev sim: which one is said, and it must have been a whole one."""
    bar = Bar("late, doubled or lost final status, 1,000,000 schedules simulated", results.number("simulation.violations"), "", 0)
    played = results.number("simulation.schedules")
    if bar.measured is None or played is None:
        bar.measured = None
        return bar
    source = results.simulation
    bar.said = f"{int(bar.measured):,} in {int(played):,}"
    bar.said += f", seed {source['seed']}" if "seed" in source else ""
    bar.said += f", {source['date']}" if "date" in source else ""
    if played < WANTED_SCHEDULES:
        bar.short = f"played {int(played):,}"
    return bar
