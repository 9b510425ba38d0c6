/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macros.h"

/*
 * What went wrong, in words, outermost context first.  A plain value of fixed size: it needs no
 * allocation after clone() and crosses the sync socket from the container's init as one datagram.
 */
struct error {
	int code;   /* positive errno; 0 while unset */
	int status; /* exit status that the command line gives for it; 0: the command's usual one */
	char msg[1016];
};

/*
 * Fill @err and return the negative errno, so that a failing call site is one `return`.
 *
 * Text: lower case, no full stop, the verb first, names in single quotes; system texts appear in
 * lower case ("no such file or directory"), as the engines that match on them expect.
 *
 * err_set():  our own finding; @code is a positive errno.
 * err_sys():  a system call just failed; appends ": <text of errno>".
 * err_wrap(): puts context in front: "<fmt>: <what was there>".
 * err_exit(): sets the exit status that this failure means to a user (126, 127); returns -code.
 */
int err_set(struct error *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_sys(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
int err_wrap(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
int err_exit(struct error *err, int status);

/* The text of errno @code with a lower-case first letter; static storage of the calling thread. */
const char *err_text(int code);
