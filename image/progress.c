/* SPDX-License-Identifier: Apache-2.0 */
#include "image/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define DRAW_NS  (100 * 1000000LL)  /* between two pictures of bars */
#define LINE_NS  (1000 * 1000000LL) /* between two JSON objects of something that moves */
#define MAX_BARS 20

void progress_fini(struct progress *progress)
{
	free(progress->items);
}

size_t progress_add(struct progress *progress, const char *digest, uint64_t size)
{
	struct progress_item *item;

	progress->items = xrealloc(progress->items, progress->n + 1, sizeof(*progress->items));
	item = &progress->items[progress->n];
	*item = (struct progress_item){ .size = size };
	(void)snprintf(item->digest, sizeof(item->digest), "%s", digest);
	return progress->n++;
}

static const char *state_text(const struct progress *progress, enum progress_state state)
{
	switch (state) {
	case PROGRESS_WAITING:
		return "Waiting";
	case PROGRESS_MOVING:
		return progress->moving;
	case PROGRESS_MOVED:
		return "Verifying";
	case PROGRESS_RETRYING:
		return "Retrying";
	case PROGRESS_THERE:
		return "Already exists";
	case PROGRESS_DONE:
		break;
	}
	return progress->done;
}

/* "12.34MB" */
static char *size_text(uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1000 && unit < 4) {
		value /= 1000;
		unit++;
	}
	return xasprintf("%.*f%s", unit ? 2 : 0, value, units[unit]);
}

char *progress_line(const struct progress *progress, const struct progress_item *item)
{
	const char *text = state_text(progress, item->state);
	auto_json json_t *object = NULL;
	auto_free char *id = xasprintf("%.12s", digest_hex(item->digest));

	if (progress->form != PROGRESS_JSON)
		return xasprintf("%s: %s", id, text);
	object = json_object_new();
	json_put_string(object, "id", id);
	json_put_string(object, "status", text);
	json_put_int(object, "current", (int64_t)item->at);
	json_put_int(object, "total", (int64_t)item->size);
	return json_to_text(object, JSON_COMPACT);
}

char *progress_bar(const struct progress *progress, const struct progress_item *item,
		   size_t columns)
{
	const char *text = state_text(progress, item->state);
	auto_free char *at = size_text(item->at);
	auto_free char *size = size_text(item->size);
	auto_str struct str line = { 0 };
	size_t width = columns > 60 ? columns - 56 : 0;
	size_t full = item->size ? (size_t)((double)width * (double)item->at / (double)item->size)
				 : width;

	str_addf(&line, "%.12s: %-15s", digest_hex(item->digest), text);
	if (item->state != PROGRESS_MOVING && item->state != PROGRESS_RETRYING)
		return str_take(&line);
	if (width) {
		str_add(&line, " [");
		for (size_t i = 0; i < width; i++)
			str_add(&line, i < full ? "=" : i == full ? ">" : " ");
		str_add(&line, "]");
	}
	str_addf(&line, " %s/%s", at, size);
	return str_take(&line);
}

static void say(const struct progress *progress, const struct progress_item *item)
{
	auto_free char *line = progress_line(progress, item);

	(void)fprintf(stderr, "%s\n", line);
}

void progress_set(struct progress *progress, size_t number, enum progress_state state, uint64_t at)
{
	struct progress_item *item = &progress->items[number];
	bool has_changed = item->state != state;
	int64_t now = clock_boot_ns();

	item->state = state;
	item->at = at;
	if (progress->form == PROGRESS_PLAIN && has_changed && state != PROGRESS_WAITING &&
	    state != PROGRESS_MOVED)
		say(progress, item);
	if (progress->form == PROGRESS_JSON &&
	    (has_changed || now - progress->drawn_ns > LINE_NS)) {
		progress->drawn_ns = now;
		say(progress, item);
	}
}

static size_t terminal_columns(void)
{
	struct winsize size = { 0 };

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

void progress_draw(struct progress *progress, bool is_last)
{
	auto_str struct str picture = { 0 };
	size_t columns, n = MIN(progress->n, (size_t)MAX_BARS);
	int64_t now = clock_boot_ns();

	if (progress->form != PROGRESS_TTY || (!is_last && now - progress->drawn_ns < DRAW_NS))
		return;
	progress->drawn_ns = now;
	columns = terminal_columns();
	if (progress->n_drawn)
		str_addf(&picture, "\033[%zuA", progress->n_drawn);
	for (size_t i = 0; i < n; i++) {
		auto_free char *bar = progress_bar(progress, &progress->items[i], columns);

		str_addf(&picture, "\r\033[K%.*s\n", (int)columns, bar);
	}
	progress->n_drawn = n;
	(void)!write(STDERR_FILENO, picture.text ? picture.text : "", picture.len);
}
