/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/timeline.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"

#define BAR_WIDTH 48

static void add_bar(const struct timeline_row *row, int64_t total_ns, struct str *ret)
{
	int64_t begin = row->begun_ns * BAR_WIDTH / total_ns;
	int64_t end = (row->ready_ns * BAR_WIDTH + total_ns - 1) / total_ns;

	/* However short it was, it is seen. */
	begin = MIN(begin, (int64_t)BAR_WIDTH - 1);
	end = MAX(end, begin + 1);
	for (int64_t i = 0; i < end; i++)
		str_add(ret, i < begin ? "." : "#");
}

void timeline_render(const struct timeline_row *rows, size_t n, struct str *ret)
{
	int64_t total_ns = 1;
	int width = 0, state_width = 0;

	for (size_t i = 0; i < n; i++) {
		total_ns = MAX(total_ns, rows[i].ready_ns);
		width = MAX(width, (int)strlen(rows[i].name));
		state_width = MAX(state_width, (int)strlen(rows[i].state));
	}
	for (size_t i = 0; i < n; i++) {
		char time[32];

		format_duration((uint64_t)rows[i].ready_ns, time, sizeof(time));
		str_addf(ret, "%-*s  %9s  %-*s  ", width, rows[i].name, time, state_width,
			 rows[i].state);
		add_bar(&rows[i], total_ns, ret);
		str_add(ret, "\n");
	}
}
