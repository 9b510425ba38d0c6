/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/run_opts.h"
#include "engine/bundle.h"
#include "image/image.h"
#include "runtime/spec.h"
#include "tests/unit/test.h"

/* What users say, and what an image says, become a spec: asked for part by part, as a text. */

/* The words of a `run` command line, separated by one blank; "_" is an empty one. */
static void parse(const char *line, struct run_request *r)
{
	auto_strv struct strv words = { 0 };
	auto_strv struct strv args = { 0 };
	struct error err = { 0 };
	int rc;

	strv_split(&words, line, ' ');
	for (size_t i = 0; i < words.n; i++) {
		if (strcmp(words.items[i], "_") == 0)
			words.items[i][0] = '\0';
	}
	rc = opts_parse(run_opts, true, (int)words.n, strv_items(&words), r, &args, &err);
	if (rc == 0)
		rc = run_request_finish(r, &args, &err);
	ck_assert_msg(rc == 0, "%s: %s", line, err.msg);
}

static void list(struct strv *v, const char *words)
{
	if (words)
		strv_split(v, words, ' ');
}

/* An image as tests need it; NULL members are not given. */
struct image_text {
	const char *entrypoint, *cmd, *env, *user, *workdir, *volumes;
};

static void make_image(const struct image_text *text, struct image *ret)
{
	*ret = (struct image){ 0 };
	list(&ret->entrypoint, text->entrypoint);
	list(&ret->cmd, text->cmd);
	list(&ret->env, text->env);
	list(&ret->volumes, text->volumes);
	ret->user = xstrdup(text->user);
	ret->working_dir = xstrdup(text->workdir);
}

static const char *const all_caps[] = { "CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_SYS_ADMIN" };

typedef void describer(const struct spec *spec, const struct bundle_mounts *mounts,
		       struct str *out);

/* Makes the spec of a command line and describes it, or gives the error's text. */
static char *describe(const char *line, const struct image_text *image_text,
		      describer *describe_part)
{
	static char disk[] = "/dev/sda";
	static const struct bundle_device devices[] = {
		{ disk, true, 8, 0, 0660, 0, 6 },
	};
	static char texts[][8] = { "HOSTS", "NAME", "RESOLV" };
	static const struct bundle_files files = { texts[0], texts[1], texts[2] };
	struct run_request r = { 0 };
	struct image image;
	struct strv caps = { 0 };
	struct bundle_mounts mounts;
	struct spec spec = { 0 };
	struct error err = { 0 };
	struct str out = { 0 };
	struct bundle_input in = {
		.options = &r.options,
		.name = "web",
		.rootfs = "/root/fs",
		.hostname = "moon",
		.place = "/data/web",
		.volumes = "/data/volumes",
		.init = "/libexec/init",
		.files = &files,
		.n_cpus = 4,
		.all_caps = &caps,
		.devices = devices,
		.n_devices = ARRAY_LEN(devices),
	};

	parse(line, &r);
	for (size_t i = 0; i < ARRAY_LEN(all_caps); i++)
		strv_add(&caps, all_caps[i]);
	if (image_text) {
		make_image(image_text, &image);
		in.image = &image;
	}
	bundle_mounts_resolve(&in, &mounts);
	if (bundle_make(&in, &mounts, &spec, &err) < 0)
		str_addf(&out, "error: %s", err.msg);
	else
		describe_part(&spec, &mounts, &out);
	spec_fini(&spec);
	bundle_mounts_fini(&mounts);
	if (image_text)
		image_fini(&image);
	strv_fini(&caps);
	run_request_fini(&r);
	return str_take(&out);
}

static void add_list(struct str *out, const char *name, const struct strv *v)
{
	str_addf(out, "%s%s", out->len ? "; " : "", name);
	for (size_t i = 0; i < v->n; i++)
		str_addf(out, " %s", v->items[i]);
}

struct row {
	const char *line;
	const char *wanted;
};

