/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ps_filter.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "engine/health_state.h"
#include "image/ref.h"
#include "net/ipam.h"

struct all {
	const struct list_entry *entries;
	size_t n;
};

/* ---- values that make sense ------------------------------------------------------------------- */

static int check_status(const char *value, struct error *err)
{
	/* docker's: two of them never last here. */
	static const char *const statuses[] = {
		"created", "restarting", "running", "removing", "paused", "exited", "dead",
	};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		if (strcmp(value, statuses[i]) == 0)
			return 0;
	}
	return err_set(err, EINVAL, "'%s' is no status of a container", value);
}

static int check_exited(const char *value, struct error *err)
{
	struct error ignored;
	uint64_t code;

	return parse_uint64(value, 255, &code, &ignored) == 0
		       ? 0
		       : err_set(err, EINVAL, "'%s' is no exit status", value);
}

static int check_name(const char *value, struct error *err)
{
	regex_t regex;

	if (regcomp(&regex, value, REG_EXTENDED | REG_NOSUB) != 0)
		return err_set(err, EINVAL, "'%s' is no regular expression", value);
	regfree(&regex);
	return 0;
}

static int check_port(const char *value, struct error *err)
{
	struct port_mapping port;
	struct error ignored;

	if (strchr(value, ':') || parse_port(value, &port, &ignored) < 0)
		return err_set(err, EINVAL, "'%s' is no port: like 80, 80-90 or 53/udp", value);
	return 0;
}

/* ---- matching --------------------------------------------------------------------------------- */

static bool has_id(const struct list_entry *entry, const char *value, const struct all *all)
{
	(void)all;
	return str_starts(entry->record.id, value);
}

/* A regular expression; docker's names begin with a slash, which may be written or not. */
static bool has_name(const struct list_entry *entry, const char *value, const struct all *all)
{
	auto_free char *slashed = xasprintf("/%s", entry->record.name);
	regex_t regex;
	bool does;

	(void)all;
	if (regcomp(&regex, value, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	does = regexec(&regex, entry->record.name, 0, NULL, 0) == 0 ||
	       regexec(&regex, slashed, 0, NULL, 0) == 0;
	regfree(&regex);
	return does;
}

static bool has_status(const struct list_entry *entry, const char *value, const struct all *all)
{
	(void)all;
	return strcmp(list_status_name(entry->status), value) == 0;
}

static int check_health(const char *value, struct error *err)
{
	for (int i = 0; i < HEALTH_STATES; i++) {
		if (strcmp(value, health_state_name((enum health_state)i)) == 0)
			return 0;
	}
	return err_set(err, EINVAL, "'%s' is none of none, starting, healthy, unhealthy", value);
}

static bool has_health(const struct list_entry *entry, const char *value, const struct all *all)
{
	(void)all;
	return strcmp(health_state_name(health_state_of(entry->health)), value) == 0;
}

static bool has_exited(const struct list_entry *entry, const char *value, const struct all *all)
{
	(void)all;
	return entry->status == LIST_EXITED && entry->record.exit_code == atoi(value);
}

static bool has_label(const struct list_entry *entry, const char *value, const struct all *all)
{
	const struct strv *labels = &entry->record.labels;
	size_t len = strcspn(value, "=");

	(void)all;
	for (size_t i = 0; i < labels->n; i++) {
		const char *label = labels->items[i];

		if (strcmp(label, value) == 0 ||
		    (!value[len] && strncmp(label, value, len) == 0 && label[len] == '='))
			return true;
	}
	return false;
}

static bool is_same_image(const char *a, const char *b)
{
	auto_ref struct image_ref first = { 0 };
	auto_ref struct image_ref second = { 0 };
	struct error ignored;

	return ref_parse(a, &first, &ignored) == 0 && ref_parse(b, &second, &ignored) == 0 &&
	       str_eq(first.name, second.name) && str_eq(first.tag, second.tag);
}

/* By id, or by name: as it was asked for, or another way to write the same. */
static bool has_ancestor(const struct list_entry *entry, const char *value, const struct all *all)
{
	const char *image = entry->record.image, *id = entry->record.image_id;
	const char *digits = ref_id_digits(value);

	(void)all;
	if (str_eq(image, value) || (image && id && is_same_image(image, value)))
		return true;
	return digits && id && str_starts(id, "sha256:") &&
	       str_starts(id + strlen("sha256:"), digits);
}

static bool has_network(const struct list_entry *entry, const char *value, const struct all *all)
{
	(void)all;
	return strv_has(&entry->record.networks, value);
}

/* True if some port of @wanted is published: on the container's side, or (@is_host) on the host's. */
static bool has_port(const struct record *record, const char *value, bool is_host)
{
	struct port_mapping wanted;
	struct error ignored;

	if (parse_port(value, &wanted, &ignored) < 0)
		return false;
	for (size_t i = 0; i < record->n_ports; i++) {
		const struct port_mapping *port = &record->ports[i];
		unsigned int first = is_host ? port->host_port : port->container_port;

		if (port->protocol == wanted.protocol &&
		    first < (unsigned int)wanted.container_port + wanted.count &&
		    wanted.container_port < first + port->count)
			return true;
	}
	return false;
}

static bool has_published(const struct list_entry *entry, const char *value, const struct all *all)
{
	(void)all;
	return has_port(&entry->record, value, true);
}

static bool has_exposed(const struct list_entry *entry, const char *value, const struct all *all)
{
	(void)all;
	return has_port(&entry->record, value, false);
}

/* The one that is meant, or NULL. */
static const struct record *find(const struct all *all, const char *text)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct record *record = &all->entries[i].record;

		if (str_eq(record->name, text) || str_starts(record->id, text))
			return record;
	}
	return NULL;
}

