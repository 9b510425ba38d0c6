# SPDX-License-Identifier: Apache-2.0
"""What is started: the services of examples/three-tier/stack.json, with the settings that all
contenders take over from it."""

import json
import os
import re
import subprocess
import tarfile

EXAMPLES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STACK_FILE = os.path.join(EXAMPLES, "three-tier", "stack.json")
PORT = 8080  # that is published
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def default_of_variables(text):
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def load():
    with open(STACK_FILE) as file:
        return json.loads(default_of_variables(file.read()))


def size(text):
    return int(text[:-1]) * UNITS[text[-1]] if text[-1] in UNITS else int(text)


class Service:
    """One service of the stack, or a single container."""

    def __init__(self, name, stack, with_limits):
        definition = stack["services"][name]
        deploy = definition.get("deploy", {})
        limits = deploy.get("resources", {}).get("limits", {}) if with_limits else {}
        self.name, self.image = name, definition["image"]
        self.networks = definition["networks"]
        self.internal = [n for n in self.networks if stack["networks"][n].get("internal")]
        self.environment = dict(definition.get("environment", {}))
        self.cpus = limits.get("cpus", "")
        self.memory = size(limits["memory"]) if "memory" in limits else None
        self.replicas = deploy.get("replicas", 1)
        self.volume = (definition.get("volumes") or [None])[0]  # NAME:DIRECTORY
        self.ports = definition.get("ports", [])

    def names(self):
        """Of its containers."""
        if self.replicas == 1:
            return [self.name]
        return ["%s-%d" % (self.name, number) for number in range(1, self.replicas + 1)]


def services(with_limits):
    stack = load()
    return {name: Service(name, stack, with_limits) for name in stack["services"]}


def write(path, with_limits):
    """The stack's file at @path, for a compose command; returns the path."""
    project = load()
    for service in project["services"].values():
        if not with_limits:
            service.get("deploy", {}).pop("resources", None)
    with open(path, "w") as file:
        json.dump(project, file)
    return path


def compose_names(pattern):
    """name of ours -> what compose calls the container: @pattern of service and number"""
    return {name: pattern % (service.name, number) for service in services(True).values()
            for number, name in enumerate(service.names(), 1)}


# ---- images ------------------------------------------------------------------------------------

class Image:
    """An image of the stack, as examples/make-image wrote it."""

    def __init__(self, archive):
        self.archive = archive
        with tarfile.open(archive) as tar:
            def document(descriptor):
                name = "blobs/" + descriptor["digest"].replace(":", "/")
                return json.load(tar.extractfile(name))
            entry = json.load(tar.extractfile("index.json"))["manifests"][0]
            self.manifest = document(entry)
            self.config = document(self.manifest["config"])["config"]
        name = entry["annotations"]["org.opencontainers.image.ref.name"]
        self.name = name.split(":")[0]

    def layers(self, directory):
        """Unpacks each layer below @directory; returns their directories, lowest first."""
        paths = []
        for descriptor in self.manifest["layers"]:
            digest = descriptor["digest"]
            path = os.path.join(directory, digest[-16:])
            if not os.path.exists(path):
                os.makedirs(path)
                blob = subprocess.Popen(["tar", "-xOf", self.archive,
                                         "blobs/" + digest.replace(":", "/")],
                                        stdout=subprocess.PIPE)
                subprocess.run(["tar", "-xz", "--numeric-owner", "-p", "-C", path],
                               stdin=blob.stdout, check=True)
            paths.append(path)
        return paths

    def ids(self):
        """User and group of the image's user, by number."""
        return {"": "0:0", "www-data": "33:33"}[self.config.get("User", "")]


def make_images():
    """Makes those that are missing; name -> Image."""
    make = subprocess.run([os.path.join(EXAMPLES, "make-image"), "three-tier"], check=True,
                          stdout=subprocess.PIPE, text=True)
    images = [Image(path) for path in make.stdout.split()]
    return {image.name: image for image in images}
