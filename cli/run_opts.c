/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_opts.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"
#include "cli/run_networks.h"
#include "image/fetch.h"

void run_request_fini(void *request)
{
	struct run_request *r = request;

	run_options_fini(&r->options);
	strv_fini(&r->env_file);
	strv_fini(&r->network_aliases);
	free(r->address);
}

static int set_text(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
	return 0;
}

static int parse_name(const char *text, void *field, struct error *err)
{
	if (!is_valid_name(text))
		return err_set(
			err, EINVAL,
			"'%s' is no name: a letter or digit, then up to 127 of those and _.+-",
			text);
	return set_text(field, text);
}

static int parse_host(const char *text, void *field, struct error *err)
{
	int rc = parse_hostname(text, err);

	return rc < 0 ? rc : set_text(field, text);
}

/* NAME=VALUE, or NAME for the value that minictr itself has. */
static int parse_env(const char *text, void *field, struct error *err)
{
	const char *equals = strchrnul(text, '=');
	auto_free char *name = xstrndup(text, (size_t)(equals - text));
	const char *value = *equals ? equals + 1 : getenv(name);

	if (!*name)
		return err_set(err, EINVAL, "'%s' has no name in front of '='", text);
	if (value)
		strv_setenv(field, name, value);
	return 0;
}

static int parse_env_files(const char *text, void *field, struct error *err)
{
	return parse_env_file(text, field, err);
}

static int parse_label(const char *text, void *field, struct error *err)
{
	const char *equals = strchrnul(text, '=');
	auto_free char *name = xstrndup(text, (size_t)(equals - text));

	if (!*name)
		return err_set(err, EINVAL, "'%s' has no name in front of '='", text);
	strv_setenv(field, name, *equals ? equals + 1 : "");
	return 0;
}

static int parse_workdir(const char *text, void *field, struct error *err)
{
	if (text[0] != '/')
		return err_set(err, EINVAL, "'%s' is not an absolute path", text);
	return set_text(field, text);
}

/* One word, as docker takes it; an empty one clears what the image has. */
static int parse_entrypoint(const char *text, void *field, struct error *err)
{
	struct run_options *o = field;

	(void)err;
	strv_fini(&o->entrypoint);
	if (*text)
		strv_add(&o->entrypoint, text);
	return 0;
}

static int parse_stop_signal(const char *text, void *field, struct error *err)
{
	int signal = 0;
	int rc = parse_signal(text, &signal, err);

	return rc < 0 ? rc : set_text(field, text);
}

static int add_mount(struct run_options *o, const char *text,
		     int (*parse)(const char *, struct mount_request *, struct error *),
		     struct error *err)
{
	struct mount_request mount = { 0 };
	int rc = parse(text, &mount, err);

	if (rc < 0)
		return rc;
	o->mounts = xrealloc(o->mounts, o->n_mounts + 1, sizeof(*o->mounts));
	o->mounts[o->n_mounts++] = mount;
	return 0;
}

static int add_volume(const char *text, void *field, struct error *err)
{
	return add_mount(field, text, parse_volume, err);
}

static int add_mount_option(const char *text, void *field, struct error *err)
{
	return add_mount(field, text, parse_mount, err);
}

static int add_tmpfs(const char *text, void *field, struct error *err)
{
	return add_mount(field, text, parse_tmpfs, err);
}

static int parse_memory_swap(const char *text, void *field, struct error *err)
{
	uint64_t bytes = 0;
	int rc;

	if (strcmp(text, "-1") == 0) {
		*(int64_t *)field = -1;
		return 0;
	}
	rc = parse_size(text, &bytes, err);
	if (rc == 0)
		*(int64_t *)field = (int64_t)bytes;
	return rc;
}

/* No time at all is no limit to docker; here who wants none leaves the option out. */
static int parse_cpu_time(const char *text, void *field, struct error *err)
{
	int64_t nano = 0;
	int rc = parse_cpus(text, &nano, err);

	if (rc < 0)
		return rc;
	if (nano == 0)
		return err_set(err, EINVAL, "parse CPUs '%s': must be more than 0", text);
	*(int64_t *)field = nano;
	return 0;
}

static int parse_list(const char *text, void *field, struct error *err)
{
	int rc = parse_cpu_list(text, err);

	return rc < 0 ? rc : set_text(field, text);
}

