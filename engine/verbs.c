/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/verbs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/fd.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "engine/change.h"
#include "engine/control.h"
#include "engine/events.h"
#include "engine/networks.h"
#include "engine/reconcile.h"
#include "engine/record.h"
#include "net/ipam.h"
#include "net/network.h"

/* ---- asking a supervisor ---------------------------------------------------------------------- */

#define STEP_MS     10
#define PATIENCE_MS 60000

/* What an attempt to ask came to. */
enum asked {
	ASKED_ANSWERED,
	ASKED_NOBODY, /* it does not run */
	ASKED_AGAIN,  /* its supervisor does not listen yet, or no longer */
};

struct question {
	const struct control_message *request;
	int fd;        /* that goes with it; -1: none */
	int *ret_sock; /* the connection, owned by the caller; NULL: it is closed */
};

/*
 * One that ends while it is asked is no failure: what is to be said of it then, the next look at the
 * container tells.
 */
static enum asked try_to_ask(const struct engine_dirs *dirs, const char *id,
			     const struct question *question, struct control_message *ret)
{
	struct error ignored;
	auto_fd int sock = control_connect(dirs, id, &ignored);
	int rc;

	if (sock < 0 || control_send(sock, question->request, question->fd, &ignored) < 0)
		return ASKED_AGAIN;
	rc = control_receive(sock, ret, NULL, &ignored);
	if (rc < 0 && rc != -EPIPE) {
		*ret = (struct control_message){ .type = CONTROL_ERROR, .error = ignored };
		return ASKED_ANSWERED;
	}
	if (rc == 0 && question->ret_sock)
		*question->ret_sock = take_fd(&sock);
	return rc < 0 ? ASKED_AGAIN : ASKED_ANSWERED;
}

static void pause_step(void)
{
	const struct timespec time = { .tv_nsec = STEP_MS * 1000000L };

	(void)nanosleep(&time, NULL);
}

static int no_answer(const char *name, struct error *err)
{
	return err_set(err, ETIMEDOUT, "the supervisor of container '%s' does not answer", name);
}

/*
 * Asks the supervisor of @name.  1: @ret is its answer; 0: it does not run, and @record and @place
 * are what container_enter() found.  All three are the caller's to free, always.
 */
static int ask(const struct engine_dirs *dirs, const char *name, const struct question *question,
	       struct control_message *ret, struct record *record, struct record_place *place,
	       struct error *err)
{
	for (int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		int rc = container_enter(dirs, name, record, place, err);

		if (rc < 0)
			return rc;
		if (rc == 1)
			return 0;
		if (try_to_ask(dirs, record->id, question, ret) == ASKED_ANSWERED)
			return 1;
		record_fini(record);
		record_place_close(place);
		pause_step();
	}
	return no_answer(name, err);
}

static int answered(int rc, const struct control_message *answer, struct error *err)
{
	if (rc == 1 && answer->type == CONTROL_ERROR) {
		*err = answer->error;
		return -(err->code ? err->code : EIO);
	}
	return rc;
}

/* 1: done; 0: it does not run. */
static int ask_to_do(const struct engine_dirs *dirs, const char *name,
		     const struct control_message *request, struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	auto_record struct record record = { 0 };
	struct control_message answer;
	const struct question question = { .request = request, .fd = -1 };
	int rc = ask(dirs, name, &question, &answer, &record, &place, err);

	return answered(rc, &answer, err);
}

static int not_running(int rc, const char *name, struct error *err)
{
	if (rc == 0)
		return err_set(err, ESRCH, "container '%s' is not running", name);
	return rc < 0 ? rc : 0;
}

/* ---- verbs ------------------------------------------------------------------------------------ */

int verb_stop(const struct engine_dirs *dirs, const char *name, const struct stop_request *request,
	      struct error *err)
{
	const struct control_message message = {
		.type = CONTROL_STOP,
		.value = request->signal,
		.timeout = request->timeout,
	};
	int rc = ask_to_do(dirs, name, &message, err);

	return rc < 0 ? rc : 0;
}

/* One that cannot be asked at once (-1) is stopped later. */
static int send_stop(const struct engine_dirs *dirs, const char *name,
		     const struct stop_request *request)
{
	const struct control_message message = {
		.type = CONTROL_STOP,
		.value = request->signal,
		.timeout = request->timeout,
	};
	auto_place struct record_place place = RECORD_NO_PLACE;
	auto_record struct record record = { 0 };
	struct error ignored;
	auto_fd int sock = -1;

	if (container_enter(dirs, name, &record, &place, &ignored) != 0)
		return -1;
	sock = control_connect(dirs, record.id, &ignored);
	if (sock < 0 || control_send(sock, &message, -1, &ignored) < 0)
		return -1;
	return take_fd(&sock);
}

