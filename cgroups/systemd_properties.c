/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/systemd_properties.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dbus_message.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cgroups/limits.h"

/* ---- the list */

void unit_properties_fini(struct unit_properties *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].name);
		strv_fini(&p->items[i].texts);
		str_fini(&p->items[i].bytes);
	}
	free(p->items);
	*p = (struct unit_properties){ 0 };
}

static struct unit_property *put(struct unit_properties *p, const char *name, const char *type)
{
	struct unit_property *item;

	p->items = xrealloc(p->items, p->n + 1, sizeof(*p->items));
	item = &p->items[p->n++];
	*item = (struct unit_property){ .name = xstrdup(name), .type = type };
	return item;
}

void unit_put_number(struct unit_properties *p, const char *name, const char *type, uint64_t number)
{
	put(p, name, type)->number = number;
}

void unit_put_text(struct unit_properties *p, const char *name, const char *text)
{
	strv_add(&put(p, name, "s")->texts, text);
}

static void marshal_list(const struct unit_property *item, struct str *out)
{
	bool is_pairs = str_eq(item->type, "a(ss)");
	const struct dbus_array array = dbus_array_begin(out, is_pairs ? 8 : 4);

	for (size_t i = 0; i < item->texts.n; i++) {
		if (is_pairs && i % 2 == 0)
			dbus_align(out, 8);
		dbus_put_string(out, item->texts.items[i]);
	}
	dbus_array_end(out, &array);
}

static void marshal_bytes(const struct unit_property *item, struct str *out)
{
	const struct dbus_array array = dbus_array_begin(out, 1);

	str_add_len(out, item->bytes.text ? item->bytes.text : "", item->bytes.len);
	dbus_array_end(out, &array);
}

static void marshal_value(const struct unit_property *item, struct str *out)
{
	struct dbus_array array;

	if (str_eq(item->type, "as") || str_eq(item->type, "a(ss)")) {
		marshal_list(item, out);
		return;
	}
	if (str_eq(item->type, "ay")) {
		marshal_bytes(item, out);
		return;
	}
	if (str_eq(item->type, "au")) {
		array = dbus_array_begin(out, 4);
		dbus_put_u32(out, (uint32_t)item->number);
		dbus_array_end(out, &array);
		return;
	}
	switch (*item->type) {
	case 's':
	case 'o':
		dbus_put_string(out, item->texts.items[0]);
		break;
	case 'y':
		dbus_put_byte(out, (uint8_t)item->number);
		break;
	case 'n':
	case 'q':
		dbus_put_u16(out, (uint16_t)item->number);
		break;
	case 'x':
	case 't':
	case 'd':
		dbus_put_u64(out, item->number);
		break;
	default:
		dbus_put_u32(out, (uint32_t)item->number);
	}
}

void unit_properties_marshal(const struct unit_properties *p, struct str *out)
{
	const struct dbus_array array = dbus_array_begin(out, 8);

	for (size_t i = 0; i < p->n; i++) {
		dbus_align(out, 8);
		dbus_put_string(out, p->items[i].name);
		dbus_put_signature(out, p->items[i].type);
		marshal_value(&p->items[i], out);
	}
	dbus_array_end(out, &array);
}

/* ---- limits */

/* "max", and v1's "-1" */
static uint64_t number_of(const char *text)
{
	return *text < '0' || *text > '9' ? UNIT_UNLIMITED : strtoull(text, NULL, 10);
}

/* What is collected from more than one file. */
struct gathering {
	struct unit_properties *properties;
	bool has_quota, has_devices, is_open;
	uint64_t quota_us, period_us;
	struct strv devices; /* "/dev/char/1:3", "rwm" */
};

static void put_number(struct gathering *g, const char *name, const char *value)
{
	unit_put_number(g->properties, name, "t", number_of(value));
}

/* "default 100" or "100"; not "8:0 100", which is for one device */
static void put_weight(struct gathering *g, const char *name, const char *value)
{
	if (!strchr(value, ':'))
		put_number(g, name, value + strcspn(value, "0123456789"));
}

static void put_idle(struct gathering *g, const char *name, const char *value)
{
	if (number_of(value) == 1)
		unit_put_number(g->properties, name, "t", 0);
}

/* "0-2,7" as bits, the lowest first */
static void put_set(struct gathering *g, const char *name, const char *value)
{
	struct str *bytes = &put(g->properties, name, "ay")->bytes;

	while (*value) {
		char *end;
		unsigned long first = strtoul(value, &end, 10);
		unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

		for (; first <= last && first < 8192; first++) {
			while (bytes->len <= first / 8)
				str_add_len(bytes, "", 1);
			bytes->text[first / 8] |= (char)(1U << (first % 8));
		}
		value = end + strspn(end, ", \n");
		if (value == end && *end)
			return;
	}
}

static void take_quota(struct gathering *g, const char *name, const char *value)
{
	(void)name;
	g->has_quota = true;
	g->quota_us = number_of(value);
	/* v2: "QUOTA PERIOD" */
	if (strchr(value, ' '))
		g->period_us = number_of(strchr(value, ' ') + 1);
}

static void take_period(struct gathering *g, const char *name, const char *value)
{
	(void)name;
	g->period_us = number_of(value);
}

