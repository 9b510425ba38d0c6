/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys_bpf.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/step.h"

static int bpf_call(enum bpf_cmd cmd, union bpf_attr *attr)
{
	long rc = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return rc < 0 ? -errno : (int)rc;
}

static int load(const struct bpf_insn *insns, size_t n)
{
	/* Only helpers ask for a licence compatible with the GPL, and the filter calls none. */
	static const char license[] = "Apache-2.0";
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = (uint32_t)n;
	attr.license = (uint64_t)(uintptr_t)license;
	(void)snprintf(attr.prog_name, sizeof(attr.prog_name), "minictr_dev");
	return bpf_call(BPF_PROG_LOAD, &attr);
}

/* Before Linux 5.11 programs count against RLIMIT_MEMLOCK; since then the memory cgroup pays. */
static int load_with_room(const struct bpf_insn *insns, size_t n)
{
	struct rlimit old, most;
	int rc = load(insns, n);

	if (rc != -EPERM || getrlimit(RLIMIT_MEMLOCK, &old) < 0 || old.rlim_cur == old.rlim_max)
		return rc;
	most = (struct rlimit){ .rlim_cur = old.rlim_max, .rlim_max = old.rlim_max };
	if (setrlimit(RLIMIT_MEMLOCK, &most) < 0)
		return rc;
	rc = load(insns, n);
	(void)setrlimit(RLIMIT_MEMLOCK, &old);
	return rc;
}

static int attach(int cgroup_fd, int prog_fd)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup_fd;
	attr.attach_bpf_fd = (uint32_t)prog_fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	return bpf_call(BPF_PROG_ATTACH, &attr);
}

static void end_note(const struct step *step, int rc, size_t n)
{
	char text[64];
	char *argv[] = { text, NULL };

	(void)snprintf(text, sizeof(text), "bpf: attach device filter, %zu instructions", n);
	step_end_argv(step, rc, STEP_NOTE, argv, NULL);
}

int sys_bpf_attach_devices(int cgroup_fd, const struct bpf_insn *insns, size_t n, struct error *err)
{
	struct step step = step_begin();
	auto_fd int prog_fd = load_with_room(insns, n);
	int rc = prog_fd < 0 ? prog_fd : attach(cgroup_fd, prog_fd);

	end_note(&step, rc, n);
	if (rc < 0)
		return err_set(err, -rc, "%s device filter: %s", prog_fd < 0 ? "load" : "attach",
			       err_text(-rc));
	return 0;
}