/* -EPIPE: it has not been heard, or has gone. */
static int receive_stopped(int sock, struct error *err)
{
	struct control_message answer;
	int rc = sock < 0 ? -EPIPE : control_receive(sock, &answer, NULL, err);

	if (rc < 0)
		return rc;
	*err = answer.type == CONTROL_ERROR ? answer.error : (struct error){ 0 };
	return 0;
}

void verb_stop_all(const struct engine_dirs *dirs, const struct strv *names,
		   const struct stop_request *request, struct error *errs)
{
	auto_free int *socks = xcalloc(names->n, sizeof(*socks));

	for (size_t i = 0; i < names->n; i++)
		socks[i] = send_stop(dirs, names->items[i], request);
	for (size_t i = 0; i < names->n; i++) {
		errs[i] = (struct error){ 0 };
		if (receive_stopped(socks[i], &errs[i]) == -EPIPE &&
		    verb_stop(dirs, names->items[i], request, &errs[i]) == 0)
			errs[i].code = 0;
		close_fd(&socks[i]);
	}
}

int verb_kill(const struct engine_dirs *dirs, const char *name, int signal, struct error *err)
{
	const struct control_message message = { .type = CONTROL_KILL, .value = signal };

	return not_running(ask_to_do(dirs, name, &message, err), name, err);
}

int verb_pause(const struct engine_dirs *dirs, const char *name, bool is_paused, struct error *err)
{
	const struct control_message message = {
		.type = is_paused ? CONTROL_PAUSE : CONTROL_UNPAUSE,
	};

	return not_running(ask_to_do(dirs, name, &message, err), name, err);
}

int verb_hold(const struct engine_dirs *dirs, const char *name, struct error *err)
{
	const struct control_message message = { .type = CONTROL_HOLD };
	auto_place struct record_place place = RECORD_NO_PLACE;
	auto_record struct record record = { 0 };
	struct control_message answer;
	auto_fd int sock = -1;
	const struct question question = { .request = &message, .fd = -1, .ret_sock = &sock };
	int rc = ask(dirs, name, &question, &answer, &record, &place, err);

	rc = not_running(answered(rc, &answer, err), name, err);
	return rc < 0 ? rc : take_fd(&sock);
}

/* Its supervisor lets it go on, and then the connection. */
void verb_let_go(int *sock)
{
	struct control_message none;
	struct error ignored;

	if (*sock >= 0 && shutdown(*sock, SHUT_WR) == 0)
		(void)control_receive(*sock, &none, NULL, &ignored);
	close_fd(sock);
}

int verb_wait(const struct engine_dirs *dirs, const char *name, struct error *err)
{
	const struct control_message message = { .type = CONTROL_WAIT };
	auto_place struct record_place place = RECORD_NO_PLACE;
	auto_record struct record record = { 0 };
	struct control_message answer;
	const struct question question = { .request = &message, .fd = -1 };
	int rc = ask(dirs, name, &question, &answer, &record, &place, err);

	if (rc == 0)
		return record.exit_code;
	rc = answered(rc, &answer, err);
	return rc < 0 ? rc : answer.value;
}

static int try_to_start(const struct engine_dirs *dirs, const char *name,
			const struct foreground_streams *streams, struct str *ret_remark,
			struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	auto_record struct record record = { 0 };
	auto_fd int sock = -1;
	int rc = container_enter(dirs, name, &record, &place, err);

	if (rc < 0)
		return rc;
	if (rc == 1)
		return foreground_start(dirs, &record, &place, streams, ret_remark, err);
	sock = control_connect(dirs, record.id, err);
	/* Neither: it is just beginning, or about to end. */
	if (sock < 0)
		return -EAGAIN;
	if (streams->has_output)
		return err_set(err, EBUSY, "container '%s' is running already", name);
	return 0;
}

int verb_start(const struct engine_dirs *dirs, const char *name,
	       const struct foreground_streams *streams, struct str *ret_remark, struct error *err)
{
	for (int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		int rc = try_to_start(dirs, name, streams, ret_remark, err);

		if (rc != -EAGAIN)
			return rc;
		pause_step();
	}
	return no_answer(name, err);
}

