# SPDX-License-Identifier: Apache-2.0
# For integration tests in bash.  A test is
#
#	#!/bin/bash
#	# One line: the promise that it checks.
#	# timeout: 30              (seconds; default 60; five times that in the virtual machine)
#	# vm: no, needs two CPUs   (only if it makes no sense there)
#	. "$(dirname "$0")/lib.sh"
#	is "$(minictr --version)" "minictr 0.1.0" "prints its version"
#	done_testing
#
# and can be started by itself or by tests/run NAME.  It runs in a place of its own: see
# tests/isolated for its environment ($TEST_TMP, where it starts; $PROBES; minictr in PATH).
# shellcheck shell=bash
set -u
SOURCE=${SOURCE:-$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")}
[ -n "${TEST_ISOLATED:-}" ] || exec "$SOURCE/tests/isolated" "$(readlink -f "$0")" "$@"

points=0 failures=0 is_done=''

point() { # STATUS DESCRIPTION
	points=$((points + 1))
	if [ "$1" = 0 ]; then
		echo "ok $points - $2"
	else
		failures=$((failures + 1))
		echo "not ok $points - $2"
		# From a function of this file, or from the test itself.
		if [ ${#BASH_SOURCE[@]} -gt 2 ]; then
			echo "#   at ${BASH_SOURCE[2]##*/} line ${BASH_LINENO[1]}"
		else
			echo "#   at ${BASH_SOURCE[1]##*/} line ${BASH_LINENO[0]}"
		fi
	fi
	return "$1"
}

comment() { # HEADING TEXT   shows TEXT, at most 40 lines, as comments
	local line count=0
	echo "#   $1"
	while IFS= read -r line || [ -n "$line" ]; do
		count=$((count + 1))
		[ $count -le 40 ] || { echo "#     ..."; break; }
		echo "#     $line"
	done <<<"$2"
}

# Runs COMMAND...; leaves $out, $err and $status.
run() {
	"$@" >"$TEST_TMP/.out" 2>"$TEST_TMP/.err"
	status=$?
	out=$(tr -d '\0' <"$TEST_TMP/.out")
	err=$(tr -d '\0' <"$TEST_TMP/.err")
	return 0
}

ok() { # DESCRIPTION COMMAND...   COMMAND succeeds
	local description=$1
	shift
	run "$@"
	point $status "$description" && return 0
	comment "'$*' exited $status; output:" "$out"
	comment "errors:" "$err"
	return 1
}

is() { # GOT WANTED DESCRIPTION
	[ "$1" = "$2" ]
	point $? "$3" && return 0
	comment "got:" "$1"
	comment "wanted:" "$2"
	return 1
}

like() { # GOT REGEX DESCRIPTION   REGEX is extended, and matches some line
	grep -qE -e "$2" <<<"$1"
	point $? "$3" && return 0
	comment "got:" "$1"
	comment "wanted a line like:" "$2"
	return 1
}

unlike() { # GOT REGEX DESCRIPTION
	! grep -qE -e "$2" <<<"$1"
	point $? "$3" && return 0
	comment "got:" "$1"
	comment "wanted no line like:" "$2"
	return 1
}

exits() { # STATUS DESCRIPTION COMMAND...
	local wanted=$1 description=$2
	shift 2
	run "$@"
	[ $status = "$wanted" ]
	point $? "$description" && return 0
	comment "'$*' exited $status, not $wanted; output:" "$out"
	comment "errors:" "$err"
	return 1
}

# fails_with STATUS REGEX DESCRIPTION COMMAND...
# The way to fail: this exit status, one line on stderr, which matches, and nothing on stdout.
fails_with() {
	local wanted=$1 regex=$2 description=$3
	shift 3
	run "$@"
	[ $status = "$wanted" ] && [ -z "$out" ] && [ "$(wc -l <"$TEST_TMP/.err")" = 1 ] &&
		grep -qE -e "$regex" <<<"$err"
	point $? "$description" && return 0
	comment "'$*' exited $status, wanted $wanted; output (wanted none):" "$out"
	comment "errors, wanted one line like '$regex':" "$err"
	return 1
}

skip() { # DESCRIPTION REASON
	points=$((points + 1))
	echo "ok $points - $1 # SKIP $2"
}

skip_all() { # REASON   the whole test makes no sense here
	echo "1..0 # SKIP $1"
	is_done=1
	exit 77
}

done_testing() {
	echo "1..$points"
	is_done=1
	[ $failures = 0 ]
	exit
}

ended() {
	local last=$?
	cleanup_test
	[ -n "$is_done" ] && return
	echo "not ok - the test runs to its end"
	echo "#   it ended early with status $last"
	exit 1
}
cleanup_test() { :; } # a test may define its own
trap ended EXIT

wait_for() { # SECONDS COMMAND...   until COMMAND succeeds
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# ---- images and root file systems (examples/make-image) ---------------------------------------
busybox_rootfs() { "$SOURCE/examples/make-image" busybox-rootfs "$1"; } # DIRECTORY
busybox_image() { "$SOURCE/examples/make-image" busybox "$1"; }         # FILE, an OCI archive
busybox_bundle() { "$SOURCE/examples/make-image" bundle "$@"; }         # DIRECTORY COMMAND...

# Loads the image `busybox:latest`, once a test.
load_busybox() {
	busybox_image "$TEST_TMP/busybox.tar" && minictr load -i "$TEST_TMP/busybox.tar" >/dev/null
}

# ---- the network outside -----------------------------------------------------------------------
# Another machine in a namespace of its own, `outside`: it has 192.0.2.2, the test's 192.0.2.1.
outside_up() {
	ip netns add outside
	ip link add uplink type veth peer name eth0 netns outside
	ip addr add 192.0.2.1/24 dev uplink
	ip link set uplink up
	ip -n outside addr add 192.0.2.2/24 dev eth0
	ip -n outside link set eth0 up
	ip -n outside link set lo up
}
outside() { ip netns exec outside "$@"; }
outside_down() {
	ip link del uplink
	ip netns del outside
}
