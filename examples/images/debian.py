# SPDX-License-Identifier: Apache-2.0
"""Images of Debian packages: a base layer that all of them share, one of the packages that an image
adds, one of its own files.

mmdebstrap installs them from the sources that this machine's apt uses.  The same packages give the
same digests: whatever was written while they were installed gets one date.
"""

import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time

from images import oci

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                     "minictr", "images")

# Documentation, translations, the parts of python that nobody runs in a container.  dpkg leaves out
# the first; python's packages want to compile the second when they are installed.
UNWANTED = ("/usr/share/doc", "/usr/share/man", "/usr/share/info", "/usr/share/locale",
            "/usr/share/lintian", "/usr/share/bug", "/usr/share/common-licenses",
            "/usr/share/pixmaps", "/usr/share/i18n", "/usr/lib/*/gconv")
NOT_PACKED = (r"usr/lib/python3[^/]*/(test|idlelib|ensurepip|pydoc_data|turtledemo"
              r"|lib2to3|unittest|distutils|tkinter|config-[^/]*)/.",
              r"usr/(share|lib/[^/]*)/perl/.",
              # what apt and the installation leave
              r"(var/lib/apt|var/cache|var/log|tmp|run|dev)/.", r"etc/(passwd|group|g?shadow)-$",
              # what belongs to the machine that made the image
              r"etc/(hostname|hosts|resolv\.conf|machine-id|apt/sources\.list)$",
              r"etc/ssl/(private/.|certs/ssl-cert-snakeoil\.pem$)")
DAY_CHANGED = re.compile(rb"^([^:\n]*:[^:\n]*:)\d+", re.M)  # /etc/shadow: name, password, day


class Image:
    """What an image is made of.

    @files:    path in the image -> (mode, path here or bytes)
    @config:   the "config" object of the image, without Env's PATH
    @left_out: patterns of paths above the base that are not packed, besides NOT_PACKED
    """

    def __init__(self, name, packages, files, config, path=oci.PATH, left_out=()):
        self.name, self.packages, self.config = name, packages, config
        self.files = {name: (mode, content if isinstance(content, bytes) else read(content))
                      for name, (mode, content) in files.items()}
        self.config = dict(config, Env=[path] + config.get("Env", []))
        self.left_out = tuple(left_out)

    def cached(self):
        """Where the image is kept: another version of its parts makes another one."""
        parts = hashlib.sha256()
        for module in sorted(os.listdir(os.path.dirname(__file__))):
            if module in ("oci.py", "debian.py"):
                parts.update(read(os.path.join(os.path.dirname(__file__), module)))
        parts.update(repr((self.name, self.packages, sorted(self.files.items()), self.config,
                           self.left_out)).encode())
        return os.path.join(CACHE, "%s-%s.tar" % (self.name, parts.hexdigest()[:12]))

    def make(self, path):
        if os.path.exists(path):
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="make-image.") as work:
            began = int(time.time())
            base, whole = debootstrap(work, self.packages)
            known = {}
            layers = [read_layer(base, known, NOT_PACKED, began),
                      read_layer(whole, known, NOT_PACKED + self.left_out, began),
                      self.own_layer()]
        oci.write_image(path, self.name + ":latest", layers, self.config)

    def own_layer(self):
        layer, made = oci.Layer(), set()
        for name, (mode, data) in sorted(self.files.items()):
            parts = name.split("/")[:-1]
            for depth in range(1, len(parts) + 1):
                directory = "/".join(parts[:depth])
                if directory not in made and parts[0] not in ("etc", "usr", "var"):
                    layer.directory(directory)
                made.add(directory)
            layer.add(name, mode=mode, data=data)
        return layer.bytes()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def settle(info, data, began):
    """Dates as of the packages, or one for everything that was made since @began."""
    info.size = len(data)
    info.mtime = oci.EPOCH if info.mtime >= began else int(info.mtime)
    for key in ("mtime", "atime", "ctime"):
        info.pax_headers.pop(key, None)  # they would go before info's own


def read_layer(path, known, left_out, began):
    """A layer of what @path has and @known (name -> identity) has not; fills @known."""
    layer, left_out = oci.Layer(), re.compile("|".join(r"\./" + one for one in left_out))
    with tarfile.open(path) as tar:
        for info in tar:
            info.name = info.name if info.name.startswith("./") else "./" + info.name
            if info.isdev() or left_out.match(info.name):
                continue
            data = tar.extractfile(info).read() if info.isreg() else b""
            if info.name == "./etc/shadow":
                data = DAY_CHANGED.sub(rb"\g<1>%d" % (oci.EPOCH // 86400), data)
            settle(info, data, began)
            identity = (info.type, info.mode, info.uid, info.gid, info.mtime, info.linkname,
                        hashlib.sha256(data).digest())
            if known.get(info.name) != identity:
                known[info.name] = identity
                layer.tar.addfile(info, io.BytesIO(data))
    return layer.bytes()


def apt_sources():
    """This machine's Debian sources as one-line entries."""
    out = subprocess.run(["apt-get", "indextargets", "--format",
                          "$(ORIGIN)|deb $(REPO_URI) $(CODENAME) $(COMPONENT)",
                          "Created-By: Packages"], check=True, stdout=subprocess.PIPE, text=True)
    lines = [line.split("|", 1)[1] for line in out.stdout.splitlines()
             if line.startswith("Debian|")]
    if not lines:
        sys.exit("make-image: apt has no Debian source")
    return lines


def debian_codename():
    with open("/etc/os-release") as file:
        release = dict(line.rstrip().split("=", 1) for line in file if "=" in line)
    return release["VERSION_CODENAME"].strip('"')


def debootstrap(work, packages):
    """The system as a tar, and as it was before @packages came: the lower layer."""
    base, whole = os.path.join(work, "base.tar"), os.path.join(work, "whole.tar")
    command = ["mmdebstrap", "--mode=root", "--variant=essential",
               "--include=" + ",".join(packages),
               "--essential-hook=tar -C \"$1\" --one-file-system --numeric-owner --sort=name "
               "-cf '%s' ." % base]
    command.append("--dpkgopt=force-unsafe-io")  # a crash would only cost this try
    for path in UNWANTED:
        command.append("--dpkgopt=path-exclude=%s/*" % path)
    command += [debian_codename(), whole] + apt_sources()
    result = subprocess.run(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit("make-image: mmdebstrap failed:\n" + result.stdout[-2000:] + result.stderr[-2000:])
    return base, whole