static void check(const struct row *rows, size_t n, const struct image_text *image,
		  describer *describe_part)
{
	for (size_t i = 0; i < n; i++) {
		auto_free char *got = describe(rows[i].line, image, describe_part);

		ck_assert_msg(strcmp(got, rows[i].wanted) == 0, "%s:\ngot    %s\nwanted %s",
			      rows[i].line, got, rows[i].wanted);
	}
}

/* ---- process ---------------------------------------------------------------------------------- */

static void describe_args(const struct spec *spec, const struct bundle_mounts *mounts,
			  struct str *out)
{
	(void)mounts;
	add_list(out, "args", &spec->process.args);
}

START_TEST(command_of_user_and_image)
{
	static const struct image_text both = { .entrypoint = "/start -v", .cmd = "serve all" };
	static const struct image_text cmd = { .cmd = "sh" };
	static const struct row of_both[] = {
		{ "x", "args /start -v serve all" },
		{ "x check", "args /start -v check" },
		{ "--entrypoint /other x", "args /other" },
		{ "--entrypoint /other x a b", "args /other a b" },
		{ "--entrypoint _ x a b", "args a b" },
		{ "--entrypoint _ x", "error: no command given" },
		{ "--init x", "args /dev/init -- /start -v serve all" },
	};
	static const struct row of_cmd[] = {
		{ "x", "args sh" },
		{ "x ls -l", "args ls -l" },
		{ "--entrypoint /e x", "args /e" },
		{ "x _ a", "error: the command is empty" },
	};
	static const struct row of_rootfs[] = {
		{ "--rootfs /r ls", "args ls" },
		{ "--rootfs /r", "error: no command given" },
		{ "--rootfs /r --entrypoint /e", "args /e" },
	};

	check(of_both, ARRAY_LEN(of_both), &both, describe_args);
	check(of_cmd, ARRAY_LEN(of_cmd), &cmd, describe_args);
	check(of_rootfs, ARRAY_LEN(of_rootfs), NULL, describe_args);
}
END_TEST

static void describe_env(const struct spec *spec, const struct bundle_mounts *mounts,
			 struct str *out)
{
	(void)mounts;
	for (size_t i = 0; i < spec->process.env.n; i++) {
		if (!str_starts(spec->process.env.items[i], "PATH=/usr/local/sbin:"))
			str_addf(out, "%s ", spec->process.env.items[i]);
	}
}

START_TEST(environment_in_order)
{
	static const struct image_text image = { .cmd = "x", .env = "PATH=/bin A=1 broken =x B=2" };
	static const struct row rows[] = {
		{ "x", "PATH=/bin HOSTNAME=moon A=1 B=2 " },
		{ "-t x", "PATH=/bin HOSTNAME=moon TERM=xterm A=1 B=2 " },
		{ "-e A=9 -e C=3 x", "PATH=/bin HOSTNAME=moon A=9 B=2 C=3 " },
		{ "-t -e TERM=vt100 -e HOSTNAME=h x", "PATH=/bin HOSTNAME=h TERM=vt100 A=1 B=2 " },
	};
	static const struct row bare[] = { { "--rootfs /r x", "HOSTNAME=moon " } };

	check(rows, ARRAY_LEN(rows), &image, describe_env);
	check(bare, ARRAY_LEN(bare), NULL, describe_env);
}
END_TEST

static void describe_process(const struct spec *spec, const struct bundle_mounts *mounts,
			     struct str *out)
{
	const struct spec_process *p = &spec->process;

	(void)mounts;
	str_addf(out, "cwd %s user %s", p->cwd, p->username ? p->username : "-");
	if (p->terminal)
		str_add(out, " terminal");
	if (p->no_new_privileges)
		str_add(out, " no-new-privileges");
	if (p->has_oom_score_adj)
		str_addf(out, " oom %d", p->oom_score_adj);
	for (size_t i = 0; i < p->n_rlimits; i++)
		str_addf(out, " %s %" PRIu64 ":%" PRIu64, p->rlimits[i].type, p->rlimits[i].soft,
			 p->rlimits[i].hard);
}