/* The last one of a name counts. */
static int add_ulimit(const char *text, void *field, struct error *err)
{
	struct run_options *o = field;
	struct rlimit_text limit = { 0 };
	int rc = parse_ulimit(text, &limit, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < o->n_ulimits; i++) {
		if (strcmp(o->ulimits[i].name, limit.name) == 0) {
			o->ulimits[i] = limit;
			return 0;
		}
	}
	o->ulimits = xrealloc(o->ulimits, o->n_ulimits + 1, sizeof(*o->ulimits));
	o->ulimits[o->n_ulimits++] = limit;
	return 0;
}

static int add_capability(const char *text, void *field, struct error *err)
{
	auto_free char *name = NULL;
	int rc = parse_capability(text, &name, err);

	if (rc == 0 && !strv_has(field, name))
		strv_add(field, name);
	return rc;
}

/* A file is still found when the container is started again, from wherever. */
static int parse_seccomp(const char *text, struct run_options *o)
{
	auto_free char *cwd = text[0] == '/' ? NULL : getcwd(NULL, 0);

	free(o->seccomp);
	o->seccomp = cwd && strcmp(text, "unconfined") != 0 ? path_join(cwd, text) : xstrdup(text);
	return 0;
}

/* docker separates by '=', and by ':' of old. */
static int parse_security(const char *text, void *field, struct error *err)
{
	struct run_options *o = field;
	size_t len = strcspn(text, "=:");
	auto_free char *name = xstrndup(text, len);
	const char *value = text[len] ? text + len + 1 : NULL;

	if (strcmp(name, "no-new-privileges") == 0)
		return parse_bool(value ? value : "true", &o->no_new_privileges, err);
	if (strcmp(name, "seccomp") == 0 && value && *value)
		return parse_seccomp(value, o);
	/* What asks for less than we would do anyway. */
	if (value && ((strcmp(name, "apparmor") == 0 && strcmp(value, "unconfined") == 0) ||
		      (strcmp(name, "label") == 0 && strcmp(value, "disable") == 0)))
		return 0;
	return err_set(err, EINVAL,
		       "'%s' is none of seccomp=FILE, seccomp=unconfined, no-new-privileges", text);
}

static int add_sysctl(const char *text, void *field, struct error *err)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return err_set(err, EINVAL, "'%s' is not NAME=VALUE", text);
	strv_add(field, text);
	return 0;
}

static int parse_restart(const char *text, void *field, struct error *err)
{
	return restart_parse(text, field, err);
}

static int parse_log_driver(const char *text, void *field, struct error *err)
{
	if (strcmp(text, "none") != 0 && strcmp(text, "json-file") != 0)
		return err_set(err, EINVAL, "'%s' is none of json-file, none", text);
	*(bool *)field = strcmp(text, "none") == 0;
	return 0;
}

static int parse_log_option(const char *text, void *field, struct error *err)
{
	struct run_options *o = field;
	uint64_t n = 0;
	int rc;

	if (str_starts(text, "max-size="))
		return parse_size(text + strlen("max-size="), &o->log_max_size, err);
	if (!str_starts(text, "max-file="))
		return err_set(err, EINVAL, "'%s' is none of max-size=SIZE, max-file=N", text);
	rc = parse_uint64(text + strlen("max-file="), 1000, &n, err);
	if (rc == 0 && n == 0)
		rc = err_set(err, EINVAL, "'%s': at least 1", text);
	o->log_max_files = (int)n;
	return rc;
}

/* ---- health ----------------------------------------------------------------------------------- */

/* The list form that images have: KIND, and what is behind it. */
static int set_health_test(const char *kind, const char *text, struct health_test *ret,
			   struct error *err)
{
	auto_strv struct strv list = { 0 };
	struct health_test test = { 0 };
	int rc;

	strv_add(&list, kind);
	strv_add(&list, text);
	rc = health_test_parse(&list, &test, err);
	if (rc < 0)
		return rc;
	health_test_fini(ret);
	*ret = test;
	return 0;
}

static int parse_health_cmd(const char *text, void *field, struct error *err)
{
	return set_health_test("CMD-SHELL", text, field, err);
}

static int parse_health_http(const char *text, void *field, struct error *err)
{
	return set_health_test("HTTP", text, field, err);
}

static int parse_health_tcp(const char *text, void *field, struct error *err)
{
	return set_health_test("TCP", text, field, err);
}

static int add_port(const char *text, void *field, struct error *err)
{
	struct run_options *o = field;
	struct port_mapping port = { 0 };
	int rc = parse_port(text, &port, err);

	if (rc < 0)
		return rc;
	o->ports = xrealloc(o->ports, o->n_ports + 1, sizeof(*o->ports));
	o->ports[o->n_ports++] = port;
	return 0;
}

