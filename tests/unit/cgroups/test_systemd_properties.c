/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cgroups/limits.h"
#include "cgroups/systemd_properties.h"
#include "tests/unit/test.h"

/* "NAME=VALUE" each, lists in brackets, bytes in hexadecimal. */
static char *text_of(const struct unit_properties *p)
{
	struct str out = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		const struct unit_property *item = &p->items[i];

		str_addf(&out, "%s%s:%s=", i ? "; " : "", item->name, item->type);
		if (str_eq(item->type, "s") || str_eq(item->type, "o"))
			str_add(&out, item->texts.items[0]);
		else if (str_eq(item->type, "as") || str_eq(item->type, "a(ss)"))
			for (size_t j = 0; j < item->texts.n; j++)
				str_addf(&out, "[%s]", item->texts.items[j]);
		else if (str_eq(item->type, "ay"))
			for (size_t j = 0; j < item->bytes.len; j++)
				str_addf(&out, "%02x",
					 (unsigned int)(unsigned char)item->bytes.text[j]);
		else if (item->number == UNIT_UNLIMITED)
			str_add(&out, "infinity");
		else
			str_addf(&out, "%" PRId64, (int64_t)item->number);
	}
	return str_take(&out);
}

static void check_limits(const struct cgroup_resources *r, enum cgroup_version version,
			 const char *wanted)
{
	enum cgroup_version versions[CGROUP_CONTROLLERS];
	struct unit_properties properties = { 0 };
	struct cgroup_writes writes = { 0 };
	auto_free char *text = NULL;
	struct error err = { 0 };

	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
		versions[i] = version;
	ck_assert_int_eq(cgroup_limits_plan(r, versions, &writes, &err), 0);
	unit_put_limits(&properties, &writes);
	text = text_of(&properties);
	ck_assert_str_eq(text, wanted);
	unit_properties_fini(&properties);
	cgroup_writes_fini(&writes);
}

START_TEST(tells_limits)
{
	char cpus[] = "0-2,9", mems[] = "0";
	const struct cgroup_resources some = {
		.memory = { .has_limit = true,
			    .limit = 64 << 20,
			    .has_swap = true,
			    .swap = 96 << 20,
			    .has_reservation = true,
			    .reservation = 32 << 20 },
		.cpu = { .has_shares = true,
			 .shares = 1024,
			 .has_quota = true,
			 .quota = 33333,
			 .has_period = true,
			 .period = 100000,
			 .cpus = cpus,
			 .mems = mems },
		.has_pids = true,
		.pids = 100,
		.io = { .has_weight = true, .weight = 500 },
	};
	const struct cgroup_resources none = {
		.memory = { .has_limit = true, .limit = -1 },
		.cpu = { .has_quota = true, .quota = -1 },
		.has_pids = true,
		.pids = -1,
	};

	check_limits(
		&some, CGROUP_V2,
		"MemoryMax:t=67108864; MemorySwapMax:t=33554432; MemoryLow:t=33554432; "
		"CPUWeight:t=39; AllowedCPUs:ay=0702; AllowedMemoryNodes:ay=01; TasksMax:t=100; "
		"IOWeight:t=4950; CPUQuotaPerSecUSec:t=340000; CPUQuotaPeriodUSec:t=100000");
	check_limits(&some, CGROUP_V1,
		     "MemoryLimit:t=67108864; CPUShares:t=1024; AllowedCPUs:ay=0702; "
		     "AllowedMemoryNodes:ay=01; TasksMax:t=100; BlockIOWeight:t=500; "
		     "CPUQuotaPerSecUSec:t=340000; CPUQuotaPeriodUSec:t=100000");
	check_limits(&none, CGROUP_V2,
		     "MemoryMax:t=infinity; MemorySwapMax:t=infinity; TasksMax:t=infinity; "
		     "CPUQuotaPerSecUSec:t=infinity");
	check_limits(&none, CGROUP_V1,
		     "MemoryLimit:t=infinity; TasksMax:t=infinity; CPUQuotaPerSecUSec:t=infinity");
	check_limits(&(struct cgroup_resources){ 0 }, CGROUP_V2, "");
}
END_TEST

