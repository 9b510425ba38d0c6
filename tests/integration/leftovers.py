# SPDX-License-Identifier: Apache-2.0
"""What a test may leave behind, as a set of texts: leftovers.snapshot() before and after."""

import os

import lib

STORES = ("/run/minictr", "/var/lib/minictr")


def read(path):
    with open(path, errors="replace") as file:
        return file.read()


def processes():
    """Those that are no ancestors of ours: the test has a pid namespace of its own."""
    found = set()
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) in (1, os.getpid()):
            continue
        try:
            if read("/proc/%s/stat" % entry).rsplit(")", 1)[1].split()[0] not in "ZX":
                found.add("process %s" % read("/proc/%s/cmdline" % entry).replace("\0", " "))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def cgroups():
    """But not in v1's name=systemd, which has no controllers and is the whole machine's."""
    found = set()
    for path, names, _ in os.walk("/sys/fs/cgroup"):
        names[:] = [name for name in names if path + "/" + name != "/sys/fs/cgroup/systemd"]
        found.add("cgroup " + path)
    return found


def mounts():
    return {"mount " + line.split()[1] for line in read("/proc/mounts").splitlines()}


def files():
    """Every name below our directories, but what is kept for the next run."""
    found = set()
    for store in STORES:
        for path, _, names in os.walk(store):
            found.update("file %s/%s" % (path, name) for name in names)
            found.add("directory " + path)
    return found


def leases():
    """The content of small files that name addresses; a dot begins what only remembers where to look."""
    found = set()
    for path, _, names in os.walk("/var/lib/minictr/networks"):
        for name in names:
            if not name.startswith("."):
                found.add("%s/%s: %s" % (path, name, read(os.path.join(path, name))))
    return found


def network():
    found = {"link " + line.split(": ")[1].split("@")[0]
             for line in lib.run("ip", "-o", "link").out.splitlines()}
    found.update("nft " + line.strip()
                 for line in lib.run("nft", "list", "ruleset").out.splitlines())
    found.update("network namespace " + name for name in os.listdir("/run/netns"))
    return found


def snapshot():
    return processes() | cgroups() | mounts() | files() | leases() | network()


def left_over(before):
    """What is there now and was not before; the kernel and the dying may take a moment."""
    left = set()

    def is_gone():
        left.clear()
        left.update(snapshot() - before)
        return not left

    lib.wait_for(is_gone, 10)
    return left
