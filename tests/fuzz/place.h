/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"
#include "image/layer.h"

/*
 * Where fuzzers unpack layers: a directory beside which stands a file.  That one stays as it is, and
 * stays alone.
 */
static struct dir place = { .fd = -1 };
static char place_path[64];

#define WITNESS "witness"

static inline void place_leave(void)
{
	const struct dir tmp = { .fd = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				 .path = "/dev/shm" };
	struct error err = { 0 };

	(void)tree_remove_at(&tmp, strrchr(place_path, '/') + 1, &err);
}

static inline void place_make(void)
{
	int fd;

	(void)snprintf(place_path, sizeof(place_path), "/dev/shm/minictr-fuzz-XXXXXX");
	if (!mkdtemp(place_path) || atexit(place_leave) != 0)
		abort();
	place.path = place_path;
	place.fd = open(place_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(place.fd, WITNESS, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0 || write(fd, WITNESS, sizeof(WITNESS)) != sizeof(WITNESS))
		abort();
	(void)close(fd);
}

static inline void place_check(void)
{
	char text[sizeof(WITNESS) + 1];
	struct stat st;
	int fd = openat(place.fd, WITNESS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int entries = 0;
	DIR *dir = opendir(place_path);

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_mode != (S_IFREG | 0640) || st.st_uid != 0 ||
	    st.st_nlink != 1 || st.st_mtime < 1000000000 ||
	    read(fd, text, sizeof(text)) != sizeof(WITNESS) ||
	    memcmp(text, WITNESS, sizeof(WITNESS)) != 0)
		abort();
	(void)close(fd);
	while (dir && readdir(dir))
		entries++;
	if (!dir || entries != 4) /* ".", "..", root, witness */
		abort();
	(void)closedir(dir);
}

/* The layer's root, empty; to be given back. */
static inline struct dir place_begin(void)
{
	struct dir root = { .path = "root" };

	if (place.fd < 0)
		place_make();
	if (mkdirat(place.fd, "root", 0700) < 0)
		abort();
	root.fd = openat(place.fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root.fd < 0)
		abort();
	return root;
}

static inline void place_end(struct dir *root)
{
	struct error err = { 0 };

	close_fd(&root->fd);
	place_check();
	if (tree_remove_at(&place, "root", &err) < 0)
		abort();
}

/* A failure has words, in one line. */
static inline void place_check_error(const struct error *err)
{
	if (err->msg[0] == '\0' || strchr(err->msg, '\n') || err->code <= 0)
		abort();
}

/* What is unpacked: bytes in memory, some at a time. */
struct bytes {
	const uint8_t *at;
	size_t left, step;
};

static inline int bytes_fill(void *arg, const uint8_t **ret, size_t *ret_len, struct error *err)
{
	struct bytes *bytes = arg;
	size_t n = MIN(bytes->left, bytes->step);

	(void)err;
	*ret = bytes->at;
	*ret_len = n;
	bytes->at += n;
	bytes->left -= n;
	return 0;
}
