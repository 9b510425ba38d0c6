# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of this folder share: contenders that are measured in turns, and their bundle."""

import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
IDLE_MS = 100

# crun refuses hybrid hosts: it is shown one with cgroup v1 alone.
V1_ONLY = ["unshare", "--mount", os.path.join(HERE, "v1-only")]


class Contender:
    """A command, and what was measured of it.  @wrapper runs once for many of them."""

    def __init__(self, name, command, wrapper=()):
        self.name, self.command, self.wrapper = name, command, list(wrapper)
        self.busy, self.idle, self.cpu, self.rss = [], [], [], []

    def measure(self, timer, count, idle_ms):
        command = self.wrapper + [timer, str(count), str(idle_ms)] + self.command
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if result.returncode != 0:
            again = subprocess.run(self.wrapper + self.command, stderr=subprocess.PIPE, text=True)
            sys.exit("%s exits %d: %s" % (self.name, result.returncode, again.stderr))
        return [[int(n) for n in line.split()] for line in result.stdout.splitlines()]

    def round(self, timer):
        for wall, cpu, rss in self.measure(timer, 4, 0)[1:]:  # the first warms the caches
            self.busy.append(wall / 1000)
            self.cpu.append(cpu / 1000)
            self.rss.append(rss)

    def idle_round(self, timer):
        self.idle += [wall / 1000 for wall, _, _ in self.measure(timer, 2, IDLE_MS)]

    def figures(self):
        return {"busy": statistics.median(self.busy), "idle": statistics.median(self.idle),
                "cpu": statistics.median(self.cpu), "rss": max(self.rss)}


def contest(contenders, timer, rounds):
    """Rounds are interleaved, so that a busy moment of the machine hits everybody."""
    for _ in range(rounds):
        for contender in contenders:
            contender.round(timer)
    for _ in range(rounds):
        for contender in contenders:
            contender.idle_round(timer)
    return {contender.name: contender.figures() for contender in contenders}


def print_table(title, figures):
    floor = figures["floor"]
    print("%s, medians; idle: after %d ms of idleness" % (title, IDLE_MS))
    print("%-22s %8s %8s %8s %8s %8s %9s" % (
        "", "ms", "x floor", "idle ms", "x floor", "CPU ms", "RSS KiB"))
    for name, row in figures.items():
        print("%-22s %8.2f %8.2f %8.2f %8.2f %8.2f %9d" % (
            name, row["busy"], row["busy"] / floor["busy"], row["idle"],
            row["idle"] / floor["idle"], row["cpu"], row["rss"]))


def judge_rss(figures, who, kib, why):
    """The same for the peak of a process's memory."""
    rss = figures[who]["rss"]
    print("%-6s %s peaks at %d KiB (at most %d%s)" % (
        "ok" if rss <= kib else "MISSED", who, rss, kib, why))
    return int(rss > kib)


def judge_ratio(figures, who, figure, against, factor):
    """Prints a target with what was measured; 1 if it was missed."""
    if against not in figures or who not in figures:
        return 0
    ratio = figures[who][figure] / figures[against][figure]
    print("%-6s %s is %.2f x %s (%s; at most %.2f)" % (
        "ok" if ratio <= factor else "MISSED", who, ratio, against,
        "back to back" if figure == "busy" else "after idleness", factor))
    return int(ratio > factor)


def with_tmpfs():
    """Starts the script again where /run is a tmpfs, as on a host; in a mount namespace of its own."""
    if not os.environ.get("BENCH_HAS_TMPFS"):
        os.environ["BENCH_HAS_TMPFS"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "sh", "-c",
                              'mount -t tmpfs tmpfs /run && exec "$0" "$@"',
                              os.path.abspath(sys.argv[0])] + sys.argv[1:])


def parse_arguments(description, rounds):
    parser = argparse.ArgumentParser(description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--gate", action="store_true")
    return parser


def make_bundle(build, work, name="bundle", cgroup="/minictr-bench", command=()):
    """A bundle with minictr's seccomp profile; returns its path and the compiled filter's."""
    bundle = os.path.join(work, name)
    rules, program = (os.path.join(work, name + suffix) for suffix in (".rules", ".program"))
    subprocess.run([os.path.join(SOURCE, "examples/make-image"), "bundle", bundle, *command],
                   check=True)
    path = os.path.join(bundle, "config.json")
    with open(path) as file:
        config = json.load(file)
    subprocess.run([os.path.join(build, "tests/bench/profile"), rules, program] +
                   config["process"]["capabilities"]["bounding"],
                   check=True, stdout=subprocess.DEVNULL)
    with open(rules) as file:
        config["linux"]["seccomp"] = json.load(file)
    config["linux"]["cgroupsPath"] = cgroup
    with open(path, "w") as file:
        json.dump(config, file)
    return bundle, program
