/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/sys_net.h"

/*
 * An interface that changes its network namespace.  It keeps its MAC address, its MTU and those
 * addresses that somebody gave it (of global scope and permanent), which the kernel takes away on
 * the way, and is up in the end.
 */
struct device_move {
	const struct netns *from; /* NULL: the caller's */
	const struct netns *to;   /* NULL: the caller's */
	const char *name;
	const char *new_name; /* "eth%d": with the lowest number that is free there */
};

/*
 * *ret_name: its name there.  -ENODEV if there is no such interface, -EEXIST if the name is taken.
 * After a failure it is where it was if *ret_name is "", else there.
 */
int device_move(const struct device_move *move, char ret_name[IFNAMSIZ], struct error *err);

/* True if it is a name that the kernel takes (for "eth%d", too). */
bool device_is_name(const char *name);
