# SPDX-License-Identifier: Apache-2.0
"""Load: wrk keeps its connections, ab makes a new one for each request.  Both are bounded in time
and in connections, and only ever asked to load addresses of namespaces that the benchmark made."""

import ipaddress
import re
import subprocess
import urllib.parse

OURS = [ipaddress.ip_network(text) for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12",
                                                "192.168.0.0/16", "198.18.0.0/15")]
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
MAX_REQUESTS = 100000  # of ab: each takes a port of the client's for a while


class LoadError(Exception):
    pass


def check(url, namespace):
    """Refuses what is no private address, and to work outside of a namespace of our own."""
    address = ipaddress.ip_address(urllib.parse.urlsplit(url).hostname)
    if not namespace or not any(address in network for network in OURS):
        raise LoadError("not an address of the benchmark's own: %s" % url)


def run(command, namespace, seconds):
    try:
        result = subprocess.run(["nsenter", "--net=/run/netns/" + namespace] + command, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                timeout=seconds + 20)
    except subprocess.TimeoutExpired as error:
        raise LoadError("%s did not end in time" % command[0]) from error
    if result.returncode != 0:
        raise LoadError("%s: %s" % (command[0], result.stdout.strip()[-300:]))
    return result.stdout


def find(pattern, text, default=None):
    match = re.search(pattern, text, re.M)
    if not match and default is None:
        raise LoadError("cannot read: " + text[-300:])
    return match.group(1) if match else default


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * UNITS[unit]


def wrk(url, namespace, connections, seconds):
    check(url, namespace)
    out = run(["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "--latency", url], namespace,
              seconds)
    errors = int(find(r"Non-2xx or 3xx responses: (\d+)", out, "0"))
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    if sockets:
        errors += sum(int(number) for number in sockets.groups())
    return {"requests": int(find(r"(\d+) requests in", out)),
            "rps": float(find(r"Requests/sec:\s+([\d.]+)", out)),
            "p50_ms": milliseconds(find(r"^\s+50%\s+(\S+)", out)),
            "p99_ms": milliseconds(find(r"^\s+99%\s+(\S+)", out)), "errors": errors}


def ab(url, namespace, connections, seconds):
    check(url, namespace)
    out = run(["ab", "-q", "-r", "-s5", "-t%d" % seconds, "-n%d" % MAX_REQUESTS,
               "-c%d" % connections, url], namespace, seconds)
    # Lengths differ where answers do; only ab takes that for a failure.
    failed = int(find(r"^Failed requests:\s+(\d+)", out))
    failed -= int(find(r"\(Connect: \d+, Receive: \d+, Length: (\d+)", out, "0"))
    return {"requests": int(find(r"^Complete requests:\s+(\d+)", out)),
            "rps": float(find(r"^Requests per second:\s+([\d.]+)", out)),
            "p50_ms": float(find(r"^\s+50%\s+(\d+)", out)),
            "p99_ms": float(find(r"^\s+99%\s+(\d+)", out)),
            "errors": failed + int(find(r"^Non-2xx responses:\s+(\d+)", out, "0"))}


TOOLS = {"wrk": wrk, "ab": ab}
