/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile swap STOP-FILE ONE OTHER    makes two names change places until there is a STOP-FILE
 * hostile type                        puts a character into the terminal's input
 * hostile key DESCRIPTION             looks for a key of the session that it is in
 * hostile session DESCRIPTION COMMAND...
 *                                     runs COMMAND in a new session keyring that has such a key
 *
 * What containers try, and what is tried on the host for them.  Prints how it went.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int swap(const char *stop, const char *one, const char *other)
{
	unsigned long count = 0;

	for (unsigned int i = 0; i % 100 || access(stop, F_OK) < 0; i++) {
		if (syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0) {
			count++;
		} else if (errno != ENOENT) { /* the victim makes it anew */
			(void)printf("%s\n", strerror(errno));
			return 1;
		}
	}
	/* Back to where they were. */
	if (count % 2)
		(void)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
	(void)printf("swapped %lu\n", count);
	return 0;
}

static int type(void)
{
	int rc = ioctl(STDIN_FILENO, TIOCSTI, "x");

	(void)printf("%s\n", rc < 0 ? strerror(errno) : "typed");
	return 0;
}

static int find_key(const char *description)
{
	long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", description,
			   0);

	(void)printf("key: %s\n", key < 0 ? strerror(errno) : "found");
	key = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	(void)printf("session: %ld\n", key);
	return 0;
}

static int in_session(const char *description, char **command)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
	    syscall(SYS_add_key, "user", description, "secret", 6, KEY_SPEC_SESSION_KEYRING) < 0)
		(void)printf("make a key: %s\n", strerror(errno));
	else
		(void)execvp(command[0], command);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "session") == 0)
		return in_session(argv[2], argv + 3);
	if (argc == 5 && strcmp(argv[1], "swap") == 0)
		return swap(argv[2], argv[3], argv[4]);
	if (argc == 2 && strcmp(argv[1], "type") == 0)
		return type();
	if (argc == 3 && strcmp(argv[1], "key") == 0)
		return find_key(argv[2]);
	return 2;
}
