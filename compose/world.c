/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/world.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "compose/labels.h"
#include "compose/things.h"
#include "engine/reconcile.h"
#include "image/image.h"
#include "image/store.h"

void world_fini(struct world *world)
{
	list_free(world->entries, world->n_entries);
	free(world->containers);
	free(world->of);
	for (size_t i = 0; i < world->n_networks; i++)
		free(world->hashes[i]);
	free(world->hashes);
	free(world->networks);
	free(world->volumes);
	for (size_t i = 0; i < world->n_services; i++)
		free(world->image_ids[i]);
	free(world->image_ids);
	free(world->has_check);
	*world = (struct world){ 0 };
}

/* ---- containers ------------------------------------------------------------------------------- */

static const char *label(const struct list_entry *entry, const char *name)
{
	return strv_getenv(&entry->record.labels, name);
}

static bool is_of(const struct list_entry *entry, const char *project)
{
	return str_eq(label(entry, LABEL_PROJECT), project) && label(entry, LABEL_SERVICE);
}

/* A command that was killed may have left supervisors that are at it. */
static bool is_half_done(const struct world *world, const char *project)
{
	for (size_t i = 0; i < world->n_entries; i++) {
		const struct list_entry *entry = &world->entries[i];

		if (is_of(entry, project) && entry->status == LIST_CREATED &&
		    !entry->record.has_ended)
			return true;
	}
	return false;
}

/* Nor is it known of what has no record yet whose it is going to be. */
static bool has_nameless(const struct engine_dirs *dirs)
{
	auto_strv struct strv names = { 0 };
	struct error err;

	(void)record_list(dirs, &names, &err);
	for (size_t i = 0; i < names.n; i++) {
		auto_place struct record_place place = RECORD_NO_PLACE;
		auto_record struct record record = { 0 };

		if (record_open(dirs, names.items[i], &place, &err) == 0 &&
		    record_read(&place, &record, &err) == -ENOENT)
			return true;
	}
	return false;
}

#define STEP_MS         20
#define PATIENCE_MS     60000
#define NAMELESS_MAX_MS 5000 /* it may wait for somebody, and be nobody's of the project */

static int list_whole(const struct engine_dirs *dirs, const char *project, struct world *world,
		      struct error *err)
{
	const struct timespec pause = { .tv_nsec = STEP_MS * 1000000 };

	for (int waited = 0;; waited += STEP_MS) {
		bool is_whole = waited >= NAMELESS_MAX_MS || !has_nameless(dirs);
		int rc = reconcile_all(dirs, err);

		if (rc == 0)
			rc = list_containers(dirs, &world->entries, &world->n_entries, err);
		if (rc < 0 || (is_whole && !is_half_done(world, project)))
			return rc;
		if (waited >= PATIENCE_MS)
			return err_set(err, ETIMEDOUT,
				       "a container of project '%s' is being made for a minute",
				       project);
		list_free(world->entries, world->n_entries);
		world->entries = NULL;
		world->n_entries = 0;
		(void)nanosleep(&pause, NULL);
	}
}

static void add_container(struct world *world, const struct list_entry *entry)
{
	const char *number = label(entry, LABEL_NUMBER);
	size_t n = world->n_containers++;

	world->of[n] = entry;
	world->containers[n] = (struct existing){
		.name = entry->record.name,
		.service = label(entry, LABEL_SERVICE),
		.number = number ? atoi(number) : 1,
		.is_running = entry->status == LIST_RUNNING || entry->status == LIST_PAUSED ||
			      entry->status == LIST_RESTARTING,
		.config = label(entry, LABEL_CONFIG),
		.hash = label(entry, LABEL_HASH),
		.image_id = entry->record.image_id,
	};
}

int world_look(const struct engine_dirs *dirs, const char *project, struct world *ret,
	       struct error *err)
{
	struct world world = { 0 };
	int rc = list_whole(dirs, project, &world, err);

	if (rc < 0)
		return rc;
	world.containers = xcalloc(world.n_entries + 1, sizeof(*world.containers));
	world.of = xcalloc(world.n_entries + 1, sizeof(*world.of));
	for (size_t i = world.n_entries; i > 0; i--) {
		if (is_of(&world.entries[i - 1], project))
			add_container(&world, &world.entries[i - 1]);
	}
	*ret = world;
	return 0;
}

/* ---- networks, volumes, images ---------------------------------------------------------------- */

static int look_for_networks(const struct engine_dirs *dirs, const struct project *project,
			     struct world *world, struct error *err)
{
	world->networks = xcalloc(project->n_networks + 1, sizeof(*world->networks));
	world->hashes = xcalloc(project->n_networks + 1, sizeof(*world->hashes));
	for (size_t i = 0; i < project->n_networks; i++) {
		const struct network *network = &project->networks[i];
		char **hash = &world->hashes[world->n_networks];
		int rc = things_find_network(dirs, network->name, hash, err);

		if (rc < 0)
			return rc;
		if (rc == 0 && network->is_external && network->is_used)
			return node_error(network->node, err, "there is no network '%s'",
					  network->name);
		if (rc == 1)
			world->networks[world->n_networks++] =
				(struct existing_thing){ network->name, *hash };
	}
	return 0;
}

