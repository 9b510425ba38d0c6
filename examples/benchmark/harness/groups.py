# SPDX-License-Identifier: Apache-2.0
"""What cgroups tell of the CPU that containers used and were refused; version 2 and version 1."""

import os

# cpu.stat of version 1 counts throttled time in nanoseconds, version 2 in microseconds
FIELDS = {"nr_periods": "periods", "nr_throttled": "throttled"}


def mount_points():
    """Controller -> mount point; "" is version 2."""
    points = {}
    with open("/proc/mounts") as file:
        for line in file:
            _, point, kind, options = line.split()[:4]
            if kind == "cgroup2":
                points.setdefault("", point)
            elif kind == "cgroup":
                for option in options.split(","):
                    points.setdefault(option, point)
    return points


def read(path):
    with open(path) as file:
        return file.read()


def pairs(text):
    return {key: int(value) for key, value in (line.split() for line in text.splitlines())}


class Group:
    """The cgroup of a process, as long as that lives."""

    def __init__(self, pid):
        points = mount_points()
        self.paths = {}
        for line in read("/proc/%d/cgroup" % pid).splitlines():
            _, controllers, path = line.split(":", 2)
            for controller in controllers.split(","):
                if controller in points:
                    self.paths[controller] = points[controller] + path

    def usage(self):
        """CPU time in microseconds, and how many periods there were, and throttled ones."""
        stat = pairs(read(os.path.join(self.paths.get("cpu", self.paths.get("")), "cpu.stat")))
        figures = {ours: stat.get(theirs, 0) for theirs, ours in FIELDS.items()}
        if "cpuacct" in self.paths:
            figures["cpu_us"] = int(read(self.paths["cpuacct"] + "/cpuacct.usage")) // 1000
        else:
            figures["cpu_us"] = stat["usage_usec"]
        return figures


def total(groups):
    """The sum over several."""
    figures = {"cpu_us": 0, "periods": 0, "throttled": 0}
    for group in groups:
        for key, value in group.usage().items():
            figures[key] += value
    return figures


def difference(after, before):
    return {key: after[key] - before[key] for key in after}
