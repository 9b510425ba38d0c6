/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

/*
 * Small allocations: on exhaustion these end the process, so that no path is written for it.
 * Sizes that come from input are checked against a limit before they get here.
 */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *ptr, size_t n, size_t size); /* room for @n elements of @size */
char *xstrdup(const char *text);                  /* NULL stays NULL */
char *xstrndup(const char *text, size_t len);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * For a process that is going to wait for long: gives back to the kernel the pages of heap and stack
 * that hold nothing any more, and those of the program, most of which only a start needs.
 */
void mem_trim(void);

/* Cleanup of a heap pointer: `auto_free char *path = NULL;` */
void free_ptr(void *ptr_to_ptr);

#define auto_free __attribute__((cleanup(free_ptr)))

/* Hands the pointer over: its value is the pointer, NULL stays behind. */
#define take_ptr(p)                         \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})
