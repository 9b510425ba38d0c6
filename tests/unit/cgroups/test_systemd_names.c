/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cgroups/systemd_names.h"
#include "tests/unit/test.h"

START_TEST(finds_the_directory_of_a_slice)
{
	static const struct {
		const char *slice, *path; /* NULL: refused */
	} rows[] = {
		{ "system.slice", "system.slice" },
		{ "a-b.slice", "a.slice/a-b.slice" },
		{ "a-b-c.slice", "a.slice/a-b.slice/a-b-c.slice" },
		{ "kubepods-besteffort-pod1_2.slice",
		  "kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice" },
		{ "-.slice", "" },
		{ ".slice", NULL },
		{ "a", NULL },
		{ "", NULL },
		{ "a.scope", NULL },
		{ "a/b.slice", NULL },
		{ "../a.slice", NULL },
		{ "-a.slice", NULL },
		{ "a-.slice", NULL },
		{ "a--b.slice", NULL },
		{ "--.slice", NULL },
		{ "a\nb.slice", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *path = NULL;
		struct error err = { 0 };
		int rc = systemd_slice_path(rows[i].slice, &path, &err);

		ck_assert_msg(str_eq(path, rows[i].path), "'%s': '%s'", rows[i].slice, path);
		ck_assert_int_eq(rc, rows[i].path ? 0 : -EINVAL);
	}
}
END_TEST

START_TEST(names_the_scope)
{
	static const struct {
		const char *path, *unit, *slice, *where;
	} rows[] = {
		{ "machine.slice:libpod:abc", "libpod-abc.scope", "machine.slice",
		  "machine.slice/libpod-abc.scope" },
		{ "a-b.slice:cri-containerd:x", "cri-containerd-x.scope", "a-b.slice",
		  "a.slice/a-b.slice/cri-containerd-x.scope" },
		{ ":docker:x", "docker-x.scope", "system.slice", "system.slice/docker-x.scope" },
		{ "-.slice::x", "x.scope", "-.slice", "x.scope" },
		{ "", "minictr-my_box.scope", "system.slice", "system.slice/minictr-my_box.scope" },
		{ NULL, "minictr-my_box.scope", "system.slice",
		  "system.slice/minictr-my_box.scope" },
		{ "::a+b c", "a\\x2bb\\x20c.scope", "system.slice",
		  "system.slice/a\\x2bb\\x20c.scope" },
		{ "::..", "...scope", "system.slice", "system.slice/...scope" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct systemd_scope scope = { 0 };
		struct error err = { 0 };

		ck_assert_int_eq(systemd_scope_read(rows[i].path, "my_box", &scope, &err), 0);
		ck_assert_str_eq(scope.unit, rows[i].unit);
		ck_assert_str_eq(scope.slice, rows[i].slice);
		ck_assert_str_eq(scope.path, rows[i].where);
		systemd_scope_fini(&scope);
	}
}
END_TEST

START_TEST(refuses_other_paths)
{
	static const struct {
		const char *path, *text;
	} rows[] = {
		{ "/minictr/box", "expected cgroupsPath to be of format \"slice:prefix:name\" for "
				  "systemd cgroups, got \"/minictr/box\" instead" },
		{ "a.slice:b", "expected cgroupsPath to be of format \"slice:prefix:name\" for "
			       "systemd cgroups, got \"a.slice:b\" instead" },
		{ "a.slice:b:c:d", "expected cgroupsPath to be of format \"slice:prefix:name\" for "
				   "systemd cgroups, got \"a.slice:b:c:d\" instead" },
		{ "a:b:c", "use slice 'a': invalid slice name" },
		{ "a.slice:b:", "name a scope 'b-': invalid unit name" },
		{ "a.slice:b:../../x", "name a scope 'b-../../x': invalid unit name" },
		{ "a.slice:/b:x", "name a scope '/b-x': invalid unit name" },
	};
	char longest[400];
	struct systemd_scope scope;
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(systemd_scope_read(rows[i].path, "box", &scope, &err), -EINVAL);
		ck_assert_str_eq(err.msg, rows[i].text);
	}
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "::", 2);
	longest[2 + 255 - 6] = '\0';
	ck_assert_int_eq(systemd_scope_read(longest, "box", &scope, &err), 0);
	systemd_scope_fini(&scope);
	strcat(longest, "x");
	ck_assert_int_eq(systemd_scope_read(longest, "box", &scope, &err), -ENAMETOOLONG);
}
END_TEST

TEST_MAIN("cgroups/systemd_names", finds_the_directory_of_a_slice, names_the_scope,
	  refuses_other_paths)
