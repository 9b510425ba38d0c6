/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ask_kernel: runs inside a container; a line for each call that default seccomp rules are about. */

static void say(const char *name, long rc)
{
	(void)printf("%s: %s\n", name, rc < 0 ? strerrorname_np(errno) : "ok");
}

/* A call that would make a process, if it came so far. */
static void say_clone(const char *name, long pid)
{
	if (pid == 0)
		_exit(0);
	say(name, pid);
}

static void show_mode(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	int mode;

	while (status && fgets(line, sizeof(line), status)) {
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			(void)printf("Seccomp: %d\n", mode);
	}
}

int main(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	say("unshare user", syscall(SYS_unshare, CLONE_NEWUSER));
	say_clone("clone user", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
	say_clone("clone3", syscall(SYS_clone3, &args, sizeof(args)));
	say("keyctl", syscall(SYS_keyctl, 0, -3, 0));
	say("add_key", syscall(SYS_add_key, "user", "x", "x", 1, -3));
	say("bpf", syscall(SYS_bpf, 0, 0, 0));
	say("perf_event_open", syscall(SYS_perf_event_open, 0, 0, -1, -1, 0));
	say("userfaultfd", syscall(SYS_userfaultfd, 0));
	say("io_uring_setup", syscall(SYS_io_uring_setup, 1, 0));
	say("mount", syscall(SYS_mount, "x", "/", "tmpfs", 0, 0));
	say("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
	say("setns", syscall(SYS_setns, -1, 0));
	say("personality no-randomize", syscall(SYS_personality, 0x0040000));
	say("socket alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
	say("socket vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
	say("socket unix", socket(AF_UNIX, SOCK_STREAM, 0));
	say("number 1000", syscall(1000));
	show_mode();
	return 0;
}
