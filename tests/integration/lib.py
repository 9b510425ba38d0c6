# SPDX-License-Identifier: Apache-2.0
"""For integration tests in Python; see lib.sh and tests/isolated for what a test finds.

    #!/usr/bin/python3
    # One line: the promise that it checks.
    import lib
    lib.ok(lib.run("minictr", "--version").status == 0, "prints its version")
    lib.done_testing()
"""

import atexit
import os
import subprocess
import sys
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
if "TEST_ISOLATED" not in os.environ:
    os.execv(SOURCE + "/tests/isolated", ["isolated", os.path.abspath(sys.argv[0])] + sys.argv[1:])

TMP = os.environ["TEST_TMP"]
PROBES = os.environ["PROBES"]

_points = 0
_failures = 0
_done = False


def ok(passed, description, *details):
    """One test point; details are shown if it failed."""
    global _points, _failures
    _points += 1
    _failures += not passed
    print("%sok %d - %s" % ("" if passed else "not ", _points, description))
    if not passed:
        for detail in details:
            for line in str(detail).splitlines()[:40]:
                print("#   " + line)
    sys.stdout.flush()
    return passed


def same(got, wanted, description):
    return ok(got == wanted, description, "got:    %r" % (got,), "wanted: %r" % (wanted,))


def skip_all(reason):
    global _done
    _done = True
    print("1..0 # SKIP " + reason)
    sys.stdout.flush()
    os._exit(77)


def done_testing():
    global _done
    _done = True
    print("1..%d" % _points)
    sys.exit(1 if _failures else 0)


@atexit.register
def _ended():
    if not _done:
        print("not ok - the test runs to its end")
        sys.stdout.flush()
        os._exit(1)


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __str__(self):
        return "status %s\nstdout: %s\nstderr: %s" % (self.status, self.out, self.err)


def run(*command, timeout=60, **options):
    """Runs a command to its end; status "timeout" if that does not come."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              errors="replace", timeout=timeout, **options)
    except subprocess.TimeoutExpired as expired:
        return Result("timeout", expired.stdout or "", expired.stderr or "")
    return Result(done.returncode, done.stdout, done.stderr)


def wait_for(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def make_image(*arguments):
    subprocess.run([SOURCE + "/examples/make-image"] + list(arguments), check=True)


def load_busybox():
    make_image("busybox", TMP + "/busybox.tar")
    subprocess.run(["minictr", "load", "-i", TMP + "/busybox.tar"], check=True,
                   stdout=subprocess.DEVNULL)
