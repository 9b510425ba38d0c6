/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/macros.h"
#include "base/mem.h"

/*
 * Events come in; collections that are still open are a stack, linked by their @up.  A key waits
 * in the map's place on the stack until its value is there.
 */
struct anchor {
	char *name;
	struct node *node; /* in the tree, or in @kept */
	bool is_open;      /* begun, and not yet ended */
};

struct level {
	struct node *node;
	bool has_key;
	char *key; /* owned */
	int line, column;
	bool is_merge;       /* the waiting key is << */
	struct node *merges; /* a NODE_LIST of what << named, or NULL */
	size_t anchor;       /* 1 + its index; 0: none */
};

struct reader {
	yaml_parser_t parser;
	const char *file;
	struct node *root;
	struct node *kept; /* a NODE_LIST of values that left the tree, but have anchors */
	struct level levels[TREE_MAX_DEPTH];
	size_t depth;
	struct anchor *anchors;
	size_t n_anchors;
	size_t n_nodes;
};

static int fail(const struct reader *r, const yaml_mark_t *mark, struct error *err, const char *fmt,
		...) PRINTF_LIKE(4, 5);

static int fail(const struct reader *r, const yaml_mark_t *mark, struct error *err, const char *fmt,
		...)
{
	const struct node here = {
		.file = r->file,
		.line = (int)mark->line + 1,
		.column = (int)mark->column + 1,
	};
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return node_error(&here, err, "%s", text);
}

static int count_node(struct reader *r, const yaml_mark_t *mark, struct error *err)
{
	if (++r->n_nodes > TREE_MAX_NODES)
		return fail(r, mark, err, "limit: more than %d values, aliases expanded",
			    TREE_MAX_NODES);
	return 0;
}

static struct node *new_node(struct reader *r, enum node_kind kind, const char *text,
			     const yaml_mark_t *mark)
{
	struct node *node = node_new(kind, text, NULL);

	node->file = r->file;
	node->line = (int)mark->line + 1;
	node->column = (int)mark->column + 1;
	return node;
}

/* ---- anchors and aliases ------------------------------------------------------------------- */

static struct anchor *find_anchor(struct reader *r, const char *name)
{
	for (size_t i = r->n_anchors; i > 0; i--) {
		if (strcmp(r->anchors[i - 1].name, name) == 0)
			return &r->anchors[i - 1];
	}
	return NULL;
}

/* Returns 1 + its index, or 0 if there is no anchor.  The last of a name counts. */
static int add_anchor(struct reader *r, const char *name, struct node *node, size_t *ret,
		      const yaml_mark_t *mark, struct error *err)
{
	*ret = 0;
	if (!name)
		return 0;
	if (r->n_anchors == TREE_MAX_ITEMS)
		return fail(r, mark, err, "limit: more than %d anchors", TREE_MAX_ITEMS);
	r->anchors = xrealloc(r->anchors, r->n_anchors + 1, sizeof(*r->anchors));
	r->anchors[r->n_anchors++] = (struct anchor){ .name = xstrdup(name),
						      .node = node,
						      .is_open = !node_is_scalar(node) };
	*ret = r->n_anchors;
	return 0;
}

/* Counts what a copy would add, and how deep it would reach. */
static int check_copy(struct reader *r, const struct node *node, size_t depth,
		      const yaml_mark_t *mark, struct error *err)
{
	int rc = count_node(r, mark, err);

	if (rc == 0 && depth > TREE_MAX_DEPTH)
		rc = fail(r, mark, err, "limit: nested deeper than %d levels", TREE_MAX_DEPTH);
	for (size_t i = 0; rc == 0 && i < node->n; i++)
		rc = check_copy(r, node->items[i], depth + 1, mark, err);
	return rc;
}

static int copy_alias(struct reader *r, const yaml_event_t *event, struct node **ret,
		      struct error *err)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct anchor *anchor = find_anchor(r, name);
	int rc;

	if (!anchor)
		return fail(r, &event->start_mark, err, "alias '*%.100s': no anchor of this name",
			    name);
	if (anchor->is_open)
		return fail(r, &event->start_mark, err, "alias '*%.100s' stands inside of itself",
			    name);
	rc = check_copy(r, anchor->node, r->depth, &event->start_mark, err);
	if (rc == 0)
		*ret = node_copy(anchor->node);
	return rc;
}

