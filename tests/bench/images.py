# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of images share: an image of four layers, contenders, and what is printed.

The layers are Debian packages, downloaded once: about 300 MB, 100 MB as gzip.
Rounds are interleaved, each begins with another contender, and figures are medians.  Everything is
unpacked into a new ext4 file system (in a file, by a loop device), and kept until the end: for five
minutes after many files were removed, making files on ext4 is up to 15 times slower, whoever does it.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                     "minictr/images")
OCI = "application/vnd.oci.image."
DATA_ROOT = "/var/lib/minictr"

LAYERS = {
    "base": "bash coreutils libc6 dpkg apt util-linux tar tzdata systemd perl-base libssl3 sed grep "
            "findutils gzip passwd libgnutls30 libstdc++6 mount e2fsprogs libapt-pkg6.0 "
            "ncurses-base debianutils libdb5.3 libgcrypt20",
    "compiler": "gcc-12 libgcc-12-dev libc6-dev libstdc++-12-dev linux-libc-dev "
                "binutils-x86-64-linux-gnu",
    "languages": "perl-modules-5.36 libperl5.36 libpython3.11-stdlib libpython3.11-minimal",
}


# ---- the image, made once ----------------------------------------------------------------------

def download(names, folder):
    """The packages as files, in the order of their names."""
    result = subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download"] + names,
                            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        sys.exit("cannot download packages:\n" + result.stdout[-2000:])
    return sorted(os.path.join(folder, name) for name in os.listdir(folder))


def merge(packages):
    """One tar of what the packages hold; a directory that several have, once."""
    out, seen = io.BytesIO(), set()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as whole:
        for package in packages:
            data = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True,
                                  stdout=subprocess.PIPE).stdout
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                for info in tar:
                    if info.name not in seen:
                        seen.add(info.name)
                        whole.addfile(info, tar.extractfile(info) if info.isreg() else None)
    return out.getvalue()


def app_layer():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("srv/app")
        info.size, info.mode = 4096, 0o755
        tar.addfile(info, io.BytesIO(b"#" * 4096))
    return out.getvalue()


def make_layers():
    for names in LAYERS.values():
        with tempfile.TemporaryDirectory(prefix="minictr-images.") as folder:
            yield merge(download(names.split(), folder))
    yield app_layer()


