# SPDX-License-Identifier: Apache-2.0
"""minictr: a `minictr run -d` for each container."""

import os

from harness import place, stack
from harness.contender import Contender, Site, Unavailable


class Minictr(Contender):
    name = "minictr"

    def check(self):
        try:
            text = place.run("minictr", "run", "--help")
        except (OSError, place.CommandFailed) as error:
            raise Unavailable("minictr is not built: %s" % error) from error
        if "--detach" not in text:
            raise Unavailable("this minictr runs containers in the foreground only")

    def prepare(self):
        with self.machine.entered():
            for image in self.images.values():
                place.run("minictr", "load", "-i", image.archive)

    @staticmethod
    def process(container):
        """The first process of a container, by its id."""
        return int(place.run("minictr", "inspect", "-f", "{{.State.Pid}}", container))

    def command(self, service, name, environment):
        """A `minictr run` up to its image."""
        command = ["minictr", "run", "--name", name, "-h", name]
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
        """Returns the container's first process."""
        command = self.command(service, name, environment)
        return self.process(place.run(*command, "-d", *options, service.image).strip())

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
        place.run("minictr", "stop", *site.pids)
        place.run("minictr", "rm", *site.pids)

    def clear(self):
        containers = place.run("minictr", "ps", "-a", "-q").split()
        if containers:
            place.run("minictr", "rm", "-f", *containers)
