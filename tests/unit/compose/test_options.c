/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>

#include "compose/options.h"
#include "tests/unit/compose/project.h"

static const char whole[] =
	"name: shop\n"
	"services:\n"
	"  web:\n"
	"    image: web:${TAG}\n"
	"    command: serve --port 80\n"
	"    entrypoint: []\n"
	"    environment: {A: 1, TAG: }\n"
	"    labels: [a=b]\n"
	"    hostname: www\n"
	"    user: '1:2'\n"
	"    working_dir: /srv\n"
	"    tty: true\n"
	"    stdin_open: true\n"
	"    init: true\n"
	"    read_only: true\n"
	"    stop_signal: SIGINT\n"
	"    stop_grace_period: 1500ms\n"
	"    scale: 2\n"
	"    deploy: {resources: {limits: {cpus: '0.5', memory: 64m, pids: 9}, reservations: {memory: "
	"32m}}}\n"
	"    memswap_limit: -1\n"
	"    shm_size: 1m\n"
	"    cpuset: 0-1\n"
	"    oom_score_adj: 100\n"
	"    ulimits: {nofile: {soft: 10, hard: 20}}\n"
	"    cap_add: [net_admin]\n"
	"    cap_drop: [ALL]\n"
	"    security_opt: ['no-new-privileges:true', 'seccomp=./s.json']\n"
	"    sysctls: {net.core.somaxconn: 9}\n"
	"    ports: ['127.0.0.1:8080:80', '53/udp', '[::1]:81:81']\n"
	"    dns: 1.1.1.1\n"
	"    extra_hosts: {h: 10.0.0.1}\n"
	"    volumes: ['data:/data:ro', './a,\"b:/c:rshared', /anon]\n"
	"    tmpfs: '/run:size=1m'\n"
	"    secrets: [key]\n"
	"    networks: [front]\n"
	"    x-allow: [{from: web, port: 8000-8001}, {from: web, port: 53/udp}]\n"
	"volumes: {data: }\n"
	"networks: {front: }\n"
	"secrets: {key: {file: ./key}}\n";

static const char *label(const struct run_options *o, const char *name)
{
	return strv_getenv(&o->labels, name);
}

static char *mounts_text(const struct run_options *o)
{
	struct str out = { 0 };

	for (size_t i = 0; i < o->n_mounts; i++) {
		const struct mount_request *m = &o->mounts[i];

		str_addf(&out, "%d %s %s%s", m->kind, m->source ? m->source : "-", m->target,
			 m->is_source_made ? " made" : "");
		for (size_t j = 0; j < m->options.n; j++)
			str_addf(&out, " %s", m->options.items[j]);
		str_add(&out, "\n");
	}
	return str_take(&out);
}

static void check_process(const struct run_options *o)
{
	ck_assert_str_eq(o->image, "web:7");
	ck_assert_str_eq(o->name, "shop-web-2");
	ck_assert_uint_ge(o->n_networks, 1);
	ck_assert_str_eq(o->networks[0].name, "shop_front");
	ck_assert_str_eq(o->project, "shop");
	ck_assert_str_eq(o->service, "web");
	ck_assert_uint_eq(o->allows.n, 2);
	ck_assert_str_eq(o->allows.items[0], "web:8000-8001/tcp");
	ck_assert_str_eq(o->allows.items[1], "web:53/udp");
	ck_assert_uint_eq(o->command.n, 3);
	ck_assert(o->has_entrypoint && o->entrypoint.n == 0);
	ck_assert_str_eq(strv_getenv(&o->env, "TAG"), "7");
	ck_assert_str_eq(o->hostname, "www");
	ck_assert_str_eq(o->user, "1:2");
	ck_assert_str_eq(o->workdir, "/srv");
	ck_assert(o->has_tty && o->is_interactive && o->has_init && o->is_read_only);
	ck_assert(!o->is_privileged && o->is_detached);
	ck_assert_str_eq(o->stop_signal, "SIGINT");
	ck_assert_int_eq(o->stop_timeout, 2);
}

