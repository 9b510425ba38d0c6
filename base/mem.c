/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
	static const char text[] = "minictr: out of memory\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(125);
}

void *xmalloc(size_t size)
{
	void *ptr = malloc(size ? size : 1);

	if (!ptr)
		out_of_memory();
	return ptr;
}

void *xcalloc(size_t n, size_t size)
{
	void *ptr = calloc(n ? n : 1, size ? size : 1);

	if (!ptr)
		out_of_memory();
	return ptr;
}

void *xrealloc(void *ptr, size_t n, size_t size)
{
	void *grown = reallocarray(ptr, n ? n : 1, size ? size : 1);

	if (!grown)
		out_of_memory();
	return grown;
}

char *xstrdup(const char *text)
{
	char *copy;

	if (!text)
		return NULL;

	copy = strdup(text);
	if (!copy)
		out_of_memory();
	return copy;
}

char *xstrndup(const char *text, size_t len)
{
	char *copy = strndup(text, len);

	if (!copy)
		out_of_memory();
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		out_of_memory();
	return text;
}

/* What calls have used that returned since, but for a page that the next few will need again. */
static void trim_stack(void)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const size_t depth = 64U << 10;
	uintptr_t end = ((uintptr_t)__builtin_frame_address(0) & ~(page - 1)) - page;

	/* Part of it may never have been used: the kernel does the rest all the same. */
	(void)madvise((void *)(end - depth), depth, MADV_DONTNEED);
}

/* It stays in the page cache: what is called again is mapped again. */
static void trim_program(void)
{
	extern const char __executable_start[], etext[]; /* ld(1)'s */
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = (uintptr_t)__executable_start;
	size_t size = ((uintptr_t)etext & ~(page - 1)) - begin;

	(void)madvise((void *)begin, size, MADV_DONTNEED);
}

void mem_trim(void)
{
	int saved = errno;

	(void)malloc_trim(0);
	trim_stack();
	trim_program();
	errno = saved;
}

void free_ptr(void *ptr_to_ptr)
{
	void **ptr = ptr_to_ptr;
	int saved = errno;

	free(*ptr);
	*ptr = NULL;
	errno = saved;
}