static int add_dns(const char *text, void *field, struct error *err)
{
	if (!is_address(text))
		return err_set(err, EINVAL, "'%s' is no address", text);
	strv_add(field, text);
	return 0;
}

static int add_host(const char *text, void *field, struct error *err)
{
	char *line = NULL;
	int rc = parse_host_line(text, &line, err);

	if (rc == 0)
		strv_take(field, line);
	return rc;
}

#define REQUEST(member) OPT_FIELD(struct run_request, member)
#define OPTION(member)  OPT_FIELD(struct run_request, options.member)
#define WHOLE           OPT_FIELD(struct run_request, options)
#define HAS(member)     OPT_HAS(struct run_request, options.member)

const struct opt run_opts[] = {
	{ .kind = OPT_HEADING, .help = "Container" },
	{ "name", 0, OPT_PARSE, OPTION(name), "NAME", "Name it; a name is made up otherwise",
	  .parse = parse_name },
	{ "hostname", 'h', OPT_PARSE, OPTION(hostname), "NAME", "Host name inside",
	  .parse = parse_host },
	{ "label", 'l', OPT_PARSE, OPTION(labels), "NAME=VALUE", "Attach a label",
	  .parse = parse_label },
	{ "detach", 'd', OPT_FLAG, OPTION(is_detached), NULL,
	  "Return when it runs, and print its id" },
	{ "rm", 0, OPT_FLAG, OPTION(is_removed_at_end), NULL, "Remove it when it ends" },
	{ "init", 0, OPT_FLAG, OPTION(has_init), NULL,
	  "Run a small init in front, which reaps and passes signals on" },
	{ "stop-signal", 0, OPT_PARSE, OPTION(stop_signal), "SIGNAL",
	  "What asks it to end (SIGTERM)", .parse = parse_stop_signal },
	{ "stop-timeout", 0, OPT_INT, OPTION(stop_timeout), "SECONDS",
	  "How long it may take for that (10)", .min = 1, .max = INT_MAX },
	{ "restart", 0, OPT_PARSE, OPTION(restart), "POLICY",
	  "Start it again when it ends: no, always, unless-stopped, on-failure[:N]",
	  .parse = parse_restart },
	{ "log-driver", 0, OPT_PARSE, OPTION(has_no_log), "DRIVER",
	  "Where its output is kept: json-file, none", .parse = parse_log_driver },
	{ "log-opt", 0, OPT_PARSE, WHOLE, "NAME=VALUE",
	  "max-size=SIZE of a file (10 MB), max-file=N files (5)", .parse = parse_log_option },
	{ "pull", 0, OPT_ENUM, REQUEST(pull), "POLICY",
	  "Get the image from its registry first if it is missing, always, or never (missing)",
	  .names = fetch_policies },
	{ "quiet", 'q', OPT_FLAG, REQUEST(pulls_quietly), NULL, "Show nothing of that" },
	{ "rootfs", 0, OPT_STRING, OPTION(rootfs), "DIR",
	  "Take a directory for the root file system; then there is no IMAGE" },
	{ "explain", 0, OPT_ENUM, REQUEST(explain), "text|json|script",
	  "Tell on stderr what was asked of the kernel, as a table, as JSON, or as a script that "
	  "does the same by hand",
	  .names = explain_forms, .optional = "text" },

	{ .kind = OPT_HEADING, .help = "Process" },
	{ "interactive", 'i', OPT_FLAG, OPTION(is_interactive), NULL, "Pass standard input on" },
	{ "tty", 't', OPT_FLAG, OPTION(has_tty), NULL, "Give it a terminal" },
	{ "env", 'e', OPT_PARSE, OPTION(env), "NAME[=VALUE]",
	  "Set a variable; without a value, to that of the caller", .parse = parse_env },
	{ "env-file", 0, OPT_PARSE, REQUEST(env_file), "FILE", "Set variables from lines of a file",
	  .parse = parse_env_files },
	{ "workdir", 'w', OPT_PARSE, OPTION(workdir), "DIR", "Start in this directory",
	  .parse = parse_workdir },
	{ "user", 'u', OPT_STRING, OPTION(user), "USER[:GROUP]",
	  "Run as this user, by name or number" },
	{ "entrypoint", 0, OPT_PARSE, WHOLE, "COMMAND",
	  "Replace the image's entry point; an empty one clears it", .parse = parse_entrypoint,
	  .present = HAS(has_entrypoint) },

	{ .kind = OPT_HEADING, .help = "Health" },
	{ "health-cmd", 0, OPT_PARSE, OPTION(health.test), "LINE",
	  "Probe it by a line for its shell, instead of as the image says",
	  .parse = parse_health_cmd },
	{ "health-http", 0, OPT_PARSE, OPTION(health.test), "[HOST]:PORT[/PATH]",
	  "Probe it by a request, for which nothing is needed inside", .parse = parse_health_http },
	{ "health-tcp", 0, OPT_PARSE, OPTION(health.test), "[HOST:]PORT",
	  "Probe it by a connection", .parse = parse_health_tcp },
	{ "health-interval", 0, OPT_DURATION, OPTION(health.interval_ns), "TIME",
	  "Between probes (30s)" },
	{ "health-timeout", 0, OPT_DURATION, OPTION(health.timeout_ns), "TIME",
	  "How long a probe may take (30s)" },
	{ "health-retries", 0, OPT_INT, OPTION(health.retries), "N",
	  "Failures in a row that make it unhealthy (3)", .max = INT_MAX },
	{ "health-start-period", 0, OPT_DURATION, OPTION(health.start_period_ns), "TIME",
	  "For how long failures do not count at first" },
	{ "health-start-interval", 0, OPT_DURATION, OPTION(health.start_interval_ns), "TIME",
	  "Between probes in that period (5s)" },
	{ "health-docker-clock", 0, OPT_FLAG, OPTION(health.has_docker_clock), NULL,
	  "Make the first probe after the first interval, as docker does, not at once" },
	{ "health-on-failure", 0, OPT_ENUM, OPTION(health.action), "none|kill|restart|stop",
	  "What is done when it becomes unhealthy", .names = health_actions },
	{ "no-healthcheck", 0, OPT_FLAG, REQUEST(has_no_health), NULL,
	  "Do not probe it, whatever the image says" },

	{ .kind = OPT_HEADING, .help = "Files" },
	{ "volume", 'v', OPT_PARSE, WHOLE, "SOURCE:TARGET[:OPTIONS]",
	  "Bind a directory or file (ro, rshared, ...)", .parse = add_volume },
	{ "mount", 0, OPT_PARSE, WHOLE, "KEY=VALUE,...",
	  "Mount: type=bind|tmpfs, source, target, readonly, tmpfs-size, ...",
	  .parse = add_mount_option },
	{ "tmpfs", 0, OPT_PARSE, WHOLE, "TARGET[:OPTIONS]", "Mount a tmpfs (size=64m, mode=1777)",
	  .parse = add_tmpfs },
	{ "read-only", 0, OPT_FLAG, OPTION(is_read_only), NULL, "Make the root read-only" },
	{ "shm-size", 0, OPT_SIZE, OPTION(shm_size), "SIZE", "Size of /dev/shm (64m)" },

	{ .kind = OPT_HEADING, .help = "Limits" },
	{ "memory", 'm', OPT_SIZE, OPTION(memory), "SIZE", "Memory" },
	{ "memory-reservation", 0, OPT_SIZE, OPTION(memory_reservation), "SIZE",
	  "Memory that it keeps when others want it" },
	{ "memory-swap", 0, OPT_PARSE, OPTION(memory_swap), "SIZE",
	  "Memory and swap together; -1: no limit", .parse = parse_memory_swap,
	  .present = HAS(has_memory_swap) },
	{ "cpus", 0, OPT_PARSE, OPTION(cpus_nano), "NUMBER", "CPUs' worth of time (0.5)",
	  .parse = parse_cpu_time },
	{ "cpu-shares", 'c', OPT_UINT64, OPTION(cpu_shares), "N", "Weight against others (1024)" },
	{ "cpuset-cpus", 0, OPT_PARSE, OPTION(cpuset_cpus), "LIST", "Only these CPUs (0-3,7)",
	  .parse = parse_list },
	{ "cpuset-mems", 0, OPT_PARSE, OPTION(cpuset_mems), "LIST", "Only these memory nodes",
	  .parse = parse_list },
	{ "pids-limit", 0, OPT_INT64, OPTION(pids_limit), "N",
	  "Processes and threads; -1: no limit", .present = HAS(has_pids_limit), .min = -1,
	  .max = INT64_MAX },
	{ "ulimit", 0, OPT_PARSE, WHOLE, "NAME=SOFT[:HARD]", "Limit of each process (nofile=1024)",
	  .parse = add_ulimit },
	{ "oom-score-adj", 0, OPT_INT, OPTION(oom_score_adj), "N",
	  "-1000 to 1000: sooner killed when memory is short", .present = HAS(has_oom_score_adj),
	  .min = -1000, .max = 1000 },

	{ .kind = OPT_HEADING, .help = "Rights" },
	{ "cap-add", 0, OPT_PARSE, OPTION(cap_add), "NAME", "Add a capability, or ALL",
	  .parse = add_capability },
	{ "cap-drop", 0, OPT_PARSE, OPTION(cap_drop), "NAME", "Take a capability, or ALL",
	  .parse = add_capability },
	{ "privileged", 0, OPT_FLAG, OPTION(is_privileged), NULL,
	  "All capabilities and devices, nothing masked" },
	{ "security-opt", 0, OPT_PARSE, WHOLE, "OPTION",
	  "seccomp=FILE, seccomp=unconfined, no-new-privileges", .parse = parse_security },
	{ "sysctl", 0, OPT_PARSE, OPTION(sysctls), "NAME=VALUE", "Set a kernel parameter inside",
	  .parse = add_sysctl },

	{ .kind = OPT_HEADING, .help = "Network" },
	{ "network", 0, OPT_PARSE, WHOLE, "NAME",
	  "bridge (if nothing is said), host, none, or a network; several by commas or several "
	  "times; name=NAME,alias=NAME,ip=ADDRESS",
	  .parse = run_network_parse },
	{ "net", 0, OPT_PARSE, WHOLE, "NAME", NULL, .parse = run_network_parse },
	{ "network-alias", 0, OPT_PARSE, REQUEST(network_aliases), "NAME",
	  "A further name in the (first) network", .parse = run_alias_parse },
	{ "net-alias", 0, OPT_PARSE, REQUEST(network_aliases), "NAME", NULL,
	  .parse = run_alias_parse },
	{ "ip", 0, OPT_PARSE, REQUEST(address), "ADDRESS", "Its address in the (first) network",
	  .parse = run_address_parse },
	{ "publish", 'p', OPT_PARSE, WHOLE, "[[IP:]PORT:]PORT[/PROTOCOL]",
	  "Make a port of it one of the host's", .parse = add_port },
	{ "dns", 0, OPT_PARSE, OPTION(dns), "ADDRESS", "Ask this server for names",
	  .parse = add_dns },
	{ "dns-search", 0, OPT_LIST, OPTION(dns_search), "DOMAIN", "Complete names by this" },
	{ "dns-option", 0, OPT_LIST, OPTION(dns_options), "OPTION", "Option of resolv.conf" },
	{ "add-host", 0, OPT_PARSE, OPTION(extra_hosts), "NAME:ADDRESS", "Line in /etc/hosts",
	  .parse = add_host },
	OPTS_END,
};

