/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "cli/template.h"
#include "cli/template_internal.h"

#define BLANKS     " \t\r\n"
#define LETTERS    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS     "0123456789"
#define NESTED_MAX 100

struct parser {
	const char *at;    /* in the template; in an action: in what stands between {{ and }} */
	const char *begin; /* of the action, for messages */
	bool is_trimmed;   /* the last action ended with "-": blanks behind it go */
	unsigned int depth;
};

/* ---- ownership -------------------------------------------------------------------------------- */

static void pipeline_fini(struct pipeline *p)
{
	for (size_t i = 0; i < p->n; i++) {
		for (size_t j = 0; j < p->commands[i].n; j++) {
			struct operand *o = &p->commands[i].operands[j];

			json_decref(o->value);
			free(o->name);
			strv_fini(&o->path);
			if (o->pipeline)
				pipeline_fini(o->pipeline);
			free(o->pipeline);
		}
		free(p->commands[i].operands);
	}
	free(p->commands);
	*p = (struct pipeline){ 0 };
}

void template_free(struct template *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++) {
		struct node *node = &t->nodes[i];

		free(node->text);
		free(node->key_name);
		free(node->value_name);
		pipeline_fini(&node->pipeline);
		template_free(node->body);
		template_free(node->otherwise);
	}
	free(t->nodes);
	free(t);
}

void template_freep(struct template **t)
{
	template_free(*t);
	*t = NULL;
}

static struct node *add_node(struct template *t, enum node_kind kind)
{
	t->nodes = xrealloc(t->nodes, t->n + 1, sizeof(*t->nodes));
	t->nodes[t->n] = (struct node){ .kind = kind };
	return &t->nodes[t->n++];
}

/* ---- words ------------------------------------------------------------------------------------ */

static int refuse(const struct parser *p, struct error *err)
{
	const char *end = strstr(p->begin, "}}");

	return err_set(err, EINVAL, "'{{%.*s}}' is not understood",
		       (int)(end ? (size_t)(end - p->begin) : strlen(p->begin)), p->begin);
}

static void skip_blanks(struct parser *p)
{
	p->at += strspn(p->at, BLANKS);
}

/* At the end of the action, "}}" or " -}}". */
static bool at_end(const struct parser *p)
{
	return str_starts(p->at, "}}") || str_starts(p->at, "-}}");
}

static char *take_word(struct parser *p)
{
	size_t len = strspn(p->at, LETTERS);
	char *word;

	len = len ? strspn(p->at, LETTERS DIGITS) : 0;
	word = xstrndup(p->at, len);
	p->at += len;
	return word;
}

/* The word, if it comes next and is not only the beginning of one. */
static bool take(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(p->at, word, len) != 0 || strspn(p->at + len, LETTERS DIGITS))
		return false;
	p->at += len;
	skip_blanks(p);
	return true;
}

static bool take_sign(struct parser *p, const char *sign)
{
	if (!str_starts(p->at, sign))
		return false;
	p->at += strlen(sign);
	skip_blanks(p);
	return true;
}

/* ".A.B-c": keys of JSON may have a "-" in them, which Go's cannot. */
static bool take_path(struct parser *p, struct strv *ret)
{
	while (*p->at == '.') {
		size_t len = strspn(p->at + 1, LETTERS DIGITS "-");

		/* The "-" of " -}}" needs a blank in front. */
		if (len == 0)
			return false;
		strv_take(ret, xstrndup(p->at + 1, len));
		p->at += 1 + len;
	}
	return true;
}

/* "...\"...\n", or `...` as it stands. */
static bool take_text(struct parser *p, json_t **ret)
{
	auto_str struct str text = { 0 };
	char quote = *p->at++;

	for (; *p->at && *p->at != quote; p->at++) {
		const char *escaped = "n\nt\tr\r\"\"\\\\";

		if (quote == '"' && *p->at == '\\') {
			p->at++;
			while (*escaped && *escaped != *p->at)
				escaped += 2;
			if (!*escaped)
				return false;
			str_add_len(&text, escaped + 1, 1);
		} else {
			str_add_len(&text, p->at, 1);
		}
	}
	if (*p->at != quote)
		return false;
	p->at++;
	*ret = json_text(text.text ? text.text : "");
	return true;
}

static bool take_number(struct parser *p, json_t **ret)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(p->at, &end, 10);
	if (errno || end == p->at || strspn(end, LETTERS DIGITS "."))
		return false;
	p->at = end;
	*ret = json_integer(number);
	return true;
}

/* ---- pipelines -------------------------------------------------------------------------------- */

static int parse_pipeline(struct parser *p, struct pipeline *ret, struct error *err);