static bool is_before(const struct list_entry *entry, const char *value, const struct all *all)
{
	const struct record *other = find(all, value);

	return other && entry->record.created_ns < other->created_ns;
}

static bool is_since(const struct list_entry *entry, const char *value, const struct all *all)
{
	const struct record *other = find(all, value);

	return other && entry->record.created_ns > other->created_ns;
}

/* ---- keys ------------------------------------------------------------------------------------- */

static const struct key {
	const char *name;
	bool (*matches)(const struct list_entry *entry, const char *value, const struct all *all);
	int (*check)(const char *value, struct error *err); /* NULL: any value will do */
	bool wants_every;                                   /* value; else one is enough */
	bool wants_all; /* containers, those too that do not run */
} keys[] = {
	{ "id", has_id },
	{ "name", has_name, check_name },
	{ "status", has_status, check_status, .wants_all = true },
	{ "exited", has_exited, check_exited, .wants_all = true },
	{ "health", has_health, check_health },
	{ "label", has_label, .wants_every = true },
	{ "ancestor", has_ancestor },
	{ "network", has_network },
	{ "publish", has_published, check_port },
	{ "expose", has_exposed, check_port },
	{ "before", is_before },
	{ "since", is_since },
};

/* The value of @filter, if it is one for @key. */
static const char *value_of(const char *filter, const struct key *key)
{
	size_t len = strlen(key->name);

	return strncmp(filter, key->name, len) == 0 && filter[len] == '=' ? filter + len + 1 : NULL;
}

int ps_filter_add(const char *text, void *filters, struct error *err)
{
	auto_str struct str names = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *value = value_of(text, &keys[i]);
		int rc;

		str_addf(&names, "%s%s=", i ? ", " : "", keys[i].name);
		if (!value)
			continue;
		rc = keys[i].check ? keys[i].check(value, err) : 0;
		if (rc == 0)
			strv_add(filters, text);
		return rc;
	}
	return err_set(err, EINVAL, "'%s' is none of %s", text, names.text);
}

static bool matches_key(const struct key *key, const struct strv *filters,
			const struct list_entry *entry, const struct all *all)
{
	size_t n_given = 0, n_matched = 0;

	for (size_t i = 0; i < filters->n; i++) {
		const char *value = value_of(filters->items[i], key);

		n_given += value != NULL;
		n_matched += value && key->matches(entry, value, all);
	}
	return key->wants_every ? n_matched == n_given : n_matched || !n_given;
}

bool ps_filter_matches(const struct strv *filters, const struct list_entry *entry,
		       const struct list_entry *all, size_t n)
{
	const struct all others = { all, n };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (!matches_key(&keys[i], filters, entry, &others))
			return false;
	}
	return true;
}

bool ps_filter_wants_all(const struct strv *filters)
{
	for (size_t i = 0; i < filters->n; i++) {
		for (size_t j = 0; j < ARRAY_LEN(keys); j++) {
			if (keys[j].wants_all && value_of(filters->items[i], &keys[j]))
				return true;
		}
	}
	return false;
}
