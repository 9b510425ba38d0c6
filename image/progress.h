/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "image/digest.h"
#include "image/registry_request.h"

/*
 * What is under way, on standard error: bars on a terminal, a line for each change elsewhere, JSON
 * objects, or nothing.
 */
enum progress_state {
	PROGRESS_WAITING,
	PROGRESS_MOVING,   /* bytes come or go */
	PROGRESS_MOVED,    /* all of them; they are being verified or unpacked */
	PROGRESS_RETRYING, /* after a failure that may pass */
	PROGRESS_THERE,    /* nothing to do */
	PROGRESS_DONE,
};

struct progress_item {
	char digest[DIGEST_TEXT];
	enum progress_state state;
	uint64_t at, size;
};

struct progress {
	enum registry_progress form;
	const char *moving, *done;   /* "Downloading", "Pull complete" */
	struct progress_item *items; /* owned */
	size_t n;
	size_t n_drawn; /* lines of bars on the terminal */
	int64_t drawn_ns;
};

void progress_fini(struct progress *progress);

/* Adds one and returns its number. */
size_t progress_add(struct progress *progress, const char *digest, uint64_t size);

void progress_set(struct progress *progress, size_t item, enum progress_state state, uint64_t at);

/* Draws what has changed, but not too often unless @is_last. */
void progress_draw(struct progress *progress, bool is_last);

/* A line of its own for one item, as plain and JSON have it; caller frees.  Pure. */
char *progress_line(const struct progress *progress, const struct progress_item *item);

/* The same as a bar for a terminal of @columns. */
char *progress_bar(const struct progress *progress, const struct progress_item *item,
		   size_t columns);
