/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "image/keeper_internal.h"

/*
 * Makes durable what is there already while the rest is still being unpacked, so that the disk works
 * when the processors do: the keeper's syncfs(2), after which names are given, finds little left.  It
 * promises nothing; without it a load is as safe, and a quarter slower.
 *
 * How much there is to write is seen by the file system's free space, which ext4, xfs and btrfs count
 * when data are written to memory.  So a slow pull does not keep the disk busy, nor does one that
 * finds most of its layers in the store.
 */
#define EARLY_SIZE  (16U << 20)
#define EARLY_PAUSE 25000000 /* ns */

static uint64_t free_bytes(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) < 0 ? 0 : (uint64_t)st.f_bfree * (uint64_t)st.f_bsize;
}

static int live_as_syncer(void *arg, int sock, struct error *err)
{
	const struct timespec pause = { .tv_nsec = EARLY_PAUSE };
	const int *work = arg;
	/* A failed write is told once to each that opened a file: the keeper, too, is to hear of it. */
	auto_fd int fd = openat(*work, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t before = free_bytes(fd);

	(void)sock;
	if (fd < 0)
		return err_sys(err, "open the store's 'tmp'");
	for (;;) {
		uint64_t now;

		(void)nanosleep(&pause, NULL);
		now = free_bytes(fd);
		/* Others remove files meanwhile. */
		before = MAX(before, now);
		if (before - now < EARLY_SIZE)
			continue;
		(void)syncfs(fd);
		before = now;
	}
}

int early_start(struct keeper *k, struct error *err)
{
	return load_child_start(&k->syncer, (int[]){ k->work.fd }, 1, live_as_syncer, &k->work.fd,
				err);
}
