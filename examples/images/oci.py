# SPDX-License-Identifier: Apache-2.0
"""OCI image layouts in a tar file (image-spec image-layout.md), and the layers in them."""

import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
EPOCH = 1704067200  # the same input gives the same digests
CREATED = "2024-01-01T00:00:00Z"

MEDIA = "application/vnd.oci.image."


def compact(document):
    return json.dumps(document, separators=(",", ":")).encode()


class Layout:
    """An OCI image layout that grows in a tar file."""

    def __init__(self, file):
        self.tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)
        self.seen = set()
        self.manifests = []

    def add_file(self, name, data):
        info = tarfile.TarInfo(name)
        info.size = len(data)
        self.tar.addfile(info, io.BytesIO(data))

    def add_blob(self, media_type, data):
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self.seen:
            self.add_file("blobs/sha256/" + digest, data)
            self.seen.add(digest)
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

    def add_image(self, name, layers, config):
        """@layers: uncompressed tars, lowest first; @config: the "config" object."""
        descriptors, diff_ids = [], []
        for layer in layers:
            packed = gzip.compress(layer, compresslevel=4, mtime=0)
            descriptors.append(self.add_blob(MEDIA + "layer.v1.tar+gzip", packed))
            diff_ids.append("sha256:" + hashlib.sha256(layer).hexdigest())
        document = {"created": CREATED, "architecture": ARCHITECTURE, "os": "linux",
                    "config": config, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        manifest = {"schemaVersion": 2, "mediaType": MEDIA + "manifest.v1+json",
                    "config": self.add_blob(MEDIA + "config.v1+json", compact(document)),
                    "layers": descriptors}
        entry = self.add_blob(MEDIA + "manifest.v1+json", compact(manifest))
        entry["platform"] = {"architecture": ARCHITECTURE, "os": "linux"}
        entry["annotations"] = {"org.opencontainers.image.ref.name": name}
        self.manifests.append(entry)

    def finish(self):
        self.add_file("oci-layout", compact({"imageLayoutVersion": "1.0.0"}))
        self.add_file("index.json", compact({"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json",
                                             "manifests": self.manifests}))
        self.tar.close()


def write_image(path, name, layers, config):
    """Whole or not at all: another process may read the cache."""
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(path) or ".", delete=False) as file:
        layout = Layout(file)
        layout.add_image(name, layers, config)
        layout.finish()
    os.chmod(file.name, 0o644)
    os.rename(file.name, path)


class Layer:
    """An uncompressed layer that grows in memory."""

    def __init__(self):
        self.file = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.file, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, name, kind=tarfile.REGTYPE, mode=0o644, data=b"", link=""):
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.size, info.linkname = kind, mode, len(data), link
        info.mtime = EPOCH
        self.tar.addfile(info, io.BytesIO(data))

    def directory(self, name, mode=0o755):
        self.add(name, tarfile.DIRTYPE, mode)

    def bytes(self):
        self.tar.close()
        return self.file.getvalue()
