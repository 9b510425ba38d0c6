/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>

#include "base/json.h"
#include "compose/model.h"
#include "tests/unit/compose/project.h"

static char *dump(const struct node *node)
{
	auto_json json_t *json = node_to_json(node);

	return json_to_text(json, JSON_ENCODE_ANY | JSON_COMPACT);
}

/* What a key of a service comes to: the value is written in place of the %s. */
static const struct {
	const char *key, *value, *json;
} short_forms[] = {
	{ "command", "nginx -g 'daemon off;'", "[\"nginx\",\"-g\",\"daemon off;\"]" },
	{ "command", "[a, 1, 'b c']", "[\"a\",\"1\",\"b c\"]" },
	{ "command", "", NULL },
	{ "command", "[]", "[]" },
	{ "entrypoint", "''", "[]" },
	{ "environment", "{B: 1, A: x, C: true, D: 1.50, E: ''}",
	  "{\"A\":\"x\",\"B\":\"1\",\"C\":\"true\",\"D\":\"1.50\",\"E\":\"\"}" },
	{ "environment", "[A=1, A=2, B=x=y, TAG, NONE]",
	  "{\"A\":\"2\",\"B\":\"x=y\",\"TAG\":\"7\"}" },
	{ "environment", "{TAG: , NONE: }", "{\"TAG\":\"7\"}" },
	{ "labels", "[a.b=c, d]", "{\"a.b\":\"c\",\"d\":\"\"}" },
	{ "ports", "[80]", "[{\"protocol\":\"tcp\",\"target\":80}]" },
	{ "ports", "['8080:80/udp', '8080:80/udp']",
	  "[{\"protocol\":\"udp\",\"published\":\"8080\",\"target\":80}]" },
	{ "ports", "['[::1]:8080-8081:80-81']",
	  "[{\"host_ip\":\"::1\",\"protocol\":\"tcp\",\"published\":\"8080\",\"target\":80},"
	  "{\"host_ip\":\"::1\",\"protocol\":\"tcp\",\"published\":\"8081\",\"target\":81}]" },
	{ "ports", "[{target: '80', published: 8080, mode: host}]",
	  "[{\"mode\":\"host\",\"protocol\":\"tcp\",\"published\":\"8080\",\"target\":80}]" },
	{ "expose", "[80, '81/udp', '90-92']", "[\"80\",\"81/udp\",\"90-92\"]" },
	{ "volumes", "[./a:/b, ~/c:/d:ro, ../e:/f/../g]",
	  "[{\"bind\":{\"create_host_path\":true},\"source\":\"/srv/shop/a\",\"target\":\"/b\","
	  "\"type\":\"bind\"},{\"bind\":{\"create_host_path\":true},\"read_only\":true,"
	  "\"source\":\"/root/c\",\"target\":\"/d\",\"type\":\"bind\"},{\"bind\":{"
	  "\"create_host_path\":true},\"source\":\"/srv/e\",\"target\":\"/g\",\"type\":"
	  "\"bind\"}]" },
	{ "volumes", "[/anonymous, 'v:/v:nocopy,ro,z']",
	  "[{\"target\":\"/anonymous\",\"type\":\"volume\"},{\"read_only\":true,\"source\":\"v\","
	  "\"target\":\"/v\",\"type\":\"volume\",\"volume\":{\"nocopy\":true}}]" },
	{ "volumes", "['/a:/b:rshared,Z']",
	  "[{\"bind\":{\"create_host_path\":true,\"propagation\":\"rshared\",\"selinux\":\"Z\"},"
	  "\"source\":\"/a\",\"target\":\"/b\",\"type\":\"bind\"}]" },
	{ "volumes", "[{type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 01777}}]",
	  "[{\"target\":\"/t\",\"tmpfs\":{\"mode\":\"01777\",\"size\":\"1048576\"},\"type\":"
	  "\"tmpfs\"}]" },
	{ "tmpfs", "/run:size=1m", "[\"/run:size=1m\"]" },
	{ "healthcheck", "{test: curl -f x, interval: 90s, timeout: 1500ms, retries: '3'}",
	  "{\"interval\":\"1m30s\",\"retries\":3,\"test\":[\"CMD-SHELL\",\"curl -f x\"],"
	  "\"timeout\":\"1s500ms\"}" },
	{ "healthcheck", "{disable: yes}", "{\"disable\":true}" },
	{ "mem_limit", "1.5g", "\"1610612736\"" },
	{ "mem_limit", "128", "\"128\"" },
	{ "memswap_limit", "-1", "\"-1\"" },
	{ "cpus", "'0.50'", "0.5" },
	{ "cpus", "2", "2" },
	{ "deploy", "{resources: {limits: {cpus: '.25', memory: 64M, pids: 10}}}",
	  "{\"resources\":{\"limits\":{\"cpus\":0.25,\"memory\":\"67108864\",\"pids\":10}}}" },
	{ "ulimits", "{nofile: 10, core: {soft: 0, hard: -1}}",
	  "{\"core\":{\"hard\":\"-1\",\"soft\":\"0\"},\"nofile\":{\"hard\":\"10\",\"soft\":\"10\"}}" },
	{ "extra_hosts", "{a: 10.0.0.1, b: ['::1', host-gateway]}",
	  "[\"a:10.0.0.1\",\"b:::1\",\"b:host-gateway\"]" },
	{ "extra_hosts", "['a=10.0.0.1', 'b:[::1]']", "[\"a:10.0.0.1\",\"b:::1\"]" },
	{ "dns", "1.1.1.1", "[\"1.1.1.1\"]" },
	{ "restart", "no", "\"no\"" },
	{ "restart", "false", "\"no\"" },
	{ "restart", "'on-failure:5'", "\"on-failure:5\"" },
	{ "user", "1000", "\"1000\"" },
	{ "tty", "'true'", "true" },
	{ "stop_grace_period", "3600s", "\"1h\"" },
	{ "sysctls", "[net.core.somaxconn=1024]", "{\"net.core.somaxconn\":\"1024\"}" },
	{ "cap_add", "[NET_ADMIN, all]", "[\"NET_ADMIN\",\"all\"]" },
	{ "devices", "[/dev/fuse, '/dev/a:/dev/b:r']",
	  "[{\"permissions\":\"rwm\",\"source\":\"/dev/fuse\",\"target\":\"/dev/fuse\"},"
	  "{\"permissions\":\"r\",\"source\":\"/dev/a\",\"target\":\"/dev/b\"}]" },
	{ "build", "./app", "{\"context\":\"./app\"}" },
	{ "depends_on", "[b]", "{\"b\":{\"condition\":\"service_started\",\"required\":true}}" },
	{ "depends_on", "{b: {condition: service_healthy, required: false, restart: true}}",
	  "{\"b\":{\"condition\":\"service_healthy\",\"required\":false,\"restart\":true}}" },
	{ "networks", "", "{\"default\":{}}" },
	{ "networks", "[n]", "{\"n\":{}}" },
	{ "networks", "{n: , default: {aliases: [x], ipv4_address: 10.0.0.9}}",
	  "{\"default\":{\"aliases\":[\"x\"],\"ipv4_address\":\"10.0.0.9\"},\"n\":{}}" },
	{ "secrets", "[s, {source: s, target: other, mode: 0440}]",
	  "[{\"source\":\"s\",\"target\":\"/run/secrets/s\"},{\"mode\":\"0440\",\"source\":\"s\","
	  "\"target\":\"/run/secrets/other\"}]" },
	{ "configs", "[c]", "[{\"source\":\"c\",\"target\":\"/c\"}]" },
	{ "x-allow", "[{from: b, port: 5432}]", "[{\"from\":\"b\",\"port\":\"5432\"}]" },
	{ "x-whatever", "{a: [1]}", "{\"a\":[1]}" },
	{ "image", "a:${TAG}", "\"a:7\"" },
	{ "image", "a:${EMPTY:-${NO:-x}}", "\"a:x\"" },
	{ "pids_limit", "'${TAG}'", "7" },
};

