/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "image/layer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A layer is unpacked into a directory beside which stands a file: that one stays as it is, and
 * stays alone.  The first byte of the input says in what pieces the rest comes.
 */
static struct dir place = { .fd = -1 };
static char place_path[64];

#define WITNESS "witness"

static void leave(void)
{
	const struct dir tmp = { .fd = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				 .path = "/dev/shm" };
	struct error err = { 0 };

	(void)tree_remove_at(&tmp, strrchr(place_path, '/') + 1, &err);
}

static void begin(void)
{
	int fd;

	(void)snprintf(place_path, sizeof(place_path), "/dev/shm/minictr-fuzz-XXXXXX");
	if (!mkdtemp(place_path) || atexit(leave) != 0)
		abort();
	place.path = place_path;
	place.fd = open(place_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(place.fd, WITNESS, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0 || write(fd, WITNESS, sizeof(WITNESS)) != sizeof(WITNESS))
		abort();
	(void)close(fd);
}

static void check_witness(void)
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

/* Of a tar header, which is one block (POSIX.1-1988, "ustar"). */
#define BLOCK       512
#define CHKSUM      148
#define CHKSUM_SIZE 8

/* A fuzzer does not find checksums: every block that may be a header gets its own. */
static uint8_t *with_checksums(const uint8_t *data, size_t size)
{
	uint8_t *copy = xmalloc(size + 1);

	memcpy(copy, data, size);
	for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
		char *field = (char *)copy + at + CHKSUM;
		unsigned int sum = 0;

		/* Only where there was one, or text would suffer. */
		if (field[0] < '0' || field[0] > '7' || copy[at] == '\0')
			continue;
		memset(field, ' ', CHKSUM_SIZE);
		for (size_t i = 0; i < BLOCK; i++)
			sum += copy[at + i];
		(void)snprintf(field, CHKSUM_SIZE, "%06o", sum);
	}
	return copy;
}

struct bytes {
	const uint8_t *at;
	size_t left, step;
};

static int fill(void *arg, const uint8_t **ret, size_t *ret_len, struct error *err)
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

static int mark_opaque(void *arg, int fd, struct error *err)
{
	(void)arg;
	(void)err;
	if (fd < 0)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layer_options options = { .mark_opaque = mark_opaque };
	struct layer_result result;
	struct error err = { 0 };
	struct bytes bytes;
	uint8_t *copy;
	const struct tar_source source = { .fill = fill, .arg = &bytes };

	if (place.fd < 0)
		begin();
	if (size == 0)
		return 0;
	copy = with_checksums(data + 1, size - 1);
	bytes = (struct bytes){ .at = copy, .left = size - 1, .step = 1 + data[0] * 8U };
	if (mkdirat(place.fd, "root", 0700) < 0)
		abort();
	options.root.fd = openat(place.fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	options.root.path = "root";
	if (layer_unpack(&options, &source, &result, &err) < 0 &&
	    (err.msg[0] == '\0' || strchr(err.msg, '\n') || err.code <= 0))
		abort(); /* a failure without words, or with too many */
	close_fd(&options.root.fd);
	check_witness();
	if (tree_remove_at(&place, "root", &err) < 0)
		abort();
	free(copy);
	return 0;
}
