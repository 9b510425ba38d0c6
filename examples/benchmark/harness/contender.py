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


class Engine(Contender):
    """An engine with networks in which containers find each other by name."""

    def start(self, service, name, environment, *options):
        """Starts a container in the networks of its service."""
        raise NotImplementedError

    def remove(self, name):
        raise NotImplementedError

    def pid(self, name):
        raise NotImplementedError

    def address(self, name, network):
        raise NotImplementedError

    def up(self, workload, with_limits):
        services = stack.services(with_limits)
        names = ["gateway"] if workload == "plain" else \
            ["database", *services["api"].names(), "gateway"]
        for name in names:
            service = services[name.split("-")[0]]
            publish = ["-p", "%d:8080" % stack.PORT] if service.ports else []
            environment = dict(service.environment)
            if workload == "plain":
                environment["API"] = "127.0.0.1:8000"
            self.start(service, name, environment, *publish)
        return self.site({name: name for name in names})

    def site(self, containers):
        """@containers: name of ours -> the engine's"""
        site = Site({name: self.pid(theirs) for name, theirs in containers.items()})
        site.replicas = [self.address(theirs, "app") for name, theirs in containers.items()
                         if name.startswith("api")]
        return site

    def open_ways(self, site, workload, with_limits):
        site.add_url("published", place.HOST, workload)
        if workload == "plain":
            site.add_url("address", self.address("gateway", "edge"), workload)
            return
        # Of the gateway that asks for names, and of one that is told addresses.
        site.add_url("name", self.address("gateway", "edge"), workload)
        gateway = stack.services(with_limits)["gateway"]
        self.start(gateway, "gateway-2",
                   {"API": ",".join(address + ":8000" for address in site.replicas)})
        site.pids["gateway-2"] = self.pid("gateway-2")
        site.add_url("address", self.address("gateway-2", "edge"), workload)

    def close_ways(self, site):
        if site.pids.pop("gateway-2", None):
            self.remove("gateway-2")
