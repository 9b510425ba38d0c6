/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/*
 * Who a container's process is: the text of `-u` (name|uid)[:(group|gid)] in the light of the
 * container's own /etc/passwd and /etc/group.  Digits are an id and never looked up as a name.
 */
struct user {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary ones; owned */
	size_t n_groups;
	char *home; /* of the passwd entry; "/" if there is none; owned */
};

void user_fini(struct user *user);

/*
 * @passwd and @group are the files' texts ("" if there are none).  -ENOENT: "unable to find user
 * x: no matching entries in passwd file".  Pure.
 */
int user_resolve(const char *text, const char *passwd, const char *group, struct user *ret,
		 struct error *err);

/* The same with the files of the process's own root. */
int user_resolve_here(const char *text, struct user *ret, struct error *err);

/* The home of @uid by the passwd file of the process's own root; "/" if it has none.  Caller frees. */
char *user_home_here(uid_t uid);
