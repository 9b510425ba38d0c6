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
	close_from_two(first, kept, -1);
}

void close_from_two(int first, int kept, int also)
{
	int next = first;

	for (int i = 0; i < 2; i++) {
		int fd = (kept < also) == (i == 0) ? kept : also; /* the smaller one first */

		if (fd < next)
			continue;
		if (fd > next)
			(void)close_range((unsigned int)next, (unsigned int)fd - 1, 0);
		next = fd + 1;
	}
	(void)close_range((unsigned int)next, ~0U, 0);
}
