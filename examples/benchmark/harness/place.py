# SPDX-License-Identifier: Apache-2.0
"""Where contenders run: each in a network namespace that stands for a machine of its own, so that
the firewall rules of one are not in the way of another's packets.  A client hangs on a cable to it."""

import contextlib
import ctypes
import http.client
import json
import os
import subprocess
import time
import urllib.parse

CLONE_NEWNET = 0x40000000
HOST, CLIENT = "198.18.0.1", "198.18.0.2"  # RFC 2544: for benchmarks

libc = ctypes.CDLL(None, use_errno=True)


class CommandFailed(Exception):
    pass


def run(*command, **options):
    """Runs a command; returns what it printed."""
    result = subprocess.run(command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, timeout=120, **options)
    if result.returncode != 0:
        said = (result.stderr + result.stdout).strip().splitlines()
        raise CommandFailed("%s exits %d: %s" % (" ".join(command[:4]), result.returncode,
                                                 " / ".join(said[-3:])))
    return result.stdout


def wait_until(what, condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise CommandFailed("waited %d s in vain until %s" % (seconds, what))
        time.sleep(0.005)


class Machine:
    def __init__(self, name):
        self.name, self.client = name, name + "-client"
        for namespace in (self.name, self.client):
            run("ip", "netns", "add", namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        run("ip", "link", "add", "cable", "netns", self.name, "type", "veth",
            "peer", "name", "cable", "netns", self.client)
        for namespace, address in ((self.name, HOST), (self.client, CLIENT)):
            run("ip", "-n", namespace, "address", "add", address + "/30", "dev", "cable")
            run("ip", "-n", namespace, "link", "set", "cable", "up")
            with self.entered(namespace):
                # ab takes a port for each request, and has used them up within seconds
                run("sysctl", "-q", "net.ipv4.ip_local_port_range=1024 65535",
                    "net.ipv4.tcp_tw_reuse=1")

    @contextlib.contextmanager
    def entered(self, namespace=None):
        """This thread, and what it starts, is in the namespace."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open("/run/netns/" + (namespace or self.name), os.O_RDONLY | os.O_CLOEXEC)
        try:
            enter(there)
            yield
        finally:
            enter(before)
            os.close(before)
            os.close(there)

    def remove(self):
        for namespace in (self.client, self.name):
            run("ip", "netns", "del", namespace)


def enter(fd):
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter the network namespace")


def get(address, port, path):
    """The status that a web server answers with, and the body; 0 if it does not answer."""
    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def is_answered(url):
    parts = urllib.parse.urlsplit(url)
    return get(parts.hostname, parts.port, parts.path)[0] == 200


def addresses(pid):
    """The IPv4 addresses of a process's network namespace, in the order of its interfaces."""
    links = json.loads(run("nsenter", "--net=/proc/%d/ns/net" % pid, "ip", "-j", "-4", "address"))
    return [info["local"] for link in links if link["ifname"] != "lo"
            for info in link["addr_info"]]


def first_process(parent):
    """The descendant of @parent that is the first process of a pid namespace; 0: there is none."""
    try:
        with open("/proc/%d/status" % parent) as file:
            ids = [line.split()[1:] for line in file if line.startswith("NSpid:")][0]
        with open("/proc/%d/task/%d/children" % (parent, parent)) as file:
            children = [int(word) for word in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    if len(ids) > 1 and ids[-1] == "1":
        return parent
    return next(filter(None, map(first_process, children)), 0)
