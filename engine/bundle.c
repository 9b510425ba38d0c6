/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"
#include "engine/options.h"
#include "image/image.h"
#include "runtime/spec.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void add_texts(struct strv *v, const char *const *items)
{
	for (; *items; items++)
		strv_add(v, *items);
}

/* ---- process ---------------------------------------------------------------------------------- */

int bundle_command(const struct run_options *o, const struct image *image, struct strv *ret,
		   struct error *err)
{
	static const struct strv nothing;
	const struct strv *entrypoint = image ? &image->entrypoint : &nothing;
	const struct strv *command = image ? &image->cmd : &nothing;

	/* The image's command belongs to the image's entry point. */
	if (o->has_entrypoint) {
		entrypoint = &o->entrypoint;
		command = &nothing;
	}
	if (o->command.n)
		command = &o->command;
	strv_copy(ret, entrypoint);
	for (size_t i = 0; i < command->n; i++)
		strv_add(ret, command->items[i]);
	if (!ret->n)
		return err_set(err, EINVAL, "no command given");
	if (!*ret->items[0])
		return err_set(err, EINVAL, "the command is empty");
	return 0;
}

static void set_all_env(struct strv *env, const struct strv *pairs)
{
	for (size_t i = 0; i < pairs->n; i++) {
		const char *equals = strchr(pairs->items[i], '=');
		auto_free char *name = NULL;

		if (!equals || equals == pairs->items[i])
			continue;
		name = xstrndup(pairs->items[i], (size_t)(equals - pairs->items[i]));
		strv_setenv(env, name, equals + 1);
	}
}

static void make_env(const struct bundle_input *in, struct strv *ret)
{
	strv_setenv(ret, "PATH", DEFAULT_PATH);
	strv_setenv(ret, "HOSTNAME", in->hostname);
	if (in->options->has_tty)
		strv_setenv(ret, "TERM", "xterm");
	if (in->image)
		set_all_env(ret, &in->image->env);
	set_all_env(ret, &in->options->env);
}

void bundle_caps(const struct run_options *o, const struct strv *all, struct strv *ret)
{
	static const struct strv nothing;
	const struct strv *drop = o->is_privileged ? &nothing : &o->cap_drop;
	auto_strv struct strv base = { 0 };

	if (o->is_privileged || strv_has(&o->cap_add, "ALL"))
		strv_copy(&base, all);
	else if (!strv_has(drop, "ALL"))
		add_texts(&base, spec_default_caps);
	for (size_t i = 0; i < base.n; i++) {
		if (!strv_has(drop, base.items[i]))
			strv_add(ret, base.items[i]);
	}
	for (size_t i = 0; i < o->cap_add.n; i++) {
		const char *cap = o->cap_add.items[i];

		if (strcmp(cap, "ALL") != 0 && !strv_has(ret, cap))
			strv_add(ret, cap);
	}
}

static void make_rlimits(const struct run_options *o, struct spec_process *p)
{
	p->rlimits = xcalloc(o->n_ulimits, sizeof(*p->rlimits));
	p->n_rlimits = o->n_ulimits;
	for (size_t i = 0; i < o->n_ulimits; i++)
		p->rlimits[i] = (struct spec_rlimit){
			.type = xstrdup(o->ulimits[i].name),
			.soft = o->ulimits[i].soft,
			.hard = o->ulimits[i].hard,
		};
}

static const char *first_set(const char *a, const char *b, const char *otherwise)
{
	if (a && *a)
		return a;
	return b && *b ? b : otherwise;
}

int bundle_process(const struct bundle_input *in, struct spec_process *p, struct error *err)
{
	const struct run_options *o = in->options;
	const struct image *image = in->image;
	struct spec_capabilities *caps = &p->capabilities;
	auto_strv struct strv command = { 0 };
	int rc = bundle_command(o, image, &command, err);

	if (rc < 0)
		return rc;
	if (o->has_init)
		add_texts(&p->args, (const char *const[]){ BUNDLE_INIT, "--", NULL });
	for (size_t i = 0; i < command.n; i++)
		strv_add(&p->args, command.items[i]);
	make_env(in, &p->env);
	p->cwd = xstrdup(first_set(o->workdir, image ? image->working_dir : NULL, "/"));
	if (p->cwd[0] != '/')
		return err_set(err, EINVAL, "the image's working directory '%s' is not absolute",
			       p->cwd);
	p->username = xstrdup(first_set(o->user, image ? image->user : NULL, NULL));
	p->terminal = o->has_tty;
	p->console_width = in->columns;
	p->console_height = in->rows;
	p->no_new_privileges = o->no_new_privileges;
	p->has_oom_score_adj = o->has_oom_score_adj;
	p->oom_score_adj = o->oom_score_adj;
	make_rlimits(o, p);
	caps->is_given = true;
	bundle_caps(o, in->all_caps, &caps->bounding);
	strv_copy(&caps->effective, &caps->bounding);
	strv_copy(&caps->permitted, &caps->bounding);
	return 0;
}