START_TEST(process_settings)
{
	static const struct image_text image = { .cmd = "x", .user = "app", .workdir = "/srv" };
	static const struct image_text relative = { .cmd = "x", .workdir = "srv" };
	static const struct row rows[] = {
		{ "x", "cwd /srv user app" },
		{ "-u 5:6 -w /tmp x", "cwd /tmp user 5:6" },
		{ "-t --security-opt no-new-privileges x",
		  "cwd /srv user app terminal no-new-privileges" },
		{ "--oom-score-adj 300 x", "cwd /srv user app oom 300" },
		{ "--ulimit nofile=5:6 --ulimit core=-1 x",
		  "cwd /srv user app RLIMIT_NOFILE 5:6 RLIMIT_CORE "
		  "18446744073709551615:18446744073709551615" },
	};
	static const struct row bare[] = { { "--rootfs /r x", "cwd / user -" } };
	static const struct row refused[] = {
		{ "x", "error: the image's working directory 'srv' is not absolute" },
	};

	check(rows, ARRAY_LEN(rows), &image, describe_process);
	check(bare, ARRAY_LEN(bare), NULL, describe_process);
	check(refused, ARRAY_LEN(refused), &relative, describe_process);
}
END_TEST

/* Less the default ones, which a test of their own names. */
static void describe_caps(const struct spec *spec, const struct bundle_mounts *mounts,
			  struct str *out)
{
	const struct spec_capabilities *caps = &spec->process.capabilities;
	struct strv rest = { 0 };
	size_t n_default = 0, n = 0;

	(void)mounts;
	for (; spec_default_caps[n_default]; n_default++)
		n += strv_has(&caps->bounding, spec_default_caps[n_default]);
	for (size_t i = 0; i < caps->bounding.n; i++) {
		bool is_default = false;

		for (size_t j = 0; j < n_default; j++)
			is_default |= strcmp(caps->bounding.items[i], spec_default_caps[j]) == 0;
		if (!is_default)
			strv_add(&rest, caps->bounding.items[i]);
	}
	str_addf(out, "%s", n == n_default ? "default" : n ? "some" : "none");
	for (size_t i = 0; i < rest.n; i++)
		str_addf(out, " %s", rest.items[i]);
	ck_assert_uint_eq(caps->effective.n, caps->bounding.n);
	ck_assert_uint_eq(caps->permitted.n, caps->bounding.n);
	ck_assert_uint_eq(caps->inheritable.n + caps->ambient.n, 0);
	strv_fini(&rest);
}

START_TEST(capabilities)
{
	static const struct row rows[] = {
		{ "--rootfs /r x", "default" },
		{ "--cap-add NET_RAW --rootfs /r x", "default CAP_NET_RAW" },
		{ "--cap-add CHOWN --rootfs /r x", "default" },
		{ "--cap-drop CHOWN --rootfs /r x", "some" },
		{ "--cap-drop ALL --rootfs /r x", "none" },
		{ "--cap-drop ALL --cap-add NET_RAW --rootfs /r x", "none CAP_NET_RAW" },
		{ "--cap-add ALL --rootfs /r x", "some CAP_NET_RAW CAP_SYS_ADMIN" },
		{ "--cap-add ALL --cap-drop SYS_ADMIN --rootfs /r x", "some CAP_NET_RAW" },
		{ "--privileged --cap-drop SYS_ADMIN --rootfs /r x",
		  "some CAP_NET_RAW CAP_SYS_ADMIN" },
	};

	check(rows, ARRAY_LEN(rows), NULL, describe_caps);
}
END_TEST

