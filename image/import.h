/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "base/str.h"
#include "image/digest.h"

/* An image of one layer from a tar: what `export` writes, or any other. */
struct import {
	const char *path;           /* a file; NULL: @fd */
	int fd;                     /* borrowed; with @path NULL */
	const char *reference;      /* the name that it gets; NULL: none */
	const char *platform;       /* "linux/arm64/v8"; NULL: this machine's */
	const char *message;        /* NULL: one that says where it comes from */
	const struct strv *changes; /* image/config_change.h */
};

/*
 * The tar is plain, or compressed by gzip or zstd.  Only the confined helper looks into it.  After a
 * failure, or a signal that ends it, nothing is left.
 */
int store_import(const struct dir *store, const struct import *import, char ret_id[DIGEST_TEXT],
		 struct error *err);
