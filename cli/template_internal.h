/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/error.h"
#include "base/str.h"

/* What a template is parsed into. */
struct pipeline;

enum operand_kind {
	OPERAND_VALUE,    /* @value */
	OPERAND_DOT,      /* . */
	OPERAND_VARIABLE, /* $name; "" is the whole */
	OPERAND_PIPELINE, /* (...) */
	OPERAND_FUNCTION, /* name, the first of its command */
};

/* ".A.B" behind any of them but a function. */
struct operand {
	enum operand_kind kind;
	json_t *value;
	char *name;
	struct pipeline *pipeline;
	struct strv path;
};

struct command_call {
	struct operand *operands;
	size_t n;
};

/* a | b x | c: what one gives is the last argument of the next. */
struct pipeline {
	struct command_call *commands;
	size_t n;
};

enum node_kind {
	NODE_TEXT,
	NODE_PRINT,
	NODE_SET, /* {{$name := ...}} */
	NODE_IF,
	NODE_WITH,
	NODE_RANGE,
};

struct node {
	enum node_kind kind;
	char *text;
	struct pipeline pipeline;
	char *key_name, *value_name; /* $k, $v := ...; NULL if not given */
	struct template *body, *otherwise;
};

struct template
{
	struct node *nodes;
	size_t n;
};

/* The functions; arguments and result are references that the caller owns. */
struct call {
	const char *name;
	json_t **args;
	size_t n;
};
int template_call(const struct call *call, json_t **ret, struct error *err);
bool template_has_function(const char *name);

/* As Go sees it: nothing, false, 0, "" and empty collections are not. */
bool template_is_true(const json_t *value);

/* As {{.}} shows it. */
void template_add_value(const json_t *value, struct str *ret);
void template_add_json(const json_t *value, struct str *ret);
