# SPDX-License-Identifier: Apache-2.0
"""Figures out of samples: medians, spread, ratios to what had no engine in the same round."""

import statistics

REFERENCE = "by hand"  # as bare as it can be
GOAL = "script"  # the same as minictr makes, without minictr
WAYS = ("address", "name", "published")


def spread(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values),
            "samples": len(values)}


def group(samples, *keys):
    """Tuple of the keys' values -> samples, in order of appearance."""
    groups = {}
    for sample in samples:
        groups.setdefault(tuple(sample[key] for key in keys), []).append(sample)
    return groups


def ratios(samples, references):
    """Of requests per second to the reference's of the same round."""
    by_round = {sample["round"]: sample["rps"] for sample in references}
    return [sample["rps"] / by_round[sample["round"]] for sample in samples
            if by_round.get(sample["round"])]


def loads(samples):
    """One row for each contender, workload, way, tool, with and without limits."""
    groups = group(samples, "workload", "limits", "tool", "way", "contender")
    rows = []
    for (workload, limits, tool, way, contender), own in groups.items():
        # Names are not to be had by hand; what they cost shows against addresses.
        where = (workload, limits, tool, "address" if way == "name" else way)
        row = {"workload": workload, "limits": limits, "tool": tool, "way": way,
               "contender": contender, "rps": spread([sample["rps"] for sample in own]),
               "errors": sum(sample["errors"] for sample in own)}
        for key in ("p50_ms", "p99_ms"):
            row[key] = statistics.median(sample[key] for sample in own)
        requests = sum(sample["requests"] for sample in own)
        row["cpu_us_per_request"] = sum(sample["cpu_us"] for sample in own) / max(requests, 1)
        row["cpu_s"] = statistics.median(sample["cpu_us"] / 1e6 for sample in own)
        periods = sum(sample["periods"] for sample in own)
        row["throttled"] = sum(sample["throttled"] for sample in own) / periods if periods else None
        for key, reference in (("ratio", REFERENCE), ("to_goal", GOAL)):
            against = ratios(own, groups.get((*where, reference), []))
            row[key] = spread(against) if against else None
        rows.append(row)
    order = {way: number for number, way in enumerate(WAYS)}
    rows.sort(key=lambda row: (row["workload"], row["limits"] != "on", row["tool"] != "wrk",
                               order[row["way"]]))
    return rows


def starts(samples):
    """One row for each contender and workload: until up returned, until healthy, down."""
    rows = []
    for (workload, contender), own in group(samples, "workload", "contender").items():
        row = {"workload": workload, "contender": contender}
        later = [sample for sample in own if sample["round"] > 0] or own
        for key in ("up_ms", "healthy_ms", "down_ms"):
            row[key] = spread([sample[key] for sample in later])
        rows.append(row)
    return rows


def describe(facts):
    """The machine in a line, and a warning if it was not ours alone."""
    yield "%s, %d CPUs, kernel %s, cgroups %s" % (facts["cpu"], facts["cpus"], facts["kernel"],
                                                 facts["cgroups"])
    if facts["load_average_before"] > 0.5:
        yield "This machine was busy (load average %.1f before): read ratios, not figures." % (
            facts["load_average_before"])


# ---- text --------------------------------------------------------------------------------------

def load_table(rows):
    yield "%-7s %-9s %-6s %-4s %-15s %9s %17s %6s %8s %8s %8s %6s %6s" % (
        "load", "way in", "limits", "tool", "", "req/s", "least..most", "ratio", "p50 ms", "p99 ms",
        "us/req", "thrott", "errors")
    before = None
    for row in rows:
        here = (row["workload"], row["limits"], row["tool"], row["way"])
        head = ("%-7s %-9s %-6s %-4s" % (row["workload"], row["way"], row["limits"], row["tool"])
                if here != before else " " * 29)
        before = here
        rps = row["rps"]
        yield "%s %-15s %9.0f %17s %6s %8.2f %8.2f %8.0f %6s %6d" % (
            head, row["contender"], rps["median"], "%.0f..%.0f" % (rps["least"], rps["most"]),
            "%.2f" % row["ratio"]["median"] if row["ratio"] else "-", row["p50_ms"], row["p99_ms"],
            row["cpu_us_per_request"],
            "-" if row["throttled"] is None else "%.0f %%" % (100 * row["throttled"]),
            row["errors"])


def start_table(rows):
    yield "%-7s %-16s %22s %22s %22s" % ("", "", "up returns, ms", "all healthy, ms", "down, ms")
    for row in rows:
        cells = ["%8.0f (%5.0f..%5.0f)" % (row[key]["median"], row[key]["least"], row[key]["most"])
                 for key in ("up_ms", "healthy_ms", "down_ms")]
        yield "%-7s %-16s %22s %22s %22s" % (row["workload"], row["contender"], *cells)


# ---- targets -----------------------------------------------------------------------------------

def judge(load_rows, start_rows):
    """(description, what was measured, is it met?) of each target that can be judged."""
    ours = {}
    for row in load_rows:
        if row["tool"] != "wrk" or row["contender"] != "minictr":
            continue
        where = "%s by %s, limits %s" % (row["workload"], row["way"], row["limits"])
        ours[where] = row["rps"]["median"]
        if row["to_goal"]:
            ratio = row["to_goal"]["median"]
            yield "minictr within 3 %% of its script: %s" % where, ratio, ratio >= 0.97
    for row in load_rows:
        where = "%s by %s, limits %s" % (row["workload"], row["way"], row["limits"])
        if row["contender"] == "podman" and where in ours and row["tool"] == "wrk":
            ratio = row["rps"]["median"] / ours[where]
            yield "podman not ahead of minictr: %s" % where, ratio, ratio <= 1.03
    healthy = {row["contender"]: row["healthy_ms"]["median"] for row in start_rows
               if row["workload"] == "stack"}
    if "minictr compose" in healthy and "podman-compose" in healthy:
        factor = healthy["podman-compose"] / healthy["minictr compose"]
        yield "minictr compose up to all healthy 5 x faster than podman-compose", factor, factor >= 5
