# SPDX-License-Identifier: Apache-2.0
# dockerd with minictr as its default runtime; see lib.sh.  All that it has lies below /run/NAME.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

docker=/usr/bin/docker # Debian's, whatever else the machine has

docker_is_there() {
	needs "$docker" dockerd containerd containerd-shim-runc-v2 iptables
}

dockerd_on() { # NAME OPTION...   becomes the daemon
	local name=$1
	shift
	mkdir -p "/run/$name" && echo '{}' >"/run/$name/daemon.json"
	exec dockerd --config-file "/run/$name/daemon.json" --data-root "/run/$name/data" \
		--exec-root "/run/$name/exec" --pidfile "/run/$name/pid" --host "unix:///run/$name/sock" \
		--add-runtime "minictr=$BUILD/minictr" --default-runtime minictr \
		--exec-opt native.cgroupdriver=cgroupfs "$@"
}
