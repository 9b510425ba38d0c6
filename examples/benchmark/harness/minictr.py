# SPDX-License-Identifier: Apache-2.0
"""minictr: a `minictr run -d` for each container, and `minictr compose`."""

import os

from harness import place, stack
from harness.contender import Engine, Unavailable


class Minictr(Engine):
    """Without health checks: containers made by hand have none, and podman's need systemd."""

    name = "minictr"

    def check(self):
        try:
            place.run("minictr", "--version")
        except (OSError, place.CommandFailed) as error:
            raise Unavailable("minictr is not built: %s" % error) from error

    def load(self):
        for image in self.images.values():
            place.run("minictr", "load", "-i", image.archive)

    def prepare(self):
        with self.machine.entered():
            self.load()
            for name, network in stack.load()["networks"].items():
                internal = ["--internal"] if network.get("internal") else []
                place.run("minictr", "network", "create", *internal, name)

    @staticmethod
    def inspect(container, template):
        return place.run("minictr", "inspect", "-f", "{{%s}}" % template, container).strip()

    def pid(self, name):
        return int(self.inspect(name, ".State.Pid"))

    def address(self, name, network):
        return self.inspect(name, ".NetworkSettings.Networks.%s.IPAddress" % network)

    def command(self, service, name, environment):
        """A `minictr run` up to its networks and its image."""
        command = ["minictr", "run", "-d", "--no-healthcheck", "--name", name, "-h", name]
        for one in environment.items():
            command += ["-e", "%s=%s" % one]
        if service.cpus:
            command += ["--cpus", service.cpus]
        if service.memory:
            command += ["--memory", str(service.memory)]
        if service.volume:
            source, target = service.volume.split(":")
            source = os.path.join(self.work, "volumes", self.name + "-" + source)
            os.makedirs(source, exist_ok=True)
            command += ["-v", "%s:%s" % (source, target)]
        return command

    def start(self, service, name, environment, *options):
        networks = []
        for network in service.networks:
            networks += ["--network", "name=%s,alias=%s" % (network, service.name)]
        place.run(*self.command(service, name, environment), *networks, *options, service.image)

    def remove(self, name):
        place.run("minictr", "rm", "-f", name)

    def down(self, site):
        place.run("minictr", "stop", *site.pids)
        place.run("minictr", "rm", *site.pids)

    def clear(self):
        containers = place.run("minictr", "ps", "-a", "-q").split()
        if containers:
            place.run("minictr", "rm", "-f", *containers)


class MinictrCompose(Minictr):
    """The stack as its file has it: with health checks, and with networks that keep services apart."""

    name = "minictr compose"
    workloads = ("stack",)

    def prepare(self):
        with self.machine.entered():
            self.load()

    def compose(self, with_limits, *command):
        return place.run("minictr", "compose", "-p", "bench", "-f",
                         stack.write(os.path.join(self.work, "stack.json"), with_limits), *command)

    def address(self, name, network):
        return super().address(name, "bench_" + network)

    def up(self, workload, with_limits):
        self.compose(with_limits, "up", "-d")
        site = self.site(stack.compose_names("bench-%s-%d"))
        site.with_limits = with_limits
        return site

    def open_ways(self, site, workload, with_limits):
        site.add_url("name", self.address("bench-gateway-1", "edge"), workload)
        site.add_url("published", place.HOST, workload)
        site.missing["address"] = "nobody but its gateway may reach the API"

    def close_ways(self, site):
        pass

    def down(self, site):
        self.compose(site.with_limits, "down")