START_TEST(default_capabilities_are_these)
{
	auto_str struct str got = { 0 };

	for (size_t i = 0; spec_default_caps[i]; i++)
		str_addf(&got, "%s ", spec_default_caps[i] + strlen("CAP_"));
	ck_assert_str_eq(got.text, "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD SETGID SETUID SETFCAP "
				   "SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE ");
}
END_TEST

/* ---- limits ----------------------------------------------------------------------------------- */

static void describe_limits(const struct spec *spec, const struct bundle_mounts *mounts,
			    struct str *out)
{
	const struct cgroup_resources *r = &spec->resources;

	(void)mounts;
	if (r->memory.has_limit)
		str_addf(out, "memory %" PRId64 " ", r->memory.limit);
	if (r->memory.has_reservation)
		str_addf(out, "reservation %" PRId64 " ", r->memory.reservation);
	if (r->memory.has_swap)
		str_addf(out, "swap %" PRId64 "%s ", r->memory.swap,
			 r->memory.is_swap_optional ? "?" : "");
	if (r->cpu.has_quota)
		str_addf(out, "cpu %" PRId64 "/%" PRIu64 " ", r->cpu.quota, r->cpu.period);
	if (r->cpu.has_shares)
		str_addf(out, "shares %" PRIu64 " ", r->cpu.shares);
	if (r->cpu.cpus)
		str_addf(out, "cpus %s ", r->cpu.cpus);
	if (r->cpu.mems)
		str_addf(out, "mems %s ", r->cpu.mems);
	if (r->has_pids)
		str_addf(out, "pids %" PRId64 " ", r->pids);
	str_addf(out, "devices %s", r->devices[0].is_allowed ? "all" : "none");
}

START_TEST(limits)
{
	static const struct row rows[] = {
		{ "--rootfs /r x", "devices none" },
		{ "-m 64m --rootfs /r x", "memory 67108864 swap 134217728? devices none" },
		{ "-m 64m --memory-swap 64m --rootfs /r x",
		  "memory 67108864 swap 67108864 devices none" },
		{ "-m 64m --memory-swap -1 --rootfs /r x", "memory 67108864 swap -1 devices none" },
		{ "-m 64m --memory-swap 0 --rootfs /r x",
		  "memory 67108864 swap 134217728? devices none" },
		{ "-m 64m --memory-swap 32m --rootfs /r x",
		  "error: --memory-swap, which includes memory, is less than the memory limit "
		  "(-m)" },
		{ "--memory-swap 64m --rootfs /r x",
		  "error: --memory-swap needs a memory limit beside it (-m)" },
		{ "-m 64m --memory-reservation 32m --rootfs /r x",
		  "memory 67108864 reservation 33554432 swap 134217728? devices none" },
		{ "-m 64m --memory-reservation 128m --rootfs /r x",
		  "error: --memory-reservation is more than the memory limit (-m)" },
		{ "--cpus 0.5 --rootfs /r x", "cpu 50000/100000 devices none" },
		{ "--cpus 4 --rootfs /r x", "cpu 400000/100000 devices none" },
		{ "--cpus 4.5 --rootfs /r x",
		  "error: limit cpus to 4.5: this machine has 4, so use 0.01 to 4" },
		{ "--cpu-shares 512 --cpuset-cpus 0-1 --cpuset-mems 0 --rootfs /r x",
		  "shares 512 cpus 0-1 mems 0 devices none" },
		{ "--pids-limit 50 --rootfs /r x", "pids 50 devices none" },
		{ "--pids-limit -1 --rootfs /r x", "devices none" },
		{ "--pids-limit 0 --rootfs /r x", "devices none" },
		{ "--privileged --rootfs /r x", "devices all" },
	};

	check(rows, ARRAY_LEN(rows), NULL, describe_limits);
}
END_TEST

/* ---- mounts ----------------------------------------------------------------------------------- */

/* The mounts that not every container has, in their order. */
static void describe_mounts(const struct spec *spec, const struct bundle_mounts *mounts,
			    struct str *out)
{
	static const char *const always[] = { "/proc", "/dev", "/dev/pts", "/dev/mqueue" };

