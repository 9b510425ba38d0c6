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