/* The engine makes a volume when a container first needs it. */
static void take_volumes(const struct project *project, struct world *world)
{
	world->volumes = xcalloc(project->n_volumes + 1, sizeof(*world->volumes));
	for (size_t i = 0; i < project->n_volumes; i++)
		world->volumes[world->n_volumes++].name = project->volumes[i].name;
}

static int look_for_check(const struct service *service, const struct image *image, bool *ret,
			  struct error *err)
{
	struct health_config config = { 0 };
	int rc = health_config_resolve(&service->health, &image->healthcheck, &config, err);

	*ret = rc == 0 && config.test.kind != HEALTH_TEST_NONE &&
	       config.test.kind != HEALTH_TEST_INHERIT;
	health_config_fini(&config);
	return rc < 0 ? node_wrap(service->node, err) : 0;
}

static int look_for_image(const struct dir *store, const struct service *service, char **ret_id,
			  bool *ret_has_check, struct error *err)
{
	const struct node *node = node_get(service->node, "image");
	auto_image struct image image = { 0 };
	int rc;

	if (!service->image)
		return node_error(service->node, err,
				  "there is no image, and nothing here builds one");
	rc = image_open(store, service->image, &image, err);
	if (rc == -ENOENT)
		return node_error(node, err,
				  node_get(service->node, "build")
					  ? "there is no image '%s' on this machine, and nothing "
					    "here builds one"
					  : "there is no image '%s' on this machine: load or pull "
					    "it first",
				  service->image);
	if (rc < 0)
		return node_wrap(node, err);
	*ret_id = xstrdup(image.id);
	return look_for_check(service, &image, ret_has_check, err);
}

static int look_for_images(const struct engine_dirs *dirs, const struct project *project,
			   const bool *wanted, struct world *world, struct error *err)
{
	auto_free char *path = path_join(dirs->data, "images");
	auto_fd int fd = store_open(path, err);
	auto_fd int hold = -1;
	const struct dir store = { .fd = fd, .path = path };
	int rc = 0;

	if (fd < 0)
		return fd;
	hold = store_hold(&store, err);
	if (hold < 0)
		return hold;
	world->image_ids = xcalloc(project->n_services + 1, sizeof(*world->image_ids));
	world->has_check = xcalloc(project->n_services + 1, sizeof(*world->has_check));
	world->n_services = project->n_services;
	for (size_t i = 0; rc == 0 && i < project->n_services; i++) {
		if (wanted[i])
			rc = look_for_image(&store, &project->services[i], &world->image_ids[i],
					    &world->has_check[i], err);
	}
	return rc;
}

int world_look_for(const struct engine_dirs *dirs, const struct project *project,
		   const bool *wanted, struct world *world, struct error *err)
{
	int rc = look_for_images(dirs, project, wanted, world, err);

	if (rc == 0)
		rc = look_for_networks(dirs, project, world, err);
	if (rc == 0)
		take_volumes(project, world);
	return rc;
}

struct diff_input world_input(const struct world *world)
{
	return (struct diff_input){
		.containers = world->containers,
		.n_containers = world->n_containers,
		.networks = world->networks,
		.n_networks = world->n_networks,
		.volumes = world->volumes,
		.n_volumes = world->n_volumes,
		.image_ids = (const char *const *)world->image_ids,
	};
}

/* ---- the lock --------------------------------------------------------------------------------- */

static int open_locks(const struct engine_dirs *dirs, char **path, struct error *err)
{
	*path = path_join(dirs->state, "projects");
	return dir_make_open(*path, 0700, err);
}

/* Its last holder may have removed the file that we waited for. */
static bool is_current(const struct dir *locks, const char *name, int lock)
{
	struct stat ours, there;

	return fstat(lock, &ours) == 0 &&
	       fstatat(locks->fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_ino == there.st_ino;
}

int world_lock(const struct engine_dirs *dirs, const char *project, struct error *err)
{
	auto_free char *path = NULL;
	auto_fd int fd = open_locks(dirs, &path, err);
	const struct dir locks = { .fd = fd, .path = path };
	bool is_told = false;

	if (fd < 0)
		return fd;
	for (;;) {
		auto_fd int lock = lock_try(&locks, project, LOCK_EXCLUSIVE, err);

		if (lock == -EWOULDBLOCK) {
			if (!is_told)
				log_warning("another command is at work on project '%s': "
					    "waiting for it",
					    project);
			is_told = true;
			lock = lock_acquire(&locks, project, LOCK_EXCLUSIVE, err);
		}
		if (lock < 0)
			return lock;
		if (is_current(&locks, project, lock))
			return take_fd(&lock);
	}
}

void world_unlock(const struct engine_dirs *dirs, const char *project, int lock)
{
	auto_free char *path = NULL;
	struct error ignored;
	auto_fd int fd = open_locks(dirs, &path, &ignored);

	if (fd >= 0)
		(void)unlinkat(fd, project, 0);
	close_fd(&lock);
}
