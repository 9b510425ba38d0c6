# SPDX-License-Identifier: Apache-2.0
"""podman, and podman-compose: the same images and limits, below storage of their own."""

import json
import os
import shutil
import time

from harness import groups, place, stack
from harness.contender import Contender, Site, Unavailable

CONTAINERS_CONF = """\
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
tmp_dir = "/run/libpod"
volume_path = "{root}/volumes"
[network]
network_config_dir = "{root}/networks"
"""
STORAGE_CONF = """\
[storage]
driver = "overlay"
graphroot = "{root}/graph"
runroot = "/run/containers"
"""


class Podman(Contender):
    name = "podman"
    needs = ("podman", "runc", "conmon", "iptables")

    def check(self):
        for program in self.needs:
            if not shutil.which(program):
                raise Unavailable("%s is not installed" % program)

    def prepare(self):
        self.root = os.path.join(self.work, "podman")
        self.environment = dict(
            os.environ, CONTAINERS_CONF=self.root + "/containers.conf",
            CONTAINERS_STORAGE_CONF=self.root + "/storage.conf",
            DISABLE_HC_SYSTEMD="true")  # its health checks are timers of systemd, which may not run
        if not os.path.exists(self.root):
            self.configure()

    def configure(self):
        os.makedirs(self.root + "/networks")
        for name, text in (("containers.conf", CONTAINERS_CONF), ("storage.conf", STORAGE_CONF)):
            with open(os.path.join(self.root, name), "w") as file:
                file.write(text.format(root=self.root))
        with self.machine.entered():
            for image in self.images.values():
                self.podman("load", "-q", "-i", image.archive)
            for name, network in stack.load()["networks"].items():
                internal = ["--internal"] if network.get("internal") else []
                self.podman("network", "create", *internal, name)

    def podman(self, *command):
        return place.run("podman", *command, env=self.environment)

    def start(self, service, name, environment, *options):
        command = ["run", "-d", "--name", name, "--hostname", name]
        for network in service.networks:
            command += ["--network", "%s:alias=%s" % (network, service.name)]
        for one in environment.items():
            command += ["-e", "%s=%s" % one]
        if service.cpus:
            command += ["--cpus", service.cpus]
        if service.memory:
            command += ["--memory", str(service.memory)]
        if service.volume:
            command += ["-v", service.volume]
        self.podman(*command, *options, service.image)

    def pid(self, name):
        return int(self.podman("inspect", "-f", "{{.State.Pid}}", name))

    def address(self, name, network):
        networks = json.loads(self.podman("inspect", name))[0]["NetworkSettings"]["Networks"]
        return networks[network]["IPAddress"]

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
        """@containers: name of ours -> podman's"""
        site = Site({name: self.pid(theirs) for name, theirs in containers.items()})
        site.replicas = [place.addresses(site.pids[name])[0] for name in containers
                         if name.startswith("api")]
        return site

    def open_ways(self, site, workload, with_limits):
        site.add_url("published", place.HOST, workload)
        if workload == "plain":
            site.add_url("address", self.address("gateway", "edge"), workload)
            return
        # Of the gateway that asks for names, and of one that is told addresses.
        site.add_url("name", self.address("gateway", "edge"), workload)
        api = ",".join(self.address(name, "app") + ":8000" for name in site.pids
                       if name.startswith("api"))
        gateway = stack.services(with_limits)["gateway"]
        self.start(gateway, "gateway-2", {"API": api})
        site.pids["gateway-2"] = self.pid("gateway-2")
        site.add_url("address", self.address("gateway-2", "edge"), workload)
        # Its resolver loses questions while it is told of a new container, and nginx then waits.
        time.sleep(2.5)

    def close_ways(self, site):
        if site.pids.pop("gateway-2", None):
            self.podman("rm", "-f", "-t", "5", "gateway-2")

    def down(self, site):
        self.podman("stop", *site.pids)
        self.podman("rm", *site.pids)

    def clear(self):
        self.podman("rm", "-f", "-a", "-t", "0")

    def finish(self):
        """The cgroups that it leaves."""
        for point in groups.mount_points().values():
            for directory, _, _ in os.walk(os.path.join(point, "libpod_parent"), topdown=False):
                os.rmdir(directory)


class PodmanCompose(Podman):
    """Only brought up and down: the containers are podman's."""

    name = "podman-compose"
    loads = False
    workloads = ("stack",)
    needs = Podman.needs + ("podman-compose",)

    def compose(self, with_limits, *command):
        project = stack.load()
        path = os.path.join(self.root, "stack.json")
        with open(path, "w") as file:
            json.dump(project if with_limits else stack.without_limits(project), file)
        return place.run("podman-compose", "-p", "bench", "-f", path, *command,
                         env=self.environment)

    def up(self, workload, with_limits):
        self.compose(with_limits, "up", "-d")
        api = stack.services(with_limits)["api"]
        containers = {"database": "bench_database_1", "gateway": "bench_gateway_1"}
        for number, name in enumerate(api.names(), 1):
            containers[name] = "bench_api_%d" % number
        site = self.site(containers)
        site.with_limits = with_limits
        return site

    def down(self, site):
        self.compose(site.with_limits, "down")
