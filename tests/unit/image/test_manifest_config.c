/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "image/manifest.h"
#include "tests/unit/test.h"

#define D  "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define D2 "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static char *json(const char *text)
{
	char *copy = xstrdup(text);

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

static int parse(const char *quoted, struct image_config *ret, struct error *err)
{
	auto_free char *text = json(quoted);

	return image_config_parse("c", text, strlen(text), ret, err);
}

START_TEST(reads_all_of_it)
{
	auto_image_config struct image_config c = { 0 };
	struct error err = { 0 };
	int rc =
		parse("{'architecture':'amd64','os':'linux','variant':'v2',"
		      "'created':'2024-02-29T12:00:00.123456789+02:00','author':'x',"
		      "'config':{'Env':['PATH=/bin','EMPTY='],'Entrypoint':['/e','-x'],'Cmd':['c'],"
		      "'User':'app:staff','WorkingDir':'/w','StopSignal':'SIGINT',"
		      "'Volumes':{'/data':{}},'ExposedPorts':{'80/tcp':{},'53/udp':{}},"
		      "'Labels':{'a':'b=c'},'Healthcheck':{'Test':['CMD','t'],"
		      "'Interval':5000000000,'Timeout':1,'StartPeriod':2,'StartInterval':3,"
		      "'Retries':4},'Unknown':[]},"
		      "'rootfs':{'type':'layers','diff_ids':['" D "','" D2 "']},'history':[{}]}",
		      &c, &err);
	const struct image *i = &c.image;

	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_str_eq(c.platform.architecture, "amd64");
	ck_assert_str_eq(c.platform.variant, "v2");
	ck_assert_str_eq(i->architecture, "amd64");
	ck_assert_str_eq(i->os, "linux");
	ck_assert_int_eq(c.created, 1709200800);
	ck_assert_uint_eq(c.diff_ids.n, 2);
	ck_assert_str_eq(c.diff_ids.items[1], D2);
	ck_assert_str_eq(strv_getenv(&i->env, "PATH"), "/bin");
	ck_assert_str_eq(strv_getenv(&i->env, "EMPTY"), "");
	ck_assert_uint_eq(i->entrypoint.n, 2);
	ck_assert_str_eq(i->cmd.items[0], "c");
	ck_assert_str_eq(i->user, "app:staff");
	ck_assert_str_eq(i->working_dir, "/w");
	ck_assert_str_eq(i->stop_signal, "SIGINT");
	ck_assert_str_eq(i->volumes.items[0], "/data");
	ck_assert_uint_eq(i->exposed_ports.n, 2);
	ck_assert_str_eq(i->labels.items[0], "a=b=c");
	ck_assert_str_eq(i->healthcheck.test.items[1], "t");
	ck_assert_int_eq(i->healthcheck.interval_ns, 5000000000);
	ck_assert_int_eq(i->healthcheck.timeout_ns, 1);
	ck_assert_int_eq(i->healthcheck.start_period_ns, 2);
	ck_assert_int_eq(i->healthcheck.start_interval_ns, 3);
	ck_assert_int_eq(i->healthcheck.retries, 4);
}
END_TEST

START_TEST(needs_little)
{
	auto_image_config struct image_config c = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(parse("{'rootfs':{},'config':null,'created':null}", &c, &err), 0);
	ck_assert_uint_eq(c.diff_ids.n, 0);
	ck_assert_int_eq(c.created, 0);
	ck_assert_ptr_null(c.image.user);
	ck_assert_int_eq(image_config_check_platform(&c, &err), 0);
}
END_TEST

START_TEST(reads_times)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} rows[] = {
		{ "1970-01-01T00:00:01Z", 1 },
		{ "2024-05-01T12:30:00.5Z", 1714566600 },
		{ "2024-05-01T12:30:00-01:30", 1714572000 },
		{ "0001-01-01T00:00:00Z", 0 },
		{ "2024-05-01T12:30:00", 0 },
		{ "2024-05-01T12:30:00+x", 0 },
		{ "2024-05-01", 0 },
		{ "yesterday", 0 },
		{ "", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_image_config struct image_config c = { 0 };
		auto_free char *text = xasprintf("{'created':'%s','rootfs':{}}", rows[i].text);
		struct error err = { 0 };

		ck_assert_int_eq(parse(text, &c, &err), 0);
		ck_assert_int_eq(c.created, rows[i].seconds);
	}
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "[5]", "c:1:1: expected an object, got an array" },
		{ "{}", "c:1:1: rootfs: missing" },
		{ "{'rootfs':[]}", "c:1:11: rootfs: expected an object, got an array" },
		{ "{'rootfs':{'diff_ids':['" D "','sha256:x']}}",
		  "rootfs.diff_ids: digest 'sha256:x' is not 'sha256:' and 64 digits in lower case" },
		{ "{'rootfs':{'diff_ids':[5]}}", "rootfs.diff_ids[0]: expected a string" },
		/* Such a name would be completed from our own environment (CVE-2026-57231). */
		{ "{'rootfs':{},'config':{'Env':['A=b','SECRET']}}",
		  "config.Env: 'SECRET' is not NAME=VALUE" },
		{ "{'rootfs':{},'config':{'Env':['=b']}}", "config.Env: '=b' is not NAME=VALUE" },
		{ "{'rootfs':{},'config':{'Env':['']}}", "config.Env: '' is not NAME=VALUE" },
		{ "{'rootfs':{},'config':{'Env':['\\u001b[2J*']}}",
		  "config.Env: '\\x1b[2J*' is not NAME=VALUE" },
		{ "{'rootfs':{},'config':{'Cmd':'sh'}}",
		  "config.Cmd: expected an array of strings, got a string" },
		{ "{'rootfs':{},'config':{'User':0}}", "config.User: expected a string" },
		{ "{'rootfs':{},'config':{'Volumes':['/x']}}",
		  "config.Volumes: expected an object" },
		{ "{'rootfs':{},'config':{'Healthcheck':{'Retries':3000000000}}}",
		  "config.Healthcheck.Retries: must be from" },
		{ "{'rootfs':{},'created':5}", "created: expected a time" },
		{ "{'rootfs':{},'rootfs':{}}", "c:1:" },
		{ "{'rootfs':{},'config':{'User':'a\\u0000b'}}", "c:1:" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct image_config c = { .created = 77 };
		struct error err = { 0 };

		ck_assert_msg(parse(rows[i].text, &c, &err) == -EINVAL, "%s", rows[i].text);
		ck_assert_msg(strstr(err.msg, rows[i].error) != NULL, "%s:\n%s", rows[i].text,
			      err.msg);
		ck_assert_int_eq(c.created, 77);
	}
}
END_TEST

