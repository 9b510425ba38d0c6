/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel starts in our program, on x86-64 when linked statically: before the C library has
 * made itself ready, which takes longer than all that is done here (it asks the processor about
 * itself some hundred times, and each is an exit to the hypervisor where there is one).  Commands
 * that are going to be executed again from a read-only copy (base/sys_exe.h) are at once.
 *
 * A short cut and nothing else: whatever does not work here, sys_exe_protect() does later.
 *
 * There is no thread-local storage yet and no function of the library may be called: this file is
 * compiled for a program without one.
 */
#include <elf.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "base/sys_exe.h"

enum {
	PATH_ROOM = 4096,
	EMPTY_PATH = 0x1000, /* AT_EMPTY_PATH */
};

__asm__(".text\n"
	".globl sys_entry\n"
	".type sys_entry, @function\n"
	"sys_entry:\n"
	"	xorl %ebp, %ebp\n"
	"	movq %rdx, %r12\n" /* as the kernel's ABI has it for _start */
	"	movq %rsp, %r13\n"
	"	movq %rsp, %rdi\n"
	"	andq $-16, %rsp\n"
	"	call sys_entry_begin\n"
	"	movq %r13, %rsp\n"
	"	movq %r12, %rdx\n"
	"	jmp _start\n"
	".size sys_entry, . - sys_entry\n");

void sys_entry_begin(char **stack);

static long kernel(long number, long a, const void *b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}

static bool begins(const char *text, const char *with)
{
	while (*with && *text == *with) {
		text++;
		with++;
	}
	return !*with;
}

static bool is(const char *text, const char *word)
{
	return begins(text, word) && begins(word, text);
}

/* Its words up to the command: options, and what may be their values. */
static bool is_protected_command(char *const *argv)
{
	static const char commands[][16] = { SYS_EXE_AT_ONCE };
	bool may_be_value = false;

	for (size_t i = 1; argv[i]; i++) {
		if (argv[i][0] == '-') {
			may_be_value = true;
			continue;
		}
		for (size_t j = 0; j < sizeof(commands) / sizeof(commands[0]); j++) {
			if (is(argv[i], commands[j]))
				return true;
		}
		if (!may_be_value)
			return false;
		may_be_value = false;
	}
	return false;
}

static bool is_set_user_id(char *const *end_of_env)
{
	const Elf64_auxv_t *aux = (const Elf64_auxv_t *)(const void *)(end_of_env + 1);

	for (; aux->a_type != AT_NULL; aux++) {
		if (aux->a_type == AT_SECURE)
			return aux->a_un.a_val;
	}
	return true;
}

static bool is_read_only(void)
{
	struct statfs fs;

	return kernel(SYS_statfs, (long)"/proc/self/exe", &fs, 0, 0, 0) < 0 ||
	       fs.f_flags & ST_RDONLY;
}

/* "NAME=" and what our program is called; false if that is too long. */
static bool make_mark(char ret[PATH_ROOM])
{
	static const char name[] = SYS_EXE_MARK "=";
	long n;

	for (size_t i = 0; i < sizeof(name); i++)
		ret[i] = name[i];
	n = kernel(SYS_readlink, (long)"/proc/self/exe", ret + sizeof(name) - 1,
		   PATH_ROOM - sizeof(name), 0, 0);
	if (n <= 0 || n >= (long)(PATH_ROOM - sizeof(name)))
		return false;
	ret[sizeof(name) - 1 + (size_t)n] = '\0';
	return true;
}

/* @env_end: where its NULL is; what lies behind it, the auxiliary vector, makes room for the mark. */
static void execute_from(long fd, char **argv, char **env, char **env_end, char *mark)
{
	char *behind = env_end[1];

	env_end[0] = mark;
	env_end[1] = NULL;
	(void)kernel(SYS_execveat, fd, "", (long)argv, (long)env, EMPTY_PATH);
	env_end[0] = NULL;
	env_end[1] = behind;
}

static __attribute__((noinline)) void execute_again(char **argv, char **env, char **env_end)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	char mark[PATH_ROOM];
	long fd;

	if (is_read_only() || !make_mark(mark))
		return;
	fd = kernel(SYS_open_tree, AT_FDCWD, "/proc/self/exe", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC,
		    0, 0);
	if (fd < 0)
		return;
	if (kernel(SYS_mount_setattr, fd, "", EMPTY_PATH, (long)&attr, sizeof(attr)) == 0)
		execute_from(fd, argv, env, env_end, mark);
	(void)kernel(SYS_close, fd, NULL, 0, 0, 0);
}

/* @stack: argc, argv, NULL, environment, NULL, auxiliary vector. */
void sys_entry_begin(char **stack)
{
	char **argv = stack + 1;
	char **env = argv;
	char **env_end;

	while (*env)
		env++;
	env++;
	for (env_end = env; *env_end; env_end++) {
		if (begins(*env_end, SYS_EXE_MARK))
			return;
	}
	if (is_protected_command(argv) && !is_set_user_id(env_end))
		execute_again(argv, env, env_end);
}
