/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A directory held open, with the name a person knows it by (errors, --explain). */
struct dir {
	int fd;
	const char *path; /* borrowed */
};

/* Closes, keeps errno, and resets to -1; nothing happens for a negative *fd. */
void close_fd(int *fd);

/* Hands the fd over: returns it and leaves -1 behind. */
int take_fd(int *fd);

/* Marks every fd from @first up close-on-exec (close_range(2), CLOSE_RANGE_CLOEXEC). */
int cloexec_from(int first);

/* Closes every fd from @first up but @kept, and but @also (-1: none). */
void close_from(int first, int kept);
void close_from_two(int first, int kept, int also);

#define auto_fd __attribute__((cleanup(close_fd)))
