# SPDX-License-Identifier: Apache-2.0
"""Images for tests that can be spoilt in each of their parts: layers byte by byte, documents field by
field, the archive around them.  And what a refusal of them has to be."""

import gzip
import hashlib
import io
import json
import os
import re
import tarfile

import lib

OCI = "application/vnd.oci.image."
STORE = "/var/lib/minictr/images"
MAX_MEMORY = 64 << 10  # KiB


def entry(name, kind=tarfile.REGTYPE, data=b"", link="", mode=0o644, **more):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.size = kind, link, mode, len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def layer(*entries):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


class Image:
    """An OCI archive of one layer that can be spoilt in each of its parts."""

    def __init__(self, raw):
        self.raw = raw
        self.packed = gzip.compress(raw, 1, mtime=0)
        self.diff_id = "sha256:" + hashlib.sha256(raw).hexdigest()
        self.blobs = {}
        self.wrong_layer = None
        self.config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/true"]}}
        self.manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json"}
        self.index = None

    def blob(self, kind, data, stored=None):
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data if stored is None else stored
        return {"mediaType": OCI + kind, "digest": "sha256:" + digest, "size": len(data)}

    def write(self, path):
        self.config.setdefault("rootfs", {"type": "layers", "diff_ids": [self.diff_id]})
        self.manifest.setdefault("layers", [self.blob("layer.v1.tar+gzip", self.packed,
                                                      self.wrong_layer)])
        self.manifest.setdefault("config", self.blob("config.v1+json",
                                                     json.dumps(self.config).encode()))
        top = self.blob("manifest.v1+json", json.dumps(self.manifest).encode())
        top["annotations"] = {"org.opencontainers.image.ref.name": "bad:latest"}
        index = self.index or json.dumps({"schemaVersion": 2, "manifests": [top]})
        with tarfile.open(path, "w") as tar:
            for name, data in [("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'),
                               ("index.json", index.encode(errors="surrogateescape"))] + \
                              [("blobs/sha256/" + d, b) for d, b in self.blobs.items()]:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return path


GOOD = layer(entry("bin", tarfile.DIRTYPE, mode=0o755), entry("bin/sh", data=b"#!", mode=0o755))


def spoilt(change):
    image = Image(GOOD)
    change(image)
    return image.write(lib.TMP + "/image.tar")


def write_as(name, data):
    path = lib.TMP.encode() + b"/" + name
    with open(path, "wb") as file:
        file.write(data)
    return path


def write_file(data):
    path = lib.TMP + "/image.tar"
    with open(path, "wb") as file:
        file.write(data)
    return path


def with_layer(raw):
    """A good image around a layer of these bytes."""
    return Image(raw).write(lib.TMP + "/image.tar")


def with_packed(packed, raw=b""):
    """The same around what is already compressed."""
    image = Image(raw)
    image.packed = packed
    return image.write(lib.TMP + "/image.tar")


def with_index(*entries):
    image = Image(GOOD)
    image.index = json.dumps({"schemaVersion": 2, "manifests": list(entries)})
    return image.write(lib.TMP + "/image.tar")


def header(name, size=b"", kind=b"0", **fields):
    """A tar header with whatever in its fields."""
    places = {"mode": (100, 8), "uid": (108, 8), "gid": (116, 8), "size": (124, 12),
              "mtime": (136, 12), "link": (157, 100), "major": (329, 8), "minor": (337, 8)}
    block = bytearray(512)
    block[:len(name)] = name
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    for key, value in dict(fields, size=size).items():
        at, length = places[key]
        block[at:at + length] = value[:length].ljust(length, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def pax(text):
    """A pax header of these bytes, for the entry that follows."""
    return header(b"pax", b"%011o" % len(text), b"x") + text + b"\0" * (-len(text) % 512)


def records(**pairs):
    """A pax header of "key=value"; a double underscore in a key stands for a dot."""
    text = b""
    for key, value in pairs.items():
        rest = " %s=%s\n" % (key.replace("__", "."), value)
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length += 1
        text += (str(length) + rest).encode()
    return pax(text)


END = b"\0" * 1024


def load(path):
    """Loads; the result has the most memory that one of its processes had."""
    peak = lib.TMP + "/peak"
    result = lib.run(lib.PROBES + "/peak_memory", peak, "minictr", "load", "-i", path, timeout=10)
    result.memory = 0
    if result.status != "timeout":
        with open(peak) as file:
            result.memory = int(file.read())
    return result


def store_files():
    return {os.path.join(path, name) for path, _, names in os.walk(STORE)
            for name in names} | {path for path, _, _ in os.walk(STORE)}


def one_line(result, word):
    lines = result.err.splitlines()
    return (result.status not in (0, "timeout") and result.status < 128 and len(lines) == 1
            and re.search(word, lines[0], re.I) and not result.out)


def refuses(what, make, word, before):
    """Two points: one line with @word, in time and in little memory; and nothing more than @before."""
    result = load(make())
    fine = one_line(result, word) and result.memory <= MAX_MEMORY
    lib.ok(fine, "refuses " + what, result, "%d KiB; wanted one line with: %s" % (result.memory, word))
    left = store_files() - before
    lib.ok(not left, "... and leaves nothing in the store", "\n".join(sorted(left)))