static void check_limits(const struct run_options *o)
{
	ck_assert_int_eq(o->cpus_nano, 500000000);
	ck_assert_uint_eq(o->memory, 64 << 20);
	ck_assert_uint_eq(o->memory_reservation, 32 << 20);
	ck_assert(o->has_memory_swap && o->memory_swap == -1);
	ck_assert(o->has_pids_limit && o->pids_limit == 9);
	ck_assert_uint_eq(o->shm_size, 1 << 20);
	ck_assert_str_eq(o->cpuset_cpus, "0-1");
	ck_assert(o->has_oom_score_adj && o->oom_score_adj == 100);
	ck_assert_uint_eq(o->n_ulimits, 1);
	ck_assert_str_eq(o->ulimits[0].name, "RLIMIT_NOFILE");
	ck_assert_uint_eq(o->ulimits[0].hard, 20);
	ck_assert_str_eq(o->cap_add.items[0], "CAP_NET_ADMIN");
	ck_assert_str_eq(o->cap_drop.items[0], "ALL");
	ck_assert(o->no_new_privileges);
	ck_assert_str_eq(o->seccomp, "/srv/shop/./s.json");
	ck_assert_str_eq(o->sysctls.items[0], "net.core.somaxconn=9");
}

static void check_network(const struct run_options *o)
{
	ck_assert_uint_eq(o->n_ports, 3);
	ck_assert_str_eq(o->ports[0].host_ip, "127.0.0.1");
	ck_assert_uint_eq(o->ports[0].host_port, 8080);
	ck_assert_uint_eq(o->ports[1].host_port, 0);
	ck_assert_uint_eq(o->ports[1].protocol, IPPROTO_UDP);
	ck_assert_str_eq(o->ports[2].host_ip, "::1");
	ck_assert_str_eq(o->dns.items[0], "1.1.1.1");
	ck_assert_str_eq(o->extra_hosts.items[0], "h:10.0.0.1");
}

START_TEST(fills)
{
	auto_project struct project project = { 0 };
	struct run_options o = { 0 };
	auto_free char *mounts = NULL;
	struct error err = { 0 };

	ck_assert_msg(load_text(whole, &project, &err) == 0, "%s", err.msg);
	ck_assert_msg(service_options(&project, &project.services[0], 2, &o, &err) == 0, "%s",
		      err.msg);
	check_process(&o);
	check_limits(&o);
	check_network(&o);
	mounts = mounts_text(&o);
	ck_assert_str_eq(mounts, "1 shop_data /data rbind rprivate ro rro\n"
				 "0 /srv/shop/a,\"b /c made rbind rshared\n"
				 "1 - /anon rbind rprivate\n"
				 "2 - /run nosuid nodev noexec size=1m\n"
				 "0 /srv/shop/key /run/secrets/key rbind rprivate ro rro\n");
	ck_assert_str_eq(label(&o, "a"), "b");
	ck_assert_str_eq(label(&o, LABEL_PROJECT), "shop");
	ck_assert_str_eq(label(&o, LABEL_SERVICE), "web");
	ck_assert_str_eq(label(&o, LABEL_NUMBER), "2");
	ck_assert_str_eq(label(&o, LABEL_HASH), project.services[0].hash);
	ck_assert_str_eq(label(&o, LABEL_DIR), "/srv/shop");
	ck_assert_str_eq(label(&o, LABEL_FILES), "f");
	ck_assert(str_starts(label(&o, LABEL_CONFIG), "{\"cap_add\":[\"net_admin\"]"));
	run_options_fini(&o);
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *service, *error;
		int rc;
	} rows[] = {
		{ "{image: x, devices: [/dev/fuse]}",
		  "f:1:26: services.s.devices: minictr cannot do this", -ENOTSUP },
		{ "{image: x, gpus: all}", "f:1:26: services.s.gpus: minictr cannot do this",
		  -ENOTSUP },
		{ "{image: x, volumes: [{type: volume, target: /a, volume: {subpath: b}}]}",
		  "f:1:72: services.s.volumes[0].volume.subpath: minictr cannot do this",
		  -ENOTSUP },
		{ "{build: .}",
		  "f:1:15: services.s: there is no image, and nothing here builds one", -EINVAL },
		{ "{image: x, configs: [c]}",
		  "f:1:36: services.s.configs[0]: only secrets and configs that are files can be "
		  "mounted",
		  -ENOTSUP },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text =
			xasprintf("services: {s: %s}\nconfigs: {c: {content: x}}", rows[i].service);
		auto_project struct project project = { 0 };
		struct run_options o = { 0 };
		struct error err = { 0 };

		ck_assert_msg(load_text(text, &project, &err) == 0, "%s", err.msg);
		ck_assert_int_eq(service_options(&project, &project.services[0], 1, &o, &err),
				 rows[i].rc);
		ck_assert_str_eq(err.msg, rows[i].error);
		run_options_fini(&o);
	}
}
END_TEST

TEST_MAIN("compose/options", fills, refuses)
