/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/bundle.h"
#include "engine/inspect.h"
#include "engine/list.h"
#include "image/image.h"
#include "tests/unit/test.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* The value at a path of keys and, between dots, indexes: as compact JSON. */
static char *at(const json_t *json, const char *path)
{
	auto_strv struct strv keys = { 0 };

	strv_split(&keys, path, '.');
	for (size_t i = 0; i < keys.n; i++) {
		const char *key = keys.items[i];

		json = json_is_array(json) ? json_array_get(json, (size_t)atoi(key))
					   : json_object_get(json, key);
	}
	return json ? json_to_text(json, JSON_COMPACT | JSON_ENCODE_ANY) : xstrdup("(nothing)");
}

struct expected {
	const char *path, *value;
};

static void check(const json_t *json, const struct expected *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		auto_free char *value = at(json, rows[i].path);

		ck_assert_msg(strcmp(value, rows[i].value) == 0, "%s: %s, not %s", rows[i].path,
			      value, rows[i].value);
	}
}

#define CHECK(made, ...)                                               \
	do {                                                           \
		static const struct expected rows[] = { __VA_ARGS__ }; \
		auto_json json_t *json = made;                         \
                                                                       \
		check(json, rows, ARRAY_LEN(rows));                    \
	} while (0)

static void list(struct strv *v, const char *const *items)
{
	for (; *items; items++)
		strv_add(v, *items);
}
#define LIST(v, ...) list(v, (const char *const[]){ __VA_ARGS__, NULL })

/* One that says nothing but what it must. */
static struct list_entry plain(void)
{
	struct list_entry entry = { .status = LIST_EXITED };
	struct record *record = &entry.record;

	memcpy(record->id, ID, sizeof(ID));
	record->name = xstrdup("web");
	strv_add(&record->networks, "none");
	record->stop_signal = xstrdup("SIGTERM");
	record->stop_timeout = 10;
	return entry;
}

static json_t *inspect(const struct list_entry *entry, const struct image *image,
		       const struct bundle_mounts *mounts)
{
	static const struct inspect_endpoint endpoint = {
		.network = "bridge",
		.address = "10.88.0.2",
		.gateway = "10.88.0.1",
		.mac = "02:42:0a:58:00:02",
		.prefix = 24,
	};
	static const struct bundle_mounts none;
	const struct inspect_input in = {
		.entry = entry,
		.image = image,
		.mounts = mounts ? mounts : &none,
		.endpoints = &endpoint,
		.n_endpoints = 1,
		.place = "/data/containers/web",
		.volumes = "/data/volumes",
		.layers = "/data/images/layers",
		.hostname = "moon",
	};

	return inspect_container_json(&in);
}

START_TEST(says_little_of_little)
{
	auto_list_entry struct list_entry entry = plain();

	CHECK(inspect(&entry, NULL, NULL), { "Id", "\"" ID "\"" }, { "Name", "\"/web\"" },
	      { "Path", "\"\"" }, { "Args", "[]" }, { "State.Status", "\"exited\"" },
	      { "State.Running", "false" }, { "State.StartedAt", "\"0001-01-01T00:00:00Z\"" },
	      { "State.Health", "(nothing)" }, { "Image", "\"\"" }, { "HostConfig.Binds", "[]" },
	      { "HostConfig.CapAdd", "null" }, { "HostConfig.RestartPolicy.Name", "\"no\"" },
	      { "HostConfig.PidsLimit", "null" }, { "HostConfig.SecurityOpt", "null" },
	      { "HostConfig.MemorySwap", "0" }, { "GraphDriver.Data", "{}" }, { "Mounts", "[]" },
	      { "Config.Cmd", "null" }, { "Config.Env", "[]" },
	      { "Config.Healthcheck", "(nothing)" }, { "Config.Hostname", "\"moon\"" },
	      { "NetworkSettings.Ports", "{}" }, { "NetworkSettings.SandboxKey", "\"\"" },
	      { "NetworkSettings.Networks.bridge.Aliases", "null" },
	      { "HostConfig.LogConfig.Config", "{\"max-size\":\"10000000\",\"max-file\":\"5\"}" },
	      { "LogPath", "\"/data/containers/web/log.json\"" });
}
END_TEST

