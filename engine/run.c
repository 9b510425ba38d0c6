/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sys/capability.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/stage.h"
#include "base/step.h"
#include "base/sys.h"
#include "engine/files.h"
#include "engine/health_state.h"
#include "engine/networks.h"
#include "engine/options.h"
#include "engine/run_internal.h"
#include "image/store.h"
#include "runtime/seccomp.h"
#include "runtime/spec.h"

/*
 * Theory of operation.  The stages, in the order of what the later ones need (the name is claimed
 * and its directory locked before: record.c):
 *
 *	image    the image is found and held; the root directory of --rootfs looked up
 *	record   record.json: from here on everything that is made can be found again
 *	network  an address is leased, host ports are reserved
 *	files    directories of the overlay, what /etc/hosts and its like say
 *	create   the runtime makes cgroup, namespaces and root file system, up to execve(2); while
 *	         init does its part, the network is attached
 *	start    execve(2)
 *
 * One that has ended is made again by the same stages, from what its record says: of the image with
 * that id, with the files that it has left and, if nobody else has them by now, the address and the
 * ports that it had.  Its record and its directory stay if that fails.
 *
 * The way back is the same for a container that could not be made, one that has ended, and one whose
 * supervisor was killed (reconcile.c): processes, cgroup and runtime state first, then the endpoint,
 * and last the directory with the record, and so the name.
 */

/* ---- image ------------------------------------------------------------------------------------ */

static int find_rootfs(struct run *run, struct error *err)
{
	const char *rootfs = run->is_again ? run->record.image : run->record.options.rootfs;
	char path[PATH_MAX];
	struct stat st;

	if (!realpath(rootfs, path) || stat(path, &st) < 0)
		return err_sys(err, "open root file system '%s'", rootfs);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "open root file system '%s': %s", rootfs,
			       err_text(ENOTDIR));
	run->rootfs = xstrdup(path);
	return 0;
}

/* One that is made again is of the same image, whatever its name means by now. */
static int find_image(struct run *run, struct error *err)
{
	const struct record *record = &run->record;
	auto_free char *path = path_join(run->dirs->data, "images");
	auto_fd int fd = -1;
	int rc;

	if (record->options.rootfs)
		return find_rootfs(run, err);
	fd = store_open(path, err);
	if (fd < 0)
		return fd;

	const struct dir store = { .fd = fd, .path = path };

	run->store_hold = store_hold(&store, err);
	if (run->store_hold < 0)
		return run->store_hold;
	rc = image_open(&store, run->is_again ? record->image_id : record->options.image,
			&run->image, err);
	for (size_t i = 0; rc == 0 && i < run->image.layers.n; i++)
		strv_addf(&run->layer_paths, "%s/layers/%s", path, run->image.layers.items[i]);
	return rc;
}

/* Once: who probes it keeps looking at it. */
static int resolve_health(struct run *run, struct error *err)
{
	const struct health_config *asked = &run->record.options.health;
	const struct image_healthcheck *image = run->rootfs ? NULL : &run->image.healthcheck;

	if (run->health.interval_ns || (!health_config_is_set(asked) && !(image && image->test.n)))
		return 0;
	return health_config_resolve(asked, image, &run->health, err);
}

bool run_has_health_check(const struct run *run)
{
	return run->health.test.kind != HEALTH_TEST_INHERIT &&
	       run->health.test.kind != HEALTH_TEST_NONE;
}

static int open_image(void *job, struct error *err)
{
	struct run *run = job;
	struct record *record = &run->record;
	int rc = find_image(run, err);

	if (rc == 0)
		rc = resolve_health(run, err);
	if (rc < 0 || run->is_again)
		return rc;
	record->image = xstrdup(run->rootfs ? run->rootfs : record->options.image);
	if (!run->rootfs) {
		record->image_id = xstrdup(run->image.id);
		strv_copy(&record->layers, &run->image.layers);
	}
	return 0;
}

/* ---- record ----------------------------------------------------------------------------------- */

static const struct image *image_of(const struct run *run)
{
	return run->record.options.rootfs ? NULL : &run->image;
}

