/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "base/str.h"

/*
 * Templates as docker's users write them, which are Go's, as far as scripts need them:
 *
 *	{{.State.Status}}  {{json .Config}}  {{join .Args " "}}  {{len .Mounts}}
 *	{{index .Config.Labels "tier"}}  {{(index .NetworkSettings.Ports "80/tcp" 0).HostPort}}
 *	{{range $name, $net := .NetworkSettings.Networks}}{{$name}}: {{$net.IPAddress}}{{else}}-{{end}}
 *	{{if eq .State.Status "running"}}...{{else if .State.Error}}...{{else}}...{{end}}
 *	{{with .State}}{{.Pid}}{{end}}  {{.Name | upper}}  {{- "trimmed" -}}  \t and \n
 *
 * Values are JSON.  Texts from outside go through str_escape(), so that a name cannot drive the
 * terminal; objects and mixed arrays show as JSON, lists of texts joined by ", ".
 */
struct template;

/* -EINVAL with one line. */
int template_parse(const char *text, struct template **ret, struct error *err);
void template_free(struct template *t); /* NULL is fine */
void template_freep(struct template **t);
#define auto_template __attribute__((cleanup(template_freep)))

/*
 * Adds what it makes of @value.  @methods: {"Label": {"tier": "db"}} is what {{.Label "tier"}} finds
 * its answer in ("" if there is none); NULL: the answer is the word itself, as for headings.
 * -ENOENT for a member that is not there (which to if, with, and, or, not is false), -EINVAL for a
 * value that a function cannot use; what was added before stays.
 */
int template_render(const struct template *t, const json_t *value, const json_t *methods,
		    struct str *ret, struct error *err);
