/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_networks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "engine/networks.h"
#include "engine/options.h"
#include "net/network.h"

int run_alias_parse(const char *text, void *field, struct error *err)
{
	int rc = parse_hostname(text, err);

	if (rc == 0 && !strv_has(field, text))
		strv_add(field, text);
	return rc;
}

int run_address_parse(const char *text, void *field, struct error *err)
{
	char **address = field;
	struct in_addr ignored;

	if (inet_pton(AF_INET, text, &ignored) != 1)
		return err_set(err, EINVAL, "'%s' is no address of IPv4", text);
	free(*address);
	*address = xstrdup(text);
	return 0;
}

static int check_name(const struct run_options *o, const char *name, struct error *err)
{
	if (!is_valid_name(name) || strlen(name) >= NETWORK_NAME_MAX)
		return err_set(err, EINVAL, "'%s' is none of bridge, host, none, or a name", name);
	for (size_t i = 0; i < o->n_networks; i++) {
		if (str_eq(o->networks[i].name, name))
			return err_set(err, EINVAL, "network '%s' is given twice", name);
	}
	return 0;
}

static int add_names(struct run_options *o, const struct strv *names, struct error *err)
{
	for (size_t i = 0; i < names->n; i++) {
		int rc = check_name(o, names->items[i], err);

		if (rc < 0)
			return rc;
		(void)run_options_add_network(o, names->items[i]);
	}
	return 0;
}

/* "name=NAME" comes first or anywhere; so all is read before it is used. */
static int add_long(struct run_options *o, const struct strv *pairs, struct error *err)
{
	auto_strv struct strv aliases = { 0 };
	auto_free char *address = NULL;
	struct network_request *request;
	const char *name = NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < pairs->n; i++) {
		const char *pair = pairs->items[i];

		if (str_starts(pair, "name=") && !name)
			name = pair + strlen("name=");
		else if (str_starts(pair, "alias="))
			rc = run_alias_parse(pair + strlen("alias="), &aliases, err);
		else if (str_starts(pair, "ip="))
			rc = run_address_parse(pair + strlen("ip="), &address, err);
		else
			rc = err_set(err, EINVAL, "'%s' is none of name=, alias=, ip=", pair);
	}
	if (rc == 0 && !name)
		rc = err_set(err, EINVAL, "there is no 'name='");
	if (rc == 0)
		rc = check_name(o, name, err);
	if (rc < 0)
		return rc;
	request = run_options_add_network(o, name);
	strv_copy(&request->aliases, &aliases);
	request->address = take_ptr(address);
	return 0;
}

int run_network_parse(const char *text, void *field, struct error *err)
{
	auto_strv struct strv parts = { 0 };

	strv_split(&parts, text, ',');
	return strchr(text, '=') ? add_long(field, &parts, err) : add_names(field, &parts, err);
}

static int check_request(const struct run_options *o, const struct network_request *request,
			 struct error *err)
{
	bool is_pseudo = network_is_pseudo(request->name);

	if (is_pseudo && o->n_networks > 1)
		return err_set(err, EINVAL, "'--network %s' goes with no other", request->name);
	if (is_pseudo && request->address)
		return err_set(err, EINVAL, "'--ip' does not go with '--network %s'",
			       request->name);
	if (request->aliases.n && (is_pseudo || str_eq(request->name, NETWORK_DEFAULT)))
		return err_set(err, EINVAL,
			       "an alias needs a network made by 'minictr network create': there "
			       "are no names in '%s'",
			       request->name);
	if (is_pseudo && o->n_ports)
		return err_set(err, EINVAL, "'--publish' does not go with '--network %s'",
			       request->name);
	return 0;
}

int run_networks_finish(struct run_options *o, const struct strv *aliases, const char *address,
			struct error *err)
{
	int rc = 0;

	if ((aliases->n || address) && o->n_networks == 0)
		(void)run_options_add_network(o, NETWORK_DEFAULT);
	for (size_t i = 0; i < aliases->n; i++)
		strv_add(&o->networks[0].aliases, aliases->items[i]);
	if (address) {
		if (o->networks[0].address)
			return err_set(err, EINVAL, "'--ip' and 'ip=' are both given");
		o->networks[0].address = xstrdup(address);
	}
	for (size_t i = 0; rc == 0 && i < o->n_networks; i++)
		rc = check_request(o, &o->networks[i], err);
	return rc;
}