/* "c 1:3 rwm" -> "/dev/char/1:3", "char-1", "char-*": DeviceAllow= in systemd.resource-control(5) */
static char *device_name(const char *rule)
{
	const char *kind = *rule == 'b' ? "block" : "char";
	char major[16] = "*", minor[16] = "*";

	(void)sscanf(rule, "%*c %15[^:]:%15s", major, minor);
	if (!str_eq(major, "*") && !str_eq(minor, "*"))
		return xasprintf("/dev/%s/%s:%s", kind, major, minor);
	return xasprintf("%s-%s", kind, major);
}

/* Adds what is new of @access to what may be done with the device. */
static void allow_device(struct strv *devices, const char *name, const char *access)
{
	size_t i = 0;

	while (i < devices->n && !str_eq(devices->items[i], name))
		i += 2;
	if (i == devices->n) {
		strv_add(devices, name);
		strv_add(devices, access);
		return;
	}
	for (; *access; access++) {
		char *old = devices->items[i + 1];

		if (strchr(old, *access))
			continue;
		devices->items[i + 1] = xasprintf("%s%c", old, *access);
		free(old);
	}
}

static void forget_device(struct strv *devices, const char *name)
{
	for (size_t i = 0; i < devices->n; i += 2) {
		if (!str_eq(devices->items[i], name))
			continue;
		strv_remove(devices, i + 1);
		strv_remove(devices, i);
		return;
	}
}

/*
 * v1 only (on v2 the program that filters devices is ours, and systemd leaves it alone).  A rule that
 * takes away a part of what is allowed cannot be said: systemd then knows of more than the files.
 */
static void take_device(struct gathering *g, const char *name, const char *value)
{
	const char *access = strrchr(value, ' ');
	bool is_allowed = *name == '+';
	auto_free char *device = NULL;

	g->has_devices = true;
	if (*value == 'a' || !access) {
		strv_fini(&g->devices);
		g->is_open = is_allowed;
		return;
	}
	device = device_name(value);
	access++;
	if (is_allowed)
		allow_device(&g->devices, device, access);
	else if (strlen(access) == strlen("rwm"))
		forget_device(&g->devices, device);
}

static const struct {
	const char *file;
	void (*put)(struct gathering *g, const char *name, const char *value);
	const char *name;
} limit_properties[] = {
	{ "memory.max", put_number, "MemoryMax" },
	{ "memory.high", put_number, "MemoryHigh" },
	{ "memory.low", put_number, "MemoryLow" },
	{ "memory.min", put_number, "MemoryMin" },
	{ "memory.swap.max", put_number, "MemorySwapMax" },
	{ "memory.limit_in_bytes", put_number, "MemoryLimit" },
	{ "pids.max", put_number, "TasksMax" },
	{ "cpu.weight", put_weight, "CPUWeight" },
	{ "cpu.idle", put_idle, "CPUWeight" },
	{ "cpu.shares", put_number, "CPUShares" },
	{ "cpu.max", take_quota, NULL },
	{ "cpu.cfs_quota_us", take_quota, NULL },
	{ "cpu.cfs_period_us", take_period, NULL },
	{ "cpuset.cpus", put_set, "AllowedCPUs" },
	{ "cpuset.mems", put_set, "AllowedMemoryNodes" },
	{ "io.weight", put_weight, "IOWeight" },
	{ "blkio.weight", put_number, "BlockIOWeight" },
	{ "devices.allow", take_device, "+" },
	{ "devices.deny", take_device, "-" },
};

/* systemd keeps a quota as whole percents of a CPU: never less than what was asked for. */
static void put_quota(struct gathering *g)
{
	const uint64_t percent_us = 10000;
	uint64_t period_us = g->period_us ? g->period_us : 100000;
	uint64_t per_second_us = UNIT_UNLIMITED;

	if (g->has_quota && g->quota_us <= UINT64_MAX / 1000000 - 1) {
		per_second_us = g->quota_us * 1000000 / period_us;
		per_second_us = (per_second_us + percent_us - 1) / percent_us * percent_us;
	}
	if (g->has_quota)
		unit_put_number(g->properties, "CPUQuotaPerSecUSec", "t", per_second_us);
	if (g->period_us)
		unit_put_number(g->properties, "CPUQuotaPeriodUSec", "t", g->period_us);
}

static void put_devices(struct gathering *g)
{
	struct unit_property *item;

	unit_put_text(g->properties, "DevicePolicy", g->is_open ? "auto" : "strict");
	/* The empty list forgets what there was. */
	(void)put(g->properties, "DeviceAllow", "a(ss)");
	if (g->is_open)
		return;
	item = put(g->properties, "DeviceAllow", "a(ss)");
	item->texts = g->devices;
	g->devices = (struct strv){ 0 };
}

void unit_put_limits(struct unit_properties *p, const struct cgroup_writes *writes)
{
	struct gathering g = { .properties = p };

	for (size_t i = 0; i < writes->n; i++) {
		const struct cgroup_write *w = &writes->items[i];

		for (size_t j = 0; j < ARRAY_LEN(limit_properties); j++)
			if (str_eq(w->file, limit_properties[j].file))
				limit_properties[j].put(&g, limit_properties[j].name, w->value);
	}
	if (g.has_quota || g.period_us)
		put_quota(&g);
	if (g.has_devices)
		put_devices(&g);
	strv_fini(&g.devices);
}