	(void)mounts;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		bool is_usual = false;

		for (size_t j = 0; j < ARRAY_LEN(always); j++)
			is_usual |= strcmp(m->destination, always[j]) == 0;
		is_usual |=
			str_starts(m->destination, "/sys") || str_starts(m->destination, "/etc/");
		is_usual |= strcmp(m->destination, "/dev/shm") == 0 && str_eq(m->source, "shm") &&
			    strv_has(&m->options, "size=65536k");
		if (is_usual)
			continue;
		str_addf(out, "%s%s %s:", out->len ? "; " : "", m->source, m->destination);
		for (size_t j = 0; j < m->options.n; j++)
			str_addf(out, "%s%s", j ? "," : "", m->options.items[j]);
	}
}

START_TEST(mounts_of_user_and_image)
{
	static const struct image_text image = { .cmd = "x", .volumes = "/var/db/ /cache" };
	static const struct row rows[] = {
		{ "--rootfs /r x", "" },
		{ "-v /a:/x --rootfs /r x", "/a /x:rbind,rprivate" },
		{ "-v /a:/x:ro --rootfs /r x", "/a /x:rbind,rprivate,ro,rro" },
		{ "-v /a:/x/y/z -v /b:/x --rootfs /r x",
		  "/b /x:rbind,rprivate; /a /x/y/z:rbind,rprivate" },
		{ "-v /new --rootfs /r x", "/data/web/volumes/0 /new:rbind,rprivate" },
		{ "-v named:/new --rootfs /r x", "/data/volumes/named /new:rbind,rprivate" },
		{ "--tmpfs /t:size=1m --rootfs /r x", "tmpfs /t:nosuid,nodev,noexec,size=1m" },
		{ "--shm-size 1m --rootfs /r x",
		  "shm /dev/shm:nosuid,noexec,nodev,mode=1777,size=1048576" },
		{ "-v /a:/dev/shm --rootfs /r x", "/a /dev/shm:rbind,rprivate" },
		{ "--init --rootfs /r x", "/libexec/init /dev/init:bind,ro,nosuid,nodev" },
	};
	static const struct row of_image[] = {
		{ "x", "/data/web/volumes/1 /cache:rbind,rprivate; "
		       "/data/web/volumes/0 /var/db:rbind,rprivate" },
		{ "-v /a:/cache x",
		  "/a /cache:rbind,rprivate; /data/web/volumes/0 /var/db:rbind,rprivate" },
	};

	check(rows, ARRAY_LEN(rows), NULL, describe_mounts);
	check(of_image, ARRAY_LEN(of_image), &image, describe_mounts);
}
END_TEST

static void describe_files(const struct spec *spec, const struct bundle_mounts *mounts,
			   struct str *out)
{
	(void)mounts;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];

		if (str_starts(m->destination, "/etc"))
			str_addf(out, "%s->%s ", m->text ? m->text : m->source, m->destination);
	}
}

START_TEST(files_lie_on_what_the_user_mounts)
{
	static const struct row rows[] = {
		{ "--rootfs /r x",
		  "HOSTS->/etc/hosts NAME->/etc/hostname RESOLV->/etc/resolv.conf " },
		{ "-v /e:/etc --rootfs /r x", "/e->/etc HOSTS->/etc/hosts NAME->/etc/hostname "
					      "RESOLV->/etc/resolv.conf " },
		{ "-v /h:/etc/hosts --rootfs /r x",
		  "/h->/etc/hosts NAME->/etc/hostname RESOLV->/etc/resolv.conf " },
		/* Without a tmpfs of ours on /dev they need a place on the host. */
		{ "-v /d:/dev --rootfs /r x",
		  "/data/web/hosts->/etc/hosts /data/web/hostname->/etc/hostname "
		  "/data/web/resolv.conf->/etc/resolv.conf " },
	};

	check(rows, ARRAY_LEN(rows), NULL, describe_files);
}
END_TEST

