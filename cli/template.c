/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/template_internal.h"

/* A variable, the innermost first. */
struct variable {
	const struct variable *outer;
	const char *name;
	json_t *value; /* owned by who made it */
};

/* Where a template is evaluated. */
struct scope {
	const json_t *whole, *dot, *methods;
	const struct variable *variables;
	bool is_condition; /* what is not there is false, not wrong */
};

static json_t *borrow(const json_t *value)
{
	/* jansson counts references of values that nobody changes. */
	return json_incref((json_t *)(uintptr_t)value);
}

/* ---- operands --------------------------------------------------------------------------------- */

static int not_there(const struct strv *path, size_t n, struct error *err)
{
	auto_str struct str text = { 0 };

	for (size_t i = 0; i < n; i++)
		str_addf(&text, ".%s", path->items[i]);
	return err_set(err, ENOENT, "there is no '%s'", text.text);
}

/* Takes the reference @value over. */
static int follow(const struct scope *scope, json_t *value, const struct strv *path, json_t **ret,
		  struct error *err)
{
	json_t *found = value;

	for (size_t i = 0; found && i < path->n; i++)
		found = json_object_get(found, path->items[i]);
	if (!found && !scope->is_condition) {
		json_decref(value);
		return not_there(path, path->n, err);
	}
	*ret = found ? json_incref(found) : json_null();
	json_decref(value);
	return 0;
}

static int find_variable(const struct scope *scope, const char *name, json_t **ret,
			 struct error *err)
{
	if (!*name) {
		*ret = borrow(scope->whole);
		return 0;
	}
	for (const struct variable *v = scope->variables; v; v = v->outer) {
		if (strcmp(v->name, name) == 0) {
			*ret = json_incref(v->value);
			return 0;
		}
	}
	return err_set(err, EINVAL, "there is no variable '$%s'", name);
}

static int evaluate_pipeline(const struct scope *scope, const struct pipeline *p, json_t **ret,
			     struct error *err);

static int evaluate(const struct scope *scope, const struct operand *o, json_t **ret,
		    struct error *err)
{
	json_t *value = NULL;
	int rc = 0;

	switch (o->kind) {
	case OPERAND_VALUE:
		*ret = json_incref(o->value);
		return 0;
	case OPERAND_DOT:
		value = borrow(scope->dot);
		break;
	case OPERAND_VARIABLE:
		rc = find_variable(scope, o->name, &value, err);
		break;
	case OPERAND_PIPELINE:
		rc = evaluate_pipeline(scope, o->pipeline, &value, err);
		break;
	case OPERAND_FUNCTION:
		return template_call(&(struct call){ .name = o->name }, ret, err);
	}
	return rc < 0 ? rc : follow(scope, value, &o->path, ret, err);
}

/* ---- commands --------------------------------------------------------------------------------- */

/* {{.Label "tier"}} */
static int call_method(const struct scope *scope, const struct operand *o, json_t *const *args,
		       size_t n, json_t **ret, struct error *err)
{
	const char *word = n == 1 ? json_string_value(args[0]) : NULL;
	const json_t *answers;

	if (o->kind != OPERAND_DOT || o->path.n != 1 || !word)
		return err_set(err, EINVAL, "a value takes no arguments");
	if (!scope->methods) {
		*ret = json_text(word);
		return 0;
	}
	answers = json_object_get(scope->methods, o->path.items[0]);
	if (!answers)
		return err_set(err, ENOENT, "there is no '.%s' with an argument", o->path.items[0]);
	*ret = json_object_get(answers, word) ? json_incref(json_object_get(answers, word))
					      : json_text("");
	return 0;
}

static bool is_logic(const char *name)
{
	return strcmp(name, "and") == 0 || strcmp(name, "or") == 0 || strcmp(name, "not") == 0;
}

/* @last: what comes through the pipe, or NULL. */
static int run_command(const struct scope *outer, const struct command_call *c, json_t *last,
		       json_t **ret, struct error *err)
{
	const struct operand *first = &c->operands[0];
	bool is_function = first->kind == OPERAND_FUNCTION;
	struct scope scope = *outer;
	json_t **args = xcalloc(c->n + 1, sizeof(json_t *));
	size_t n = 0;
	int rc = 0;

	scope.is_condition |= is_function && is_logic(first->name);
	for (size_t i = 1; rc == 0 && i < c->n; i++) {
		rc = evaluate(&scope, &c->operands[i], &args[n], err);
		n += rc == 0;
	}
	if (last)
		args[n++] = json_incref(last);
	if (rc == 0 && is_function)
		rc = template_call(&(struct call){ first->name, args, n }, ret, err);
	else if (rc == 0 && n)
		rc = call_method(&scope, first, args, n, ret, err);
	else if (rc == 0)
		rc = evaluate(&scope, first, ret, err);
	for (size_t i = 0; i < n; i++)
		json_decref(args[i]);
	free(args);
	return rc;
}