/* ---- tags ------------------------------------------------------------------------------------ */

static const struct {
	const char *tag;
	enum node_kind kind;
} core_tags[] = {
	{ YAML_NULL_TAG, NODE_NULL }, { YAML_BOOL_TAG, NODE_BOOL },   { YAML_INT_TAG, NODE_INT },
	{ YAML_STR_TAG, NODE_TEXT },  { YAML_FLOAT_TAG, NODE_FLOAT }, { YAML_SEQ_TAG, NODE_LIST },
	{ YAML_MAP_TAG, NODE_MAP },
};

/* Sets the kind (or the mark) that @tag asks for; a scalar must be one of that kind. */
static int apply_tag(struct reader *r, struct node *node, const char *tag, const yaml_mark_t *mark,
		     struct error *err)
{
	enum node_kind plain = node_is_scalar(node) ? yaml_kind_of(node->text) : node->kind;

	if (strcmp(tag, "!reset") == 0 || strcmp(tag, "!override") == 0) {
		node->mark = tag[1] == 'r' ? NODE_RESETS : NODE_REPLACES;
		return 0;
	}
	if (strcmp(tag, "!") == 0 && node_is_scalar(node)) {
		node->kind = NODE_TEXT;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(core_tags); i++) {
		enum node_kind kind = core_tags[i].kind;

		if (strcmp(tag, core_tags[i].tag) != 0)
			continue;
		if (plain != kind && !(kind == NODE_TEXT && node_is_scalar(node)) &&
		    !(kind == NODE_FLOAT && plain == NODE_INT))
			return fail(r, mark, err, "the value is no '!!%.100s'",
				    strrchr(tag, ':') + 1);
		node->kind = kind;
		return 0;
	}
	return fail(r, mark, err, "unknown tag '%.100s'", tag);
}

/* ---- building -------------------------------------------------------------------------------- */

/* A member of a map, its key told apart from the others. */
static int add_member(struct reader *r, struct level *level, struct node *value,
		      const yaml_mark_t *mark, struct error *err)
{
	auto_free char *key = take_ptr(level->key);

	level->has_key = false;
	if (level->is_merge) {
		level->is_merge = false;
		if (level->merges) {
			node_free(value);
			return fail(r, mark, err, "the key '<<' stands twice in one map");
		}
		level->merges = node_new(NODE_LIST, NULL, value);
		node_add(level->merges, value);
		return 0;
	}
	value->key_line = level->line;
	value->key_column = level->column;
	node_set(level->node, key, value);
	return 0;
}

/* Puts a finished or just begun value where it belongs; it is taken over. */
static int place_value(struct reader *r, struct node *value, const yaml_mark_t *mark,
		       struct error *err)
{
	struct level *level = r->depth ? &r->levels[r->depth - 1] : NULL;

	if (!level) {
		r->root = value;
		return 0;
	}
	if (level->node->n >= TREE_MAX_ITEMS) {
		node_free(value);
		return fail(r, mark, err, "limit: more than %d values in one list or map",
			    TREE_MAX_ITEMS);
	}
	if (level->node->kind == NODE_MAP)
		return add_member(r, level, value, mark, err);
	node_add(level->node, value);
	return 0;
}

static int take_key(struct reader *r, const struct node *key, bool is_plain,
		    const yaml_mark_t *mark, struct error *err)
{
	struct level *level = &r->levels[r->depth - 1];

	if (!node_is_scalar(key))
		return fail(r, mark, err, "a key must be text, not a list or map");
	if (strlen(key->text) > TREE_MAX_KEY)
		return fail(r, mark, err, "limit: a key of more than %d bytes", TREE_MAX_KEY);
	level->is_merge = is_plain && strcmp(key->text, "<<") == 0;
	if (!level->is_merge && node_get(level->node, key->text))
		return fail(r, mark, err, "the key '%.100s' stands twice in one map", key->text);
	level->key = xstrdup(key->text);
	level->has_key = true;
	level->line = (int)mark->line + 1;
	level->column = (int)mark->column + 1;
	return 0;
}

