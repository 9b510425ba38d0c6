/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health_driver ID COUNT INTERVAL_MS TIMEOUT_MS RETRIES TEST...
 *
 * Watches the health of a running OCI container as a supervisor does, for COUNT probes; a line for
 * each: "<state>[!] <exit code> <milliseconds> <output, escaped>".
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"
#include "engine/monitor.h"
#include "runtime/container.h"
#include "runtime/exec.h"

/* How long what the last probe has left behind may take to die. */
#define TIDY_MS   10000
#define TIDY_STEP 10

struct watch {
	struct loop *loop;
	struct monitor *monitor;
	int left;
	int tidied_ms;
};

/* Groups of probes, of both versions. */
static bool has_groups(void)
{
	glob_t found = { 0 };
	bool is_found = glob("/sys/fs/cgroup/minictr/*/health-*", 0, NULL, &found) == 0 ||
			glob("/sys/fs/cgroup/*/minictr/*/health-*", 0, NULL, &found) == 0;

	globfree(&found);
	return is_found;
}

static void tidy(void *arg)
{
	struct watch *w = arg;

	monitor_stop(w->monitor);
	w->tidied_ms += TIDY_STEP;
	if (has_groups() && w->tidied_ms < TIDY_MS)
		(void)loop_timer(w->loop, TIDY_STEP, tidy, w);
	else
		loop_stop(w->loop, 0);
}

static void on_verdict(void *arg, const struct health *h, struct health_verdict verdict)
{
	const struct health_result *last = &h->log[h->n_log - 1];
	auto_free char *output = str_escape(last->output);
	struct watch *w = arg;

	if (w->left == 0)
		return;
	(void)printf("%s%s %d %lld %s\n", health_state_name(h->state),
		     verdict.is_changed ? "!" : "", last->exit_code,
		     (long long)(last->end_ns - last->begin_ns) / 1000000, output);
	(void)fflush(stdout);
	if (--w->left == 0)
		(void)loop_timer(w->loop, 0, tidy, w);
}

static int open_place(const char *id, struct monitor_place *ret, struct error *err)
{
	struct container_state state;
	auto_free char *path = NULL;
	int rc = container_state(MINICTR_STATE_ROOT "/oci", id, &state, err);

	if (rc != 1)
		return rc < 0 ? rc : err_set(err, 2, "container does not exist");
	path = xasprintf("/proc/%d/ns/net", state.pid);
	container_state_fini(&state);
	*ret = (struct monitor_place){ .netns_fd = open(path, O_RDONLY | O_CLOEXEC) };
	if (ret->netns_fd < 0)
		return err_sys(err, "open '%s'", path);
	return exec_target_open(MINICTR_STATE_ROOT "/oci", id, NULL, NULL, &ret->target, err);
}

static int watch(const char *id, int count, struct health_config *config, struct error *err)
{
	auto_loop struct loop *loop = loop_new(err);
	struct watch w = { .loop = loop, .left = count };
	struct monitor *monitor = monitor_new(loop, config, on_verdict, &w);
	struct monitor_place place;
	int rc = open_place(id, &place, err);

	w.monitor = monitor;
	if (rc == 0) {
		monitor_start(monitor, &place);
		rc = loop_run(loop, err);
	}
	monitor_free(monitor);
	return rc;
}

int main(int argc, char **argv)
{
	struct health_config config = { .has_docker_clock = true };
	auto_strv struct strv list = { 0 };
	struct error err = { 0 };
	int rc;

	if (argc < 7)
		return 2;
	config.interval_ns = atoll(argv[3]) * 1000000;
	config.timeout_ns = atoll(argv[4]) * 1000000;
	config.retries = atoi(argv[5]);
	for (int i = 6; i < argc; i++)
		strv_add(&list, argv[i]);
	rc = health_test_parse(&list, &config.test, &err);
	if (rc == 0)
		rc = health_config_complete(&config, &err);
	if (rc == 0)
		rc = watch(argv[1], atoi(argv[2]), &config, &err);
	if (rc < 0)
		(void)fprintf(stderr, "health_driver: %s\n", err.msg);
	health_config_fini(&config);
	return rc < 0 ? 1 : 0;
}