static void fill_record(struct run *run)
{
	const struct run_options *o = &run->record.options;
	const struct image *image = image_of(run);
	struct record *record = &run->record;
	const char *signal = o->stop_signal ? o->stop_signal : image ? image->stop_signal : NULL;

	for (size_t i = 0; i < o->n_networks; i++)
		strv_add(&record->networks, o->networks[i].name);
	if (o->n_networks == 0)
		strv_add(&record->networks, NETWORK_DEFAULT);
	record->memory = o->memory;
	record->stop_signal = xstrdup(signal && *signal ? signal : "SIGTERM");
	record->stop_timeout = o->stop_timeout ? o->stop_timeout : 10;
	record->is_removed_at_end = o->is_removed_at_end;
	for (size_t i = 0; image && i < image->labels.n; i++)
		strv_add(&record->labels, image->labels.items[i]);
	for (size_t i = 0; i < o->labels.n; i++) {
		const char *equals = strchrnul(o->labels.items[i], '=');
		auto_free char *name =
			xstrndup(o->labels.items[i], (size_t)(equals - o->labels.items[i]));

		strv_setenv(&record->labels, name, *equals ? equals + 1 : "");
	}
	record->ports = xcalloc(o->n_ports, sizeof(*record->ports));
	record->n_ports = o->n_ports;
	for (size_t i = 0; i < o->n_ports; i++)
		record->ports[i] = o->ports[i];
}

static int write_record(struct run *run, struct error *err)
{
	int rc = record_write(&run->place, &run->record, err);

	/* From now on the record says that its layers are in use. */
	close_fd(&run->store_hold);
	return rc;
}

static int make_record(void *job, struct error *err)
{
	struct run *run = job;
	int rc;

	if (run->is_again)
		return write_record(run, err);
	rc = bundle_command(&run->record.options, image_of(run), &run->record.command, err);

	if (rc < 0)
		return rc;
	fill_record(run);
	return write_record(run, err);
}

/* With the record goes the knowledge of what there is: not before all that is gone. */
static void remove_place(void *job)
{
	struct run *run = job;
	struct error err;

	if (run->has_leftovers || run->is_again)
		return;
	if (record_remove(run->dirs, run->record.name, &err) < 0)
		log_warning("%s", err.msg);
}

/* ---- network ---------------------------------------------------------------------------------- */

static int reserve(void *job, struct error *err)
{
	return run_reserve(job, err);
}

static void unreserve(void *job)
{
	struct run *run = job;
	struct error err;

	if (run_release(run, &err) >= 0)
		return;
	log_warning("%s", err.msg);
	run->has_leftovers = true;
}

/* ---- files ------------------------------------------------------------------------------------ */

static char *host_name(void)
{
	char name[HOST_NAME_MAX + 1] = "";

	(void)gethostname(name, sizeof(name) - 1);
	return xstrdup(name);
}

/* With the host's network goes the host's name, as with docker. */
static char *make_hostname(const struct run *run)
{
	if (run->record.options.hostname)
		return xstrdup(run->record.options.hostname);
	if (strv_has(&run->record.networks, "host"))
		return host_name();
	return xstrndup(run->record.id, RECORD_SHORT_LEN);
}

/* What is mounted where the root is going to be: an overlay of the layers, with its own upper one. */
static int make_overlay_dirs(struct run *run, struct error *err)
{
	static const char *const names[] = { "rootfs", "upper", "work" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		/* The upper directory is the container's "/", with the mode of one. */
		int rc = sys_mkdir_at(&run->place.dir, names[i], 0755, err);

		if (rc < 0)
			return rc;
	}
	run->rootfs = path_join(run->place.path, "rootfs");
	run->upper = path_join(run->place.path, "upper");
	run->work = path_join(run->place.path, "work");
	return 0;
}

static int make_files(void *job, struct error *err)
{
	struct run *run = job;
	const struct endpoint *endpoint = run_main_endpoint(run);
	auto_free struct in_addr *addresses = xcalloc(run->n_endpoints, sizeof(*addresses));
	const struct files files = {
		.options = &run->record.options,
		.hostname = run->hostname = make_hostname(run),
		.addresses = addresses,
		.n_addresses = run->n_endpoints,
		.gateway = endpoint ? &endpoint->network.gateway : NULL,
		.has_resolver = run->has_resolver,
		.has_host_network = strv_has(&run->record.networks, "host"),
	};

	for (size_t i = 0; i < run->n_endpoints; i++)
		addresses[i] = run->endpoints[i].address;
	files_make(&files, &run->files);
	return image_of(run) ? make_overlay_dirs(run, err) : 0;
}

/* ---- create ----------------------------------------------------------------------------------- */

