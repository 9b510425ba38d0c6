# SPDX-License-Identifier: Apache-2.0
"""The images of examples/three-tier: their own files are there, the packages that they add here."""

import os

from images import debian, oci

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "three-tier")
POSTGRES = "/usr/lib/postgresql/15/bin"
SECOND = 10 ** 9


def own(name):
    return os.path.join(HERE, name)


def healthcheck(*command):
    return {"Test": ["CMD", *command], "Interval": SECOND, "Timeout": 2 * SECOND, "Retries": 3,
            "StartPeriod": 20 * SECOND, "StartInterval": SECOND // 5}


IMAGES = {
    "gateway": debian.Image(
        "three-tier-gateway", ["nginx"], {
            "app/nginx.conf": (0o644, own("gateway/nginx.conf")),
            "app/probe": (0o755, own("probe")),
            "app/start": (0o755, own("gateway/start")),
            "srv/www/index.html": (0o644, own("gateway/index.html")),
        }, {
            "Cmd": ["/app/start"], "User": "www-data", "ExposedPorts": {"8080/tcp": {}},
            "Healthcheck": healthcheck("/app/probe", "8080", "/healthz"),
        }),
    "api": debian.Image(
        "three-tier-api", ["python3", "python3-psycopg2"], {
            "app/probe": (0o755, own("probe")),
            "app/server": (0o755, own("api/server")),
        }, {
            "Cmd": ["/app/server"], "User": "www-data", "ExposedPorts": {"8000/tcp": {}},
            "Env": ["PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"],
            "Healthcheck": healthcheck("/app/probe", "8000", "/healthz"),
        }),
    # PostgreSQL's just-in-time compiler is bigger than the rest of the image, and is switched off;
    # Debian's tools around its clusters are in perl.
    "database": debian.Image(
        "three-tier-database", ["postgresql-15"], {
            "app/schema.sql": (0o644, own("database/schema.sql")),
            "app/start": (0o755, own("database/start")),
        }, {
            "Cmd": ["/app/start"], "ExposedPorts": {"5432/tcp": {}},
            "Healthcheck": healthcheck("pg_isready", "-h", "127.0.0.1", "-U", "app"),
        },
        path=oci.PATH.replace("=", "=%s:" % POSTGRES),
        left_out=[r"usr/lib/[^/]*/lib(LLVM|z3)[^/]*$", r"usr/lib/llvm", r"usr/share/perl",
                  r"usr/lib/[^/]*/perl/", r"usr/lib/postgresql/15/lib/(bitcode|llvmjit|pgxs)",
                  r"etc/postgresql/.", r"var/lib/postgresql/.", r"usr/lib/python3"]),
}