/* ---- limits ----------------------------------------------------------------------------------- */

#define CPU_PERIOD_US 100000
#define NANO          1000000000LL

static int make_cpu(const struct run_options *o, unsigned int n_cpus, struct cgroup_cpu *cpu,
		    struct error *err)
{
	if (o->cpus_nano) {
		if (n_cpus && o->cpus_nano > n_cpus * NANO)
			return err_set(err, EINVAL,
				       "limit cpus to %g: this machine has %u, so use 0.01 to %u",
				       (double)o->cpus_nano / (double)NANO, n_cpus, n_cpus);
		cpu->has_quota = cpu->has_period = true;
		cpu->period = CPU_PERIOD_US;
		cpu->quota = o->cpus_nano / (NANO / CPU_PERIOD_US);
	}
	cpu->has_shares = o->cpu_shares;
	cpu->shares = o->cpu_shares;
	cpu->cpus = xstrdup(o->cpuset_cpus);
	cpu->mems = xstrdup(o->cpuset_mems);
	return 0;
}

/* docker: as much swap as memory, unless something else was asked for. */
static int make_memory(const struct run_options *o, struct cgroup_memory *m, struct error *err)
{
	bool is_swap_given = o->has_memory_swap && o->memory_swap != 0;

	if (is_swap_given && !o->memory)
		return err_set(err, EINVAL, "--memory-swap needs a memory limit beside it (-m)");
	if (o->memory > INT64_MAX / 2 || o->memory_reservation > INT64_MAX)
		return err_set(err, ERANGE, "limit memory: more than there can be");
	m->has_limit = o->memory;
	m->limit = (int64_t)o->memory;
	m->has_reservation = o->memory_reservation;
	m->reservation = (int64_t)o->memory_reservation;
	m->has_swap = o->memory;
	m->swap = is_swap_given ? o->memory_swap : 2 * (int64_t)o->memory;
	m->is_swap_optional = !is_swap_given;
	if (is_swap_given && m->swap != -1 && m->swap < m->limit)
		return err_set(
			err, EINVAL,
			"--memory-swap, which includes memory, is less than the memory limit (-m)");
	if (o->memory && o->memory_reservation > o->memory)
		return err_set(err, EINVAL,
			       "--memory-reservation is more than the memory limit (-m)");
	return 0;
}

int bundle_limits(const struct run_options *o, unsigned int n_cpus, struct cgroup_resources *ret,
		  struct error *err)
{
	int rc = make_cpu(o, n_cpus, &ret->cpu, err);

	if (rc == 0)
		rc = make_memory(o, &ret->memory, err);
	ret->has_pids = o->has_pids_limit && o->pids_limit > 0;
	ret->pids = o->pids_limit;
	return rc;
}

static int make_resources(const struct bundle_input *in, struct cgroup_resources *r,
			  struct error *err)
{
	const struct run_options *o = in->options;
	int rc = bundle_limits(o, in->n_cpus, r, err);

	r->devices = xcalloc(1, sizeof(*r->devices));
	r->n_devices = 1;
	r->devices[0] = (struct cgroup_device_rule){
		.is_allowed = o->is_privileged,
		.type = 'a',
		.major = -1,
		.minor = -1,
		.access = "rwm",
	};
	return rc;
}

/* ---- mounts ----------------------------------------------------------------------------------- */

static struct bundle_mount *add_mount(struct bundle_mounts *mounts)
{
	mounts->items = xrealloc(mounts->items, mounts->n + 1, sizeof(*mounts->items));
	mounts->items[mounts->n] = (struct bundle_mount){ 0 };
	return &mounts->items[mounts->n++];
}

static bool has_target(const struct bundle_mounts *mounts, const char *target)
{
	for (size_t i = 0; i < mounts->n; i++) {
		if (strcmp(mounts->items[i].target, target) == 0)
			return true;
	}
	return false;
}

/* The n-th volume without a name lives and goes with the container. */
static char *anonymous(const struct bundle_input *in, unsigned int *n)
{
	return xasprintf("%s/volumes/%u", in->place, (*n)++);
}

static void add_request(const struct bundle_input *in, const struct mount_request *request,
			unsigned int *n_anonymous, struct bundle_mounts *mounts)
{
	struct bundle_mount *m = add_mount(mounts);

	m->target = xstrdup(request->target);
	strv_copy(&m->options, &request->options);
	m->is_source_made = request->is_source_made;
	if (request->kind == MOUNT_KIND_BIND) {
		m->source = xstrdup(request->source);
	} else if (request->kind == MOUNT_KIND_VOLUME) {
		m->source = request->source ? path_join(in->volumes, request->source)
					    : anonymous(in, n_anonymous);
		m->is_source_made = true;
		m->is_copied_up = !request->is_not_copied;
	}
}

