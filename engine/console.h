/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "base/error.h"

/* The terminal that a user sits at, while a container has one of its own (-t). */
struct console {
	int fd;      /* borrowed; -1: there is none */
	bool is_raw; /* until console_restore() */
	struct termios saved;
};

/* Everything typed is passed on as it is, ^C too, and nothing is echoed. */
int console_make_raw(struct console *console, struct error *err);
void console_restore(struct console *console);

/* 0 and 0 if @fd is no terminal. */
void console_size(int fd, uint16_t *ret_columns, uint16_t *ret_rows);

/* Gives the terminal behind @master the size of the one at @fd; its processes get SIGWINCH. */
void console_copy_size(int fd, int master);