START_TEST(writes_short_forms_out)
{
	for (size_t i = 0; i < ARRAY_LEN(short_forms); i++) {
		bool is_image = strcmp(short_forms[i].key, "image") == 0;
		auto_free char *text = xasprintf(
			"services:\n  a:\n    %s\n    %s: %s\n  b: {image: b}\nnetworks: {n: }\n"
			"volumes: {v: }\nsecrets: {s: {file: s}}\nconfigs: {c: {content: x}}\n",
			is_image ? "tty: false" : "image: a", short_forms[i].key,
			short_forms[i].value);
		auto_project struct project project = { 0 };
		auto_free char *got = NULL;
		struct error err = { 0 };
		int rc = load_text(text, &project, &err);
		const struct node *node;

		ck_assert_msg(rc == 0, "%s: %s: %s", short_forms[i].key, short_forms[i].value,
			      err.msg);
		node = node_get(project.services[0].node, short_forms[i].key);
		ck_assert(!node == !short_forms[i].json);
		if (!node)
			continue;
		got = dump(node);
		ck_assert_str_eq(got, short_forms[i].json);
	}
}
END_TEST

/* A value of the service a, on line 4 from column 5 + strlen(key) + 2. */
static const struct {
	const char *line, *error;
} bad_values[] = {
	{ "port: [80]", "4:5: services.a.port: unknown key: did you mean 'ports'?" },
	{ "zzz: 1", "4:5: services.a.zzz: unknown key" },
	{ "image: [a]", "4:12: services.a.image: expected text, got a list" },
	{ "image: true", "4:12: services.a.image: expected text, got 'true'" },
	{ "command: {a: b}", "4:14: services.a.command: expected a list of texts, got a map" },
	{ "command: [[a]]", "4:15: services.a.command[0]: expected text, got a list" },
	{ "command: \"a 'b\"", "4:14: services.a.command: a quote ' is not closed" },
	{ "environment: x",
	  "4:18: services.a.environment: expected a map, or a list of NAME=VALUE, got 'x'" },
	{ "environment: [=x]", "4:19: services.a.environment[0]: no name in front of '='" },
	{ "environment: {A: [x]}", "4:22: services.a.environment.A: expected text, got a list" },
	{ "environment: {'A=B': x}",
	  "4:19: services.a.environment.A=B: a name must not be empty or have a '='" },
	{ "ports: 80", "4:12: services.a.ports: expected a list of ports, got '80'" },
	{ "ports: ['99999']",
	  "4:13: services.a.ports[0]: parse port '99999': '99999' is no port from 1 to 65535" },
	{ "ports: ['80:80:80:80']",
	  "4:13: services.a.ports[0]: parse port '80:80:80:80': '80:80' is no address" },
	{ "ports: ['8000-8002:80']",
	  "4:13: services.a.ports[0]: parse port '8000-8002:80': 3 ports of the host for 1 of "
	  "the container" },
	{ "ports: ['80/xx']",
	  "4:13: services.a.ports[0]: parse port '80/xx': 'xx' is none of tcp, udp, sctp" },
	{ "ports: ['1-60000']", "4:13: services.a.ports[0]: limit: more than 4096 ports" },
	{ "ports: [{published: 80}]", "4:13: services.a.ports[0]: 'target' is missing" },
	{ "ports: [{target: 0}]",
	  "4:22: services.a.ports[0].target: parse number '0': must be from 1 to 65535" },
	{ "ports: [{target: 80, portz: 1}]", "4:26: services.a.ports[0].portz: unknown key" },
	{ "ports: ['1:80', {target: 80, published: 1, name: x}]",
	  "4:21: services.a.ports[1]: ':1:80/tcp' stands twice" },
	{ "expose: ['1:2']", "4:14: services.a.expose[0]: '1:2': only ports of the container" },
	{ "volumes: [data:/data]",
	  "4:15: services.a.volumes[0].source: there is no volume 'data': name it under "
	  "'volumes'" },
	{ "volumes: [a/b:/data]",
	  "4:15: services.a.volumes[0].source: 'a/b' is neither the name of a volume nor a path "
	  "that begins with / or ." },
	{ "volumes: ['/a:b']", "4:15: services.a.volumes[0].target: 'b' is not an absolute path" },
	{ "volumes: ['/a:/b/..']",
	  "4:15: services.a.volumes[0].target: the target must not be '/'" },
	{ "volumes: ['/a:/b:xx']", "4:15: services.a.volumes[0]: unknown option 'xx'" },
	{ "volumes: ['/a:/b:ro:rw']",
	  "4:15: services.a.volumes[0]: '/a:/b:ro:rw': more than two colons" },
	{ "volumes: [':/b']", "4:15: services.a.volumes[0]: ':/b': an empty source or target" },
	{ "volumes: ['/a:/b', '/c:/x/../b']", "4:24: services.a.volumes[1]: '/b' stands twice" },
	{ "volumes: [{type: npipe, target: /a}]",
	  "4:22: services.a.volumes[0].type: 'npipe' is none of bind, volume, tmpfs" },
	{ "volumes: [{type: bind, target: /a}]",
	  "4:15: services.a.volumes[0]: 'source' is missing" },
	{ "healthcheck: {test: [x]}",
	  "4:25: services.a.healthcheck.test: healthcheck: unknown kind 'x': NONE, CMD, CMD-SHELL, HTTP and TCP are known" },
	{ "healthcheck: {test: [HTTP, 'ftp://x']}",
	  "4:25: services.a.healthcheck.test: healthcheck: HTTP: 'ftp:' has no port from 1 to 65535" },
	{ "healthcheck: {test: [TCP, ':0']}",
	  "4:25: services.a.healthcheck.test: healthcheck: TCP: ':0' has no port from 1 to 65535" },
	{ "healthcheck: {interval: 10}",
	  "4:29: services.a.healthcheck.interval: parse duration '10': not a duration like "
	  "1m30s, 1.5h or 300ms" },
	{ "healthcheck: {retries: -1}",
	  "4:28: services.a.healthcheck.retries: parse number '-1': must be from 0 to "
	  "2147483647" },
	{ "mem_limit: lots",
	  "4:16: services.a.mem_limit: parse size 'lots': not a size like 512k, 64m or 1.5g" },
	{ "mem_limit: -1",
	  "4:16: services.a.mem_limit: parse size '-1': not a size like 512k, 64m or 1.5g" },
	{ "cpus: [1]", "4:11: services.a.cpus: expected a number, got a list" },
	{ "deploy: {replicas: x}",
	  "4:24: services.a.deploy.replicas: parse number 'x': not a whole number" },
	{ "deploy: {replicas: 5000}",
	  "4:24: services.a.deploy.replicas: limit: more than 1000 replicas" },
	{ "deploy: {resources: {limits: {cpu: 1}}}",
	  "4:35: services.a.deploy.resources.limits.cpu: unknown key: did you mean 'cpus'?" },
	{ "depends_on: [b, b]", "4:21: services.a.depends_on[1]: 'b' stands twice" },
	{ "depends_on: [c]", "4:18: services.a.depends_on.c: there is no service 'c'" },
	{ "depends_on: {b: {condition: healthy}}",
	  "4:33: services.a.depends_on.b.condition: 'healthy' is none of service_started, "
	  "service_healthy, service_completed_successfully" },
	{ "depends_on: {b: }", "4:21: services.a.depends_on.b: 'condition' is missing" },
	{ "depends_on: 5", "4:17: services.a.depends_on: expected a map, got '5'" },
	{ "networks: [n]", "4:16: services.a.networks.n: there is no network 'n'" },
	{ "networks: ['../x']",
	  "4:16: services.a.networks[0]: '../x' is no name: a letter or digit, then up to 127 "
	  "of those and _.+-" },
	{ "networks: {default: {ipv4_address: x}}",
	  "4:40: services.a.networks.default.ipv4_address: 'x' is no address" },
	{ "networks: {default: {aliases: [a/b]}}",
	  "4:36: services.a.networks.default.aliases[0]: 'a/b' is no host name" },
	{ "container_name: ../x",
	  "4:21: services.a.container_name: '../x' is no name: a letter or digit, then up to "
	  "127 of those and _.+-" },
	{ "hostname: a b", "4:15: services.a.hostname: 'a b' is no host name" },
	{ "working_dir: x", "4:18: services.a.working_dir: 'x' is not an absolute path" },
	{ "restart: sometimes",
	  "4:14: services.a.restart: 'sometimes' is none of no, always, unless-stopped, "
	  "on-failure[:N]" },
	{ "restart: 'on-failure:x'",
	  "4:14: services.a.restart: parse number 'x': not a whole number" },
	{ "cap_add: [nope]", "4:15: services.a.cap_add[0]: there is no capability 'nope'" },
	{ "security_opt: [x]",
	  "4:20: services.a.security_opt[0]: 'x' is none of no-new-privileges, seccomp=FILE, "
	  "seccomp=unconfined" },
	{ "stop_signal: SIGNOPE",
	  "4:18: services.a.stop_signal: parse signal 'SIGNOPE': no such signal" },
	{ "tty: maybe", "4:10: services.a.tty: parse 'maybe': neither true nor false" },
	{ "ulimits: {nope: 1}",
	  "4:21: services.a.ulimits.nope: parse ulimit 'nope=1:1': no limit is named 'nope'" },
	{ "ulimits: {nofile: {soft: 1}}",
	  "4:23: services.a.ulimits.nofile: 'soft' and 'hard' are needed, and no more" },
	{ "extra_hosts: [x]", "4:19: services.a.extra_hosts[0]: 'x' is not NAME:ADDRESS" },
	{ "dns: nope", "4:10: services.a.dns[0]: 'nope' is no address" },
	{ "sysctls: {a: }", "4:18: services.a.sysctls.a: has no value" },
	{ "secrets: [s]",
	  "4:15: services.a.secrets[0].source: 's' is not among the secrets of the project" },
	{ "secrets: [{source: s, target: ../../etc/x}]",
	  "4:35: services.a.secrets[0].target: '../../etc/x' leads out of /run/secrets" },
	{ "configs: [{source: s, mode: 999}]",
	  "4:33: services.a.configs[0].mode: '999' is no mode like 0440" },
	{ "tmpfs: [x]", "4:13: services.a.tmpfs[0]: parse tmpfs 'x': target 'x' is not absolute" },
	{ "x-allow: [{from: a}]", "4:15: services.a.x-allow[0]: 'port' is missing" },
	{ "x-allow: [{from: z, port: 1}]",
	  "4:22: services.a.x-allow[0].from: there is no service 'z'" },
	{ "x-on-unhealthy: panic",
	  "4:21: services.a.x-on-unhealthy: 'panic' is none of none, kill, restart, stop" },
	{ "env_file: none.env",
	  "4:15: services.a.env_file[0].path: read '/srv/shop/none.env': no such file or "
	  "directory" },
	{ "env_file: http://x/y", "4:15: services.a.env_file[0].path: 'http://x/y' is not a file "
				  "here" },
	{ "env_file: [{path: e, format: raw}]",
	  "4:34: services.a.env_file[0].format: minictr cannot do this" },
	{ "extends: {service: !reset [b]}", "4:14: services.a.extends: 'service' is missing" },
	{ "extends: {service: b, file: !reset [b]}",
	  "4:33: services.a.extends.file: expected text, got a list" },
	{ "ports: [{target: !reset [80]}]", "4:13: services.a.ports[0]: 'target' is missing" },
	{ "depends_on: {b: {condition: !reset {}}}",
	  "4:21: services.a.depends_on.b: 'condition' is missing" },
	{ "extends: zz", "4:14: services.a.extends.service: there is no service 'zz'" },
	{ "extends: a", "3:3: services.a: a cycle: a -> a" },
	{ "extends: {service: b, file: /no}", "read '/no': no such file or directory" },
	{ "network_mode: 'service:q'", "4:19: services.a.network_mode: there is no service 'q'" },
	{ "pull_policy: hourly",
	  "4:18: services.a.pull_policy: 'hourly' is none of always, never, missing, "
	  "if_not_present, build" },
	{ "command: $5",
	  "4:14: services.a.command: '$5' begins no variable: write '$$' for a dollar sign" },
	{ "image: ${NO:?no tag}", "4:12: services.a.image: the variable 'NO' is required: no tag" },
	{ "links: [z:y]", "4:13: services.a.links[0]: there is no service 'z'" },
	{ "mem_limit: 1m\n    deploy: {resources: {limits: {memory: 2m}}}",
	  "5:43: services.a.deploy.resources.limits.memory: 'mem_limit' says 1048576" },
	{ "network_mode: host\n    networks: [default]",
	  "4:19: services.a.network_mode: goes with 'networks' no more than they with it" },
	{ "container_name: x\n    scale: 2",
	  "4:21: services.a.container_name: 2 containers cannot have one name" },
	{ "networks: {default: {ipv4_address: 10.0.0.1}}\n    scale: 2",
	  "4:25: services.a.networks.default: 2 containers cannot have one address" },
};

