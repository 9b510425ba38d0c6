# SPDX-License-Identifier: Apache-2.0
"""What all contenders have in common."""

import json

from harness import place, stack


class Unavailable(Exception):
    """Says why a contender, or one of its ways, cannot be had on this machine."""


class Site:
    """Something that a contender has brought up.

    urls:    way in ("address", "name", "published") -> URL
    missing: way in -> why it is not there
    pids:    container -> process id of its first process
    """

    def __init__(self, pids):
        self.pids, self.urls, self.missing = pids, {}, {}
        self.replicas = []  # addresses at which a replica of the API answers

    def is_healthy(self):
        """All that is up answers, and the gateway through all tiers."""
        for address in self.replicas:
            if place.get(address, 8000, "/healthz")[0] != 200:
                return False
        if self.replicas:
            status, body = place.get(place.HOST, stack.PORT, "/api/items")
            return status == 200 and bool(json.loads(body)["items"])
        return place.get(place.HOST, stack.PORT, "/")[0] == 200

    def add_url(self, way, address, workload, port=stack.PORT):
        path = "/api/items" if workload == "stack" else "/"
        self.urls[way] = "http://%s:%d%s" % (address, port, path)


class Contender:
    """One way to run containers.

    loads:  is it put under load, or only brought up and down?
    """

    name = ""
    loads = True
    workloads = ("plain", "stack")

    def __init__(self, machine, images, work):
        self.machine, self.images, self.work = machine, images, work

    def check(self):
        """Raises Unavailable if it cannot run here."""

    def prepare(self):
        """What is done once, and takes part in no figure: images, networks."""

    def up(self, workload, with_limits):
        """Starts the containers; returns a Site, which may need a moment until it is healthy."""
        raise NotImplementedError

    def open_ways(self, site, workload, with_limits):
        """Fills @site's urls, once it is healthy; may start a gateway more."""

    def close_ways(self, site):
        """Ends what open_ways() started."""

    def down(self, site):
        """Ends and removes the containers, orderly."""
        raise NotImplementedError

    def clear(self):
        """Ends and removes whatever is there, after a failure."""
        raise NotImplementedError

    def finish(self):
        """Takes away what prepare() made and would outlive this machine's end."""
