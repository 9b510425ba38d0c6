/* SPDX-License-Identifier: Apache-2.0 */
#include "base/word.h"

#include <string.h>

#include "base/macros.h"
#include "base/str.h"

size_t word_distance(const char *a, const char *b)
{
	/* Optimal string alignment; names are short, longer words are not alike anyway. */
	enum { LONGEST = 40 };
	size_t d[LONGEST + 1][LONGEST + 1];
	size_t m = strlen(a);
	size_t n = strlen(b);

	if (m > LONGEST || n > LONGEST)
		return MAX(m, n);
	for (size_t i = 0; i <= m; i++) {
		for (size_t j = 0; j <= n; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = i + j;
				continue;
			}
			d[i][j] = MIN(MIN(d[i - 1][j], d[i][j - 1]) + 1,
				      d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = MIN(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[m][n];
}

bool word_is_close(const char *typed, const char *word)
{
	size_t len = strlen(typed);

	if (len >= 3 && str_starts(word, typed))
		return true;
	return word_distance(typed, word) <= (len < 3 ? 0 : len < 6 ? 1 : 2);
}
