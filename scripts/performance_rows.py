# SPDX-License-Identifier: BSL-1.0
"""What was measured, by name; and the bars it is held against."""


class Results:
    def __init__(self, content):
        self.machine = content["machine"]
        self.command = content["command"]
        self._rows = {(row["what"], row["subject"], row.get("resources", 0)): row for row in content["rows"]}

    def row(self, what, subject="holdfast", resources=0):
        return self._rows.get((what, subject, resources))

    def number(self, what, subject="holdfast", resources=0, field="median"):
        """A figure in the row's unit; None if it was not measured."""
        row = self.row(what, subject, resources)
        if row is None or "stopped" in row:
            return None
        return row["value"] if "value" in row else row[field]

    def counts(self):
        return sorted({resources for (what, _, resources) in self._rows if what == "idle.processor"})

    def stopped(self):
        return [row for row in self._rows.values() if "stopped" in row]


def divided(one, other):
    return None if one is None or other in (None, 0) else one / other


def bars(results):
    """(what, bar, measured, unit, limit, whether less is wanted); the table of the design."""
    n = results.number
    many = 1000 if 1000 in results.counts() else max(results.counts(), default=0)
    true = n("monitor.wall", "/bin/true")
    ours = n("monitor.wall", "ocf:holdfast:application")
    ours_database = n("monitor.wall", "ocf:holdfast:postgresql")
    all_bars = [
        ("IsAlive, the resource's own check hangs: median", n("isAlive.itselfHangs"), "ns", 200, True),
        ("IsAlive, the resource's own check hangs: worst", milli(n("isAlive.itselfHangs.single", field="worst"), 1e6), "ms",
         50, True),
        ("IsAlive, another resource's check hangs: median", n("isAlive.anotherHangs"), "ns", 200, True),
        ("Online answers, 1,000 other online() block: median", n("online.othersBlocked"), "us", 50, True),
        ("Online answers, 1,000 other online() block: 99.9 %", milli(n("online.othersBlocked", field="p999"), 1e3), "ms", 5,
         True),
        ("Terminate, interruptible online(): 99 %", milli(n("terminate.interruptible", field="p99"), 1e3), "ms", 5, True),
        ("Terminate, wedged online(): worst", milli(n("terminate.wedged", field="worst"), 1e3), "ms", 120, True),
        ("a program dies, the failure event is signalled: 99 %", n("death.signalled", field="p99"), "ms", 10, True),
        (f"{many:,} resources checked every second: processor", n("idle.processor", resources=many), "% of a core", 5, True),
        (f"{many:,} resources: memory of each beyond the user's own", n("idle.memoryEach", resources=many), "KiB", 8, True),
        (f"{many:,} resources: threads", n("idle.threads", resources=many), "", max(32, many / 10), True),
        ("OCF monitor, against starting /bin/true", divided(ours, true), "times", 1.3, True),
        ("ocf:pacemaker:Dummy, against ours", divided(n("monitor.wall", "ocf:pacemaker:Dummy"), ours), "times", 4, False),
        ("ocf:heartbeat:pgsql, against ours", divided(n("monitor.wall", "ocf:heartbeat:pgsql"), ours_database), "times", 50,
         False),
        ("a program dies, Pacemaker has restarted it (one node): median", n("recovery", "pacemaker, waiting monitor"), "ms", 35,
         True),
        ("late, doubled or lost final status in the simulation", n("simulation.violations"), "", 0, True),
    ]
    return all_bars


def milli(value, divisor):
    return None if value is None else value / divisor


def met(measured, limit, less):
    if measured is None:
        return "not measured here"
    return "yes" if (measured <= limit if less else measured >= limit) else "**no**"
