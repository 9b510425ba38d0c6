/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/words.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Inside of double quotes a backslash means something in front of these only (POSIX shell). */
static bool is_escaped(char quote, char next)
{
	return next && (!quote || strchr("$`\"\\\n", next));
}

int words_split(const char *text, struct strv *ret, struct error *err)
{
	auto_strv struct strv words = { 0 };
	auto_str struct str word = { 0 };
	bool in_word = false;
	char quote = '\0';

	for (const char *p = text; *p; p++) {
		if (quote && *p == quote) {
			quote = '\0';
		} else if (*p == '\\' && quote != '\'' && is_escaped(quote, p[1])) {
			p++;
			if (*p == '\n')
				continue;
			in_word = true;
			str_add_len(&word, p, 1);
		} else if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
			in_word = true;
		} else if (!quote && strchr(" \t\r\n", *p)) {
			if (in_word)
				strv_take(&words, str_take(&word));
			in_word = false;
		} else {
			str_add_len(&word, p, 1);
			in_word = true;
		}
	}
	if (quote)
		return err_set(err, EINVAL, "a quote %c is not closed", quote);
	if (in_word)
		strv_take(&words, str_take(&word));
	strv_copy(ret, &words);
	return 0;
}