START_TEST(says_what_became_of_it)
{
	auto_list_entry struct list_entry entry = plain();
	struct record *record = &entry.record;

	record->created_ns = 1000000000;
	record->started_ns = 2000000000;
	record->ended_ns = 3500000000;
	record->exit_code = 137;
	record->is_oom_killed = true;
	record->restart_count = 4;
	record->failure = xstrdup("no such file");
	LIST(&record->command, "/bin/sh", "-c", "exit 1");
	CHECK(inspect(&entry, NULL, NULL), { "Created", "\"1970-01-01T00:00:01Z\"" },
	      { "Path", "\"/bin/sh\"" }, { "Args", "[\"-c\",\"exit 1\"]" },
	      { "State.ExitCode", "137" }, { "State.OOMKilled", "true" },
	      { "State.Error", "\"no such file\"" },
	      { "State.StartedAt", "\"1970-01-01T00:00:02Z\"" },
	      { "State.FinishedAt", "\"1970-01-01T00:00:03.5Z\"" }, { "RestartCount", "4" });
}
END_TEST

START_TEST(says_that_it_runs)
{
	static const struct {
		enum list_status status;
		pid_t pid;
		const char *words;
	} rows[] = {
		{ LIST_RUNNING, 7, "\"running\" true false false 7" },
		{ LIST_PAUSED, 7, "\"paused\" true true false 7" },
		{ LIST_RESTARTING, 0, "\"restarting\" true false true 0" },
		{ LIST_CREATED, 0, "\"created\" false false false 0" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const char *const paths[] = { "State.Status", "State.Running",
						     "State.Paused", "State.Restarting",
						     "State.Pid" };
		auto_list_entry struct list_entry entry = plain();
		auto_str struct str words = { 0 };
		auto_json json_t *json = NULL;

		entry.status = rows[i].status;
		entry.pid = rows[i].pid;
		json = inspect(&entry, NULL, NULL);
		for (size_t j = 0; j < ARRAY_LEN(paths); j++) {
			auto_free char *value = at(json, paths[j]);

			str_addf(&words, "%s%s", j ? " " : "", value);
		}
		ck_assert_str_eq(words.text, rows[i].words);
	}
}
END_TEST

static void fill_image(struct image *image)
{
	LIST(&image->env, "PATH=/bin", "LANG=C");
	LIST(&image->entrypoint, "/entry");
	LIST(&image->cmd, "serve");
	LIST(&image->exposed_ports, "80/tcp", "9000/udp");
	LIST(&image->volumes, "/data");
	LIST(&image->healthcheck.test, "CMD", "check");
	image->healthcheck.interval_ns = 5000000000;
	image->healthcheck.retries = 2;
	image->user = xstrdup("app");
	image->working_dir = xstrdup("/srv");
}

START_TEST(takes_the_image_where_nothing_was_said)
{
	auto_list_entry struct list_entry entry = plain();
	auto_image struct image image = { 0 };

	fill_image(&image);
	CHECK(inspect(&entry, &image, NULL), { "Config.Env", "[\"PATH=/bin\",\"LANG=C\"]" },
	      { "Config.Entrypoint", "[\"/entry\"]" }, { "Config.Cmd", "[\"serve\"]" },
	      { "Config.User", "\"app\"" }, { "Config.WorkingDir", "\"/srv\"" },
	      { "Config.ExposedPorts", "{\"80/tcp\":{},\"9000/udp\":{}}" },
	      { "Config.Volumes", "{\"/data\":{}}" },
	      { "Config.Healthcheck.Test", "[\"CMD\",\"check\"]" },
	      { "Config.Healthcheck.Interval", "5000000000" },
	      { "Config.Healthcheck.Retries", "2" });
}
END_TEST

START_TEST(takes_what_was_said)
{
	auto_list_entry struct list_entry entry = plain();
	struct run_options *o = &entry.record.options;
	auto_image struct image image = { 0 };

	fill_image(&image);
	LIST(&o->env, "LANG=de", "A=1=2");
	LIST(&o->command, "other");
	o->has_entrypoint = true;
	o->user = xstrdup("0");
	o->workdir = xstrdup("/");
	o->health.retries = 9;
	LIST(&entry.record.labels, "a=b=c", "empty=", "bare");
	CHECK(inspect(&entry, &image, NULL),
	      { "Config.Env", "[\"PATH=/bin\",\"LANG=de\",\"A=1=2\"]" },
	      { "Config.Entrypoint", "null" }, { "Config.Cmd", "[\"other\"]" },
	      { "Config.User", "\"0\"" }, { "Config.WorkingDir", "\"/\"" },
	      { "Config.Healthcheck.Test", "[\"CMD\",\"check\"]" },
	      { "Config.Healthcheck.Retries", "9" },
	      { "Config.Labels", "{\"a\":\"b=c\",\"empty\":\"\",\"bare\":\"\"}" });
}
END_TEST

START_TEST(shows_limits)
{
	auto_list_entry struct list_entry entry = plain();
	struct run_options *o = &entry.record.options;

	o->memory = 64 << 20;
	o->cpus_nano = 500000000;
	o->has_pids_limit = true;
	o->pids_limit = 50;
	o->is_privileged = true;
	o->no_new_privileges = true;
	o->seccomp = xstrdup("unconfined");
	o->restart = (struct restart_config){ RESTART_ON_FAILURE, 5 };
	o->ulimits = xcalloc(2, sizeof(*o->ulimits));
	o->n_ulimits = 2;
	o->ulimits[0] = (struct rlimit_text){ "RLIMIT_NOFILE", 10, 20 };
	o->ulimits[1] = (struct rlimit_text){ "RLIMIT_CORE", UINT64_MAX, UINT64_MAX };
	o->has_no_log = true;
	LIST(&o->cap_add, "CAP_NET_ADMIN");
	CHECK(inspect(&entry, NULL, NULL), { "HostConfig.Memory", "67108864" },
	      { "HostConfig.MemorySwap", "134217728" }, { "HostConfig.NanoCpus", "500000000" },
	      { "HostConfig.PidsLimit", "50" }, { "HostConfig.CapAdd", "[\"CAP_NET_ADMIN\"]" },
	      { "HostConfig.MaskedPaths", "null" }, { "LogPath", "\"\"" },
	      { "HostConfig.LogConfig", "{\"Type\":\"none\",\"Config\":{}}" },
	      { "HostConfig.SecurityOpt", "[\"seccomp=unconfined\",\"no-new-privileges\"]" },
	      { "HostConfig.RestartPolicy", "{\"Name\":\"on-failure\",\"MaximumRetryCount\":5}" },
	      { "HostConfig.Ulimits.0", "{\"Name\":\"nofile\",\"Hard\":20,\"Soft\":10}" },
	      { "HostConfig.Ulimits.1", "{\"Name\":\"core\",\"Hard\":-1,\"Soft\":-1}" });
}
END_TEST

START_TEST(shows_the_network)
{
	static const struct port_mapping ports[] = {
		{ .host_port = 8080, .container_port = 80, .count = 2, .protocol = IPPROTO_TCP },
		{ .host_ip = "127.0.0.1",
		  .container_port = 80,
		  .count = 1,
		  .protocol = IPPROTO_TCP },
	};
	auto_list_entry struct list_entry entry = plain();
	struct record *record = &entry.record;
	auto_image struct image image = { 0 };

	fill_image(&image);
	record->ports = xcalloc(2, sizeof(*ports));
	record->options.ports = xcalloc(2, sizeof(*ports));
	memcpy(record->ports, ports, sizeof(ports));
	memcpy(record->options.ports, ports, sizeof(ports));
	record->n_ports = record->options.n_ports = 2;
	record->ports[1].host_port = 40000; /* that the host chose */
	run_options_add_network(&record->options, "other");
	strv_add(&run_options_add_network(&record->options, "bridge")->aliases, "db");
	record->options.networks[1].address = xstrdup("10.88.0.2");
	entry.status = LIST_RUNNING;
	entry.pid = 7;
	CHECK(inspect(&entry, &image, NULL), { "NetworkSettings.IPAddress", "\"10.88.0.2\"" },
	      { "NetworkSettings.SandboxKey", "\"/proc/7/ns/net\"" },
	      { "NetworkSettings.Networks.bridge.Gateway", "\"10.88.0.1\"" },
	      { "NetworkSettings.Networks.bridge.IPPrefixLen", "24" },
	      { "NetworkSettings.Networks.bridge.Aliases", "[\"db\"]" },
	      { "NetworkSettings.Networks.bridge.IPAMConfig", "{\"IPv4Address\":\"10.88.0.2\"}" },
	      { "NetworkSettings.Ports.80/tcp",
		"[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"},"
		"{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"40000\"}]" },
	      { "NetworkSettings.Ports.81/tcp",
		"[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8081\"}]" },
	      { "NetworkSettings.Ports.9000/udp", "null" },
	      { "HostConfig.PortBindings.80/tcp", "[{\"HostIp\":\"\",\"HostPort\":\"8080\"},"
						  "{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"}]" },
	      { "Config.ExposedPorts", "{\"80/tcp\":{},\"9000/udp\":{},\"81/tcp\":{}}" });
}
END_TEST

