/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/commit.h"
#include "engine/record.h"
#include "image/image.h"
#include "tests/unit/test.h"

static char *text_of(const struct record *record, const struct image *image)
{
	auto_json json_t *config = commit_config(record, image);

	return json_to_text(config, JSON_COMPACT | JSON_SORT_KEYS);
}

START_TEST(keeps_what_the_image_says)
{
	auto_record struct record record = { .stop_signal = xstrdup("SIGQUIT") };
	auto_image struct image image = {
		.user = xstrdup("nobody"),
		.working_dir = xstrdup("/srv"),
	};
	auto_free char *text = NULL;

	strv_add(&image.env, "PATH=/bin");
	strv_add(&image.entrypoint, "/entry");
	strv_add(&image.cmd, "serve");
	strv_add(&image.volumes, "/data");
	strv_add(&image.exposed_ports, "80/tcp");
	strv_add(&image.healthcheck.test, "NONE");
	strv_add(&record.labels, "of=both");
	text = text_of(&record, &image);
	ck_assert_str_eq(text,
			 "{\"Cmd\":[\"serve\"],\"Entrypoint\":[\"/entry\"],\"Env\":[\"PATH=/bin\"],"
			 "\"ExposedPorts\":{\"80/tcp\":{}},\"Healthcheck\":{\"Interval\":0,"
			 "\"Retries\":0,\"StartInterval\":0,\"StartPeriod\":0,\"Test\":[\"NONE\"],"
			 "\"Timeout\":0},\"Labels\":{\"of\":\"both\"},\"StopSignal\":\"SIGQUIT\","
			 "\"User\":\"nobody\",\"Volumes\":{\"/data\":{}},\"WorkingDir\":\"/srv\"}");
}
END_TEST

START_TEST(has_what_the_user_said)
{
	auto_record struct record record = { 0 };
	auto_image struct image image = { .user = xstrdup("nobody") };
	auto_free char *text = NULL;

	strv_add(&image.env, "A=1");
	strv_add(&image.entrypoint, "/entry");
	strv_add(&image.cmd, "serve");
	strv_add(&record.options.env, "A=2");
	strv_add(&record.options.env, "B=");
	strv_add(&record.options.entrypoint, "/own");
	record.options.has_entrypoint = true;
	record.options.user = xstrdup("12");
	record.options.hostname = xstrdup("not for others");
	record.options.has_tty = true;
	text = text_of(&record, &image);
	ck_assert_str_eq(text,
			 "{\"Entrypoint\":[\"/own\"],\"Env\":[\"A=2\",\"B=\"],\"User\":\"12\"}");
}
END_TEST

TEST_MAIN("engine/commit", keeps_what_the_image_says, has_what_the_user_said)
