#!/bin/sh
# Builds by hand the container that minictr has made.  Needs root.
# What no command does stands in a comment.
set -eu

PID=
made=0
dir=$(mktemp -d)
cleanup() {
	set +e
	[ -z "$PID" ] || { kill -KILL "$PID"; wait; }
	[ "$made" -lt 1 ] || { rmdir /sys/fs/cgroup/minictr/web; }
	rm -rf "$dir"
}
trap 'cleanup 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# cgroup
mkdir -p /sys/fs/cgroup/minictr/web
made=1
# failed: printf '%s\n' "$(printf 'x\134y\033\1332J')" > /sys/fs/cgroup/minictr/web/memory.max: invalid argument
