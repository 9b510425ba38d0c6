# SPDX-License-Identifier: Apache-2.0
"""podman, and podman-compose: the same images and limits, below storage of their own."""

import json
import os
import shutil
import time

from harness import groups, place, stack
from harness.contender import Engine, Unavailable

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


class Podman(Engine):
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

    def remove(self, name):
        self.podman("rm", "-f", "-t", "5", name)

    def open_ways(self, site, workload, with_limits):
        super().open_ways(site, workload, with_limits)
        if "gateway-2" in site.pids:
            # Its resolver loses questions while it is told of a new container, and nginx then waits.
            time.sleep(2.5)

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
        return place.run("podman-compose", "-p", "bench", "-f",
                         stack.write(self.root + "/stack.json", with_limits), *command,
                         env=self.environment)

    def address(self, name, network):
        return super().address(name, "bench_" + network)

    def up(self, workload, with_limits):
        self.compose(with_limits, "up", "-d")
        site = self.site(stack.compose_names("bench_%s_%d"))
        site.with_limits = with_limits
        return site

    def down(self, site):
        self.compose(site.with_limits, "down")
