/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/run_opts.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

/* Words of a line: separated by one blank, "_" is an empty one. */
static int parse(const char *line, struct run_request *r, struct error *err)
{
	auto_strv struct strv words = { 0 };
	auto_strv struct strv args = { 0 };
	int rc;

	strv_split(&words, line, ' ');
	for (size_t i = 0; i < words.n; i++) {
		if (strcmp(words.items[i], "_") == 0)
			words.items[i][0] = '\0';
	}
	rc = opts_parse(run_opts, true, (int)words.n, strv_items(&words), r, &args, err);
	return rc ? rc : run_request_finish(r, &args, err);
}

static void add_text(struct str *s, const char *name, const char *value)
{
	if (value)
		str_addf(s, " %s=%s", name, value);
}

static void add_list(struct str *s, const char *name, const struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		str_addf(s, " %s=%s", name, v->items[i]);
}

static void add_number(struct str *s, const char *name, bool is_set, int64_t value)
{
	if (is_set)
		str_addf(s, " %s=%" PRId64, name, value);
}

/* Everything that is not as in an empty request, as one text. */
static void add_life(struct str *s, const struct run_options *o)
{
	const struct health_config *h = &o->health;
	auto_strv struct strv test = { 0 };
	char restart[RESTART_TEXT];

	restart_format(&o->restart, restart);
	add_text(s, "restart", o->restart.policy == RESTART_NO ? NULL : restart);
	add_number(s, "no-log", o->has_no_log, o->has_no_log);
	add_number(s, "log-size", o->log_max_size, (int64_t)o->log_max_size);
	add_number(s, "log-files", o->log_max_files, o->log_max_files);
	health_test_format(&h->test, &test);
	add_list(s, "health", &test);
	add_number(s, "interval", h->interval_ns, h->interval_ns);
	add_number(s, "timeout", h->timeout_ns, h->timeout_ns);
	add_number(s, "start-period", h->start_period_ns, h->start_period_ns);
	add_number(s, "start-interval", h->start_interval_ns, h->start_interval_ns);
	add_number(s, "retries", h->retries, h->retries);
	add_number(s, "docker-clock", h->has_docker_clock, h->has_docker_clock);
	add_number(s, "action", h->action, (int64_t)h->action);
}

static char *dump(const struct run_request *r)
{
	const struct run_options *o = &r->options;
	struct str s = { 0 };

	add_text(&s, "image", o->image);
	add_text(&s, "rootfs", o->rootfs);
	add_list(&s, "command", &o->command);
	add_text(&s, "name", o->name);
	add_text(&s, "hostname", o->hostname);
	add_list(&s, "env", &o->env);
	add_list(&s, "label", &o->labels);
	add_text(&s, "workdir", o->workdir);
	add_text(&s, "user", o->user);
	add_number(&s, "entrypoint", o->has_entrypoint, (int64_t)o->entrypoint.n);
	add_list(&s, "entrypoint", &o->entrypoint);
	add_number(&s, "flags", true,
		   o->is_interactive | o->has_tty << 1 | o->is_removed_at_end << 2 |
			   o->is_detached << 3 | o->has_init << 4 | o->is_read_only << 5 |
			   o->is_privileged << 6 | o->no_new_privileges << 7);
	add_text(&s, "stop-signal", o->stop_signal);
	add_number(&s, "stop-timeout", o->stop_timeout, o->stop_timeout);
	for (size_t i = 0; i < o->n_mounts; i++)
		add_text(&s, o->mounts[i].source ? o->mounts[i].source : "tmpfs",
			 o->mounts[i].target);
	add_number(&s, "shm", o->shm_size, (int64_t)o->shm_size);
	add_number(&s, "memory", o->memory, (int64_t)o->memory);
	add_number(&s, "reservation", o->memory_reservation, (int64_t)o->memory_reservation);
	add_number(&s, "swap", o->has_memory_swap, o->memory_swap);
	add_number(&s, "cpus", o->cpus_nano, o->cpus_nano);
	add_number(&s, "shares", o->cpu_shares, (int64_t)o->cpu_shares);
	add_text(&s, "cpuset", o->cpuset_cpus);
	add_text(&s, "mems", o->cpuset_mems);
	add_number(&s, "pids", o->has_pids_limit, o->pids_limit);
	for (size_t i = 0; i < o->n_ulimits; i++)
		str_addf(&s, " %s=%" PRIu64 ":%" PRIu64, o->ulimits[i].name, o->ulimits[i].soft,
			 o->ulimits[i].hard);
	add_number(&s, "oom", o->has_oom_score_adj, o->oom_score_adj);
	add_list(&s, "cap-add", &o->cap_add);
	add_list(&s, "cap-drop", &o->cap_drop);
	add_text(&s, "seccomp", o->seccomp);
	add_list(&s, "sysctl", &o->sysctls);
	for (size_t i = 0; i < o->n_networks; i++) {
		add_text(&s, "network", o->networks[i].name);
		add_text(&s, "ip", o->networks[i].address);
		add_list(&s, "alias", &o->networks[i].aliases);
	}
	for (size_t i = 0; i < o->n_ports; i++)
		str_addf(&s, " port=%u:%u", o->ports[i].host_port, o->ports[i].container_port);
	add_list(&s, "dns", &o->dns);
	add_list(&s, "search", &o->dns_search);
	add_list(&s, "option", &o->dns_options);
	add_list(&s, "host", &o->extra_hosts);
	add_number(&s, "explain", r->explain, r->explain);
	add_life(&s, o);
	return str_take(&s);
}

