/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/reclaim.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "engine/reconcile.h"
#include "engine/record.h"
#include "net/endpoint.h"

/* Which boot the leases were last looked at in; no lease's and no network's name begins so. */
#define BOOT_FILE ".boot"
#define BOOT_LEN  36

/* A lease is written after its container's record, and removed before: it has one, or never will. */
static int list_ids(const void *arg, struct strv *ret, struct error *err)
{
	const struct engine_dirs *dirs = arg;
	auto_strv struct strv names = { 0 };
	int rc = record_list(dirs, &names, err);

	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		auto_place struct record_place place = RECORD_NO_PLACE;
		auto_record struct record record = { 0 };

		rc = record_open(dirs, names.items[i], &place, err);
		if (rc == 0)
			rc = record_read(&place, &record, err);
		if (rc == 0)
			strv_add(ret, record.id);
		else if (err->code == ENOENT)
			rc = 0;
	}
	return rc;
}

void reclaim_leases(const struct engine_dirs *dirs, const struct networks *networks)
{
	struct error err;

	if (reconcile_all(dirs, &err) < 0)
		log_warning("%s", err.msg);
	if (endpoint_sweep(&networks->dir, list_ids, dirs, &err) < 0)
		log_warning("%s", err.msg);
}

void reclaim_after_boot(const struct engine_dirs *dirs, const struct networks *networks)
{
	auto_free char *last = NULL;
	char boot_id[BOOT_LEN + 1];
	auto_fd int fd = -1;
	struct error err;

	proc_boot_id(boot_id);
	if (file_read_at(&networks->dir, BOOT_FILE, BOOT_LEN, &last, NULL, &err) == 0 &&
	    strcmp(last, boot_id) == 0)
		return;
	reclaim_leases(dirs, networks);
	/* In place: half of it, or nothing, only means to look again. */
	fd = openat(networks->dir.fd, BOOT_FILE,
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)!write(fd, boot_id, strlen(boot_id));
}
