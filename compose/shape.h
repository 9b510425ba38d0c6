/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compose/tree.h"

/*
 * Brings the tree of a file into its one canonical form, by tables of keys: each key is known and
 * of the right type, short forms are written out ("80:80" becomes a map with target and published,
 * a list of NAME=VALUE a map), sizes are bytes, durations in one spelling, paths absolute, and keys
 * with no value are gone.  What the rest of compose/ merges, compares, hashes, prints and reads is
 * this form only.
 */
struct shaper {
	const char *directory; /* relative paths of the file are below it; absolute */
	const char *home;      /* "~/"; NULL: it is refused */
	struct strv *warnings;
};

enum key_kind {
	KEY_TEXT,     /* a number is taken as it was written */
	KEY_WORD,     /* one of @words */
	KEY_BOOL,     /* true, false, or the same as text */
	KEY_INT,      /* from @min to @max */
	KEY_NUMBER,   /* any number */
	KEY_SIZE,     /* "64m" -> "67108864"; -1 if @min says so */
	KEY_DURATION, /* "90s" -> "1m30s" */
	KEY_CPUS,     /* "0.50" -> 0.5 */
	KEY_LIST,     /* of texts */
	KEY_TEXTS,    /* the same, or a single text */
	KEY_PAIRS,    /* a map of texts, or a list of NAME=VALUE; NAME alone has null */
	KEY_COMMAND,  /* a list of words, or a text that is split as a shell would */
	KEY_MAP,      /* with the members @keys */
	KEY_NAMED,    /* names -> maps of @keys, or nothing */
	KEY_NAMES,    /* the same, or a list of the names */
	KEY_ITEMS,    /* a list of maps of @keys */
	KEY_ANY,      /* whatever stands there */
};

/* What must be done to a running container when the key changes. */
enum key_change {
	CHANGE_RECREATES,
	CHANGE_UPDATES, /* it goes on, and is told */
	CHANGE_NOTHING, /* it matters only for what is done next */
};

enum key_merge {
	MERGE_BY_KIND,  /* maps by member, lists appended, other values replaced */
	MERGE_REPLACES, /* the later file's value as a whole */
	MERGE_SAME,     /* as a map if both have the same "driver", else replaced */
};

/* May put another node in the place of *node, with node_replace() or by hand. */
typedef int key_shaper(struct shaper *s, struct node **node, struct error *err);

/* What items of a list that are meant to be the same have in common; caller frees. */
typedef char *key_identity(const struct node *item);

struct key {
	const char *name;
	enum key_kind kind;
	const struct key *keys; /* ended by a NULL name */
	key_shaper *before;     /* has the value as it was written */
	key_shaper *item;       /* has each item of KEY_ITEMS as it was written */
	key_shaper *after;      /* has the value in its form, to check it */
	key_identity *identity; /* KEY_ITEMS */
	const char *const *words;
	int64_t min, max;
	enum key_change change;
	enum key_merge merge;
	bool is_required;
	bool is_undone; /* checked and kept, and nothing here does it: a service that has it cannot start */
};

/* Shapes *node (a whole value) by @key. */
int shape(struct shaper *s, const struct key *key, struct node **node, struct error *err);

/* The row of that name, or NULL. */
const struct key *key_find(const struct key *keys, const char *name);

/* For shapers. */

/* Absolute, below s->directory if it was relative; "~" is the home.  Caller frees. */
int shape_path(struct shaper *s, const struct node *node, const char *path, char **ret,
	       struct error *err);

/* A map with the place of @like, put where @node is. */
struct node *shape_new_map(struct node **node);

char *duration_text(int64_t ns); /* "1m30s"; caller frees */