static size_t depth(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* What lies deeper comes later, or it would be covered; otherwise in the order given. */
static void sort_by_depth(struct bundle_mounts *mounts)
{
	for (size_t i = 1; i < mounts->n; i++) {
		struct bundle_mount m = mounts->items[i];
		size_t at = i;

		for (; at > 0 && depth(mounts->items[at - 1].target) > depth(m.target); at--)
			mounts->items[at] = mounts->items[at - 1];
		mounts->items[at] = m;
	}
}

/*
 * The runtime has the place for a text in the tmpfs on /dev, and makes it faster than a file on a
 * disk can be made and removed.  If the user mounts something else there, they are files of ours.
 */
static void add_files(const struct bundle_input *in, struct bundle_mounts *mounts)
{
	const struct {
		const char *name, *text;
	} files[] = {
		{ "hosts", in->files->hosts },
		{ "hostname", in->files->hostname },
		{ "resolv.conf", in->files->resolv_conf },
	};
	bool has_own_dev = !has_target(mounts, "/dev");

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		auto_free char *target = path_join("/etc", files[i].name);
		struct bundle_mount *m;

		if (has_target(mounts, target))
			continue;
		m = add_mount(mounts);
		m->target = take_ptr(target);
		m->text = xstrdup(files[i].text);
		if (!has_own_dev)
			m->source = path_join(in->place, files[i].name);
		strv_add(&m->options, "bind");
		strv_add(&m->options, "rprivate");
	}
}

void bundle_mounts_resolve(const struct bundle_input *in, struct bundle_mounts *ret)
{
	const struct run_options *o = in->options;
	unsigned int n_anonymous = 0;

	*ret = (struct bundle_mounts){ 0 };
	for (size_t i = 0; i < o->n_mounts; i++)
		add_request(in, &o->mounts[i], &n_anonymous, ret);
	for (size_t i = 0; in->image && i < in->image->volumes.n; i++) {
		auto_free char *target = path_clean(in->image->volumes.items[i]);
		struct bundle_mount *m;

		if (target[0] != '/' || !target[1] || has_target(ret, target))
			continue;
		m = add_mount(ret);
		m->target = take_ptr(target);
		m->source = anonymous(in, &n_anonymous);
		m->is_source_made = m->is_copied_up = true;
		strv_add(&m->options, "rbind");
		strv_add(&m->options, "rprivate");
	}
	if (in->files)
		add_files(in, ret);
	sort_by_depth(ret);
}

void bundle_files_fini(struct bundle_files *files)
{
	free(files->hosts);
	free(files->hostname);
	free(files->resolv_conf);
	*files = (struct bundle_files){ 0 };
}

void bundle_mounts_fini(struct bundle_mounts *mounts)
{
	for (size_t i = 0; i < mounts->n; i++) {
		free(mounts->items[i].target);
		free(mounts->items[i].source);
		free(mounts->items[i].text);
		strv_fini(&mounts->items[i].options);
	}
	free(mounts->items);
	*mounts = (struct bundle_mounts){ 0 };
}

static struct spec_mount *find_mount(struct spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		if (strcmp(spec->mounts[i].destination, destination) == 0)
			return &spec->mounts[i];
	}
	return NULL;
}

static void fini_mount(struct spec_mount *m)
{
	free(m->destination);
	free(m->type);
	free(m->source);
	free(m->text);
	strv_fini(&m->options);
}

/* A mount of the user's takes the place of one of ours with the same target. */
static void put_mount(struct spec *spec, const struct bundle_mount *from)
{
	struct spec_mount *m = find_mount(spec, from->target);

	if (m) {
		fini_mount(m);
	} else {
		spec->mounts = xrealloc(spec->mounts, spec->n_mounts + 1, sizeof(*spec->mounts));
		m = &spec->mounts[spec->n_mounts++];
	}
	*m = (struct spec_mount){
		.destination = xstrdup(from->target),
		.type = xstrdup(from->source || from->text ? "bind" : "tmpfs"),
		.source = xstrdup(from->source ? from->source
				  : from->text ? NULL
					       : "tmpfs"),
		.is_copied_up = from->is_copied_up,
		.text = xstrdup(from->source ? NULL : from->text),
	};
	strv_copy(&m->options, &from->options);
}