START_TEST(refuses_values)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_values); i++) {
		bool is_image = str_starts(bad_values[i].line, "image:");
		auto_free char *text =
			xasprintf("services:\n  b: {image: b}\n  a:\n    %s\n%s",
				  bad_values[i].line, is_image ? "" : "    image: a\n");
		auto_free char *wanted = xasprintf(
			"%s%s",
			bad_values[i].error[0] >= '0' && bad_values[i].error[0] <= '9' ? "f:" : "",
			bad_values[i].error);
		auto_project struct project project = { 0 };
		struct error err = { 0 };

		ck_assert_msg(load_text(text, &project, &err) < 0, "taken: %s", bad_values[i].line);
		ck_assert_str_eq(err.msg, wanted);
	}
}
END_TEST

START_TEST(refuses_projects)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "a: 1", "f:1:1: a: unknown key" },
		{ "service: {}", "f:1:1: service: unknown key: did you mean 'services'?" },
		{ "x-a: 1", "f:1:1: there are no services" },
		{ "services: {}", "f:1:11: services: there are no services" },
		{ "services: [a]", "f:1:11: services: expected a map, got a list" },
		{ "services: {a: x}", "f:1:15: services.a: expected a map, got 'x'" },
		{ "services: {a: }", "f:1:15: services.a: 'image' is missing" },
		{ "services: {../a: {image: x}}",
		  "f:1:12: services.../a: '../a' is no name: a letter or digit, then up to 127 of those "
		  "and _.+-" },
		{ "services: {'': {image: x}}",
		  "f:1:12: services.: '' is no name: a letter or digit, then up to 127 of those and "
		  "_.+-" },
		{ "name: A/b\nservices: {a: {image: x}}",
		  "f:1:7: name: 'A/b' is no name of a project: lower case letters, digits, '-' and "
		  "'_'" },
		{ "include: [x]\nservices: {a: {image: x}}",
		  "f:1:1: include: other files are named by -f, or extended" },
		{ "services: {a: {image: x}}\nnetworks: {n: {name: a/b}}",
		  "f:2:22: networks.n.name: 'a/b' is no name: a letter or digit, then up to 127 of "
		  "those and _.+-" },
		{ "services: {a: {image: x}}\nnetworks: {n: {ipam: {config: [{subnet: x}]}}}",
		  "f:2:41: networks.n.ipam.config[0].subnet: 'x' is no subnet like 10.1.2.0/24" },
		{ "services: {a: {image: x}}\nsecrets: {s: {}}",
		  "f:2:14: secrets.s: needs one of file, content, environment" },
		{ "services: {a: {image: x}}\nsecrets: {s: {environment: NO}}",
		  "f:2:28: secrets.s.environment: the variable 'NO' is not set" },
		{ "services: {a: {image: x}}\nsecrets: {s: {external: true}}",
		  "f:2:14: secrets.s: nobody keeps secrets and configs here: name a file" },
		{ "services:\n  a: {image: x, ports: ['80:80']}\n  b: {image: x, ports: ['80:81']}",
		  "f:3:25: services.b.ports[0].published: service 'a' has it already" },
		{ "services:\n  a: {image: x, container_name: c}\n  b: {image: x, container_name: c}",
		  "f:3:33: services.b.container_name: service 'a' has it already" },
		{ "services:\n  a: {image: x, profiles: [p]}\n  b: {image: x, depends_on: [a]}",
		  "f:3:30: services.b.depends_on.a: service 'a' is left out by its profiles" },
		{ "services:\n  a: {extends: b}\n  b: {extends: c}\n  c: {extends: a}",
		  "f:2:6: services.a: a cycle: a -> b -> c -> a" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_project struct project project = { 0 };
		struct error err = { 0 };

		ck_assert_msg(load_text(rows[i].text, &project, &err) < 0, "taken: %s",
			      rows[i].text);
		ck_assert_str_eq(err.msg, rows[i].error);
	}
}
END_TEST