START_TEST(limits)
{
	auto_str struct str many = { 0 };
	auto_free char *large = xcalloc(1, CONFIG_MAX_SIZE + 1);
	struct image_config c = { 0 };
	struct error err = { 0 };

	str_add(&many, "{'rootfs':{'diff_ids':[");
	for (int i = 0; i <= IMAGE_MAX_LAYERS; i++)
		str_add(&many, i ? ",'" D "'" : "'" D "'");
	str_add(&many, "]}}");
	ck_assert_int_eq(parse(many.text, &c, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "rootfs.diff_ids: 126 layers, the limit is 125"));
	ck_assert_int_eq(image_config_parse("c", large, CONFIG_MAX_SIZE + 1, &c, &err), -EFBIG);
}
END_TEST

START_TEST(matches_with_manifest_and_machine)
{
	auto_image_config struct image_config c = { 0 };
	struct image_manifest m = { .n_layers = 2 };
	struct error err = { 0 };

	ck_assert_int_eq(parse("{'architecture':'s390x','os':'linux','rootfs':{'diff_ids':['" D
			       "']}}",
			       &c, &err),
			 0);
	ck_assert_int_eq(image_layers_match(&m, &c, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "the manifest has 2 layers, the config 1 diff_ids");
	m.n_layers = 1;
	ck_assert_int_eq(image_layers_match(&m, &c, &err), 0);
	ck_assert_int_eq(image_config_check_platform(&c, &err), -ENOENT);
	ck_assert_str_eq(err.msg,
			 "the image is for platform linux/s390x, not for linux/" MINICTR_ARCH);
}
END_TEST

static int parse_archive(const char *quoted, struct archive_index *ret, struct error *err)
{
	auto_free char *text = json(quoted);

	return archive_index_parse("manifest.json", text, strlen(text), ret, err);
}

START_TEST(reads_docker_archives)
{
	auto_archive_index struct archive_index index = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(parse_archive("[{'Config':'c.json','RepoTags':['a:1','b:2'],"
				       "'Layers':['l/layer.tar']},"
				       "{'Config':'d','RepoTags':null,'Layers':[],'Parent':''}]",
				       &index, &err),
			 0);
	ck_assert_uint_eq(index.n, 2);
	ck_assert_str_eq(index.images[0].config, "c.json");
	ck_assert_str_eq(index.images[0].repo_tags.items[1], "b:2");
	ck_assert_str_eq(index.images[0].layers.items[0], "l/layer.tar");
	ck_assert_uint_eq(index.images[1].repo_tags.n, 0);
	archive_index_fini(&index);
	ck_assert_int_eq(parse_archive("[]", &index, &err), 0);
	ck_assert_uint_eq(index.n, 0);
}
END_TEST

START_TEST(refuses_docker_archives)
{
	auto_str struct str many = { 0 };
	struct archive_index index = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(parse_archive("{}", &index, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "manifest.json:1:1: expected an array, got an object");
	ck_assert_int_eq(parse_archive("[{'Layers':[]}]", &index, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "manifest.json:1:2: [0].Config: missing");
	ck_assert_int_eq(parse_archive("[{'Config':'x','Layers':['a',1]}]", &index, &err), -EINVAL);

	str_add(&many, "[{'Config':'x','Layers':['a'");
	for (int i = 0; i < IMAGE_MAX_LAYERS; i++)
		str_add(&many, ",'a'");
	str_add(&many, "]}]");
	ck_assert_int_eq(parse_archive(many.text, &index, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "126 layers, the limit is 125"));
}
END_TEST

TEST_MAIN("image/manifest_config", reads_all_of_it, needs_little, reads_times, refuses, limits,
	  matches_with_manifest_and_machine, reads_docker_archives, refuses_docker_archives)
