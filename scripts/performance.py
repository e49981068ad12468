#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The figures of ./dev bench: put together, shown, and written into the documents.

  scripts/performance.py collect RESULTS FILE...   one file of what the benchmarks wrote
  scripts/performance.py show RESULTS              the table, and whether each bar is met
  scripts/performance.py write RESULTS             docs/performance.md and docs/performance/*.svg
  scripts/performance.py check RESULTS             whether these are what `write` would write
  scripts/performance.py complete RESULTS          whether every row of the C table is there, within the contract's limits
"""
import datetime
import json
import math
import os
import pathlib
import platform
import subprocess
import sys

sys.dont_write_bytecode = True  # nothing is left among the sources

import performance_page  # noqa: E402
import performance_plot  # noqa: E402
from performance_rows import Results  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
# What Google Benchmark calls them, and how this project does.
FLOOR = {"atomicLoad": "floor.atomicLoad", "futexRoundTrip": "floor.futexRoundTrip", "spawnTrue": "floor.spawnTrue",
         "asioPost": "floor.asioPost", "strandHop": "floor.strandHop"}


def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def machine():
    """Whoever compares figures needs to know where they come from."""
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="utf-8") as lines:
        memory = round(int(lines.readline().split()[1]) / 1048576, 1)
    system = "unknown"
    with open("/etc/os-release", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("PRETTY_NAME="):
                system = line.split("=", 1)[1].strip().strip('"')
    return {"processor": model, "processors": os.cpu_count(), "memory": f"{memory} GiB", "kernel": platform.release(),
            "system": system, "compiler": first_line("g++", "--version"),
            "date": datetime.date.today().isoformat(), "load": f"{os.getloadavg()[0]:.1f}"}


def samples_of_google_benchmark(content):
    """Each repetition is a sample: a mean of many calls in a row."""
    rows = {}
    scale = {"ns": 1.0, "us": 1e3, "ms": 1e6}
    for one in content["benchmarks"]:
        if one.get("run_type") != "iteration":
            continue
        what = FLOOR[one["name"].split("/")[0]]
        rows.setdefault(what, []).append(one["real_time"] * scale[one["time_unit"]])
    return [{"what": what, "subject": "floor", "unit": "ns", "samples": samples} for what, samples in rows.items()]


def summary(samples):
    ordered = sorted(samples)

    def at(share):
        # The smallest sample that so many are not above.
        return round(ordered[math.ceil(share * len(ordered)) - 1], 3)
    return {"count": len(ordered), "mean": round(sum(ordered) / len(ordered), 3), "median": at(0.5), "p99": at(0.99), "p999": at(0.999),
            "worst": round(ordered[-1], 3)}


def collect(target, files):
    merged = {}
    simulation = {}
    for file in files:
        content = json.loads(pathlib.Path(file).read_text(encoding="utf-8"))
        rows = samples_of_google_benchmark(content) if "benchmarks" in content else content["rows"]
        if any(row.get("what") == "simulation.schedules" for row in rows):  # a run of its own: which one it was
            played = datetime.date.fromtimestamp(pathlib.Path(file).stat().st_mtime).isoformat()
            simulation = {"seed": content["seed"], "date": played} if "seed" in content else {"date": played}
        for row in rows:
            key = (row["what"], row["subject"], row.get("resources", 0))
            known = merged.setdefault(key, {"unit": row["unit"], "samples": [], "values": [], "stopped": ""})
            known["samples"] += row.get("samples", [])
            if "value" in row:
                known["values"].append(row["value"])
            known["stopped"] = known["stopped"] or row.get("stopped", "")
    rows = []
    for (what, subject, resources), known in merged.items():
        row = {"what": what, "subject": subject}
        if resources:
            row["resources"] = resources
        row["unit"] = known["unit"]
        if known["stopped"]:
            row["stopped"] = known["stopped"]
        elif known["samples"]:
            row.update(summary(known["samples"]))
        else:
            # Of several runs the middle one, or the mean of the middle two.
            values = sorted(known["values"])
            half = len(values) // 2
            row["value"] = round(values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2, 3)
        rows.append(row)
    rows.sort(key=lambda row: (row["what"], row["subject"], row.get("resources", 0)))
    content = {"machine": machine(), "command": "./dev bench", "simulation": simulation, "rows": rows}
    # A row a line, so that a change can be read.
    text = json.dumps({key: content[key] for key in ("machine", "command", "simulation")}, indent=1)[:-2]
    text += ',\n "rows": [\n' + ",\n".join("  " + json.dumps(row) for row in rows) + "\n ]\n}\n"
    pathlib.Path(target).write_text(text, encoding="utf-8")


def documents(results):
    """Every file that is written, with its content."""
    files = {DOCS / "performance.md": performance_page.page(results)}
    for name, picture in performance_plot.pictures(results).items():
        files[DOCS / "performance" / name] = picture
    return files


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("collect", "show", "write", "check", "complete"):
        print(__doc__, file=sys.stderr)
        return 2
    job, target = arguments[:2]
    if job == "collect":
        collect(target, arguments[2:])
        return 0
    results = Results(json.loads(pathlib.Path(target).read_text(encoding="utf-8")))
    if job == "show":
        print(performance_page.plain(results), end="")
        return 0
    if job == "complete":
        problems = performance_page.incomplete(results)
        print("\n".join(problems))
        return 1 if problems else 0
    wrong = 0
    for path, text in documents(results).items():
        if job == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path.relative_to(ROOT)} is not what scripts/performance.py write {target} makes")
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
