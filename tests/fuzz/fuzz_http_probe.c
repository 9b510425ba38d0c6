/* SPDX-License-Identifier: Apache-2.0 */
/* What a service answers to an HTTP probe: in one piece and in two it means the same. */
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"
#include "engine/health.h"
#include "engine/probe_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(const char *text, size_t len)
{
	int status = probe_http_status(text, len);

	if (status > 0 && (status < 200 || status > 599))
		abort();
	for (size_t n = 1; n < len && n < 64; n++) {
		int early = probe_http_status(text, n);

		if (early != 0 && early != status)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct health_test test = { 0 };
	struct strv list = { 0 };
	struct str text = { 0 };
	struct error err;

	if (size == 0)
		return 0;
	check_answer((const char *)data, size);

	/* And what a compose file may name as a target. */
	str_add_len(&text, (const char *)data, size);
	strv_add(&list, data[0] & 1 ? "HTTP" : "TCP");
	strv_add(&list, text.text);
	if (health_test_parse(&list, &test, &err) == 0)
		health_test_fini(&test);
	strv_fini(&list);
	str_fini(&text);
	return 0;
}