static void describe_sources(const struct spec *spec, const struct bundle_mounts *mounts,
			     struct str *out)
{
	(void)spec;
	for (size_t i = 0; i < mounts->n; i++) {
		const struct bundle_mount *m = &mounts->items[i];

		if (m->is_source_made)
			str_addf(out, "%s%s ", m->source, m->is_copied_up ? " copied" : "");
	}
}

START_TEST(sources_that_may_be_made)
{
	static const struct row rows[] = {
		{ "-v /a:/x --mount type=bind,source=/b,target=/y --rootfs /r x", "/a " },
		{ "-v named:/x -v other:/y:nocopy -v /z --rootfs /r x",
		  "/data/volumes/named copied /data/volumes/other /data/web/volumes/0 copied " },
	};

	check(rows, ARRAY_LEN(rows), NULL, describe_sources);
}
END_TEST

/* ---- the rest --------------------------------------------------------------------------------- */

static void describe_rest(const struct spec *spec, const struct bundle_mounts *mounts,
			  struct str *out)
{
	bool has_network = false, is_sys_read_only = false;

	(void)mounts;
	for (size_t i = 0; i < spec->n_namespaces; i++)
		has_network |= spec->namespaces[i].type == SPEC_NS_NETWORK;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		if (strcmp(spec->mounts[i].destination, "/sys") == 0)
			is_sys_read_only = strv_has(&spec->mounts[i].options, "ro");
	}
	str_addf(out, "%zu namespaces%s, %s, %s%s", spec->n_namespaces,
		 has_network ? "" : " without network", spec->cgroups_path, spec->root_path,
		 spec->is_root_readonly ? " read-only" : "");
	if (!spec->masked_paths.n && !spec->readonly_paths.n)
		str_add(out, ", nothing masked");
	if (!is_sys_read_only)
		str_add(out, ", /sys writable");
	for (size_t i = 0; i < spec->sysctl.n; i++)
		str_addf(out, ", %s", spec->sysctl.items[i]);
	for (size_t i = 0; i < spec->n_devices; i++)
		str_addf(out, ", %s %s %" PRId64 ":%" PRId64 " %o", spec->devices[i].path,
			 spec->devices[i].type, spec->devices[i].major, spec->devices[i].minor,
			 spec->devices[i].mode);
}

#define OWN_NETWORK                                 \
	", net.ipv4.ip_unprivileged_port_start=0, " \
	"net.ipv4.ping_group_range=0 2147483647"

START_TEST(the_rest)
{
	static const struct row rows[] = {
		{ "--rootfs /r x", "6 namespaces, /minictr/web, /root/fs" OWN_NETWORK },
		{ "--read-only --rootfs /r x",
		  "6 namespaces, /minictr/web, /root/fs read-only" OWN_NETWORK },
		{ "--network host --rootfs /r x",
		  "5 namespaces without network, /minictr/web, /root/fs" },
		{ "--sysctl net.ipv4.ip_unprivileged_port_start=99 --rootfs /r x",
		  "6 namespaces, /minictr/web, /root/fs, net.ipv4.ip_unprivileged_port_start=99, "
		  "net.ipv4.ping_group_range=0 2147483647" },
		{ "--privileged --rootfs /r x",
		  "6 namespaces, /minictr/web, /root/fs, nothing masked, /sys writable" OWN_NETWORK
		  ", /dev/sda b 8:0 660" },
	};

	check(rows, ARRAY_LEN(rows), NULL, describe_rest);
}
END_TEST

TEST_MAIN("engine/bundle", command_of_user_and_image, environment_in_order, process_settings,
	  capabilities, default_capabilities_are_these, limits, mounts_of_user_and_image,
	  files_lie_on_what_the_user_mounts, sources_that_may_be_made, the_rest)
