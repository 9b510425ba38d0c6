#!/bin/sh
# Builds by hand the stack that minictr has made.  Needs root.
# With arguments, these are run as a command when all is up; without, all stays until its
# containers have ended, or ^C.  Then it is taken down again.
# What no command does stands in a comment; nobody asks here whether a service is healthy.
set -eu

made=0
pids=
dir=$(mktemp -d)
cleanup() {
	set +e
	for pid in $pids; do
		kill -TERM "$pid"
		wait "$pid"
	done
	[ "$made" -lt 3 ] || { nft delete element inet minictr networks '{ "mc-2" }'; }
	[ "$made" -lt 2 ] || { ip link del mc-1; }
	[ "$made" -lt 1 ] || { nft delete element 'inet minictr networks { "mc-1" }'; }
	rm -rf "$dir"
}
trap 'cleanup 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

start() { # CONTAINER   returns when it runs
	STATE="$dir/$1.state" sh "$dir/$1" </dev/null &
	last=$!
	pids="$last $pids"
	until [ -s "$dir/$1.state" ]; do
		sleep 0.01
	done
	[ "$(cat "$dir/$1.state")" = up ] || exit 1
}
await() { # its end, which must be a good one
	wait "$last"
	pids=${pids#* }
}

# ---- networks

# network
nft -f - <<'EOF'
table inet minictr {
	set networks {
		type ifname
		elements = { "mc-1" }
	}
	set networks_internal {
		type ifname
	}
}
EOF
made=1
ip link add mc-1 type bridge
made=2
nft add element inet minictr networks '{ "mc-2" }'
made=3

# ---- job
cat >"$dir/job" <<'CONTAINER'
set -eu
state=$STATE
unset STATE
tell() {
	[ -s "$state" ] || echo "$1" >"$state"
}
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
	[ "$made" -lt 2 ] || { remove /var/lib/minictr/containers/job/upper; }
	[ "$made" -lt 1 ] || { rm -rf --one-file-system /var/lib/minictr/containers/job; }
	tell ended
	rm -rf "$dir"
}
trap 'cleanup 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkfifo "$dir/to-init" "$dir/to-host"
exec 3<&0 7<>"$dir/to-init" 8<>"$dir/to-host"
finish() {
	status=0
	wait "$child" || status=$?
	PID=
	exit "$status"
}
turn() {
	echo >&7
	read -r word <&8
	[ "$word" != ended ] || finish
}

# What the container's first process does, in its namespaces.
cat >"$dir/init" <<'INIT'
set -eu
dir=$1
turn() {
	echo "${1:-}" >&5
	read -r _ <&6
}
exec 6<"$dir/to-init" 5>"$dir/to-host"
read -r pid _ </proc/self/stat
turn "$pid"

# exec
exec 5>&- 6<&-
exec echo CONTAINER
INIT

# record
mkdir -p /var/lib/minictr/containers
mkdir /var/lib/minictr/containers/job
made=1

# files
mkdir -p /var/lib/minictr/containers/job/upper
made=2

# network
ip link show minictr0 >/dev/null 2>&1 || ip link add minictr0 type bridge

# namespaces
(
	status=0
	unshare --mount --fork sh "$dir/init" "$dir" <&3 3<&- 7>&- 8<&- || status=$?
	echo ended >&8
	exit "$status"
) &
child=$!
read -r PID <&8
[ "$PID" != ended ] || finish

# Go, and end as the container does.
echo >&7
tell up
finish
CONTAINER
start job
await

# ---- web
cat >"$dir/web" <<'CONTAINER'
set -eu
state=$STATE
unset STATE
tell() {
	[ -s "$state" ] || echo "$1" >"$state"
}
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
	[ "$made" -lt 3 ] || { nft delete element 'inet minictr published { tcp . 8080 : 10.88.0.2 . 80 }'; }
	[ "$made" -lt 2 ] || { ip link del mc0; }
	[ "$made" -lt 1 ] || { remove /sys/fs/cgroup/memory/minictr/web; }
	tell ended
	rm -rf "$dir"
}
trap 'cleanup 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkfifo "$dir/to-init" "$dir/to-host"
exec 3<&0 7<>"$dir/to-init" 8<>"$dir/to-host"
finish() {
	status=0
	wait "$child" || status=$?
	PID=
	exit "$status"
}
turn() {
	echo >&7
	read -r word <&8
	[ "$word" != ended ] || finish
}

# What the container's first process does, in its namespaces.
cat >"$dir/init" <<'INIT'
set -eu
dir=$1
turn() {
	echo "${1:-}" >&5
	read -r _ <&6
}
exec 6<"$dir/to-init" 5>"$dir/to-host"
read -r pid _ </proc/self/stat
turn "$pid"

# cgroup
echo 0 > /sys/fs/cgroup/memory/minictr/web/tasks

# namespaces
exec unshare --cgroup sh "$dir/init-2" "$dir"
INIT
cat >"$dir/init-2" <<'INIT'
set -eu
dir=$1
turn() {
	echo "${1:-}" >&5
	read -r _ <&6
}
# Behind pivot_root there are the image's tools, if any; "$host/mount" is the host's still.
keep_host_tools() {
	cd /usr/bin
	loader=$(ldd ./env | sed -n 's|^[[:space:]]*\(/[^ ]*\) (0x.*|\1|p')
	libs=$(ldd ./env ./mount ./setpriv |
		sed -n 's|.* => /\([^ ]*\)/[^/]* (0x.*|../../\1|p' | sort -u | tr '\n' :)
	host="../..$(readlink -f "$loader") --library-path $libs ."
}

# rootfs
mount -t proc -o nosuid,noexec,nodev proc /run/web/rootfs/proc
ln -sfn /proc/self/fd /run/web/rootfs/dev/fd
cd /run/web/rootfs
keep_host_tools
pivot_root /run/web/rootfs /run/web/rootfs
$host/umount -l /
$host/mount -o remount,bind,ro /proc/sys
turn

# identity
$host/hostname web

# seccomp
# seccomp: load filter, 74 syscalls

# exec
exec 5>&- 6<&-
exec $host/prlimit --nofile=1024:2048 \
	$host/setpriv --bounding-set=-all,+chown --reuid=1000 --regid=1000 --clear-groups \
	$host/env -C /srv -i PATH=/bin 'GREETING=it'\''s
a "$x"' \
	nginx -g 'daemon off;' ''
INIT

# cgroup
mkdir -p /sys/fs/cgroup/memory/minictr/web
made=1
echo 67108864 > /sys/fs/cgroup/memory/minictr/web/memory.limit_in_bytes

# namespaces
(
	status=0
	unshare --user --mount --pid --net --fork sh "$dir/init" "$dir" <&3 3<&- 7>&- 8<&- || status=$?
	echo ended >&8
	exit "$status"
) &
child=$!
read -r PID <&8
[ "$PID" != ended ] || finish
echo '0 1000 1' > /proc/"$PID"/uid_map
turn

# network
ip link add mc0 type veth peer name eth0 netns "$PID"
made=2
nsenter --net=/proc/"$PID"/ns/net ip addr add 10.88.0.2/16 dev eth0
nft -f - <<'EOF_'
add table inet minictr
add element inet minictr published { tcp . 8080 : 10.88.0.2 . 80 }
EOF
EOF_
made=3

# Go, and end as the container does.
echo >&7
tell up
finish
CONTAINER
start web

# All is up.
if [ $# -gt 0 ]; then
	"$@"
	exit
fi
wait