/* Inside it cannot be written, nor can the mount be changed without CAP_SYS_ADMIN. */
static void put_init(const struct bundle_input *in, struct spec *spec)
{
	char target[] = BUNDLE_INIT;
	struct bundle_mount init = { .target = target, .source = xstrdup(in->init) };

	add_texts(&init.options, (const char *const[]){ "bind", "ro", "nosuid", "nodev", NULL });
	put_mount(spec, &init);
	free(init.source);
	strv_fini(&init.options);
}

/* Replaces the option that begins with @prefix, or takes it away (@text NULL). */
static void set_option(struct strv *options, const char *prefix, const char *text)
{
	struct strv changed = { 0 };

	for (size_t i = 0; i < options->n; i++) {
		if (!str_starts(options->items[i], prefix))
			strv_add(&changed, options->items[i]);
	}
	if (text)
		strv_add(&changed, text);
	strv_fini(options);
	*options = changed;
}

static void make_mounts(const struct bundle_input *in, const struct bundle_mounts *mounts,
			struct spec *spec)
{
	static const char *const of_kernel[] = { "/sys", "/sys/fs/cgroup" };
	const struct run_options *o = in->options;

	spec_add_default_mounts(spec);
	if (o->shm_size) {
		auto_free char *size = xasprintf("size=%llu", (unsigned long long)o->shm_size);

		set_option(&find_mount(spec, "/dev/shm")->options, "size=", size);
	}
	for (size_t i = 0; o->is_privileged && i < ARRAY_LEN(of_kernel); i++)
		set_option(&find_mount(spec, of_kernel[i])->options, "ro", NULL);
	if (o->has_init)
		put_init(in, spec);
	for (size_t i = 0; i < mounts->n; i++)
		put_mount(spec, &mounts->items[i]);
}

/* ---- the rest --------------------------------------------------------------------------------- */

static void make_namespaces(const struct run_options *o, struct spec *spec)
{
	static const enum spec_namespace_type types[] = {
		SPEC_NS_PID, SPEC_NS_MOUNT,  SPEC_NS_IPC,
		SPEC_NS_UTS, SPEC_NS_CGROUP, SPEC_NS_NETWORK, /* the last one */
	};
	size_t n = ARRAY_LEN(types) - (run_options_is_network(o, "host") ? 1 : 0);

	spec->namespaces = xcalloc(n, sizeof(*spec->namespaces));
	spec->n_namespaces = n;
	for (size_t i = 0; i < n; i++)
		spec->namespaces[i].type = types[i];
}

/* Without capabilities one may ping and listen on any port of one's own network, as with docker. */
static void make_sysctls(const struct run_options *o, struct spec *spec)
{
	static const char *const defaults[][2] = {
		{ "net.ipv4.ip_unprivileged_port_start", "0" },
		{ "net.ipv4.ping_group_range", "0 2147483647" },
	};

	for (size_t i = 0; !run_options_is_network(o, "host") && i < ARRAY_LEN(defaults); i++)
		strv_setenv(&spec->sysctl, defaults[i][0], defaults[i][1]);
	set_all_env(&spec->sysctl, &o->sysctls);
}

static void make_devices(const struct bundle_input *in, struct spec *spec)
{
	if (!in->options->is_privileged)
		return;
	spec->devices = xcalloc(in->n_devices, sizeof(*spec->devices));
	spec->n_devices = in->n_devices;
	for (size_t i = 0; i < in->n_devices; i++) {
		const struct bundle_device *d = &in->devices[i];

		spec->devices[i] = (struct spec_device){
			.path = xstrdup(d->path),
			.type = xstrdup(d->is_block ? "b" : "c"),
			.major = d->major,
			.minor = d->minor,
			.has_mode = true,
			.has_uid = true,
			.has_gid = true,
			.mode = d->mode,
			.uid = d->uid,
			.gid = d->gid,
		};
	}
}

int bundle_make(const struct bundle_input *in, const struct bundle_mounts *mounts, struct spec *ret,
		struct error *err)
{
	const struct run_options *o = in->options;
	struct spec spec = { .has_process = true, .has_linux = true };
	int rc = bundle_process(in, &spec.process, err);

	if (rc == 0)
		rc = make_resources(in, &spec.resources, err);
	if (rc < 0) {
		spec_fini(&spec);
		return rc;
	}
	spec.oci_version = xstrdup("1.3.0");
	spec.root_path = xstrdup(in->rootfs);
	spec.is_root_readonly = o->is_read_only;
	spec.hostname = xstrdup(in->hostname);
	spec.cgroups_path = path_join("/minictr", in->name);
	make_namespaces(o, &spec);
	make_mounts(in, mounts, &spec);
	make_sysctls(o, &spec);
	make_devices(in, &spec);
	if (!o->is_privileged) {
		add_texts(&spec.masked_paths, spec_default_masked_paths);
		add_texts(&spec.readonly_paths, spec_default_readonly_paths);
	}
	*ret = spec;
	return 0;
}
