/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "image/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first two bytes say in what pieces the rest is given, and in what pieces taken. */
struct bytes {
	const uint8_t *at;
	size_t left, step;
};

static ssize_t read_bytes(void *arg, void *to, size_t size, struct error *err)
{
	struct bytes *bytes = arg;
	size_t n = MIN(MIN(size, bytes->step), bytes->left);

	(void)err;
	memcpy(to, bytes->at, n);
	bytes->at += n;
	bytes->left -= n;
	return (ssize_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[64 << 10];
	struct bytes bytes;
	const struct inflate_source source = { .read = read_bytes, .arg = &bytes };
	struct inflate *in;
	struct error err = { 0 };
	uint64_t total = 0;
	ssize_t n;

	if (size < 2)
		return 0;
	bytes = (struct bytes){ .at = data + 2, .left = size - 2, .step = 1 + data[0] * 16U };
	in = inflate_new(&source, 1 << 20);
	while ((n = inflate_read(in, out, 1 + data[1] * 256U, &err)) > 0)
		total += (uint64_t)n;
	/* The limit holds, but for plain bytes, which are no more than they are. */
	if (total > (1 << 20) && total > size)
		abort();
	if (n < 0 ? err.msg[0] == '\0' : bytes.left != 0)
		abort();
	inflate_free(in);
	return 0;
}
