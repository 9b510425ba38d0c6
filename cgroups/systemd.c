/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/systemd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dbus.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroups/systemd_properties.h"

#define BOOTED_PATH  "/run/systemd/system" /* sd_booted(3) */
#define PRIVATE_PATH "/run/systemd/private"
#define BUS_PATH     "/run/dbus/system_bus_socket"

#define NAME    "org.freedesktop.systemd1"
#define OBJECT  "/org/freedesktop/systemd1"
#define MANAGER NAME ".Manager"

#define JOB_MS 30000 /* for a unit to come or go */
#define END_MS 10000 /* for one that has no processes any more */

struct systemd {
	struct dbus bus;
};

/* ---- connection */

void systemd_close(struct systemd *systemd)
{
	if (!systemd)
		return;
	dbus_close(&systemd->bus);
	free(systemd);
}

void systemd_closep(struct systemd **systemd)
{
	systemd_close(*systemd);
	*systemd = NULL;
}

static struct dbus_call manager_call(const char *member, const char *signature,
				     const struct str *body)
{
	return (struct dbus_call){
		.destination = NAME,
		.path = OBJECT,
		.interface = MANAGER,
		.member = member,
		.signature = signature,
		.body = body,
	};
}

static int call(struct systemd *systemd, const char *member, const char *signature,
		const struct str *body, struct dbus_message *ret, struct error *err)
{
	const struct dbus_call method = manager_call(member, signature, body);

	return dbus_call(&systemd->bus, &method, ret, err);
}

/* On a bus, the end of a job is told only to who asked for it. */
static int subscribe(struct systemd *systemd, struct error *err)
{
	auto_str struct str rule = { 0 };
	const struct dbus_call match = {
		.destination = "org.freedesktop.DBus",
		.path = "/org/freedesktop/DBus",
		.interface = "org.freedesktop.DBus",
		.member = "AddMatch",
		.signature = "s",
		.body = &rule,
	};
	int rc;

	dbus_put_string(&rule, "type='signal',sender='" NAME "',path='" OBJECT
			       "',interface='" MANAGER "',member='JobRemoved'");
	rc = dbus_call(&systemd->bus, &match, NULL, err);
	return rc < 0 ? rc : call(systemd, "Subscribe", "", NULL, NULL, err);
}

static int connect_to(struct systemd *systemd, int timeout_ms, struct error *err)
{
	struct error first;
	int rc = dbus_open(&systemd->bus, PRIVATE_PATH, false, "systemd", timeout_ms, err);

	if (rc != -ENOENT && rc != -ECONNREFUSED && rc != -EACCES)
		return rc;
	first = *err;
	rc = dbus_open(&systemd->bus, BUS_PATH, true, "systemd", timeout_ms, err);
	if (rc == 0)
		rc = subscribe(systemd, err);
	else if (rc == -ENOENT)
		*err = first;
	return rc;
}

static int open_for(int timeout_ms, struct systemd **ret, struct error *err)
{
	auto_systemd struct systemd *systemd = NULL;
	int rc;

	if (access(BOOTED_PATH, F_OK) < 0)
		return err_set(err, ENOTSUP, "systemd does not run here");
	systemd = xcalloc(1, sizeof(*systemd));
	systemd->bus.sock = -1;
	rc = connect_to(systemd, timeout_ms, err);
	if (rc < 0)
		return err_wrap(err, "reach systemd");
	*ret = take_ptr(systemd);
	return 0;
}

int systemd_open(struct systemd **ret, struct error *err)
{
	return open_for(JOB_MS, ret, err);
}

int systemd_root(struct systemd *systemd, char **ret, struct error *err)
{
	auto_str struct str body = { 0 };
	const struct dbus_call get = {
		.destination = NAME,
		.path = OBJECT,
		.interface = "org.freedesktop.DBus.Properties",
		.member = "Get",
		.signature = "ss",
		.body = &body,
	};
	const char *type, *path;
	struct dbus_message m;
	int rc;

	dbus_put_string(&body, MANAGER);
	dbus_put_string(&body, "ControlGroup");
	dbus_set_timeout(&systemd->bus, JOB_MS);
	rc = dbus_call(&systemd->bus, &get, &m, err);
	if (rc < 0)
		return err_wrap(err, "ask systemd for its control group");
	if (!str_eq(m.signature, "v") || !dbus_get_signature(&m.body, &type) ||
	    !str_eq(type, "s") || !dbus_get_string(&m.body, &path) || (*path && *path != '/'))
		return err_set(err, EPROTO,
			       "ask systemd for its control group: its answer is none");
	*ret = xstrdup(str_eq(path, "/") ? "" : path);
	return 0;
}

/* ---- jobs */

static char *job_of(struct dbus_message *m)
{
	const char *job;

	return str_eq(m->signature, "o") && dbus_get_string(&m->body, &job) ? xstrdup(job) : NULL;
}

