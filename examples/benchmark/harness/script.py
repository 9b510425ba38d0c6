# SPDX-License-Identifier: Apache-2.0
"""Containers that the shell scripts of `minictr run --explain=script` build by hand: what minictr
makes, without minictr."""

import os
import shutil
import signal
import subprocess

from harness import place, stack
from harness.contender import Site
from harness.minictr import Minictr

CONTAINERS = "/var/lib/minictr/containers"


class Script(Minictr):
    name = "script"

    def prepare(self):
        with self.machine.entered():
            self.load()
        self.scripts = {}  # (workload, with limits) -> name -> path
        self.runs = {}  # of scripts, by name
        self.playing = None  # the scripts of what is up

    def up(self, workload, with_limits):
        """At first minictr is asked how it would do that; from then on, nobody."""
        key = (workload, with_limits)
        if key not in self.scripts:
            self.playing, self.recorded = None, {}
            site = self.play(workload, with_limits)
            place.wait_until("all is healthy", site.is_healthy)
            super().down(site)
            self.scripts[key] = {name: self.keep(name, "%s-%s" % key, text)
                                 for name, text in self.recorded.items()}
        self.playing = self.scripts[key]
        return self.play(workload, with_limits)

    def play(self, workload, with_limits):
        """All in one network, told addresses: nothing answers for names."""
        services, site = stack.services(with_limits), Site({})
        site.missing["name"] = "nothing answers for names"
        api = "127.0.0.1:8000"
        if workload == "stack":
            database = services["database"]
            site.pids["database"] = self.start(database, "database", database.environment)
            host = place.addresses(site.pids["database"])[0]
            for name in services["api"].names():
                site.pids[name] = self.start(services["api"], name,
                                             dict(services["api"].environment, PGHOST=host))
                site.replicas.append(place.addresses(site.pids[name])[0])
            api = ",".join(address + ":8000" for address in site.replicas)
        site.pids["gateway"] = self.start(services["gateway"], "gateway", {"API": api},
                                          "-p", "%d:8080" % stack.PORT)
        return site

    def open_ways(self, site, workload, with_limits):
        site.add_url("address", place.addresses(site.pids["gateway"])[0], workload)
        site.add_url("published", place.HOST, workload)

    def close_ways(self, site):
        pass

    def keep(self, name, kind, text):
        path = os.path.join(self.work, "%s-%s.sh" % (name, kind))
        with open(path, "w") as file:
            file.write(text)
        return path

    def start(self, service, name, environment, *options):
        """Returns the container's first process."""
        if self.playing is None:
            command = self.command(service, name, environment)
            command += ["--explain=script", *options, service.image]
            result = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.recorded[name] = result.stderr
            return self.pid(result.stdout.strip())
        log = os.path.join(self.work, name + ".log")
        with open(log, "w") as file:
            self.runs[name] = subprocess.Popen(["sh", self.playing[name]], stdout=file, stderr=file,
                                               stdin=subprocess.DEVNULL)
        place.wait_until(name + " runs", lambda: self.found(name, log))
        return place.first_process(self.runs[name].pid)

    def found(self, name, log):
        """Is there a first process, with a network?"""
        if self.runs[name].poll() is not None:
            with open(log) as file:
                raise place.CommandFailed("%s ended: %s" % (name, file.read().strip()[-200:]))
        first = place.first_process(self.runs[name].pid)
        return first and place.addresses(first)

    def down(self, site):
        for pid in site.pids.values():
            os.kill(pid, signal.SIGTERM)
        self.wait_for_runs()

    def clear(self):
        if self.playing is None:
            super().clear()
        for run in self.runs.values():
            run.terminate()
        self.wait_for_runs()

    def wait_for_runs(self):
        for name, run in self.runs.items():
            run.wait(20)
            # Scripts leave what the containers wrote.
            shutil.rmtree(os.path.join(CONTAINERS, name), ignore_errors=True)
        self.runs = {}