START_TEST(shows_mounts)
{
	struct bundle_mount items[] = {
		{ .target = (char[]){ "/a" }, .source = (char[]){ "/src" } },
		{ .target = (char[]){ "/b" }, .source = (char[]){ "/data/volumes/named" } },
		{ .target = (char[]){ "/c" },
		  .source = (char[]){ "/data/containers/web/volumes/0" } },
		{ .target = (char[]){ "/d" } },
	};
	const struct bundle_mounts mounts = { items, ARRAY_LEN(items) };
	auto_list_entry struct list_entry entry = plain();
	struct run_options *o = &entry.record.options;
	struct error err = { 0 };

	LIST(&items[0].options, "rbind", "ro");
	LIST(&entry.record.layers, "low", "high");
	o->mounts = xcalloc(4, sizeof(*o->mounts));
	ck_assert_int_eq(parse_volume("/src:/a:ro", &o->mounts[0], &err), 0);
	ck_assert_int_eq(parse_volume("named:/b", &o->mounts[1], &err), 0);
	ck_assert_int_eq(parse_mount("type=bind,source=/x,target=/y", &o->mounts[2], &err), 0);
	ck_assert_int_eq(parse_tmpfs("/t:size=1m", &o->mounts[3], &err), 0);
	o->n_mounts = 4;
	CHECK(inspect(&entry, NULL, &mounts),
	      { "HostConfig.Binds", "[\"/src:/a:ro\",\"named:/b\"]" },
	      { "HostConfig.Mounts", "[{\"Type\":\"bind\",\"Source\":\"/x\",\"Target\":\"/y\"}]" },
	      { "HostConfig.Tmpfs", "{\"/t\":\"nosuid,nodev,noexec,size=1m\"}" },
	      { "Mounts.0.Type", "\"bind\"" }, { "Mounts.0.RW", "false" },
	      { "Mounts.0.Mode", "\"ro\"" }, { "Mounts.1.Type", "\"volume\"" },
	      { "Mounts.1.Name", "\"named\"" }, { "Mounts.1.RW", "true" },
	      { "Mounts.2.Type", "\"volume\"" }, { "Mounts.3.Type", "\"tmpfs\"" },
	      { "Mounts.3.Source", "\"\"" },
	      { "GraphDriver.Data.LowerDir",
		"\"/data/images/layers/high:/data/images/layers/low\"" });
	strv_fini(&items[0].options);
}
END_TEST

