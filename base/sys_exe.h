/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/*
 * A container can have our own program file executed in its own place (an image whose program is
 * "#!/proc/self/exe"), and keep hold of it by /proc/PID/exe until it can be written to
 * (CVE-2019-5736).  Nothing can be checked beforehand: the container may change what is executed
 * at any moment.  So the file has to be one that cannot be written to by that way.
 *
 * If the program does not run from a read-only mount, it is executed again from a private
 * read-only copy of the mount that it is on (or from a sealed copy in memory where that cannot be
 * had): then this does not return.  To be called first of all, by who is going to execute a
 * container's program from a copy of itself; the work up to here is done twice, unless
 * base/sys_entry.c was faster.
 */
int sys_exe_protect(struct error *err);

/*
 * At the start of main(): finds out whether this is the second execution, and hides it from whoever
 * we execute.
 */
void sys_exe_begin(void);

/* The path of our program, also when a copy of it is executed.  Owned by the caller; may be NULL. */
char *sys_exe_path(void);

/* An environment variable with that path, set for the second execution. */
#define SYS_EXE_MARK "_MINICTR_PROTECTED"

/*
 * The words after which base/sys_entry.c does it at once: commands that are protected
 * (cli/command.h), whichever of that name it is.  tests/unit/cli/test_commands.c compares them.
 */
#define SYS_EXE_AT_ONCE "create", "exec", "restart", "run"
