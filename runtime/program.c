/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

enum { STATUS_NOT_FOUND = 127, STATUS_NOT_INVOKED = 126 };

/* 0 if it is a file that we may execute, else -ENOENT, -EACCES, ... */
static int check(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	/* runc says "permission denied" for a directory, and so do its callers expect. */
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int search(const char *name, const char *path_list, char **ret)
{
	auto_strv struct strv dirs = { 0 };
	int found = -ENOENT;

	strv_split(&dirs, path_list, ':');
	for (size_t i = 0; i < dirs.n; i++) {
		auto_free char *path = path_join(*dirs.items[i] ? dirs.items[i] : ".", name);
		int rc = check(path);

		if (rc == 0) {
			*ret = take_ptr(path);
			return 0;
		}
		if (rc == -EACCES)
			found = -EACCES;
	}
	return found;
}

/* The loader that an ELF file names, in @buf; false if it names none or is not ELF. */
static bool elf_interpreter(int fd, char *buf, size_t size)
{
	Elf64_Ehdr header;
	Elf64_Phdr programs[32]; /* linkers make a dozen, and the loader's is among the first */
	ssize_t n;

	if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(programs[0]))
		return false;
	n = pread(fd, programs, sizeof(programs), (off_t)header.e_phoff);
	for (size_t i = 0; i < header.e_phnum && (i + 1) * sizeof(programs[0]) <= (size_t)MAX(n, 0);
	     i++) {
		const Elf64_Phdr *p = &programs[i];

		if (p->p_type != PT_INTERP)
			continue;
		if (p->p_filesz == 0 || p->p_filesz >= size)
			return false;
		n = pread(fd, buf, p->p_filesz, (off_t)p->p_offset);
		if (n != (ssize_t)p->p_filesz)
			return false;
		buf[n] = '\0';
		return true;
	}
	return false;
}

static bool script_interpreter(int fd, char *buf, size_t size)
{
	char line[256];
	ssize_t n = pread(fd, line, sizeof(line) - 1, 0);
	const char *at = line + 2;
	size_t len;

	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	at += strspn(at, " \t");
	len = strcspn(at, " \t\r\n");
	if (len == 0 || len >= size)
		return false;
	memcpy(buf, at, len);
	buf[len] = '\0';
	return true;
}

static int check_interpreter(const char *name, const char *path, struct error *err)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char interpreter[PATH_MAX];
	struct stat st;

	/* Executable and not readable is allowed: then we cannot look, and execve will tell. */
	if (fd < 0)
		return 0;
	if (!script_interpreter(fd, interpreter, sizeof(interpreter)) &&
	    !elf_interpreter(fd, interpreter, sizeof(interpreter)))
		return 0;
	if (stat(interpreter, &st) == 0 || (errno != ENOENT && errno != ENOTDIR))
		return 0;
	(void)err_set(err, ENOENT,
		      "exec: \"%s\": interpreter \"%s\" not found: no such file or directory", name,
		      interpreter);
	return err_exit(err, STATUS_NOT_FOUND);
}

static int tell(const char *name, int rc, struct error *err)
{
	if (rc == -EACCES || rc == -EPERM) {
		(void)err_set(err, EACCES, "exec: \"%s\": permission denied", name);
		return err_exit(err, STATUS_NOT_INVOKED);
	}
	if (strchr(name, '/'))
		(void)err_set(err, -rc, "exec: \"%s\": stat %s: %s", name, name, err_text(-rc));
	else
		(void)err_set(err, ENOENT, "exec: \"%s\": executable file not found in $PATH",
			      name);
	return err_exit(err, STATUS_NOT_FOUND);
}

int program_find(const char *name, const struct strv *env, char **ret, struct error *err)
{
	const char *path_list = strv_getenv(env, "PATH");
	auto_free char *path = NULL;
	int rc;

	if (strchr(name, '/')) {
		path = xstrdup(name);
		rc = check(path);
	} else {
		rc = *name && path_list ? search(name, path_list, &path) : -ENOENT;
	}
	if (rc < 0)
		return tell(name, rc, err);
	rc = check_interpreter(name, path, err);
	if (rc < 0)
		return rc;
	*ret = take_ptr(path);
	return 0;
}
