/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "runtime/spec.h"

/* Names of a namespace: config.json's, the kernel's below /proc/PID/ns, and its clone flag. */
struct namespace_name {
	const char *spec; /* "network" */
	const char *proc; /* "net" */
	unsigned long flag;
};
const struct namespace_name *namespace_name(enum spec_namespace_type type);

/* 1 and the type if @name is config.json's name of a kind of namespace, else 0. */
int namespace_from_name(const char *name, enum spec_namespace_type *ret);

/* The CLONE_NEW* of the namespaces that are to be new, and those that are joined by path. */
unsigned long namespaces_new(const struct spec *spec);
unsigned long namespaces_joined(const struct spec *spec);

/* The path of the namespace of kind @type to join; NULL: new or not given. */
const char *namespace_path(const struct spec *spec, enum spec_namespace_type type);

/* The CLONE_NEW* of the kinds in which the process @pid is in another one than we are. */
int namespaces_apart(pid_t pid, unsigned long *ret, struct error *err);

/* The text for uid_map or gid_map, user_namespaces(7): "0 100000 65536\n" each. */
void namespace_id_map(const struct spec_id_map *maps, size_t n, struct str *out);
