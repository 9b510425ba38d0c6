/* SPDX-License-Identifier: Apache-2.0 */
#include "image/signals.h"

#include <stddef.h>
#include <time.h>

#include "base/macros.h"

void signals_heeded(sigset_t *ret)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	(void)sigemptyset(ret);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct sigaction action;

		if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			(void)sigaddset(ret, signals[i]);
	}
}

void signals_block(sigset_t *ret_before)
{
	sigset_t set;

	signals_heeded(&set);
	(void)sigprocmask(SIG_BLOCK, &set, ret_before);
}

void signals_restore(const sigset_t *before, bool was_heeded)
{
	const struct timespec now = { 0 };
	sigset_t set;

	signals_heeded(&set);
	while (was_heeded && sigtimedwait(&set, NULL, &now) > 0)
		;
	(void)sigprocmask(SIG_SETMASK, before, NULL);
}
