/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>

#include "runtime/namespaces.h"
#include "tests/unit/test.h"

#ifndef CLONE_NEWTIME
#	define CLONE_NEWTIME 0x00000080
#endif

static const struct {
	const char *spec, *proc;
	enum spec_namespace_type type;
	unsigned long flag;
} table[] = {
	{ "pid", "pid", SPEC_NS_PID, CLONE_NEWPID },
	{ "network", "net", SPEC_NS_NETWORK, CLONE_NEWNET },
	{ "mount", "mnt", SPEC_NS_MOUNT, CLONE_NEWNS },
	{ "ipc", "ipc", SPEC_NS_IPC, CLONE_NEWIPC },
	{ "uts", "uts", SPEC_NS_UTS, CLONE_NEWUTS },
	{ "user", "user", SPEC_NS_USER, CLONE_NEWUSER },
	{ "cgroup", "cgroup", SPEC_NS_CGROUP, CLONE_NEWCGROUP },
	{ "time", "time", SPEC_NS_TIME, CLONE_NEWTIME },
};

START_TEST(names_namespaces)
{
	ck_assert_uint_eq(ARRAY_LEN(table), SPEC_NS_TYPES);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		enum spec_namespace_type type = SPEC_NS_TYPES;

		ck_assert_int_eq(namespace_from_name(table[i].spec, &type), 1);
		ck_assert_int_eq(type, table[i].type);
		ck_assert_str_eq(namespace_name(type)->spec, table[i].spec);
		ck_assert_str_eq(namespace_name(type)->proc, table[i].proc);
		ck_assert_uint_eq(namespace_name(type)->flag, table[i].flag);
	}
}
END_TEST

START_TEST(refuses_other_names)
{
	static const char *const names[] = { "", "net", "mnt", "PID", "pid ", "namespace" };
	enum spec_namespace_type type = SPEC_NS_TYPES;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_int_eq(namespace_from_name(names[i], &type), 0);
	ck_assert_int_eq(type, SPEC_NS_TYPES);
}
END_TEST

START_TEST(splits_new_from_joined)
{
	char path[] = "/run/netns/x";
	struct spec_namespace all[] = {
		{ SPEC_NS_MOUNT, NULL },
		{ SPEC_NS_NETWORK, path },
		{ SPEC_NS_TIME, NULL },
	};
	const struct spec spec = { .namespaces = all, .n_namespaces = ARRAY_LEN(all) };
	const struct spec none = { 0 };

	ck_assert_uint_eq(namespaces_new(&spec), CLONE_NEWNS | CLONE_NEWTIME);
	ck_assert_uint_eq(namespaces_joined(&spec), CLONE_NEWNET);
	ck_assert_ptr_eq(namespace_path(&spec, SPEC_NS_NETWORK), path);
	ck_assert_ptr_null(namespace_path(&spec, SPEC_NS_MOUNT));
	ck_assert_ptr_null(namespace_path(&spec, SPEC_NS_PID));
	ck_assert_uint_eq(namespaces_new(&none) | namespaces_joined(&none), 0);
}
END_TEST

START_TEST(writes_id_maps)
{
	static const struct spec_id_map maps[] = {
		{ 0, 100000, 65536 },
		{ 65536, 4294967294U, 1 },
	};
	auto_str struct str text = { 0 };

	namespace_id_map(maps, 0, &text);
	ck_assert_uint_eq(text.len, 0);
	namespace_id_map(maps, ARRAY_LEN(maps), &text);
	ck_assert_str_eq(text.text, "0 100000 65536\n65536 4294967294 1\n");
}
END_TEST

TEST_MAIN("runtime/namespaces", names_namespaces, refuses_other_names, splits_new_from_joined,
	  writes_id_maps)
