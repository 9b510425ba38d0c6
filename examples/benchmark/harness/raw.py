# SPDX-License-Identifier: Apache-2.0
"""Containers by hand: see ../by-hand."""

import os

from harness import place, stack
from harness.contender import Contender, Site

BY_HAND = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "by-hand")
NETS = {"edge": "10.77.1.", "app": "10.77.2.", "data": "10.77.3."}
HOSTS = {"gateway": 2, "api-1": 3, "api-2": 4, "database": 5}
RIGHTS = "+chown,+dac_override,+fowner,+kill,+setgid,+setuid"  # of root: the database uses them


class Raw(Contender):
    name = "by hand"

    def prepare(self):
        self.state = os.path.join(self.work, "by-hand")
        os.makedirs(self.state)
        self.layers = {name: image.layers(os.path.join(self.work, "layers"))
                       for name, image in self.images.items()}
        with self.machine.entered():
            for network, prefix in NETS.items():
                self.by_hand("bridge", network, prefix + "1/24")

    def by_hand(self, *command, **variables):
        environment = dict(os.environ, STATE=self.state, GROUP="by-hand", **variables)
        place.run(BY_HAND, *command, env=environment)

    def start(self, service, name, environment):
        image = self.images[service.image]
        variables = image.config["Env"] + ["%s=%s" % one for one in environment.items()]
        ids = image.ids()
        routed = [n for n in service.networks if n not in service.internal]
        volume = ""
        if service.volume:
            source, target = service.volume.split(":")
            volume = "%s:%s" % (os.path.join(self.work, "volumes", source), target)
        self.by_hand(
            "start", name, *image.config["Cmd"], LAYERS=":".join(reversed(self.layers[image.name])),
            NETWORKS=" ".join("%s=%s%d/24" % (n, NETS[n], HOSTS[name]) for n in service.networks),
            ROUTE=NETS[routed[0]] + "1" if routed else "", CPUS=service.cpus,
            MEMORY=str(service.memory or ""), IDS=ids, RIGHTS=RIGHTS if ids == "0:0" else "",
            VOLUME=volume, VARIABLES=" ".join(variables))

    def pid(self, name):
        path = os.path.join(self.state, name, "pid")
        place.wait_until(name + " has begun", lambda: os.path.exists(path) and os.path.getsize(path))
        with open(path) as file:
            return int(file.read())

    def up(self, workload, with_limits):
        services = stack.services(with_limits)
        replicas = services["api"].names()
        if workload == "plain":
            names, api = ["gateway"], "127.0.0.1:8000"
        else:
            names = ["database", *replicas, "gateway"]
            api = ",".join("%s%d:8000" % (NETS["app"], HOSTS[name]) for name in replicas)
        for name in names:
            service = services[name.split("-")[0]]
            environment = dict(service.environment)
            if "PGHOST" in environment:
                environment["PGHOST"] = NETS["data"] + str(HOSTS["database"])
            if name == "gateway":
                environment["API"] = api
            self.start(service, name, environment)
        gateway = NETS["edge"] + str(HOSTS["gateway"])
        self.by_hand("publish", str(stack.PORT), gateway, "8080")
        site = Site({name: self.pid(name) for name in names})
        site.missing["name"] = "nothing answers for names"
        if workload == "stack":
            site.replicas = [NETS["app"] + str(HOSTS[name]) for name in replicas]
        return site

    def open_ways(self, site, workload, with_limits):
        site.add_url("address", NETS["edge"] + str(HOSTS["gateway"]), workload)
        site.add_url("published", place.HOST, workload)

    def down(self, site):
        self.by_hand("stop", *site.pids)

    def clear(self):
        self.by_hand("stop", *os.listdir(self.state))
