#!/bin/sh
# Builds by hand the container that minictr has made.  Needs root.
# What no command does stands in a comment.
set -eu

PID=
made=0
dir=$(mktemp -d)
remove() { # a cgroup is busy for a moment after its last process
	tries=0
	until rmdir "$1"; do
		[ -e "$1/cgroup.procs" ] && [ "$tries" -lt 50 ] || return
		! ls -d "$1"/*/ >/dev/null || return # others' below it
		tries=$((tries + 1))
		sleep 0.1
	done
}
cleanup() {
	set +e
	[ -z "$PID" ] || { kill -KILL "$PID"; wait; }
	[ "$made" -lt 1 ] || { remove /sys/fs/cgroup/minictr/web; }
	rm -rf "$dir"
}
trap 'cleanup 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# cgroup
mkdir -p /sys/fs/cgroup/minictr/web
made=1
# failed: printf '%s\n' "$(printf 'x\134y\033\1332J')" > /sys/fs/cgroup/minictr/web/memory.max: invalid argument
