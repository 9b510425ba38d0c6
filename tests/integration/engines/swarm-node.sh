# SPDX-License-Identifier: Apache-2.0
# One machine of a swarm: process 1 of namespaces of its own.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/docker.sh"
trap - EXIT

node() { # NAME
	private_host || return
	hostname "$1"
	(dockerd_on "$1" --host "unix://$TEST_TMP/$1.sock" --cgroup-parent "/docker-$1") &
	wait
}