/* A later file over an earlier one. */
START_TEST(merges)
{
	static const struct {
		const char *base, *over, *json;
	} rows[] = {
		{ "image: a\nhostname: h", "image: b", "{\"hostname\":\"h\",\"image\":\"b\"}" },
		{ "image: a\nenvironment: {A: 1, B: 2}", "environment: [B=3, C=4]",
		  "{\"environment\":{\"A\":\"1\",\"B\":\"3\",\"C\":\"4\"},\"image\":\"a\"}" },
		{ "image: a\nenvironment: {TAG: x}", "environment: [TAG]",
		  "{\"environment\":{\"TAG\":\"7\"},\"image\":\"a\"}" },
		{ "image: a\ncommand: a b", "command: [c]",
		  "{\"command\":[\"c\"],\"image\":\"a\"}" },
		{ "image: a\ncap_add: [SYS_TIME]", "cap_add: [SYS_TIME, KILL]",
		  "{\"cap_add\":[\"SYS_TIME\",\"KILL\"],\"image\":\"a\"}" },
		{ "image: a\ndns: 1.1.1.1", "dns: [8.8.8.8]",
		  "{\"dns\":[\"1.1.1.1\",\"8.8.8.8\"],\"image\":\"a\"}" },
		{ "image: a\nports: ['1:1']", "ports: ['1:1', '2:2']",
		  "{\"image\":\"a\",\"ports\":[{\"protocol\":\"tcp\",\"published\":\"1\",\"target\":1},"
		  "{\"protocol\":\"tcp\",\"published\":\"2\",\"target\":2}]}" },
		{ "image: a\nvolumes: ['/a:/x', '/b:/y']", "volumes: ['/c:/x:ro']",
		  "{\"image\":\"a\",\"volumes\":[{\"bind\":{\"create_host_path\":true},\"read_only\":true,"
		  "\"source\":\"/c\",\"target\":\"/x\",\"type\":\"bind\"},{\"bind\":{"
		  "\"create_host_path\":true},\"source\":\"/b\",\"target\":\"/y\",\"type\":\"bind\"}]}" },
		{ "image: a\nlogging: {driver: x, options: {a: 1}}", "logging: {options: {b: 2}}",
		  "{\"image\":\"a\",\"logging\":{\"driver\":\"x\",\"options\":{\"a\":\"1\",\"b\":\"2\"}}}" },
		{ "image: a\nlogging: {driver: x, options: {a: 1}}", "logging: {driver: y}",
		  "{\"image\":\"a\",\"logging\":{\"driver\":\"y\"}}" },
		{ "image: a\nhealthcheck: {test: x, retries: 2}", "healthcheck: {test: [CMD, y]}",
		  "{\"healthcheck\":{\"retries\":2,\"test\":[\"CMD\",\"y\"]},\"image\":\"a\"}" },
		{ "image: a\nports: ['1:1']\ntty: true", "ports: !reset []\ntty: !reset null",
		  "{\"image\":\"a\"}" },
		{ "image: a\nports: ['1:1']", "ports: !override ['2:2']",
		  "{\"image\":\"a\",\"ports\":[{\"protocol\":\"tcp\",\"published\":\"2\",\"target\":2}]}" },
		{ "image: a\nenvironment: {A: 1, B: 2}", "environment: {A: !reset null}",
		  "{\"environment\":{\"B\":\"2\"},\"image\":\"a\"}" },
		{ "image: a\nports: !reset ['1:1']\ntty: !reset {}", "ports: ['2:2']",
		  "{\"image\":\"a\",\"ports\":[{\"protocol\":\"tcp\",\"published\":\"2\",\"target\":2}]}" },
		{ "image: a\nulimits: {nofile: 1}", "ulimits: {nofile: 2, nproc: 3}",
		  "{\"image\":\"a\",\"ulimits\":{\"nofile\":{\"hard\":\"2\",\"soft\":\"2\"},\"nproc\":{"
		  "\"hard\":\"3\",\"soft\":\"3\"}}}" },
		{ "image: a\nx-a: [1]", "x-a: [2]", "{\"image\":\"a\",\"x-a\":[2]}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv base = { 0 };
		auto_strv struct strv over = { 0 };
		auto_str struct str first = { 0 };
		auto_str struct str second = { 0 };
		auto_project struct project project = { 0 };
		auto_free char *got = NULL;
		struct error err = { 0 };
		struct memory_file files[3] = { { "f", NULL }, { "g", NULL }, { NULL, NULL } };
		struct node *service;

		strv_split(&base, rows[i].base, '\n');
		strv_split(&over, rows[i].over, '\n');
		str_add(&first, "services:\n  a:\n");
		str_add(&second, "services:\n  a:\n");
		for (size_t j = 0; j < base.n; j++)
			str_addf(&first, "    %s\n", base.items[j]);
		for (size_t j = 0; j < over.n; j++)
			str_addf(&second, "    %s\n", over.items[j]);
		files[0].text = first.text;
		files[1].text = second.text;
		ck_assert_msg(load_memory(files, 2, NULL, &project, &err) == 0, "%s", err.msg);
		service = project.services[0].node;
		node_free(node_detach(node_get(service, "networks")));
		got = dump(service);
		ck_assert_str_eq(got, rows[i].json);
	}
}
END_TEST

START_TEST(extends)
{
	struct memory_file files[] = {
		{ "f", "services:\n"
		       "  web:\n"
		       "    extends: {file: lib/base.yml, service: app}\n"
		       "    environment: {B: web}\n"
		       "  job: {extends: web, command: job}\n" },
		{ "/srv/shop/lib/base.yml", "services:\n"
					    "  app:\n"
					    "    extends: root\n"
					    "    env_file: app.env\n"
					    "    environment: {A: app, B: app}\n"
					    "    volumes: ['./data:/data']\n"
					    "  root: {image: 'base:$TAG'}\n"
					    "  unused: {extends: root}\n" },
		{ "/srv/shop/lib/app.env", "E=1\nA=file\nF=\"${E}${TAG}\"\n" },
		{ NULL, NULL },
	};
	auto_project struct project project = { 0 };
	auto_free char *got = NULL;
	struct error err = { 0 };

	ck_assert_msg(load_memory(files, 1, NULL, &project, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(project.n_services, 2);
	got = dump(project.services[0].node);
	ck_assert_str_eq(got, "{\"command\":[\"job\"],\"environment\":{\"A\":\"app\",\"B\":\"web\","
			      "\"E\":\"1\",\"F\":\"17\"},\"image\":\"base:7\",\"networks\":{"
			      "\"default\":{}},\"volumes\":[{\"bind\":{\"create_host_path\":true},"
			      "\"source\":\"/srv/shop/lib/data\",\"target\":\"/data\",\"type\":"
			      "\"bind\"}]}");
}
END_TEST

START_TEST(refuses_to_extend)
{
	static const struct {
		const char *other, *error;
	} rows[] = {
		{ "services: {x: {image: a}}",
		  "f:1:57: services.web.extends.service: there is no service 'app' in "
		  "/srv/shop/b.yml" },
		{ "services: {app: {image: [a]}}",
		  "/srv/shop/b.yml:1:25: services.app.image: expected text, got a list" },
		{ "services: {app: {extends: {file: b.yml, service: app}}}",
		  "/srv/shop/b.yml:1:17: services.app: a cycle: web -> app -> app" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct memory_file files[] = {
			{ "f", "services: {web: {extends: {file: b.yml       , service: app}}}" },
			{ "/srv/shop/b.yml", rows[i].other },
			{ NULL, NULL },
		};
		auto_project struct project project = { 0 };
		struct error err = { 0 };

		ck_assert_int_lt(load_memory(files, 1, NULL, &project, &err), 0);
		ck_assert_str_eq(err.msg, rows[i].error);
	}
}
END_TEST

/* Each service has what all above it have: the whole would be the square of the file. */
START_TEST(refuses_extending_bombs)
{
	auto_project struct project project = { 0 };
	auto_str struct str text = { 0 };
	struct error err = { 0 };

	str_add(&text, "services:\n  s0: {image: x}\n");
	for (int i = 1; i < 4000; i++)
		str_addf(&text, "  s%d: {extends: s%d, expose: [%d]}\n", i, i - 1, i);
	ck_assert_int_lt(load_text(text.text, &project, &err), 0);
	ck_assert_str_eq(err.msg,
			 "f:447:9: services.s445: limit: more than 100000 values are extended");
}
END_TEST

START_TEST(fills_structs)
{
	static const char text[] =
		"name: shop${TAG}\n"
		"services:\n"
		"  web:\n"
		"    image: web\n"
		"    networks: {front: {aliases: [www, web]}, back: {priority: 10}}\n"
		"    depends_on: {api: {condition: service_healthy, restart: true}, job: {condition: "
		"service_completed_successfully, required: false}}\n"
		"    deploy: {replicas: 3, restart_policy: {condition: on-failure, max_attempts: 4}}\n"
		"    stop_grace_period: 2s\n"
		"    healthcheck: {test: [HTTP, 'http://:8080/health?x=1'], interval: 5s, retries: 2}\n"
		"    x-on-unhealthy: restart\n"
		"  api:\n"
		"    image: api\n"
		"    restart: unless-stopped\n"
		"    healthcheck: {test: [TCP, ':8000']}\n"
		"    x-allow: [{from: web, port: 8000-8001/udp}]\n"
		"    networks: [back]\n"
		"  tool: {image: t, profiles: [dev], network_mode: none}\n"
		"networks: {front: , back: {internal: true, x-isolated: true}, other: {external: true}}\n"
		"volumes: {data: {name: my_data}, x: }\n"
		"secrets: {s: {environment: TAG}, t: {file: ./t}}\n";
	struct memory_file files[] = { { "f", text }, { NULL, NULL } };
	auto_project struct project project = { 0 };
	auto_project struct project whole = { 0 };
	struct error err = { 0 };
	const struct service *web, *api;

	ck_assert_msg(load_memory(files, 1, NULL, &project, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(project.name, "shop7");
	ck_assert_uint_eq(project.n_services, 2);
	ck_assert_uint_eq(project.inactive.n, 1);
	api = &project.services[0];
	web = &project.services[1];
	ck_assert_str_eq(web->name, "web");
	ck_assert_int_eq(web->replicas, 3);
	/* The one that is not required, and not there, is no dependency. */
	ck_assert_uint_eq(web->n_depends, 1);
	ck_assert_uint_eq(web->depends[0].service, 0);
	ck_assert_int_eq(web->depends[0].condition, CONDITION_HEALTHY);
	ck_assert(web->depends[0].is_required && web->depends[0].restarts);
	ck_assert_int_eq(web->restart, RESTART_ON_FAILURE);
	ck_assert_int_eq(web->restart_max, 4);
	ck_assert_int_eq(web->stop_grace_ns, 2000000000);
	ck_assert_int_eq(api->stop_grace_ns, 10000000000);
	ck_assert_int_eq(api->restart, RESTART_UNLESS_STOPPED);
	ck_assert_uint_eq(web->n_networks, 2);
	ck_assert_int_eq(web->networks[0].priority, 10);
	ck_assert_str_eq(project.networks[web->networks[1].network].name, "shop7_front");
	ck_assert_uint_eq(web->networks[1].aliases.n, 2);
	ck_assert_str_eq(web->networks[1].aliases.items[1], "www");
	ck_assert_int_eq(web->health.test.kind, HEALTH_TEST_HTTP);
	ck_assert_str_eq(web->health.test.target.authority, "localhost:8080");
	ck_assert_str_eq(web->health.test.target.path, "/health?x=1");
	ck_assert_int_eq(web->health.interval_ns, 5000000000);
	ck_assert_int_eq(web->health.timeout_ns, 0);
	ck_assert_int_eq(web->health.retries, 2);
	ck_assert_int_eq(web->health.action, HEALTH_ACT_RESTART);
	ck_assert_int_eq(api->health.test.kind, HEALTH_TEST_TCP);
	ck_assert_uint_eq(api->n_allows, 1);
	ck_assert_uint_eq(api->allows[0].from, 1);
	ck_assert_uint_eq(api->allows[0].port, 8000);
	ck_assert_uint_eq(api->allows[0].count, 2);
	ck_assert_uint_eq(api->allows[0].protocol, IPPROTO_UDP);
	ck_assert_uint_eq(project.n_networks, 3); /* nobody needs a default one */
	ck_assert(project.networks[0].is_isolated && project.networks[0].is_internal);
	ck_assert_str_eq(project.networks[2].name, "other");
	ck_assert(project.networks[2].is_external && !project.networks[2].is_used);
	ck_assert_str_eq(project.volumes[0].name, "my_data");
	ck_assert_str_eq(project.volumes[1].name, "shop7_x");
	ck_assert_str_eq(project.secrets[0].content, "7");
	ck_assert_str_eq(project.secrets[1].file, "/srv/shop/t");

	ck_assert_int_eq(project_scale(&project, "web", 5, &err), 0);
	ck_assert_int_eq(web->replicas, 5);
	ck_assert_int_lt(project_scale(&project, "tool", 1, &err), 0);
	ck_assert_str_eq(err.msg, "there is no service 'tool' to scale");
	ck_assert_int_eq(load_memory(files, 1, "dev", &whole, &err), 0);
	ck_assert_uint_eq(whole.n_services, 3);
	ck_assert_str_eq(whole.services[1].network_mode, "none");
	ck_assert_uint_eq(whole.services[1].n_networks, 0);
}
END_TEST

START_TEST(names_projects)
{
	static const struct {
		const char *directory, *name;
	} rows[] = {
		{ "/srv/My Shop.2", "myshop2" },
		{ "/srv/-_a_-b", "a_-b" },
		{ "/", "" },
		{ "/srv/ÄÖ", "" },
		{ "/x/0a", "0a" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *got = project_name_of(rows[i].directory);

		ck_assert_str_eq(got, rows[i].name);
	}
	ck_assert(is_project_name("a-b_1"));
	ck_assert(!is_project_name("") && !is_project_name("A") && !is_project_name("-a"));
	ck_assert(!is_project_name("a.b") && !is_project_name("../a"));
}
END_TEST

/* The same for the same content, and only for that. */
START_TEST(hashes)
{
	static const struct {
		const char *a, *b;
		bool is_same;
	} rows[] = {
		{ "{image: x, environment: [A=1, B=2]}", "{environment: {B: 2, A: '1'}, image: x}",
		  true },
		{ "{image: x, mem_limit: 1m}", "{image: x, mem_limit: 1024k}", true },
		{ "{image: x, ports: ['1:2']}", "{image: x, ports: [{target: 2, published: 1}]}",
		  true },
		{ "{image: x}",
		  "{image: x, networks: [default], profiles: [], expose: [1], x-a: b}", true },
		{ "{image: x}", "{image: x, deploy: {replicas: 3}, scale: 3}", true },
		{ "{image: x}", "{image: y}", false },
		{ "{image: x}", "{image: x, tty: true}", false },
		{ "{image: x, command: a b}", "{image: x, command: [a b]}", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *a = xasprintf("services: {a: %s}", rows[i].a);
		auto_free char *b = xasprintf("services: {a: %s}", rows[i].b);
		auto_project struct project first = { 0 };
		auto_project struct project second = { 0 };
		struct error err = { 0 };

		ck_assert_msg(load_text(a, &first, &err) == 0, "%s", err.msg);
		ck_assert_msg(load_text(b, &second, &err) == 0, "%s", err.msg);
		ck_assert_uint_eq(strlen(first.services[0].hash), 64);
		ck_assert_int_eq(strcmp(first.services[0].hash, second.services[0].hash) == 0,
				 rows[i].is_same);
	}
}
END_TEST

TEST_MAIN("compose/model", writes_short_forms_out, refuses_values, refuses_projects, merges,
	  extends, refuses_to_extend, refuses_extending_bombs, fills_structs, names_projects,
	  hashes)