void run_list_caps(struct strv *ret)
{
	for (cap_value_t cap = 0; cap <= cap_max_bits() - 1; cap++) {
		char *name = cap_get_bound(cap) > 0 ? cap_to_name(cap) : NULL;
		auto_str struct str upper = { 0 };

		for (const char *c = name; c && *c; c++)
			str_addf(&upper, "%c", *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
		if (name)
			strv_add(ret, upper.text);
		(void)cap_free(name);
	}
}

static int load_seccomp(const struct run *run, struct spec *spec, struct error *err)
{
	const struct run_options *o = &run->record.options;
	const struct strv *caps = &spec->process.capabilities.bounding;
	auto_json_doc struct json_doc doc = { 0 };
	int rc;

	if (str_eq(o->seccomp, "unconfined") || (!o->seccomp && o->is_privileged))
		return 0;
	if (!o->seccomp) {
		seccomp_default(caps, &spec->seccomp);
		return 0;
	}
	rc = json_doc_load(&doc, AT_FDCWD, o->seccomp, err);
	if (rc == 0)
		rc = spec_seccomp_read(&doc, caps, &spec->seccomp, err);
	spec->seccomp.is_given = true;
	return rc < 0 ? err_wrap(err, "seccomp profile '%s'", o->seccomp) : 0;
}

int run_make_spec(const struct run *run, struct spec *ret, struct error *err)
{
	const struct run_options *o = &run->record.options;
	auto_free char *volumes = path_join(run->dirs->data, "volumes");
	auto_free char *init = NULL;
	auto_strv struct strv caps = { 0 };
	struct bundle_device *devices = NULL;
	struct bundle_mounts mounts = { 0 };
	struct bundle_input in = {
		.options = o,
		.image = image_of(run),
		.name = run->record.name,
		.rootfs = run->rootfs,
		.hostname = run->hostname,
		.place = run->place.path,
		.volumes = volumes,
		.files = &run->files,
		.n_cpus = o->cpus_nano ? (unsigned int)get_nprocs() : 0,
		.columns = run->columns,
		.rows = run->rows,
		.all_caps = &caps,
	};
	int rc = 0;

	if (o->is_privileged || strv_has(&o->cap_add, "ALL"))
		run_list_caps(&caps);
	if (o->is_privileged)
		rc = files_list_devices(&devices, &in.n_devices, err);
	in.devices = devices;
	if (rc == 0 && o->has_init)
		rc = files_find_init(&init, err);
	in.init = init;
	bundle_mounts_resolve(&in, &mounts);
	if (rc == 0)
		rc = files_make_sources(&mounts, volumes, err);
	if (rc == 0)
		rc = bundle_make(&in, &mounts, ret, err);
	bundle_mounts_fini(&mounts);
	files_free_devices(devices, in.n_devices);
	if (rc == 0) {
		rc = load_seccomp(run, ret, err);
		if (rc < 0)
			spec_fini(ret);
	}
	return rc;
}

int run_make_process(const struct run *run, struct spec *ret, struct error *err)
{
	const struct run_options *o = &run->record.options;
	auto_strv struct strv caps = { 0 };
	const struct bundle_input in = {
		.options = o,
		.image = image_of(run),
		.name = run->record.name,
		.hostname = run->hostname,
		.all_caps = &caps,
	};
	struct spec spec = { .has_process = true, .has_linux = true };
	int rc;

	if (o->is_privileged || strv_has(&o->cap_add, "ALL"))
		run_list_caps(&caps);
	rc = bundle_process(&in, &spec.process, err);
	if (rc == 0)
		rc = load_seccomp(run, &spec, err);
	if (rc < 0)
		spec_fini(&spec);
	else
		*ret = spec;
	return rc;
}

static int create(void *job, struct error *err)
{
	struct run *run = job;
	auto_free char *root = path_join(run->dirs->state, "containers");
	auto_free char *cache = path_join(run->dirs->state, "cache");
	const struct container_overlay overlay = {
		.lower = &run->layer_paths,
		.upper = run->upper,
		.work = run->work,
	};
	auto_spec struct spec spec = { 0 };
	const struct container_request request = {
		.id = run->record.id,
		.root = root,
		.bundle = run->place.path,
		.spec = &spec,
		.overlay = image_of(run) ? &overlay : NULL,
		.stdio = { run->stdio[0], run->stdio[1], run->stdio[2] },
		.wants_pty_fd = run->record.options.has_tty,
		.dies_with_creator = true,
		.cache_dir = cache,
		.on_namespaces = run_attach,
		.arg = run,
	};
	int rc = run_make_spec(run, &spec, err);

	return rc < 0 ? rc : container_create(&request, &run->container, err);
}

/* Also when it is there, but did not get as far as execve(2): then it has to be ended here. */
static void delete (void *job)
{
	struct run *run = job;
	auto_free char *root = path_join(run->dirs->state, "containers");
	struct error err;

	if (run->container.pidfd < 0)
		return;
	(void)proc_signal(run->container.pidfd, SIGKILL, &err);
	while (waitid(P_PIDFD, (id_t)run->container.pidfd, &(siginfo_t){ 0 }, WEXITED) < 0 &&
	       errno == EINTR)
		;
	if (container_delete_created(&run->container, root, run->record.id, &err) < 0) {
		log_warning("%s", err.msg);
		run->has_leftovers = true;
	}
	container_fini(&run->container);
}

static int start(void *job, struct error *err)
{
	struct run *run = job;
	auto_free char *root = path_join(run->dirs->state, "containers");
	int rc = run_offer(run, err);

	if (rc < 0)
		return rc;
	return container_start_created(&run->container, root, run->record.id, err);
}

/* The exit status of one that could not be started, as with docker. */
#define FAILED_STATUS 128

/* ---- the whole -------------------------------------------------------------------------------- */

static const struct stage stages[] = {
	{ "image", open_image, remove_place }, { "record", make_record, NULL },
	{ "network", reserve, unreserve },     { "files", make_files, NULL },
	{ "create", create, delete },          { "start", start, NULL },
};

/* What the container was made of, but not what it is. */
static void forget_parts(struct run *run)
{
	container_fini(&run->container);
	run->container = (struct container){ .pid = -1, .pidfd = -1, .pty = -1, .start_gate = -1 };
	image_fini(&run->image);
	close_fd(&run->store_hold);
	free(take_ptr(run->rootfs));
	free(take_ptr(run->hostname));
	strv_fini(&run->layer_paths);
	free(take_ptr(run->upper));
	free(take_ptr(run->work));
	bundle_files_fini(&run->files);
	run_forget_networks(run);
}

/* If something is left to be released, it has not ended yet. */
void run_note_failure(struct run *run, const struct error *failure)
{
	struct record *record = &run->record;
	struct error err;

	forget_parts(run);
	record->has_ended = !run->has_leftovers;
	record->is_restarting = run->is_restart;
	record->exit_code = failure->status ? failure->status : FAILED_STATUS;
	record->ended_ns = clock_real_ns();
	record->is_oom_killed = false;
	record->failure = xstrdup(failure->msg);
	if (record_write(&run->place, record, &err) < 0)
		log_warning("%s", err.msg);
}

void run_abort(struct run *run, const struct error *why)
{
	stages_undo(stages, ARRAY_LEN(stages), run);
	if (run->is_again)
		run_note_failure(run, why);
}

int run_start(struct run *run, struct error *err)
{
	int rc;

	run->container = (struct container){ .pid = -1, .pidfd = -1, .pty = -1, .start_gate = -1 };
	run->store_hold = -1;
	rc = stages_run(stages, ARRAY_LEN(stages), run, err);
	if (rc == 0)
		run->record.started_ns = clock_real_ns();
	else if (run->is_again)
		run_note_failure(run, err);
	return rc;
}

int run_create(struct run *run, struct error *err)
{
	enum { N_STAGES = 2 }; /* image, record */
	int rc;

	run->container = (struct container){ .pid = -1, .pidfd = -1, .pty = -1, .start_gate = -1 };
	run->store_hold = -1;
	rc = stages_run(stages, N_STAGES, run, err);
	if (rc < 0)
		return rc;
	run->record.has_ended = true;
	rc = record_write(&run->place, &run->record, err);
	if (rc < 0)
		stages_undo(stages, N_STAGES, run);
	return rc;
}

int run_look(struct run *run, struct error *err)
{
	int rc;

	run->container = (struct container){ .pid = -1, .pidfd = -1, .pty = -1, .start_gate = -1 };
	run->store_hold = -1;
	run->is_again = true;
	rc = find_image(run, err);
	if (rc < 0)
		return rc;
	if (!run->rootfs)
		run->rootfs = path_join(run->place.path, "rootfs");
	run->hostname = make_hostname(run);
	return 0;
}

int run_end(struct run *run, const struct run_ending *ending, struct error *err)
{
	auto_free char *root = path_join(run->dirs->state, "containers");
	struct record *record = &run->record;
	struct error later;
	int rc, last;

	step_phase("end");
	rc = container_delete_created(&run->container, root, record->id, err);
	last = run_release(run, rc < 0 ? &later : err);
	if (rc == 0)
		rc = last;
	forget_parts(run);
	if (rc == 0 && record->is_removed_at_end && !ending->is_restarting) {
		health_state_remove(run->dirs, record->id);
		return record_remove(run->dirs, record->name, err);
	}
	/* What could not be released is tried again by whoever finds the record. */
	record->has_ended = rc == 0;
	record->is_restarting = ending->is_restarting;
	record->exit_code = ending->exit_code;
	record->is_oom_killed = ending->is_oom_killed;
	record->ended_ns = clock_real_ns();
	last = record_write(&run->place, record, rc < 0 ? &later : err);
	return rc < 0 ? rc : last;
}

void run_fini(struct run *run)
{
	forget_parts(run);
	health_config_fini(&run->health);
	record_place_close(&run->place);
	record_fini(&run->record);
}
