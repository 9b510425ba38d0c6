/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <linux/close_range.h>
#include <unistd.h>

void close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

int cloexec_from(int first)
{
	return close_range((unsigned int)first, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

void close_from(int first, int kept)
{
	if (kept < first) {
		(void)close_range((unsigned int)first, ~0U, 0);
		return;
	}
	if (kept > first)
		(void)close_range((unsigned int)first, (unsigned int)kept - 1, 0);
	(void)close_range((unsigned int)kept + 1, ~0U, 0);
}
