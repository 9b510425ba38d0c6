# SPDX-License-Identifier: Apache-2.0
# For the tests that put minictr under a real engine of Debian's; see ../lib.sh for the rest.
#
# The engine runs in the test's own namespaces.  What it writes to the places that engines share
# (/run, /etc, /var, /opt) goes to a tmpfs that ends with the test.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

needs() { # PROGRAM...
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null ||
			skip_all "'$program' is not installed (tests/install-packages engines)"
	done
}

private_host() {
	local place
	mount -t tmpfs -o mode=755 tmpfs /run || return
	mkdir -p /run/lock /run/minictr /run/host
	for place in etc var opt; do
		mkdir -p "/run/host/$place/upper" "/run/host/$place/work" || return
		mount -t overlay -o "lowerdir=/$place,upperdir=/run/host/$place/upper" \
			-o "workdir=/run/host/$place/work" overlay "/$place" || return
	done
	export HOME=$TEST_TMP
	unset XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME DBUS_SESSION_BUS_ADDRESS
}

# Everything below the mounts of private_host() goes first: what an engine keeps mounted there.
shared_host() {
	local target
	while read -r target; do
		umount -l "$target"
	done < <(awk '$2 ~ "^/(run|etc|var|opt)(/|$)" && !/minictr-test/ { print $2 }' /proc/mounts |
		tac)
}

# The image of all these tests, as one layer: a root file system of busybox.
busybox_layer() { # FILE
	busybox_rootfs "$TEST_TMP/rootfs" && tar -C "$TEST_TMP/rootfs" -cf "$1" .
}

# On a terminal of 31 rows and 87 columns on which nobody types, but that does not end; by bash,
# whatever shell the caller prefers, as no other knows exported functions.
on_terminal() { # COMMAND...   as one line of shell
	local nobody
	[ -p "$TEST_TMP/nobody" ] || mkfifo "$TEST_TMP/nobody"
	exec {nobody}<>"$TEST_TMP/nobody"
	SHELL=$BASH script -qec "stty rows 31 cols 87; $*" /dev/null <&"$nobody" | tr -d '\r'
	exec {nobody}>&-
}

cgroup_dirs() { # NAME   the directories of this name, the deepest first, in all hierarchies
	find /sys/fs/cgroup -mindepth 1 -depth -type d -name "$1" 2>/dev/null
}

end_daemon() { # PID   one that this test started, and in good order
	kill "$1" 2>/dev/null || return 0
	wait_for 20 gone "$1" || kill -KILL "$1"
	wait "$1" 2>/dev/null
}
gone() { ! kill -0 "$1" 2>/dev/null || [[ $(ps -o stat= -p "$1") = Z* ]]; }