START_TEST(understands)
{
	static const struct {
		const char *line, *expected;
	} rows[] = {
		{ "debian", " image=debian flags=0" },
		{ "-it --rm debian ls -l", " image=debian command=ls command=-l flags=7" },
		{ "--rootfs / ls", " rootfs=/ command=ls flags=0" },
		{ "--rootfs /", " rootfs=/ flags=0" },
		{ "--name web -h moon -d --init --read-only --privileged i",
		  " image=i name=web hostname=moon flags=120" },
		{ "-e B=2 -e A=1 -e B=3 -e MINICTR_TEST_SET -e MINICTR_TEST_UNSET -e E= i",
		  " image=i env=B=3 env=A=1 env=MINICTR_TEST_SET=here env=E= flags=0" },
		{ "-l a=b -l c i", " image=i label=a=b label=c= flags=0" },
		{ "-w /srv -u 1000:1000 i", " image=i workdir=/srv user=1000:1000 flags=0" },
		{ "--entrypoint sh i -c x",
		  " image=i command=-c command=x entrypoint=1 entrypoint=sh flags=0" },
		{ "--entrypoint _ i", " image=i entrypoint=0 flags=0" },
		{ "--stop-signal USR1 --stop-timeout 5 i",
		  " image=i flags=0 stop-signal=USR1 stop-timeout=5" },
		{ "-v /a:/b --tmpfs /t --mount type=bind,src=/c,dst=/d i",
		  " image=i flags=0 /a=/b tmpfs=/t /c=/d" },
		{ "--shm-size 1m -m 64m --memory-reservation 32m --memory-swap 128m i",
		  " image=i flags=0 shm=1048576 memory=67108864 reservation=33554432 swap=134217728" },
		{ "--memory-swap=-1 --cpus 1.5 -c 512 --cpuset-cpus 0-1 --cpuset-mems 0 --pids-limit -1 i",
		  " image=i flags=0 swap=-1 cpus=1500000000 shares=512 cpuset=0-1 mems=0 pids=-1" },
		{ "--ulimit nofile=1:2 --ulimit core=0 --ulimit nofile=3 --oom-score-adj -5 i",
		  " image=i flags=0 RLIMIT_NOFILE=3:3 RLIMIT_CORE=0:0 oom=-5" },
		{ "--cap-add net_admin --cap-add CAP_NET_ADMIN --cap-drop all --cap-drop=SYS_TIME i",
		  " image=i flags=0 cap-add=CAP_NET_ADMIN cap-drop=ALL cap-drop=CAP_SYS_TIME" },
		{ "--security-opt seccomp=unconfined --security-opt no-new-privileges i",
		  " image=i flags=128 seccomp=unconfined" },
		{ "--security-opt no-new-privileges:false --security-opt label=disable "
		  "--security-opt seccomp=/a=b i",
		  " image=i flags=0 seccomp=/a=b" },
		{ "--sysctl net.ipv4.ip_forward=1 --net web -p 80 -p 8080:80 i",
		  " image=i flags=0 sysctl=net.ipv4.ip_forward=1 network=web port=0:80 port=8080:80" },
		{ "--network a,b --network c i", " image=i flags=0 network=a network=b network=c" },
		{ "--network alias=x,name=a,alias=y,ip=10.1.2.3 --network b --network-alias z i",
		  " image=i flags=0 network=a ip=10.1.2.3 alias=x alias=y alias=z network=b" },
		{ "--ip 10.88.0.9 i", " image=i flags=0 network=bridge ip=10.88.0.9" },
		{ "--dns 1.1.1.1 --dns ::1 --dns-search a.b --dns-option ndots:1 --add-host "
		  "a:10.0.0.1 --add-host b:[::1] --add-host c:fe80::1 i",
		  " image=i flags=0 dns=1.1.1.1 dns=::1 search=a.b option=ndots:1 host=a:10.0.0.1 "
		  "host=b:::1 host=c:fe80::1" },
		{ "--restart on-failure:3 --log-driver none i",
		  " image=i flags=0 restart=on-failure:3 no-log=1" },
		{ "--restart no --log-driver json-file --log-opt max-size=1m --log-opt max-file=2 i",
		  " image=i flags=0 log-size=1048576 log-files=2" },
		{ "--health-cmd test+x --health-interval 1s --health-retries 5 --health-on-failure stop i",
		  " image=i flags=0 health=CMD-SHELL health=test+x interval=1000000000 retries=5 action=3" },
		{ "--health-http :8080/up --health-timeout 2s --health-docker-clock i",
		  " image=i flags=0 health=HTTP health=http://localhost:8080/up timeout=2000000000 "
		  "docker-clock=1" },
		{ "--health-cmd x --health-tcp 5432 --health-start-period 1m --health-start-interval 3ms i",
		  " image=i flags=0 health=TCP health=localhost:5432 start-period=60000000000 "
		  "start-interval=3000000" },
		{ "--no-healthcheck i", " image=i flags=0 health=NONE" },
		{ "--explain i", " image=i flags=0 explain=1" },
		{ "--explain=script i --explain=json",
		  " image=i command=--explain=json flags=0 explain=3" },
	};

	(void)setenv("MINICTR_TEST_SET", "here", 1);
	(void)unsetenv("MINICTR_TEST_UNSET");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct run_request r = { 0 };
		struct error err = { 0 };
		auto_free char *got = NULL;
		int rc = parse(rows[i].line, &r, &err);

		ck_assert_msg(rc == 0, "%s: %s", rows[i].line, err.msg);
		got = dump(&r);
		ck_assert_str_eq(got, rows[i].expected);
		run_request_fini(&r);
	}
}
END_TEST

