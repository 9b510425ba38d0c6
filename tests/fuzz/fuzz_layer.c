/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "tests/fuzz/place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static int mark_opaque(void *arg, int fd, struct error *err)
{
	(void)arg;
	(void)err;
	if (fd < 0)
		abort();
	return 0;
}

/* The first byte of the input says in what pieces the rest comes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layer_options options = { .mark_opaque = mark_opaque };
	struct layer_result result;
	struct error err = { 0 };
	struct bytes bytes;
	uint8_t *copy;
	const struct tar_source source = { .fill = bytes_fill, .arg = &bytes };

	if (size == 0)
		return 0;
	copy = with_checksums(data + 1, size - 1);
	bytes = (struct bytes){ .at = copy, .left = size - 1, .step = 1 + data[0] * 8U };
	options.root = place_begin();
	if (layer_unpack(&options, &source, &result, &err) < 0)
		place_check_error(&err);
	place_end(&options.root);
	free(copy);
	return 0;
}
