# SPDX-License-Identifier: Apache-2.0
"""minictr: a `minictr run` for each container."""

import json
import os
import subprocess

from harness import place, stack
from harness.contender import Contender, Site, Unavailable

STATE = "/run/minictr/containers/%s/state.json"


class Minictr(Contender):
    name = "minictr"

    def check(self):
        try:
            place.run("minictr", "run", "--help")
        except (OSError, place.CommandFailed) as error:
            raise Unavailable("minictr is not built: %s" % error) from error

    def prepare(self):
        self.runs = {}
        with self.machine.entered():
            for image in self.images.values():
                place.run("minictr", "load", "-i", image.archive)

    def process(self, name):
        """The first process of a container that is about to start; 0: it has not begun."""
        found = place.run("minictr", "ps", "-q", "--no-trunc", "-f", "name=" + name).split()
        if self.runs[name].poll() is not None:
            with open(self.log(name)) as file:
                raise place.CommandFailed("%s ended: %s" % (name, file.read().strip()[-200:]))
        if not found:
            return 0
        with open(STATE % found[0]) as file:
            return json.load(file)["pid"]

    def log(self, name):
        return os.path.join(self.work, name + ".log")

    def start(self, service, name, environment, *options):
        """Returns the container's first process."""
        command = ["minictr", "run", "--name", name, "-h", name]
        for one in environment.items():
            command += ["-e", "%s=%s" % one]
        if service.cpus:
            command += ["--cpus", service.cpus]
        if service.memory:
            command += ["--memory", str(service.memory)]
        if service.volume:
            source, target = service.volume.split(":")
            source = os.path.join(self.work, "volumes", "minictr-" + source)
            os.makedirs(source, exist_ok=True)
            command += ["-v", "%s:%s" % (source, target)]
        with open(self.log(name), "w") as log:
            self.runs[name] = subprocess.Popen(command + list(options) + [service.image],
                                               stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        place.wait_until(name + " runs", lambda: self.process(name))
        return self.process(name)

    @staticmethod
    def address(pid):
        found = place.addresses(pid)
        if not found:
            raise Unavailable("its containers have no address")
        return found[0]

    def up(self, workload, with_limits):
        services, site = stack.services(with_limits), Site({})
        site.missing["name"] = "this minictr has no networks with names"
        api = "127.0.0.1:8000"
        if workload == "stack":
            database = services["database"]
            site.pids["database"] = self.start(database, "database", database.environment)
            host = self.address(site.pids["database"])
            for name in services["api"].names():
                site.pids[name] = self.start(services["api"], name,
                                             dict(services["api"].environment, PGHOST=host))
                site.replicas.append(self.address(site.pids[name]))
            api = ",".join(address + ":8000" for address in site.replicas)
        site.pids["gateway"] = self.start(services["gateway"], "gateway", {"API": api},
                                          "-p", "%d:8080" % stack.PORT)
        return site

    def open_ways(self, site, workload, with_limits):
        site.add_url("address", self.address(site.pids["gateway"]), workload)
        site.add_url("published", place.HOST, workload)

    def down(self, site):
        for name in site.pids:
            self.runs[name].terminate()  # which passes SIGTERM on
        for name in site.pids:
            self.runs.pop(name).wait(20)
        place.run("minictr", "rm", *site.pids)

    def clear(self):
        containers = place.run("minictr", "ps", "-a", "-q").split()
        if containers:
            place.run("minictr", "rm", "-f", *containers)
        for run in self.runs.values():
            run.wait(20)
        self.runs = {}