static int evaluate_pipeline(const struct scope *scope, const struct pipeline *p, json_t **ret,
			     struct error *err)
{
	json_t *value = NULL;

	for (size_t i = 0; i < p->n; i++) {
		json_t *next = NULL;
		int rc = run_command(scope, &p->commands[i], value, &next, err);

		json_decref(value);
		if (rc < 0)
			return rc;
		value = next;
	}
	*ret = value;
	return 0;
}

/* ---- nodes ------------------------------------------------------------------------------------ */

static int render_nodes(const struct template *t, const struct scope *outer, struct str *ret,
			struct error *err);

static int render_range(const struct node *node, const struct scope *outer, json_t *value,
			struct str *ret, struct error *err)
{
	bool is_array = json_is_array(value);
	void *iter = json_object_iter(value);
	int rc = 0;

	if (!template_is_true(value))
		return node->otherwise ? render_nodes(node->otherwise, outer, ret, err) : 0;
	if (!is_array && !json_is_object(value))
		return err_set(err, EINVAL, "'range' needs a collection");
	for (size_t i = 0; rc == 0 && (is_array ? i < json_array_size(value) : iter != NULL); i++) {
		auto_json json_t *key = is_array ? json_integer((json_int_t)i)
						 : json_text(json_object_iter_key(iter));
		json_t *item = is_array ? json_array_get(value, i) : json_object_iter_value(iter);
		const struct variable first = { outer->variables, node->key_name, key };
		const struct variable second = { node->key_name ? &first : outer->variables,
						 node->value_name, item };
		struct scope scope = *outer;

		scope.dot = item;
		if (node->value_name)
			scope.variables = &second;
		rc = render_nodes(node->body, &scope, ret, err);
		iter = is_array ? NULL : json_object_iter_next(value, iter);
	}
	return rc;
}

static int render_block(const struct node *node, const struct scope *outer, struct str *ret,
			struct error *err)
{
	struct scope scope = *outer;
	auto_json json_t *value = NULL;
	struct variable variable;
	int rc;

	scope.is_condition = true;
	rc = evaluate_pipeline(&scope, &node->pipeline, &value, err);
	scope.is_condition = false;
	if (rc < 0)
		return rc;
	if (node->kind == NODE_RANGE)
		return render_range(node, outer, value, ret, err);
	variable = (struct variable){ outer->variables, node->value_name, value };
	if (node->value_name)
		scope.variables = &variable;
	if (!template_is_true(value))
		return node->otherwise ? render_nodes(node->otherwise, &scope, ret, err) : 0;
	if (node->kind == NODE_WITH)
		scope.dot = value;
	return render_nodes(node->body, &scope, ret, err);
}

/* What the template itself says may have ends of lines and tabs in it: {{join .Args "\n"}}. */
static void print(const struct node *node, const json_t *value, struct str *ret)
{
	const struct command_call *last = &node->pipeline.commands[node->pipeline.n - 1];
	enum operand_kind kind = last->operands[0].kind;
	const char *text = json_string_value(value);

	if (!text || (kind != OPERAND_FUNCTION && kind != OPERAND_VALUE)) {
		template_add_value(value, ret);
		return;
	}
	while (*text) {
		size_t len = strcspn(text, "\n\t");
		auto_free char *part = xstrndup(text, len);
		auto_free char *escaped = str_escape(part);

		str_add(ret, escaped);
		text += len;
		len = strspn(text, "\n\t");
		str_add_len(ret, text, len);
		text += len;
	}
}

/* From @i on, as what is set is there for what follows. */
static int render_from(const struct template *t, size_t i, const struct scope *scope,
		       struct str *ret, struct error *err)
{
	int rc = 0;

	for (; rc == 0 && i < t->n; i++) {
		const struct node *node = &t->nodes[i];
		auto_json json_t *value = NULL;

		if (node->kind == NODE_TEXT) {
			str_add(ret, node->text);
			continue;
		}
		if (node->kind != NODE_PRINT && node->kind != NODE_SET) {
			rc = render_block(node, scope, ret, err);
			continue;
		}
		rc = evaluate_pipeline(scope, &node->pipeline, &value, err);
		if (rc == 0 && node->kind == NODE_SET) {
			const struct variable variable = { scope->variables, node->value_name,
							   value };
			struct scope inner = *scope;

			inner.variables = &variable;
			return render_from(t, i + 1, &inner, ret, err);
		}
		if (rc == 0)
			print(node, value, ret);
	}
	return rc;
}

static int render_nodes(const struct template *t, const struct scope *outer, struct str *ret,
			struct error *err)
{
	return render_from(t, 0, outer, ret, err);
}

int template_render(const struct template *t, const json_t *value, const json_t *methods,
		    struct str *ret, struct error *err)
{
	const struct scope scope = { .whole = value, .dot = value, .methods = methods };

	return render_nodes(t, &scope, ret, err);
}