static bool wants_key(const struct reader *r)
{
	const struct level *level = r->depth ? &r->levels[r->depth - 1] : NULL;

	return level && level->node->kind == NODE_MAP && !level->has_key;
}

static int on_scalar(struct reader *r, const yaml_event_t *event, struct error *err)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !tag;
	auto_node struct node *node = NULL;
	size_t anchor;
	int rc;

	if (strlen(text) != event->data.scalar.length)
		return fail(r, &event->start_mark, err, "a NUL byte in a text");
	rc = count_node(r, &event->start_mark, err);
	if (rc < 0)
		return rc;
	node = new_node(r, is_plain ? yaml_kind_of(text) : NODE_TEXT, text, &event->start_mark);
	if (tag)
		rc = apply_tag(r, node, tag, &event->start_mark, err);
	if (rc < 0)
		return rc;
	if (wants_key(r)) {
		rc = take_key(r, node, is_plain, &event->start_mark, err);
		if (rc == 0)
			rc = add_anchor(r, (const char *)event->data.scalar.anchor, node, &anchor,
					&event->start_mark, err);
		if (rc == 0 && anchor)
			node_add(r->kept, take_ptr(node));
		return rc;
	}
	rc = add_anchor(r, (const char *)event->data.scalar.anchor, node, &anchor,
			&event->start_mark, err);
	return rc < 0 ? rc : place_value(r, take_ptr(node), &event->start_mark, err);
}

static int on_alias(struct reader *r, const yaml_event_t *event, struct error *err)
{
	auto_node struct node *copy = NULL;
	int rc = copy_alias(r, event, &copy, err);

	if (rc < 0)
		return rc;
	if (wants_key(r))
		return take_key(r, copy, false, &event->start_mark, err);
	return place_value(r, take_ptr(copy), &event->start_mark, err);
}

static int on_begin(struct reader *r, const yaml_event_t *event, enum node_kind kind,
		    const char *anchor_name, const char *tag, bool is_block, struct error *err)
{
	struct level level = { 0 };
	struct node *node;
	int rc = count_node(r, &event->start_mark, err);

	if (rc == 0 && r->depth == TREE_MAX_DEPTH)
		rc = fail(r, &event->start_mark, err, "limit: nested deeper than %d levels",
			  TREE_MAX_DEPTH);
	if (rc == 0 && wants_key(r))
		rc = fail(r, &event->start_mark, err, "a key must be text, not a list or map");
	if (rc < 0)
		return rc;

	node = new_node(r, kind, NULL, &event->start_mark);
	if (is_block && r->depth && r->levels[r->depth - 1].has_key) {
		/* It begins on the line below; who looks for it looks for its key. */
		node->line = r->levels[r->depth - 1].line;
		node->column = r->levels[r->depth - 1].column;
	}
	rc = place_value(r, node, &event->start_mark, err);
	if (rc == 0 && tag)
		rc = apply_tag(r, node, tag, &event->start_mark, err);
	if (rc == 0)
		rc = add_anchor(r, anchor_name, node, &level.anchor, &event->start_mark, err);
	if (rc < 0)
		return rc;
	level.node = node;
	r->levels[r->depth++] = level;
	return 0;
}

/* Members of @from that @to does not have. */
static int merge_map(struct reader *r, struct node *to, const struct node *from,
		     const yaml_mark_t *mark, struct error *err)
{
	const yaml_mark_t at = { .line = (size_t)from->line - 1,
				 .column = (size_t)from->column - 1 };

	if (from->kind != NODE_MAP)
		return fail(r, &at, err, "'<<' takes a map or a list of maps");
	for (size_t i = 0; i < from->n; i++) {
		const struct node *member = from->items[i];
		int rc;

		if (node_get(to, member->key))
			continue;
		rc = check_copy(r, member, r->depth, mark, err);
		if (rc == 0 && to->n >= TREE_MAX_ITEMS)
			rc = fail(r, mark, err, "limit: more than %d values in one list or map",
				  TREE_MAX_ITEMS);
		if (rc < 0)
			return rc;
		node_set(to, member->key, node_copy(member));
	}
	return 0;
}

