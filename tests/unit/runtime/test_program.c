/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "runtime/program.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

static void put(const struct temp *temp, const char *name, const void *data, size_t len,
		mode_t mode)
{
	struct error err;

	ck_assert_int_eq(file_replace_at(&temp->dir, name, data, len, mode, FILE_FAST, &err), 0);
}

static void put_text(const struct temp *temp, const char *name, const char *text)
{
	put(temp, name, text, strlen(text), 0755);
}

/* An ELF file with one program header that names @interpreter (NULL: of another type). */
static void put_elf(const struct temp *temp, const char *name, const char *interpreter)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr program;
		char interpreter[256];
	} file = { 0 };

	memcpy(file.header.e_ident, ELFMAG, SELFMAG);
	file.header.e_ident[EI_CLASS] = ELFCLASS64;
	file.header.e_phoff = offsetof(__typeof__(file), program);
	file.header.e_phnum = 1;
	file.header.e_phentsize = sizeof(Elf64_Phdr);
	file.program.p_type = interpreter ? PT_INTERP : PT_LOAD;
	file.program.p_offset = offsetof(__typeof__(file), interpreter);
	file.program.p_filesz = interpreter ? strlen(interpreter) + 1 : 0;
	(void)snprintf(file.interpreter, sizeof(file.interpreter), "%s",
		       interpreter ? interpreter : "");
	put(temp, name, &file, sizeof(file), 0755);
}

static void populate(const struct temp *temp)
{
	ck_assert_int_eq(mkdirat(temp->dir.fd, "a", 0755), 0);
	ck_assert_int_eq(mkdirat(temp->dir.fd, "b", 0755), 0);
	ck_assert_int_eq(mkdirat(temp->dir.fd, "b/dir", 0755), 0);
	put_text(temp, "b/tool", "x");
	put(temp, "a/plain", "x", 1, 0644);
	put_text(temp, "b/plain", "x");
	put(temp, "a/only-plain", "x", 1, 0644);
	put_text(temp, "script", "#!/bin/sh\nexit\n");
	put_text(temp, "script-args", "#! /bin/sh -e\n");
	put_text(temp, "no-interpreter", "#!/no/such/shell -x\n");
	put_text(temp, "dos", "#!/no/such/shell\r\n");
	put_text(temp, "empty-shebang", "#!\n");
	put_text(temp, "short", "#!");
	put_elf(temp, "static-elf", NULL);
	put_elf(temp, "dynamic-elf", "/no/such/ld.so");
	put_elf(temp, "good-elf", "/bin/sh");
	put(temp, "cut-elf", ELFMAG, SELFMAG, 0755);
	ck_assert_int_eq(symlinkat("b/tool", temp->dir.fd, "link"), 0);
	ck_assert_int_eq(symlinkat("nowhere", temp->dir.fd, "dangling"), 0);
}

/* The path that is found, or "STATUS error". */
static char *found(const char *name, const char *path_list)
{
	auto_strv struct strv env = { 0 };
	struct error err = { 0 };
	char *path = NULL;

	if (path_list)
		strv_setenv(&env, "PATH", path_list);
	if (program_find(name, &env, &path, &err) < 0)
		return xasprintf("%d %s", err.status, err.msg);
	return path;
}

struct row {
	const char *name, *path_list, *wanted;
};

static void check(const struct row *rows, size_t n)
{
	struct temp temp;

	temp_make(&temp);
	populate(&temp);
	ck_assert_int_eq(fchdir(temp.dir.fd), 0);
	for (size_t i = 0; i < n; i++) {
		auto_free char *got = found(rows[i].name, rows[i].path_list);

		ck_assert_msg(str_eq(got, rows[i].wanted), "%s: got '%s', wanted '%s'",
			      rows[i].name, got, rows[i].wanted);
	}
	ck_assert_int_eq(chdir("/"), 0);
	temp_remove(&temp);
}

#define NOT_IN_PATH(name) "127 exec: \"" name "\": executable file not found in $PATH"
#define NOT_THERE(name)   "127 exec: \"" name "\": stat " name ": no such file or directory"
#define DENIED(name)      "126 exec: \"" name "\": permission denied"

START_TEST(searches_path)
{
	static const struct row rows[] = {
		{ "tool", "a:b", "b/tool" },
		{ "tool", "b/", "b/tool" },
		{ "plain", "a:b", "b/plain" }, /* not executable in a: goes on */
		{ "only-plain", "a:b", DENIED("only-plain") },
		{ "dir", "a:b", DENIED("dir") },
		{ "tool", "a", NOT_IN_PATH("tool") },
		{ "tool", "", NOT_IN_PATH("tool") },
		{ "tool", NULL, NOT_IN_PATH("tool") },
		{ "", "a:b", NOT_IN_PATH("") },
		{ "script", "a::b", "./script" }, /* an empty entry is the working directory */
		{ "tool", "/no/such:script:b", "b/tool" },
	};

	check(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(takes_names_with_a_slash)
{
	static const struct row rows[] = {
		{ "b/tool", "a", "b/tool" },
		{ "./link", "a", "./link" },
		{ "./nosuch", "a:b", NOT_THERE("./nosuch") },
		{ "./dangling", "a:b", NOT_THERE("./dangling") },
		{ "a/plain", "a:b", DENIED("a/plain") },
		{ "./b", "a:b", DENIED("./b") },
		{ "a/plain/x", "a", "127 exec: \"a/plain/x\": stat a/plain/x: not a directory" },
	};

	check(rows, ARRAY_LEN(rows));
}
END_TEST

#define NO_INTERPRETER(name, interpreter)                                     \
	"127 exec: \"" name "\": interpreter \"" interpreter "\" not found: " \
	"no such file or directory"

START_TEST(looks_for_interpreters)
{
	static const struct row rows[] = {
		{ "./script", NULL, "./script" },
		{ "./script-args", NULL, "./script-args" },
		{ "./no-interpreter", NULL, NO_INTERPRETER("./no-interpreter", "/no/such/shell") },
		{ "./dos", NULL, NO_INTERPRETER("./dos", "/no/such/shell") },
		{ "./static-elf", NULL, "./static-elf" },
		{ "./good-elf", NULL, "./good-elf" },
		{ "./dynamic-elf", NULL, NO_INTERPRETER("./dynamic-elf", "/no/such/ld.so") },
		/* What these are execve(2) will tell. */
		{ "./cut-elf", NULL, "./cut-elf" },
		{ "./empty-shebang", NULL, "./empty-shebang" },
		{ "./short", NULL, "./short" },
		{ "b/tool", NULL, "b/tool" },
	};

	check(rows, ARRAY_LEN(rows));
}
END_TEST

TEST_MAIN("runtime/program", searches_path, takes_names_with_a_slash, looks_for_interpreters)
