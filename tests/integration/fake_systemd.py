#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""fake_systemd.py SOCKET HOW: a systemd on a socket that fails in the way HOW says.

Each call that it gets is a line on standard output: the member, and the unit if it names one.
"""

import socket
import struct
import sys
import threading
import time

PATH, HOW = sys.argv[1:3]
NAME = "org.freedesktop.systemd1"


def string(text):
    data = text.encode()
    return struct.pack("<I", len(data)) + data + b"\0"


def pad(data, to):
    return data + b"\0" * (-len(data) % to)


def message(kind, fields, signature, body):
    """A message with @fields (code, type, value), in little-endian."""
    head = b""
    for code, kind_of, value in fields + ([(8, "g", signature)] if signature else []):
        head = pad(head, 8) + bytes([code, 1]) + kind_of.encode() + b"\0"
        if kind_of == "u":
            head += struct.pack("<I", value)
        elif kind_of == "g":
            head += bytes([len(value)]) + value.encode() + b"\0"
        else:
            head += string(value)
    return pad(b"l" + bytes([kind, 1, 1]) + struct.pack("<III", len(body), 1, len(head)) + head, 8) + body


def reply(serial, signature="", body=b""):
    return message(2, [(5, "u", serial)], signature, body)


def error(serial, name, text):
    return message(3, [(5, "u", serial), (4, "s", name)], "s", string(text))


def job_removed(job, unit, result):
    body = struct.pack("<I", 1) + string(job)
    body = pad(body, 4) + string(unit)
    body = pad(body, 4) + string(result)
    return message(4, [(1, "o", "/org/freedesktop/systemd1"), (2, "s", NAME + ".Manager"),
                       (3, "s", "JobRemoved")], "uoss", body)


def receive(peer, size):
    data = b""
    while len(data) < size:
        part = peer.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_call(peer):
    """(serial, member, first string of the body)"""
    head = receive(peer, 16)
    length, serial, fields = struct.unpack("<III", head[4:])
    rest = receive(peer, (fields + 7) // 8 * 8 + length)
    at, member = 0, ""
    while at < fields:
        at += -at % 8
        code, kind = rest[at], rest[at + 2:at + 3]
        at += 4
        if kind == b"g":
            at += rest[at] + 2
            continue
        size = struct.unpack("<I", rest[at:at + 4])[0]
        if code == 3:
            member = rest[at + 4:at + 4 + size].decode()
        at += size + 5
    body = rest[len(rest) - length:]
    first = body[4:4 + struct.unpack("<I", body[:4])[0]].decode() if length else ""
    return serial, member, first


def answer(peer, serial, member, unit):
    job = "/org/freedesktop/systemd1/job/1"
    if member == "Get":
        if HOW == "no-root":
            return reply(serial, "v", b"\1u\0\0" + struct.pack("<I", 7))
        return reply(serial, "v", b"\1s\0\0" + string(""))
    if member == "StartTransientUnit":
        if HOW == "refuses":
            return error(serial, NAME + ".SomeError", "not\ttoday")
        if HOW == "exists":
            return error(serial, NAME + ".UnitExists", "Unit %s was already loaded." % unit)
        if HOW == "silent":
            time.sleep(600)
        if HOW == "garbage":
            return b"this is no message of D-Bus, whatever one makes of it"
        if HOW == "huge":
            return b"l\2\1\1" + struct.pack("<III", 0xffffffff, 1, 0xffffffff)
        if HOW == "dies":
            raise EOFError
        if HOW == "no-job":
            return reply(serial)
        result = "failed" if HOW == "job-fails" else "done"
        return (job_removed("/other/job", unit, "failed") + reply(serial, "o", string(job)) +
                job_removed("/other/job", "other.scope", "failed") + job_removed(job, unit, result))
    if member == "StopUnit":
        if HOW == "stop-fails":
            return error(serial, NAME + ".SomeError", "it stays")
        return reply(serial, "o", string(job)) + job_removed(job, unit, "done")
    if member == "ResetFailedUnit":
        return error(serial, NAME + ".NoSuchUnit", "Unit %s not loaded." % unit)
    return reply(serial)


def serve(peer):
    hello = b""
    while not hello.endswith(b"BEGIN\r\n"):
        part = peer.recv(1024)
        if not part:
            return
        hello += part
    if HOW == "no-auth":
        peer.sendall(b"REJECTED EXTERNAL\r\n")
        return
    if HOW == "no-dbus":
        peer.sendall(b"x" * 5000)
        return
    peer.sendall(b"OK 0123456789abcdef0123456789abcdef\r\n")
    while True:
        serial, member, first = read_call(peer)
        print(member, first, flush=True)
        peer.sendall(answer(peer, serial, member, first))


def attend(peer):
    with peer:
        try:
            serve(peer)
        except (EOFError, OSError):
            pass


def main():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(PATH)
    listener.listen(8)
    while True:
        threading.Thread(target=attend, args=(listener.accept()[0],), daemon=True).start()


main()