static int parse_nested(struct parser *p, struct operand *o, struct error *err)
{
	int rc;

	p->at++;
	skip_blanks(p);
	if (++p->depth > NESTED_MAX)
		return refuse(p, err);
	o->kind = OPERAND_PIPELINE;
	o->pipeline = xcalloc(1, sizeof(*o->pipeline));
	rc = parse_pipeline(p, o->pipeline, err);
	p->depth--;
	if (rc < 0)
		return rc;
	if (*p->at != ')')
		return refuse(p, err);
	p->at++;
	return take_path(p, &o->path) ? 0 : refuse(p, err);
}

static bool take_constant(const char *word, json_t **ret)
{
	if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
		*ret = json_boolean(*word == 't');
	else if (strcmp(word, "nil") == 0)
		*ret = json_null();
	return *ret != NULL;
}

static int parse_name(struct parser *p, bool is_first, struct operand *o, struct error *err)
{
	o->name = take_word(p);
	if (take_constant(o->name, &o->value))
		return 0;
	o->kind = OPERAND_FUNCTION;
	/* Without arguments, too: {{println}}. */
	return template_has_function(o->name) && (is_first || strcmp(o->name, "println") == 0)
		       ? 0
		       : refuse(p, err);
}

static int parse_operand(struct parser *p, bool is_first, struct operand *o, struct error *err)
{
	bool is_fine = true;

	if (*p->at == '(')
		return parse_nested(p, o, err);
	if (*p->at == '"' || *p->at == '`') {
		is_fine = take_text(p, &o->value);
	} else if (strchr(DIGITS "-", *p->at)) {
		is_fine = take_number(p, &o->value);
	} else if (*p->at == '$') {
		p->at++;
		o->kind = OPERAND_VARIABLE;
		o->name = take_word(p);
		is_fine = take_path(p, &o->path);
	} else if (*p->at == '.') {
		o->kind = OPERAND_DOT;
		/* A dot alone is not followed by a word. */
		if (strspn(p->at + 1, LETTERS DIGITS))
			is_fine = take_path(p, &o->path);
		else
			p->at++;
	} else {
		return parse_name(p, is_first, o, err);
	}
	return is_fine ? 0 : refuse(p, err);
}

static int parse_command(struct parser *p, struct command_call *c, struct error *err)
{
	while (!at_end(p) && *p->at != '|' && *p->at != ')') {
		struct operand *o;
		int rc;

		if (!*p->at)
			return refuse(p, err);
		c->operands = xrealloc(c->operands, c->n + 1, sizeof(*c->operands));
		o = &c->operands[c->n++];
		*o = (struct operand){ 0 };
		rc = parse_operand(p, c->n == 1, o, err);
		if (rc < 0)
			return rc;
		/* Words are set apart by blanks. */
		if (!at_end(p) && !strchr(BLANKS "|)", *p->at))
			return refuse(p, err);
		skip_blanks(p);
	}
	return c->n ? 0 : refuse(p, err);
}

static int parse_pipeline(struct parser *p, struct pipeline *ret, struct error *err)
{
	do {
		int rc;

		ret->commands = xrealloc(ret->commands, ret->n + 1, sizeof(*ret->commands));
		ret->commands[ret->n] = (struct command_call){ 0 };
		rc = parse_command(p, &ret->commands[ret->n++], err);
		if (rc < 0)
			return rc;
	} while (take_sign(p, "|"));
	return 0;
}

/* "$v := ", "$k, $v := ", or neither, and then the pipeline. */
static int parse_assignment(struct parser *p, struct node *node, struct error *err)
{
	struct parser before = *p;
	char *names[2] = { NULL, NULL };
	bool is_one = true;

	for (int i = 0; i < 2 && *p->at == '$'; i++) {
		p->at++;
		names[i] = take_word(p);
		skip_blanks(p);
		is_one = take_sign(p, ":=");
		if (is_one || !take_sign(p, ","))
			break;
		is_one = false;
	}
	if (!names[0] || !is_one) {
		free(names[0]);
		free(names[1]);
		*p = before;
		return parse_pipeline(p, &node->pipeline, err);
	}
	node->key_name = names[1] ? names[0] : NULL;
	node->value_name = names[1] ? names[1] : names[0];
	return parse_pipeline(p, &node->pipeline, err);
}

/* ---- actions ---------------------------------------------------------------------------------- */

/* What ends a list of nodes. */
enum end { END_OF_TEXT, END_WORD, ELSE_WORD, ELSE_IF };

static int parse_nodes(struct parser *p, struct template *t, enum end *ret_end, struct error *err);

static int close_action(struct parser *p, struct error *err)
{
	skip_blanks(p);
	p->is_trimmed = str_starts(p->at, "-}}");
	if (!at_end(p))
		return refuse(p, err);
	p->at += p->is_trimmed ? 3 : 2;
	return 0;
}