START_TEST(tells_unified_limits)
{
	struct cgroup_resources r = { 0 };

	strv_add(&r.unified, "memory.high=1000000");
	strv_add(&r.unified, "memory.min=max");
	strv_add(&r.unified, "cpu.max=max 50000");
	strv_add(&r.unified, "cpu.idle=1");
	strv_add(&r.unified, "io.weight=8:0 200");
	check_limits(&r, CGROUP_V2,
		     "MemoryHigh:t=1000000; MemoryMin:t=infinity; CPUWeight:t=0; "
		     "CPUQuotaPerSecUSec:t=infinity; CPUQuotaPeriodUSec:t=50000");
	strv_fini(&r.unified);
}
END_TEST

START_TEST(tells_devices_on_v1)
{
	struct cgroup_device_rule rules[] = {
		{ false, 'a', -1, -1, "rwm" }, { true, 'c', 1, 3, "r" },
		{ true, 'c', 1, 3, "w" },      { true, 'c', 136, -1, "rwm" },
		{ true, 'b', -1, -1, "m" },    { true, 'c', 5, 1, "rw" },
		{ false, 'c', 5, 1, "rwm" },
	};
	struct cgroup_device_rule open[] = { { false, 'a', -1, -1, "rwm" },
					     { true, 'c', 1, 3, "r" },
					     { true, 'a', -1, -1, "rwm" } };
	struct cgroup_resources r = { .devices = rules, .n_devices = ARRAY_LEN(rules) };

	check_limits(&r, CGROUP_V1,
		     "DevicePolicy:s=strict; DeviceAllow:a(ss)=; DeviceAllow:a(ss)="
		     "[/dev/char/1:3][rw][char-136][rwm][block-*][m]");
	check_limits(&r, CGROUP_V2, "");
	r.devices = open;
	r.n_devices = ARRAY_LEN(open);
	check_limits(&r, CGROUP_V1, "DevicePolicy:s=auto; DeviceAllow:a(ss)=");
}
END_TEST

static int annotate(const char *pair, char **ret, struct error *err)
{
	struct unit_properties properties = { 0 };
	auto_strv struct strv annotations = { 0 };
	auto_free char *full = xasprintf("org.systemd.property.%s", pair);
	int rc;

	strv_add(&annotations, "org.example=org.systemd.property.X=1");
	strv_add(&annotations, full);
	rc = unit_put_annotations(&properties, &annotations, err);
	*ret = text_of(&properties);
	unit_properties_fini(&properties);
	return rc;
}