static void merge_env(struct run_request *r)
{
	struct strv merged = { 0 };

	strv_copy(&merged, &r->env_file);
	for (size_t i = 0; i < r->options.env.n; i++) {
		const char *pair = r->options.env.items[i];
		const char *equals = strchrnul(pair, '=');
		auto_free char *name = xstrndup(pair, (size_t)(equals - pair));

		strv_setenv(&merged, name, *equals ? equals + 1 : "");
	}
	strv_fini(&r->options.env);
	r->options.env = merged;
}

int run_request_finish(struct run_request *request, const struct strv *args, struct error *err)
{
	struct run_options *o = &request->options;
	size_t first = 0;

	if (!o->rootfs) {
		if (args->n == 0)
			return err_set(err, EINVAL, "no image given (see 'minictr run --help')");
		o->image = xstrdup(args->items[0]);
		first = 1;
	}
	for (size_t i = first; i < args->n; i++)
		strv_add(&o->command, args->items[i]);
	if (o->is_removed_at_end && o->restart.policy != RESTART_NO)
		return err_set(err, EINVAL,
			       "conflicting options: cannot specify both --restart and --rm");
	if (request->has_no_health && health_config_is_set(&o->health))
		return err_set(err, EINVAL, "'--no-healthcheck' does not go with '--health-...'");
	if (request->has_no_health)
		o->health.test.kind = HEALTH_TEST_NONE;
	merge_env(request);
	return run_networks_finish(o, &request->network_aliases, request->address, err);
}
