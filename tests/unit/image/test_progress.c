/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "image/progress.h"
#include "tests/unit/test.h"

static void layer_digest(char ret[DIGEST_TEXT])
{
	char *at = stpcpy(ret, DIGEST_PREFIX);

	memset(at, 'a', DIGEST_HEX);
	at[DIGEST_HEX] = '\0';
}

START_TEST(says_it_in_lines)
{
	struct progress p = { .form = PROGRESS_PLAIN, .moving = "Downloading", .done = "Done" };
	struct progress_item item = { .state = PROGRESS_MOVING, .at = 1500, .size = 3000 };
	char *line;

	layer_digest(item.digest);
	line = progress_line(&p, &item);
	ck_assert_str_eq(line, "aaaaaaaaaaaa: Downloading");
	free(line);
	p.form = PROGRESS_JSON;
	line = progress_line(&p, &item);
	ck_assert_ptr_nonnull(strstr(line, "\"id\":\"aaaaaaaaaaaa\""));
	ck_assert_ptr_nonnull(strstr(line, "\"current\":1500"));
	ck_assert_ptr_nonnull(strstr(line, "\"total\":3000"));
	free(line);
}
END_TEST

START_TEST(draws_bars)
{
	struct progress p = { .form = PROGRESS_TTY, .moving = "Downloading", .done = "Done" };
	struct progress_item item = { .state = PROGRESS_MOVING, .at = 1500, .size = 3000 };
	char *bar;

	layer_digest(item.digest);
	bar = progress_bar(&p, &item, 66);
	ck_assert_str_eq(bar, "aaaaaaaaaaaa: Downloading     [=====>    ] 1.50kB/3.00kB");
	free(bar);
	/* All of it, nothing of nothing, and no room. */
	item.at = 3000;
	bar = progress_bar(&p, &item, 66);
	ck_assert_ptr_nonnull(strstr(bar, "[==========]"));
	free(bar);
	item.at = item.size = 0;
	bar = progress_bar(&p, &item, 66);
	ck_assert_ptr_nonnull(strstr(bar, " 0B/0B"));
	free(bar);
	bar = progress_bar(&p, &item, 10);
	ck_assert_ptr_null(strchr(bar, '['));
	free(bar);
	item.state = PROGRESS_DONE;
	bar = progress_bar(&p, &item, 66);
	ck_assert(str_starts(bar, "aaaaaaaaaaaa: Done"));
	free(bar);
}
END_TEST

TEST_MAIN("image/progress", says_it_in_lines, draws_bars)