/* JobRemoved(u id, o job, s unit, s result) */
static bool is_end_of(struct dbus_message *m, const char *job, const char **ret_result)
{
	const char *path, *unit;
	uint32_t id;

	return m->type == DBUS_SIGNAL && str_eq(m->member, "JobRemoved") &&
	       str_eq(m->interface, MANAGER) && str_eq(m->signature, "uoss") &&
	       dbus_get_u32(&m->body, &id) && dbus_get_string(&m->body, &path) &&
	       str_eq(path, job) && dbus_get_string(&m->body, &unit) &&
	       dbus_get_string(&m->body, ret_result);
}

/* Waits for the end of the job that @m answered with. */
static int await_job(struct systemd *systemd, struct dbus_message *m, struct error *err)
{
	auto_free char *job = job_of(m);
	const char *result;
	int rc;

	if (!job)
		return err_set(err, EPROTO, "systemd answered with no job");
	do {
		rc = dbus_receive(&systemd->bus, m, err);
		if (rc < 0)
			return rc;
	} while (!is_end_of(m, job, &result));
	if (!str_eq(result, "done")) {
		auto_free char *clean = str_escape(result);

		return err_set(err, EREMOTEIO, "its job ended as '%s'", clean);
	}
	return 0;
}

static bool answered(const struct systemd *systemd, const char *error)
{
	return str_eq(systemd->bus.error_name, error);
}

static int forget_failure(struct systemd *systemd, const char *unit, struct error *err)
{
	auto_str struct str body = { 0 };
	int rc;

	dbus_put_string(&body, unit);
	rc = call(systemd, "ResetFailedUnit", "s", &body, NULL, err);
	return rc < 0 && answered(systemd, NAME ".NoSuchUnit") ? 0 : rc;
}

static int stop(struct systemd *systemd, const char *unit, struct error *err)
{
	auto_str struct str body = { 0 };
	struct dbus_message m;
	int rc;

	dbus_put_string(&body, unit);
	dbus_put_string(&body, "replace");
	rc = call(systemd, "StopUnit", "ss", &body, &m, err);
	if (rc < 0 && answered(systemd, NAME ".NoSuchUnit"))
		return 0;
	if (rc == 0)
		rc = await_job(systemd, &m, err);
	return rc < 0 ? rc : forget_failure(systemd, unit, err);
}

int systemd_end(const char *unit, struct error *err)
{
	auto_systemd struct systemd *systemd = NULL;
	int rc;

	if (access(BOOTED_PATH, F_OK) < 0)
		return 0;
	rc = open_for(END_MS, &systemd, err);
	/* Where nobody listens there are no units. */
	if (rc == -ENOENT || rc == -ECONNREFUSED) {
		log_debug("end unit '%s': %s", unit, err->msg);
		return 0;
	}
	if (rc == 0)
		rc = stop(systemd, unit, err);
	return rc < 0 ? err_wrap(err, "end unit '%s'", unit) : 0;
}

/* StartTransientUnit(s name, s mode, a(sv) properties, a(sa(sv)) auxiliary units) */
static int start(struct systemd *systemd, const char *unit,
		 const struct unit_properties *properties, struct error *err)
{
	auto_str struct str body = { 0 };
	struct dbus_array none;
	struct dbus_message m;
	int rc;

	dbus_put_string(&body, unit);
	dbus_put_string(&body, "replace");
	unit_properties_marshal(properties, &body);
	none = dbus_array_begin(&body, 8);
	dbus_array_end(&body, &none);
	rc = call(systemd, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body, &m, err);
	return rc < 0 ? rc : await_job(systemd, &m, err);
}

int systemd_start(struct systemd *systemd, const char *unit,
		  const struct unit_properties *properties, struct error *err)
{
	struct error later;
	int rc;

	dbus_set_timeout(&systemd->bus, JOB_MS);
	rc = start(systemd, unit, properties, err);
	if (rc < 0 && answered(systemd, NAME ".UnitExists") &&
	    forget_failure(systemd, unit, &later) == 0)
		rc = start(systemd, unit, properties, err);
	/* What was refused has not begun; else it may come about as long as nobody stops it. */
	if (rc < 0 && !*systemd->bus.error_name && systemd_end(unit, &later) < 0)
		log_warning("%s", later.msg);
	return rc < 0 ? err_wrap(err, "start unit '%s'", unit) : 0;
}

/* SetUnitProperties(s name, b runtime, a(sv) properties) */
int systemd_change(struct systemd *systemd, const char *unit,
		   const struct unit_properties *properties, struct error *err)
{
	auto_str struct str body = { 0 };
	int rc;

	if (properties->n == 0)
		return 0;
	dbus_put_string(&body, unit);
	dbus_put_u32(&body, true);
	unit_properties_marshal(properties, &body);
	dbus_set_timeout(&systemd->bus, JOB_MS);
	rc = call(systemd, "SetUnitProperties", "sba(sv)", &body, NULL, err);
	return rc < 0 ? err_wrap(err, "change unit '%s'", unit) : 0;
}
