/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tiers.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "net/replicas.h"

int tiers_parse(const char *text, size_t *ret_len, struct port_mapping *ret, struct error *err)
{
	const char *colon = strrchr(text, ':');
	int rc;

	if (!colon || colon == text)
		return err_set(err, EINVAL, "'%s' is not SERVICE:PORT", text);
	rc = parse_port(colon + 1, ret, err);
	if (rc == 0)
		*ret_len = (size_t)(colon - text);
	return rc;
}

static bool is_named(const char *service, const char *text, size_t len)
{
	return strlen(service) == len && memcmp(service, text, len) == 0;
}

/* What @from may send to @to.  What cannot be read allows nothing. */
static void add_pair(const struct lease *from, const struct lease *to,
		     struct rules_elements *elements)
{
	if (!from->is_isolated || !to->is_isolated || !from->service || !to->service ||
	    strcmp(from->network, to->network) != 0 || !str_eq(from->project, to->project))
		return;
	if (replicas_are_of_one(from, to)) {
		rules_add_siblings(elements, from->address, to->address);
		return;
	}
	for (size_t i = 0; i < to->allows.n; i++) {
		struct port_mapping port;
		struct error ignored;
		size_t len;

		if (tiers_parse(to->allows.items[i], &len, &port, &ignored) == 0 &&
		    is_named(from->service, to->allows.items[i], len))
			rules_add_allowed(elements, from->address, to->address, &port);
	}
}

void tiers_add(const struct leases *leases, const struct lease *one,
	       struct rules_elements *elements)
{
	for (size_t i = 0; i < leases->n; i++) {
		const struct lease *from = &leases->items[i];

		for (size_t j = 0; j < leases->n; j++) {
			const struct lease *to = &leases->items[j];

			if (from != to && (!one || from == one || to == one))
				add_pair(from, to, elements);
		}
	}
}