static const struct {
	const char *line, *error;
} refused[] = {
	{ "--rm", "no image given (see 'minictr run --help')" },
	{ "--name -x i",
	  "option '--name': '-x' is no name: a letter or digit, then up to 127 of those and _.+-" },
	{ "-h _ i", "option '-h': '' is no host name of 1 to 64 letters" },
	{ "-h a/b i", "option '-h': 'a/b' is no host name" },
	{ "-h -a i", "option '-h': '-a' is no host name" },
	{ "-e =x i", "option '-e': '=x' has no name in front of '='" },
	{ "-e _ i", "option '-e': '' has no name in front of '='" },
	{ "--env-file /nonexistent i",
	  "option '--env-file': read '/nonexistent': no such file or directory" },
	{ "-w srv i", "option '-w': 'srv' is not an absolute path" },
	{ "--stop-signal NOPE i", "option '--stop-signal': parse signal 'NOPE': no such signal" },
	{ "--stop-timeout 0 i",
	  "option '--stop-timeout': parse number '0': must be from 1 to 2147483647" },
	{ "-v /a:b i", "option '-v': parse volume '/a:b': target 'b' is not absolute" },
	{ "-m 5x i", "option '-m': parse size '5x': not a size like 512k, 64m or 1.5g" },
	{ "--cpus 0 i", "option '--cpus': parse CPUs '0': must be more than 0" },
	{ "-p 80:80 --network host i", "'--publish' does not go with '--network host'" },
	{ "--network a --network none i", "'--network none' goes with no other" },
	{ "--network host,a i", "'--network host' goes with no other" },
	{ "--network a,a i", "option '--network': network 'a' is given twice" },
	{ "--network a/b i", "option '--network': 'a/b' is none of bridge, host, none, or a name" },
	{ "--network a, i", "option '--network': '' is none of bridge, host, none, or a name" },
	{ "--network alias=x i", "option '--network': there is no 'name='" },
	{ "--network name=a,mac=1 i", "option '--network': 'mac=1' is none of name=, alias=, ip=" },
	{ "--network name=a,ip=x i", "option '--network': 'x' is no address of IPv4" },
	{ "--network name=a,alias=a/b i", "option '--network': 'a/b' is no host name" },
	{ "--network name=a,ip=10.0.0.1 --ip 10.0.0.2 i", "'--ip' and 'ip=' are both given" },
	{ "--network host --ip 10.0.0.1 i", "'--ip' does not go with '--network host'" },
	{ "--network-alias x i",
	  "an alias needs a network made by 'minictr network create': there are no names in "
	  "'bridge'" },
	{ "--ip fe80::1 i", "option '--ip': 'fe80::1' is no address of IPv4" },
	{ "--network none -p 80 i", "'--publish' does not go with '--network none'" },
	{ "--pids-limit -2 i",
	  "option '--pids-limit': parse number '-2': must be from -1 to 9223372036854775807" },
	{ "--oom-score-adj 1001 i",
	  "option '--oom-score-adj': parse number '1001': must be from -1000 to 1000" },
	{ "--cap-add nope i", "option '--cap-add': there is no capability 'nope'" },
	{ "--cap-add chown+ep i", "option '--cap-add': there is no capability 'chown+ep'" },
	{ "--cap-add 5 i", "option '--cap-add': there is no capability '5'" },
	{ "--security-opt apparmor=x i",
	  "option '--security-opt': 'apparmor=x' is none of seccomp=FILE, seccomp=unconfined, "
	  "no-new-privileges" },
	{ "--security-opt seccomp= i",
	  "option '--security-opt': 'seccomp=' is none of seccomp=FILE, seccomp=unconfined, "
	  "no-new-privileges" },
	{ "--sysctl a i", "option '--sysctl': 'a' is not NAME=VALUE" },
	{ "--network ../x i",
	  "option '--network': '../x' is none of bridge, host, none, or a name" },
	{ "-p 0:0 i", "option '-p': parse port '0:0': '0' is no port from 1 to 65535" },
	{ "--restart often i",
	  "option '--restart': restart policy 'often': no, always, unless-stopped and "
	  "on-failure[:N] are known" },
	{ "--rm --restart always i",
	  "conflicting options: cannot specify both --restart and --rm" },
	{ "--log-driver syslog i", "option '--log-driver': 'syslog' is none of json-file, none" },
	{ "--log-opt tag=x i", "option '--log-opt': 'tag=x' is none of max-size=SIZE, max-file=N" },
	{ "--log-opt max-file=0 i", "option '--log-opt': 'max-file=0': at least 1" },
	{ "--health-tcp db:1 i",
	  "option '--health-tcp': healthcheck: TCP: 'db' is no literal address, nor localhost" },
	{ "--health-http https://x i",
	  "option '--health-http': healthcheck: HTTP: 'https://x': https is not supported" },
	{ "--health-retries -1 i",
	  "option '--health-retries': parse number '-1': must be from 0 to 2147483647" },
	{ "--health-interval 1s --no-healthcheck i",
	  "'--no-healthcheck' does not go with '--health-...'" },
	{ "--dns x i", "option '--dns': 'x' is no address" },
	{ "--add-host x i", "option '--add-host': 'x' is not NAME:ADDRESS" },
	{ "--explain=xml i", "option '--explain': 'xml' is none of text, json, script" },
	{ "--detatch i", "unknown option '--detatch': did you mean '--detach'?" },
};

