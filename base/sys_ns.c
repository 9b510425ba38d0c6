/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys_ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/step.h"
#include "base/str.h"

#ifndef CLONE_NEWTIME
#	define CLONE_NEWTIME 0x00000080
#endif

static const struct {
	unsigned long flag;
	const char *unshare; /* unshare(1) */
	const char *nsenter; /* nsenter(1) */
} namespaces[] = {
	{ CLONE_NEWUSER, "--user", "--user" },       { CLONE_NEWNS, "--mount", "--mount" },
	{ CLONE_NEWPID, "--pid", "--pid" },          { CLONE_NEWNET, "--net", "--net" },
	{ CLONE_NEWUTS, "--uts", "--uts" },          { CLONE_NEWIPC, "--ipc", "--ipc" },
	{ CLONE_NEWCGROUP, "--cgroup", "--cgroup" }, { CLONE_NEWTIME, "--time", "--time" },
};

void sys_unshare_options(unsigned long flags, struct strv *out)
{
	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
		if (flags & namespaces[i].flag)
			strv_add(out, namespaces[i].unshare);
	}
}

static void end_clone(const struct step *step, pid_t pid, const struct sys_clone *clone)
{
	auto_strv struct strv argv = { 0 };

	if (!step_is_on())
		return;
	strv_addf(&argv, "%d", pid);
	strv_add(&argv, "unshare");
	sys_unshare_options(clone->namespaces, &argv);
	strv_add(&argv, "--fork");
	step_end_argv(step, pid < 0 ? pid : 0, STEP_CLONE, strv_items(&argv), NULL);
}

static pid_t clone_here(const struct sys_clone *clone, int *ret_pidfd, struct error *err)
{
	struct step step = step_begin();
	int pidfd = -1;
	struct clone_args args = {
		.flags = clone->namespaces | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	if (clone->is_sibling) {
		args.flags |= CLONE_PARENT;
		args.exit_signal = 0; /* as the caller's own: clone3(2) wants it so */
	}
	if (clone->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)(unsigned int)clone->cgroup_fd;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		return 0;
	if (pid < 0) {
		int rc = err_sys(err, "clone with new namespaces");

		end_clone(&step, rc, clone);
		return rc;
	}
	end_clone(&step, pid, clone);
	*ret_pidfd = pidfd;
	return pid;
}

/* A pid namespace is entered by the children of who joined it: the caller joins, and comes back. */
pid_t sys_clone(const struct sys_clone *clone, int *ret_pidfd, struct error *err)
{
	auto_fd int own = -1;
	pid_t pid;

	if (clone->pid_ns < 0)
		return clone_here(clone, ret_pidfd, err);
	own = open("/proc/self/ns/pid_for_children", O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return err_sys(err, "open '/proc/self/ns/pid_for_children'");
	pid = sys_setns(clone->pid_ns, CLONE_NEWPID, clone->pid_ns_name, err);
	if (pid < 0)
		return pid;
	pid = clone_here(clone, ret_pidfd, err);
	if (pid != 0 && setns(own, CLONE_NEWPID) < 0)
		log_warning("return to our own pid namespace: %s", err_text(errno));
	return pid;
}

int sys_unshare(unsigned long flags, struct error *err)
{
	struct step step = step_begin();
	int rc = unshare((int)flags) < 0 ? -errno : 0;

	if (step_is_on()) {
		auto_strv struct strv argv = { 0 };

		strv_add(&argv, "unshare");
		sys_unshare_options(flags, &argv);
		step_end_argv(&step, rc, STEP_RUN, strv_items(&argv), NULL);
	}
	if (rc < 0)
		return err_set(err, -rc, "unshare namespaces: %s", err_text(-rc));
	return 0;
}

int sys_setns(int fd, unsigned long type, const char *name, struct error *err)
{
	int rc = setns(fd, (int)type) < 0 ? -errno : 0;

	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
		if (namespaces[i].flag == type)
			step_note("nsenter %s=%s", namespaces[i].nsenter, name);
	}
	if (rc < 0)
		return err_set(err, -rc, "join namespace '%s': %s", name, err_text(-rc));
	return 0;
}

int sys_setns_process(int pidfd, pid_t pid, unsigned long flags, struct error *err)
{
	struct step step = step_begin();
	int rc = setns(pidfd, (int)flags) < 0 ? -errno : 0;

	if (step_is_on()) {
		auto_strv struct strv argv = { 0 };

		strv_add(&argv, "nsenter");
		strv_addf(&argv, "--target=%d", pid);
		for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
			if (flags & namespaces[i].flag)
				strv_add(&argv, namespaces[i].nsenter);
		}
		step_end_argv(&step, rc, STEP_WRAP, strv_items(&argv), NULL);
	}
	if (rc < 0)
		return err_set(err, -rc, "join the namespaces of process %d: %s", pid,
			       err_text(-rc));
	return 0;
}

static int open_socket(int domain, int type, int protocol, struct error *err)
{
	int fd = socket(domain, type | SOCK_CLOEXEC, protocol);

	return fd < 0 ? err_sys(err, "make a socket") : fd;
}

int sys_socket_in(int netns_fd, int domain, int type, int protocol, struct error *err)
{
	auto_fd int own = -1;
	int fd;

	if (netns_fd < 0)
		return open_socket(domain, type, protocol, err);
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return err_sys(err, "open '/proc/self/ns/net'");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return err_sys(err, "join the container's network namespace");
	fd = open_socket(domain, type, protocol, err);
	/* All that we do later is meant for our own: better no more of it than in the wrong one. */
	if (setns(own, CLONE_NEWNET) < 0) {
		log_error("return to our own network namespace: %s", err_text(errno));
		abort();
	}
	return fd;
}

int sys_sethostname(const char *name, struct error *err)
{
	struct step step = step_begin();
	int rc = sethostname(name, strlen(name)) < 0 ? -errno : 0;

	step_end(&step, rc, "hostname", name, NULL);
	if (rc < 0)
		return err_set(err, -rc, "set hostname '%s': %s", name, err_text(-rc));
	return 0;
}

int sys_setdomainname(const char *name, struct error *err)
{
	struct step step = step_begin();
	int rc = setdomainname(name, strlen(name)) < 0 ? -errno : 0;

	step_end(&step, rc, "domainname", name, NULL);
	if (rc < 0)
		return err_set(err, -rc, "set domainname '%s': %s", name, err_text(-rc));
	return 0;
}

int sys_loopback_up(struct error *err)
{
	struct step step = step_begin();
	auto_fd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int rc = sock < 0 || ioctl(sock, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;

	step_end(&step, rc, "ip", "link", "set", "lo", "up", NULL);
	if (rc < 0)
		return err_set(err, -rc, "set interface 'lo' up: %s", err_text(-rc));
	return 0;
}
