# SPDX-License-Identifier: Apache-2.0
# For integration tests that need a systemd: a real one is started as process 1 of namespaces of its
# own, with a cgroup of its own in each hierarchy and no units but those that it makes up itself.
#
#	. "$(dirname "$0")/lib.sh"
#	. "$(dirname "$0")/systemd.sh"
#	systemd_start || skip_all "why"
#	ok "it runs" in_systemd systemctl is-system-running
#	systemd_stop
#
# Nothing of the machine can be changed by it: /proc/sys and /sys are read-only, /run, /dev and the
# directory above the hierarchies are its own.
# shellcheck shell=bash
systemd_group=minictr-systemd.$$
systemd_log=$TEST_TMP/systemd.log
[ -n "${TEST_WORK:-}" ] && systemd_group=minictr-test.${TEST_WORK##*.} # which tests/isolated removes

systemd_hierarchies() { # "MOUNTPOINT TYPE OPTIONS"
	awk '$3 == "cgroup2" || ($3 == "cgroup" && ($4 !~ /name=/ || $4 ~ /name=systemd/)) { print $2, $3, $4 }' /proc/mounts
}

# systemd_join [BELOW]   moves this shell into the group, or BELOW where systemd follows its processes
systemd_join() {
	local mount type options dir file
	while read -r mount type options; do
		dir=$mount/$systemd_group
		[ -z "${1:-}" ] || [[ $type$options != cgroup2* && $options != *name=systemd* ]] || dir+=/$1
		mkdir -p "$dir" || return
		if [ -e "$mount/cpuset.cpus" ] && [ "$type" = cgroup ]; then
			for file in cpuset.cpus cpuset.mems; do
				cat "$mount/$file" >"$dir/$file" || return
			done
		fi
		echo "$BASHPID" >"$dir/cgroup.procs" || return
	done < <(systemd_hierarchies)
}

# The hierarchies again, each from the group that this process is in.
systemd_mount_cgroups() {
	local list mount type options
	list=$(systemd_hierarchies)
	umount -l -R /sys/fs/cgroup || return
	if ! [[ $list =~ ^/sys/fs/cgroup\ cgroup2 ]]; then
		mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup || return
	fi
	while read -r mount type options; do
		mkdir -p "$mount"
		if [ "$type" = cgroup ]; then
			options=$(tr , '\n' <<<"$options" |
				grep -vx 'rw\|ro\|relatime\|nosuid\|nodev\|noexec' | paste -sd, -)
			mount -t cgroup -o "$options" cgroup "$mount" || return
		else
			mount -t cgroup2 cgroup2 "$mount" || return
		fi
	done <<<"$list"
}

systemd_mount_dev() {
	local node
	mkdir "$TEST_TMP/dev" && mount -t tmpfs -o mode=755 tmpfs "$TEST_TMP/dev" || return
	for node in null zero full random urandom tty; do
		: >"$TEST_TMP/dev/$node"
		mount --bind "/dev/$node" "$TEST_TMP/dev/$node" || return
	done
	mkdir "$TEST_TMP/dev/pts" "$TEST_TMP/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$TEST_TMP/dev/pts" &&
		mount -t tmpfs tmpfs "$TEST_TMP/dev/shm" && ln -s pts/ptmx "$TEST_TMP/dev/ptmx" &&
		mount --rbind "$TEST_TMP/dev" /dev
}

systemd_become() { # as process 1 of new namespaces
	local dir
	mount -t proc proc /proc && systemd_mount_cgroups && systemd_mount_dev || exit
	mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys || exit
	mount -o remount,bind,ro /sys || exit
	# A machine without an id is not to be given one.
	[ -s /etc/machine-id ] || { mount --bind /etc /etc && mount -o remount,bind,ro /etc; } || exit
	mount -t tmpfs -o mode=755 tmpfs /run || exit
	mkdir -p /run/systemd/system /run/minictr /run/netns
	for dir in /etc/systemd/system /usr/lib/systemd/system-generators; do
		mount -t tmpfs -o mode=755 tmpfs $dir || exit
	done
	printf '[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\n' >/etc/systemd/system/test.target
	exec env container=minictr /lib/systemd/systemd --system --unit=test.target \
		--log-target=console --show-status=no --default-standard-output=null
}

# The parent of systemd's process goes back: v2 offers no controllers below a group with processes.
systemd_step_aside() {
	local mount type options
	while read -r mount type options; do
		[ "$type" = cgroup2 ] || continue
		echo $systemd_parent >"$mount$(sed -n 's/^0:://p' /proc/self/cgroup)/cgroup.procs"
	done < <(systemd_hierarchies)
}

systemd_start() {
	local tries
	[ -x /lib/systemd/systemd ] || { echo "# no systemd is installed"; return 1; }
	export -f systemd_hierarchies systemd_mount_cgroups systemd_mount_dev systemd_become
	(
		systemd_join || exit
		exec unshare --pid --mount --cgroup --uts --fork --kill-child --propagation private \
			bash -c systemd_become
	) >"$systemd_log" 2>&1 </dev/null &
	systemd_parent=$!
	for ((tries = 0; tries < 600; tries++)); do
		systemd_pid=$(pgrep -P $systemd_parent)
		[ -n "$systemd_pid" ] && [ -S "/proc/$systemd_pid/root/run/systemd/private" ] && break
		[ -e /proc/$systemd_parent ] || break
		sleep 0.1
	done
	systemd_step_aside
	in_systemd systemctl is-system-running --wait >/dev/null 2>&1
	in_systemd systemctl is-active test.target >/dev/null 2>&1 && return 0
	comment "systemd says:" "$(cat "$systemd_log")"
	systemd_stop
	return 1
}

# Runs COMMAND... beside it; in its own group, as one outside of its groups could not be moved.
in_systemd() {
	(
		systemd_join init.scope || exit 125
		exec nsenter --target "$systemd_pid" --mount --pid --cgroup --uts --wd="$PWD" "$@"
	)
}

systemd_stop() {
	local mount rest try
	[ -z "${systemd_pid:-}" ] || kill -KILL "$systemd_pid"
	wait "$systemd_parent" 2>/dev/null
	systemd_pid=''
	while read -r mount rest; do
		for try in {1..50}; do
			find "$mount/$systemd_group" -depth -type d -exec rmdir {} \; 2>/dev/null
			[ -e "$mount/$systemd_group" ] || break
			sleep 0.1
		done
	done < <(systemd_hierarchies)
}