int verb_restart(const struct engine_dirs *dirs, const char *name,
		 const struct stop_request *request, struct error *err)
{
	const struct foreground_streams none = { 0 };
	const struct control_message message = {
		.type = CONTROL_RESTART,
		.value = request->signal,
		.timeout = request->timeout,
	};
	auto_str struct str ignored = { 0 };
	int rc = ask_to_do(dirs, name, &message, err);

	if (rc == 0)
		return verb_start(dirs, name, &none, &ignored, err);
	return rc < 0 ? rc : 0;
}

/* ---- changes ---------------------------------------------------------------------------------- */

/* Of one that does not run, which is ours as long as @place is open. */
static int change_ended(const struct engine_dirs *dirs, const struct record_place *place,
			struct record *record, const struct container_change *change,
			struct error *err)
{
	int rc = change_record(record, change, err);

	if (rc == 0)
		rc = record_write(place, record, err);
	if (rc == 0 && change->kind == CHANGE_LIMITS)
		event_add(dirs, record, "update", 0, NULL);
	return rc;
}

static int change(const struct engine_dirs *dirs, const char *name,
		  const struct container_change *change, struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	auto_record struct record record = { 0 };
	struct control_message message, answer;
	auto_fd int fd = -1;
	struct question question = { .request = &message };
	int rc = change_pack(change, &message, &fd, err);

	question.fd = fd;
	if (rc == 0)
		rc = ask(dirs, name, &question, &answer, &record, &place, err);
	if (rc == 0)
		return change_ended(dirs, &place, &record, change, err);
	return MIN(answered(rc, &answer, err), 0);
}

/* Its name; and whether an address that was asked for is one of it. */
static int check_network(const struct engine_dirs *dirs, const struct network_request *request,
			 char **ret_name, struct error *err)
{
	auto_networks struct networks networks = NETWORKS_CLOSED;
	auto_network_record struct network_record record = { 0 };
	struct in_addr address;
	struct subnet subnet;
	int rc = networks_open(dirs, &networks, err);

	if (rc == 0)
		rc = network_find(&networks.dir, request->name, &record, err);
	if (rc == 0 && !network_is_pseudo(request->name))
		return err_set(err, ENOENT, "no such network: '%s'", request->name);
	if (rc < 0)
		return rc;
	subnet = (struct subnet){ record.network.subnet, record.network.prefix };
	if (rc == 1 && request->address &&
	    (inet_pton(AF_INET, request->address, &address) != 1 ||
	     !ipam_is_usable(&subnet, record.network.gateway, address)))
		return err_set(err, EINVAL, "network '%s' has no address %s", record.network.name,
			       request->address);
	*ret_name = xstrdup(rc == 1 ? record.network.name : request->name);
	return 0;
}

int verb_connect(const struct engine_dirs *dirs, const char *name,
		 const struct network_request *request, struct error *err)
{
	struct network_request wanted = *request;
	const struct container_change what = {
		.kind = CHANGE_CONNECT,
		.options = { .networks = &wanted, .n_networks = 1 },
	};
	int rc = check_network(dirs, request, &wanted.name, err);

	if (rc < 0)
		return rc;
	rc = change(dirs, name, &what, err);
	free(wanted.name);
	return rc;
}

int verb_disconnect(const struct engine_dirs *dirs, const char *name, const char *network,
		    struct error *err)
{
	struct network_request wanted = { 0 };
	const struct container_change what = {
		.kind = CHANGE_DISCONNECT,
		.options = { .networks = &wanted, .n_networks = 1 },
	};
	struct network_request asked = { 0 };
	int rc;

	asked.name = xstrdup(network);
	rc = check_network(dirs, &asked, &wanted.name, err);
	free(asked.name);
	if (rc < 0)
		return rc;
	rc = change(dirs, name, &what, err);
	free(wanted.name);
	return rc;
}

int verb_update(const struct engine_dirs *dirs, const char *name,
		const struct container_change *what, struct error *err)
{
	return change(dirs, name, what, err);
}

/* ---- names ------------------------------------------------------------------------------------ */

int verb_rename(const struct engine_dirs *dirs, const char *name, const char *new_name,
		struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	auto_record struct record record = { 0 };
	auto_free char *old_name = NULL;
	int rc = container_enter(dirs, name, &record, &place, err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, EBUSY, "container '%s' is running: stop it first", name);
	if (!is_valid_name(new_name))
		return err_set(err, EINVAL, "'%s' is no name", new_name);
	old_name = xstrdup(record.name);
	rc = record_rename(dirs, &place, &record, new_name, err);
	if (rc == 0)
		event_add(dirs, &record, "rename", 0,
			  (const char *const[]){ "oldName", old_name, NULL });
	return rc;
}