class Layout:
    """An OCI image layout as a tar."""

    def __init__(self, path, packing):
        self.tar, self.packing, self.layers, self.diff_ids = tarfile.open(path, "w"), packing, [], []
        self.add("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')

    def add(self, name, data):
        info = tarfile.TarInfo(name)
        info.size = len(data)
        self.tar.addfile(info, io.BytesIO(data))

    def blob(self, kind, data):
        digest = hashlib.sha256(data).hexdigest()
        self.add("blobs/sha256/" + digest, data)
        return {"mediaType": OCI + kind, "digest": "sha256:" + digest, "size": len(data)}

    def add_layer(self, raw):
        if self.packing == "gzip":
            data = gzip.compress(raw, 6, mtime=0)
        else:
            data = subprocess.run(["zstd", "-q", "-3"], input=raw, stdout=subprocess.PIPE,
                                  check=True).stdout
        self.layers.append(self.blob("layer.v1.tar+" + self.packing, data))
        self.diff_ids.append("sha256:" + hashlib.sha256(raw).hexdigest())

    def finish(self):
        config = self.blob("config.v1+json", json.dumps({
            "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids}}).encode())
        manifest = self.blob("manifest.v1+json", json.dumps({
            "schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": config,
            "layers": self.layers}).encode())
        manifest["annotations"] = {"org.opencontainers.image.ref.name": "bench:latest"}
        self.add("index.json", json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode())
        self.tar.close()


def cached_image():
    """Paths of the image as gzip and as zstd; another list of packages makes others."""
    key = hashlib.sha256(repr(sorted(LAYERS.items())).encode()).hexdigest()[:12]
    paths = {packing: os.path.join(CACHE, "unpack-%s-%s.tar" % (key, packing))
             for packing in ("gzip", "zstd")}
    if all(os.path.exists(path) for path in paths.values()):
        return paths
    os.makedirs(CACHE, exist_ok=True)
    layouts = {packing: Layout(path + ".new", packing) for packing, path in paths.items()}
    for raw in make_layers():
        for layout in layouts.values():
            layout.add_layer(raw)
    for packing, path in paths.items():
        layouts[packing].finish()
        os.rename(path + ".new", path)
    return paths


def unwrap(archive, folder):
    """The layout as a directory, and the paths of its layers."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    with open(os.path.join(folder, "index.json")) as file:
        digest = json.load(file)["manifests"][0]["digest"]
    with open(os.path.join(folder, "blobs", *digest.split(":"))) as file:
        layers = json.load(file)["layers"]
    return [os.path.join(folder, "blobs", *layer["digest"].split(":")) for layer in layers]


# ---- contenders --------------------------------------------------------------------------------

class Memory(threading.Thread):
    """The most that a process and its descendants have in memory at a time, in KiB."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.is_over = pid, 0, False

    def tree(self):
        parents = {}
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open("/proc/%s/stat" % name) as file:
                        parents[int(name)] = int(file.read().rsplit(")", 1)[1].split()[1])
                except OSError:
                    pass
        found, size = {self.pid}, 0
        while len(found) != size:
            size = len(found)
            found |= {pid for pid, parent in parents.items() if parent in found}
        return found

    def run(self):
        while not self.is_over:
            total = 0
            for pid in self.tree():
                try:
                    with open("/proc/%d/smaps_rollup" % pid) as file:
                        total += sum(int(line.split()[1]) for line in file
                                     if line.startswith("Pss:"))
                except OSError:
                    pass
            self.peak = max(self.peak, total)
            time.sleep(0.01)


def with_data_root(folder, *command):
    """A command of minictr whose data are in @folder."""
    script = 'mount --bind "$1" %s; shift; exec "$@"' % DATA_ROOT
    return ["unshare", "--mount", "sh", "-ec", script, "sh", folder, *command]


class Contender:
    """@command(folder) is what unpacks into an empty folder."""

    def __init__(self, name, command):
        self.name, self.command = name, command
        self.wall, self.cpu, self.peak = [], [], 0

    def run(self, folder, with_memory=False):
        os.mkdir(folder)
        began = time.monotonic()
        process = subprocess.Popen(self.command(folder), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        memory = Memory(process.pid)
        if with_memory:
            memory.start()
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        wall = time.monotonic() - began
        if with_memory:
            memory.is_over = True
            memory.join()
            self.peak = memory.peak
        elif status == 0:
            self.wall.append(wall)
            self.cpu.append(usage.ru_utime + usage.ru_stime)
        if status != 0:
            sys.exit("%s fails: %s" % (self.name, said.decode(errors="replace")))

    def figures(self):
        return {"wall": statistics.median(self.wall), "cpu": statistics.median(self.cpu),
                "peak": self.peak}


def shell(script, *arguments):
    """A contender's command: a shell script whose $1 is the folder."""
    return lambda folder: ["sh", "-ec", script, "sh", folder] + list(arguments)


# ---- figures -----------------------------------------------------------------------------------

MAX_PEAK_MIB = 64


def measure(runners, rounds, top):
    for turn in range(rounds):
        start = turn % len(runners)
        for runner in runners[start:] + runners[:start]:
            runner.run(os.path.join(top, "%d.%d" % (turn, runners.index(runner))))
            os.sync()  # so that nobody waits for the writes of the one before
    for number, runner in enumerate(runners):
        runner.run(os.path.join(top, "memory.%d" % number), with_memory=True)
    return {runner.name: runner.figures() for runner in runners}


def print_table(figures):
    reference, first = next(iter(figures.items()))
    print("%-22s %8s %s %8s %9s" % ("", "s", "x " + reference, "CPU s", "peak MiB"))
    for name, row in figures.items():
        print("%-22s %8.2f %*.2f %8.2f %9.1f" % (
            name, row["wall"], len(reference) + 2, row["wall"] / first["wall"], row["cpu"],
            row["peak"] / 1024))


def judge(figures, targets):
    """Prints each target with what was measured; returns how many were missed."""
    missed = 0
    print()
    for name, against, factor in targets:
        if name not in figures or against not in figures:
            continue
        ratio = figures[against]["wall"] / figures[name]["wall"]
        missed += ratio < factor
        print("%-6s %s is %.2f x as fast as %s (at least %.2f)" % (
            "ok" if ratio >= factor else "MISSED", name, ratio, against, factor))
    for name in figures:
        if name.startswith("minictr"):
            peak = figures[name]["peak"] / 1024
            missed += peak > MAX_PEAK_MIB
            print("%-6s %s has at most %.1f MiB in memory (at most %d)" % (
                "ok" if peak <= MAX_PEAK_MIB else "MISSED", name, peak, MAX_PEAK_MIB))
    return missed


def in_namespaces(*names):
    """Starts the script again in namespaces of its own."""
    if not os.environ.get("BENCH_HAS_NAMESPACES"):
        os.environ["BENCH_HAS_NAMESPACES"] = "1"
        os.execvp("unshare", ["unshare"] + ["--" + name for name in names] +
                  [os.path.abspath(sys.argv[0])] + sys.argv[1:])


class FreshDisk:
    """A new file system, as long as it is used by `with`: its directory."""

    def __init__(self, folder, gib):
        self.file, self.top = os.path.join(folder, "disk"), os.path.join(folder, "top")
        self.gib = gib

    def __enter__(self):
        os.mkdir(self.top)
        with open(self.file, "w") as file:
            file.truncate(self.gib << 30)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0",
                        self.file], check=True)
        made = subprocess.run(["losetup", "--direct-io=on", "--show", "-f", self.file],
                              stdout=subprocess.PIPE, text=True, check=True)
        loop = made.stdout.strip()
        subprocess.run(["mount", loop, self.top], check=True)
        # It goes with the mount, and that with our namespace, however we end.
        subprocess.run(["losetup", "-d", loop], check=True)
        return self.top

    def __exit__(self, *_):
        subprocess.run(["umount", self.top])


def contest(description, contenders, targets):
    """A benchmark's main: @contenders(build, archives, work) yields them, the reference first."""
    parser = argparse.ArgumentParser(description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[],
                        help="contenders whose name has this in it, and the reference")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--gate", action="store_true", help="exit 1 if a target is missed "
                        "(for a machine that does nothing else)")
    parser.add_argument("build", type=os.path.abspath)
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("this needs root")
    archives = cached_image()
    os.makedirs(DATA_ROOT, exist_ok=True)
    work = tempfile.mkdtemp(prefix="minictr-images.", dir=os.environ.get("TMPDIR", "/var/tmp"))
    try:
        runners = list(contenders(arguments.build, archives, work))
        runners = [runner for runner in runners if not arguments.only or runner is runners[0]
                   or any(text in runner.name for text in arguments.only)]
        with FreshDisk(work, 2 + len(runners) * (arguments.rounds + 1) // 2) as top:
            figures = measure(runners, arguments.rounds, top)
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", work])
    print_table(figures)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(figures, file, indent=1)
    missed = judge(figures, targets)
    return 1 if missed and arguments.gate else 0