/* What stands in the map itself counts more than what it merges, and the first of a list most. */
static int merge_keys(struct reader *r, struct level *level, const yaml_mark_t *mark,
		      struct error *err)
{
	const struct node *value;
	int rc = 0;

	if (!level->merges)
		return 0;
	value = level->merges->items[0];
	if (value->kind != NODE_LIST)
		rc = merge_map(r, level->node, value, mark, err);
	for (size_t i = 0; value->kind == NODE_LIST && rc == 0 && i < value->n; i++)
		rc = merge_map(r, level->node, value->items[i], mark, err);
	node_add(r->kept, take_ptr(level->merges));
	return rc;
}

static int on_end(struct reader *r, const yaml_event_t *event, struct error *err)
{
	struct level *level = &r->levels[r->depth - 1];
	int rc = merge_keys(r, level, &event->start_mark, err);

	if (level->anchor)
		r->anchors[level->anchor - 1].is_open = false;
	r->depth--;
	return rc;
}

static int on_event(struct reader *r, const yaml_event_t *event, struct error *err)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return on_alias(r, event, err);
	case YAML_SCALAR_EVENT:
		return on_scalar(r, event, err);
	case YAML_SEQUENCE_START_EVENT:
		return on_begin(r, event, NODE_LIST,
				(const char *)event->data.sequence_start.anchor,
				(const char *)event->data.sequence_start.tag,
				event->data.sequence_start.style == YAML_BLOCK_SEQUENCE_STYLE, err);
	case YAML_MAPPING_START_EVENT:
		return on_begin(r, event, NODE_MAP, (const char *)event->data.mapping_start.anchor,
				(const char *)event->data.mapping_start.tag,
				event->data.mapping_start.style == YAML_BLOCK_MAPPING_STYLE, err);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(r, event, err);
	case YAML_DOCUMENT_START_EVENT:
		if (r->root)
			return fail(r, &event->start_mark, err, "a second document in one file");
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

static int parse_error(const struct reader *r, struct error *err)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem ? p->problem : "not YAML";

	if (p->error == YAML_READER_ERROR)
		return err_set(err, EINVAL, "%s: byte %zu: %s", r->file, p->problem_offset,
			       problem);
	if (p->context)
		return fail(r, &p->problem_mark, err, "%s, %s", p->context, problem);
	return fail(r, &p->problem_mark, err, "%s", problem);
}

static int read_events(struct reader *r, struct error *err)
{
	bool is_end = false;
	int rc = 0;

	while (rc == 0 && !is_end) {
		yaml_event_t event;

		if (!yaml_parser_parse(&r->parser, &event))
			return parse_error(r, err);
		is_end = event.type == YAML_STREAM_END_EVENT;
		rc = on_event(r, &event, err);
		yaml_event_delete(&event);
	}
	return rc;
}

static void reader_fini(struct reader *r)
{
	for (size_t i = 0; i < TREE_MAX_DEPTH; i++) {
		free(r->levels[i].key);
		node_free(r->levels[i].merges);
	}
	for (size_t i = 0; i < r->n_anchors; i++)
		free(r->anchors[i].name);
	free(r->anchors);
	node_free(r->kept);
	node_free(r->root);
	yaml_parser_delete(&r->parser);
}

int yaml_parse(const char *file, const char *text, size_t len, struct node **ret, struct error *err)
{
	struct reader r = { .file = file };
	int rc;

	if (len > TREE_MAX_SIZE)
		return err_set(err, EFBIG, "%s: limit: larger than %u KiB", file,
			       TREE_MAX_SIZE >> 10);
	if (!yaml_parser_initialize(&r.parser))
		return err_set(err, ENOMEM, "%s: no memory to read it", file);
	r.kept = node_new(NODE_LIST, NULL, NULL);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	rc = read_events(&r, err);
	if (rc == 0 && !r.root) {
		r.root = node_new(NODE_NULL, "", NULL);
		r.root->file = file;
	}
	if (rc == 0)
		*ret = take_ptr(r.root);
	reader_fini(&r);
	return rc;
}