START_TEST(reads_annotations)
{
	static const struct {
		const char *pair, *text;
	} rows[] = {
		{ "CollectMode='inactive-or-failed'", "CollectMode:s=inactive-or-failed" },
		{ "Documentation=\"it\\\"s\"", "Documentation:s=it\"s" },
		{ "SendSIGHUP=true", "SendSIGHUP:b=1" },
		{ "SendSIGKILL=false", "SendSIGKILL:b=0" },
		{ "KillSignal=15", "KillSignal:i=15" },
		{ "Some=-3", "Some:i=-3" },
		{ "Some=uint64 18446744073709551614", "Some:t=-2" },
		{ "Some=uint32 7", "Some:u=7" },
		{ "Some=int16 -7", "Some:n=-7" },
		{ "Some=byte 7", "Some:y=7" },
		{ "After=['a.service', \"b.service\"]", "After:as=[a.service][b.service]" },
		{ "After=@as []", "After:as=" },
		{ "Some=objectpath '/a'", "Some:o=/a" },
		{ "TimeoutStopSec=3", "TimeoutStopUSec:t=3000000" },
		{ "TimeoutStopSec=uint64 10", "TimeoutStopUSec:t=10000000" },
		{ "TimeoutStopSec=1.5", "TimeoutStopUSec:t=1500000" },
		{ "TimeoutStopSec=double 2", "TimeoutStopUSec:t=2000000" },
		{ "TimeoutStopUSec=uint64 5", "TimeoutStopUSec:t=5" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text = NULL;
		struct error err = { 0 };
		int rc = annotate(rows[i].pair, &text, &err);

		ck_assert_msg(rc == 0 && str_eq(text, rows[i].text), "%s: '%s' %s", rows[i].pair,
			      text, err.msg);
	}
}
END_TEST

START_TEST(refuses_annotations)
{
	static const struct {
		const char *pair;
		int code;
	} rows[] = {
		{ "=1", EINVAL },
		{ "Ab=1", EINVAL },
		{ "Some Thing=1", EINVAL },
		{ "Some1=1", EINVAL },
		{ "Some=", EINVAL },
		{ "Some=text", EINVAL },
		{ "Some='text", EINVAL },
		{ "Some='text'x", EINVAL },
		{ "Some='a\\", EINVAL },
		{ "Some='a\\q'", EINVAL },
		{ "Some=['a' 'b']", EINVAL },
		{ "Some=['a',", EINVAL },
		{ "Some=['a'", EINVAL },
		{ "Some=@as", EINVAL },
		{ "Some=@as 'a'", EINVAL },
		{ "Some=12x", EINVAL },
		{ "Some=byte 256", EINVAL },
		{ "Some=uint64 -1", EINVAL },
		{ "Some=2147483648", EINVAL },
		{ "Some=1.2.3", EINVAL },
		{ "Some={'a': 1}", EINVAL },
		{ "TimeoutStopSec='3'", EINVAL },
		{ "TimeoutStopSec=true", EINVAL },
		{ "TimeoutStopSec=-3", ERANGE },
		{ "TimeoutStopSec=1e30", ERANGE },
		/* What would have systemd act on others. */
		{ "PIDs=1", EPERM },
		{ "Slice='a.slice'", EPERM },
		{ "Delegate=false", EPERM },
		{ "SuccessAction='poweroff'", EPERM },
		{ "FailureAction='reboot'", EPERM },
		{ "JobTimeoutAction='reboot'", EPERM },
		{ "OnFailure=['a.service']", EPERM },
		{ "Requires=['a.service']", EPERM },
		{ "Conflicts=['a.service']", EPERM },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text = NULL;
		struct error err = { 0 };
		int rc = annotate(rows[i].pair, &text, &err);

		ck_assert_msg(rc == -rows[i].code, "%s: %d %s '%s'", rows[i].pair, rc, err.msg,
			      text);
		ck_assert(str_starts(err.msg, "annotation 'org.systemd.property."));
	}
}
END_TEST

START_TEST(marshals)
{
	struct unit_properties properties = { 0 };
	auto_str struct str out = { 0 };
	static const char wanted[] = "\x52\0\0\0\0\0\0\0"
				     "\1\0\0\0A\0\1s\0\0\0\0\1\0\0\0x\0\0\0\0\0\0\0"
				     "\1\0\0\0B\0\1t\0\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0"
				     "\1\0\0\0C\0\2au\0\0\0\4\0\0\0\7\0\0\0\0\0\0\0"
				     "\1\0\0\0D\0\1y\0\x09";

	unit_put_text(&properties, "A", "x");
	unit_put_number(&properties, "B", "t", 5);
	unit_put_number(&properties, "C", "au", 7);
	unit_put_number(&properties, "D", "y", 9);
	unit_properties_marshal(&properties, &out);
	ck_assert_uint_eq(out.len, 8 + 0x52);
	ck_assert_uint_eq(sizeof(wanted) - 1, out.len);
	ck_assert_mem_eq(out.text, wanted, out.len);
	unit_properties_fini(&properties);
}
END_TEST

START_TEST(marshals_lists)
{
	struct unit_properties properties = { 0 };
	auto_strv struct strv annotations = { 0 };
	struct error err = { 0 };
	auto_str struct str out = { 0 };
	static const char wanted[] =
		"\x22\0\0\0\0\0\0\0"
		"\5\0\0\0After\0\2as\0\0\0\x0e\0\0\0\1\0\0\0a\0\0\0\1\0\0\0b\0";

	strv_add(&annotations, "org.systemd.property.After=['a', 'b']");
	ck_assert_int_eq(unit_put_annotations(&properties, &annotations, &err), 0);
	unit_properties_marshal(&properties, &out);
	ck_assert_uint_eq(out.len, sizeof(wanted) - 1);
	ck_assert_mem_eq(out.text, wanted, out.len);
	unit_properties_fini(&properties);
}
END_TEST

TEST_MAIN("cgroups/systemd_properties", tells_limits, tells_unified_limits, tells_devices_on_v1,
	  reads_annotations, refuses_annotations, marshals, marshals_lists)