START_TEST(survives_odd_bytes)
{
	auto_list_entry struct list_entry entry = plain();

	LIST(&entry.record.options.env, "A=\xff\x1b");
	LIST(&entry.record.labels, "k\xff=v\xfe");
	LIST(&entry.record.command, "\xff", "\xfe");
	CHECK(inspect(&entry, NULL, NULL), { "Config.Env", "[\"A=\\\\xff\\\\x1b\"]" },
	      { "Config.Labels", "{\"k\\\\xff\":\"v\\\\xfe\"}" }, { "Path", "\"\\\\xff\"" });
}
END_TEST

START_TEST(shows_images)
{
	auto_strv struct strv tags = { 0 };
	auto_strv struct strv digests = { 0 };
	struct image image = { .id = "sha256:aa", .size = 5 };
	auto_json json_t *config =
		json_loads("{\"created\": \"2024-01-01T00:00:00Z\", \"architecture\": \"amd64\", "
			   "\"os\": \"linux\", \"author\": 7, \"config\": {\"Cmd\": [\"sh\"]}, "
			   "\"rootfs\": {\"diff_ids\": [\"sha256:bb\"]}}",
			   0, NULL);
	auto_json json_t *empty = json_object();

	LIST(&tags, "busybox:latest");
	CHECK(inspect_image_json(&image, config, &tags, &digests), { "Id", "\"sha256:aa\"" },
	      { "RepoTags", "[\"busybox:latest\"]" }, { "RepoDigests", "[]" },
	      { "Created", "\"2024-01-01T00:00:00Z\"" }, { "Author", "\"\"" },
	      { "Architecture", "\"amd64\"" }, { "Variant", "(nothing)" }, { "Size", "5" },
	      { "Config", "{\"Cmd\":[\"sh\"]}" }, { "RootFS.Layers", "[\"sha256:bb\"]" });
	CHECK(inspect_image_json(&image, empty, &digests, &digests), { "Config", "null" },
	      { "Os", "\"\"" }, { "RootFS.Layers", "null" });
}
END_TEST

TEST_MAIN("engine/inspect", says_little_of_little, says_what_became_of_it, says_that_it_runs,
	  takes_the_image_where_nothing_was_said, takes_what_was_said, shows_limits,
	  shows_the_network, shows_mounts, survives_odd_bytes, shows_images)
