/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_mount(int (*parse)(const char *, struct mount_request *, struct error *),
		      const char *text)
{
	struct mount_request request = { 0 };
	struct error err = { 0 };

	if (parse(text, &request, &err) == 0 && (!request.target || request.target[0] != '/'))
		abort(); /* promised: absolute and cleaned */
	mount_request_fini(&request);
}

/* Whatever is typed as a size, duration, port, limit or mount. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xmalloc(size + 1);
	struct rlimit_text limit;
	struct port_mapping port;
	struct error err = { 0 };
	uint64_t bytes;
	int64_t number;
	int value;

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';

	(void)parse_size(text, &bytes, &err);
	(void)parse_duration(text, &number, &err);
	(void)parse_cpus(text, &number, &err);
	(void)parse_cpu_list(text, &err);
	(void)parse_signal(text, &value, &err);
	if (parse_port(text, &port, &err) == 0 &&
	    (port.count == 0 || port.container_port + port.count > 65536))
		abort();
	(void)parse_ulimit(text, &limit, &err);
	(void)is_valid_name(text);
	try_mount(parse_volume, text);
	try_mount(parse_mount, text);
	try_mount(parse_tmpfs, text);
	return 0;
}