/* The blocks of if, with and range, up to their end. */
static int parse_blocks(struct parser *p, struct node *node, struct error *err)
{
	enum end end = END_OF_TEXT;
	int rc;

	if (++p->depth > NESTED_MAX)
		return refuse(p, err);
	node->body = xcalloc(1, sizeof(*node->body));
	rc = parse_nodes(p, node->body, &end, err);
	if (rc == 0 && (end == ELSE_WORD || end == ELSE_IF)) {
		node->otherwise = xcalloc(1, sizeof(*node->otherwise));
		if (end == ELSE_IF) {
			/* Ends together with this one. */
			struct node *other = add_node(node->otherwise, NODE_IF);

			rc = parse_pipeline(p, &other->pipeline, err);
			if (rc == 0)
				rc = close_action(p, err);
			if (rc == 0)
				rc = parse_blocks(p, other, err);
			end = END_WORD;
		} else {
			rc = parse_nodes(p, node->otherwise, &end, err);
		}
	}
	p->depth--;
	if (rc == 0 && end != END_WORD)
		rc = err_set(err, EINVAL, "a block without '{{end}}'");
	return rc;
}

static int parse_block(struct parser *p, struct template *t, enum node_kind kind, struct error *err)
{
	struct node *node = add_node(t, kind);
	int rc = parse_assignment(p, node, err);

	if (rc == 0 && kind != NODE_RANGE && node->key_name)
		return refuse(p, err);
	if (rc == 0)
		rc = close_action(p, err);
	return rc < 0 ? rc : parse_blocks(p, node, err);
}

static int parse_print(struct parser *p, struct template *t, struct error *err)
{
	struct node *node = add_node(t, NODE_PRINT);
	int rc = parse_assignment(p, node, err);

	if (rc < 0)
		return rc;
	if (node->key_name)
		return refuse(p, err);
	if (node->value_name)
		node->kind = NODE_SET;
	return close_action(p, err);
}

/* 1: it ended the list in *ret_end; 0: the list goes on. */
static int parse_action(struct parser *p, struct template *t, enum end *ret_end, struct error *err)
{
	skip_blanks(p);
	if (take(p, "end")) {
		*ret_end = END_WORD;
		return close_action(p, err) < 0 ? -EINVAL : 1;
	}
	if (take(p, "else")) {
		*ret_end = take(p, "if") ? ELSE_IF : ELSE_WORD;
		if (*ret_end == ELSE_IF)
			return 1;
		return close_action(p, err) < 0 ? -EINVAL : 1;
	}
	if (take(p, "if"))
		return parse_block(p, t, NODE_IF, err);
	if (take(p, "with"))
		return parse_block(p, t, NODE_WITH, err);
	if (take(p, "range"))
		return parse_block(p, t, NODE_RANGE, err);
	return parse_print(p, t, err);
}

/* \t and \n may be typed as two characters, since a shell's quotes keep them so. */
static char *unescape(const char *text, size_t len)
{
	struct str out = { 0 };

	for (size_t i = 0; i < len; i++) {
		bool is_pair = text[i] == '\\' && i + 1 < len;

		if (is_pair && text[i + 1] == 't')
			str_add(&out, "\t");
		else if (is_pair && text[i + 1] == 'n')
			str_add(&out, "\n");
		else
			str_add_len(&out, text + i, 1);
		i += is_pair && (text[i + 1] == 't' || text[i + 1] == 'n');
	}
	return str_take(&out);
}

/* Text up to the next action, whose "{{- " takes the blanks in front of it away. */
static void parse_text(struct parser *p, struct template *t)
{
	const char *open = strstr(p->at, "{{");
	size_t len;

	if (p->is_trimmed)
		skip_blanks(p);
	p->is_trimmed = false;
	len = open ? (size_t)(open - p->at) : strlen(p->at);
	if (open && open[2] == '-' && strspn(open + 3, BLANKS)) {
		while (len && strchr(BLANKS, p->at[len - 1]))
			len--;
	}
	if (len)
		add_node(t, NODE_TEXT)->text = unescape(p->at, len);
	p->at = open ? open : p->at + strlen(p->at);
}

static int parse_nodes(struct parser *p, struct template *t, enum end *ret_end, struct error *err)
{
	int rc = 0;

	while (rc == 0) {
		parse_text(p, t);
		*ret_end = END_OF_TEXT;
		if (!*p->at)
			return 0;
		p->at += 2;
		if (*p->at == '-' && strspn(p->at + 1, BLANKS))
			p->at++;
		p->begin = p->at;
		if (!strstr(p->at, "}}"))
			return err_set(err, EINVAL, "'{{' without '}}'");
		rc = parse_action(p, t, ret_end, err);
	}
	return rc < 0 ? rc : 0;
}

int template_parse(const char *text, struct template **ret, struct error *err)
{
	auto_template struct template *t = xcalloc(1, sizeof(*t));
	struct parser p = { .at = text, .begin = text };
	enum end end;
	int rc = parse_nodes(&p, t, &end, err);

	if (rc < 0)
		return rc;
	if (end != END_OF_TEXT)
		return err_set(err, EINVAL, "'{{%s}}' without a block",
			       end == END_WORD ? "end" : "else");
	*ret = take_ptr(t);
	return 0;
}