START_TEST(refuses)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct run_request r = { 0 };
		struct error err = { 0 };
		int rc = parse(refused[i].line, &r, &err);

		ck_assert_str_eq(err.msg, refused[i].error);
		ck_assert_int_lt(rc, 0);
		run_request_fini(&r);
	}
}
END_TEST

/* docker's order: -e counts more than --env-file, wherever it stands. */
START_TEST(merges_env_files)
{
	static const char text[] = "A=file\nB=file\n";
	struct run_request r = { 0 };
	struct error err = { 0 };
	auto_free char *line = NULL;
	auto_free char *got = NULL;
	struct temp temp;

	temp_make(&temp);
	ck_assert_int_eq(
		file_replace_at(&temp.dir, "env", text, strlen(text), 0600, FILE_FAST, &err), 0);
	line = xasprintf("-e A=line --env-file %s/env -e C=line i", temp.path);
	ck_assert_int_eq(parse(line, &r, &err), 0);
	got = dump(&r);
	ck_assert_str_eq(got, " image=i env=A=line env=B=file env=C=line flags=0");
	run_request_fini(&r);
	temp_remove(&temp);
}
END_TEST

START_TEST(prints_help)
{
	auto_free char *path = xasprintf("%s/cli/run-options.txt", getenv("TEST_DATA"));
	auto_free char *expected = NULL;
	auto_strv struct strv lines = { 0 };
	struct str help = { 0 };
	struct error err = { 0 };

	opts_help(run_opts, &help);
	strv_split(&lines, help.text, '\n');
	for (size_t i = 0; i < lines.n; i++)
		ck_assert_msg(strlen(lines.items[i]) <= 80, "too wide: %s", lines.items[i]);
	ck_assert_msg(file_read(path, 1 << 20, &expected, NULL, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(help.text, expected);
	str_fini(&help);
}
END_TEST

TEST_MAIN("cli/run_opts", understands, refuses, merges_env_files, prints_help)
