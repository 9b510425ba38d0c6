/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "engine/change.h"
#include "engine/supervisor_internal.h"

/* What a command waits to be told. */
enum peer_wait {
	PEER_WAITS_NOT,
	PEER_WAITS_FOR_END,   /* CONTROL_DONE, when the container has ended */
	PEER_WAITS_FOR_EXIT,  /* CONTROL_EXIT, then */
	PEER_WAITS_FOR_START, /* CONTROL_DONE, when it has been started again */
};

struct peer {
	struct peer *next;
	struct supervisor *supervisor;
	int sock;
	enum peer_wait wait;
	bool is_holding; /* the container is paused until it has gone */
};

/* More are not listened to until others have gone. */
#define PEERS_MAX 256

/* However it went, killed for instance: what is paused for nobody any more goes on. */
static void let_go_on(struct supervisor *s)
{
	struct error err = { 0 };

	if (!s->is_paused || !s->is_held)
		return;
	for (const struct peer *peer = s->peers; peer; peer = peer->next)
		if (peer->is_holding)
			return;
	if (supervisor_pause(s, false, &err) < 0 && err.code != ESRCH)
		log_warning("%s", err.msg);
}

static void drop(struct peer *peer)
{
	struct supervisor *s = peer->supervisor;
	struct peer **at = &s->peers;

	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	loop_remove(s->loop, peer->sock);
	/* Before it can see that the connection has gone. */
	let_go_on(s);
	close_fd(&peer->sock);
	free(peer);
}

static void answer(const struct peer *peer, enum control_type type, int value,
		   const struct error *error)
{
	struct control_message message = { .type = type, .value = value };
	struct error ignored;

	if (error)
		message.error = *error;
	(void)control_send(peer->sock, &message, -1, &ignored);
}

static void answer_result(const struct peer *peer, int rc, const struct error *err)
{
	answer(peer, rc < 0 ? CONTROL_ERROR : CONTROL_DONE, 0, rc < 0 ? err : NULL);
}

static void serve_kill(struct peer *peer, int signal)
{
	struct supervisor *s = peer->supervisor;
	struct error err = { 0 };
	int rc = supervisor_kill(s, signal, &err);

	if (rc == 0 && signal == SIGKILL && s->phase != SUPERVISOR_OVER)
		peer->wait = PEER_WAITS_FOR_END;
	else
		answer_result(peer, rc, &err);
}

/* Who wants it paused now keeps it so; who wants it to go on has that. */
static void serve_pause(struct peer *peer, bool is_paused)
{
	struct supervisor *s = peer->supervisor;
	struct error err = { 0 };
	int rc = 0;

	if (is_paused && s->is_paused && s->is_held)
		s->is_held = false;
	else
		rc = supervisor_pause(s, is_paused, &err);
	answer_result(peer, rc, &err);
}

static void serve_hold(struct peer *peer)
{
	struct supervisor *s = peer->supervisor;
	struct error err = { 0 };
	int rc = 0;

	if (!s->is_paused) {
		rc = supervisor_pause(s, true, &err);
		s->is_held = rc == 0;
	}
	peer->is_holding = rc == 0;
	answer_result(peer, rc, &err);
}

static void serve_change(struct peer *peer, const struct control_message *message, int fd)
{
	auto_change struct container_change change = { 0 };
	struct error err = { 0 };
	int rc = change_unpack(message, fd, &change, &err);

	if (rc == 0)
		rc = supervisor_change(peer->supervisor, &change, &err);
	answer_result(peer, rc, &err);
}

static void serve(struct peer *peer, const struct control_message *message, int fd)
{
	struct supervisor *s = peer->supervisor;
	struct error err = { 0 };

	switch (message->type) {
	case CONTROL_STOP:
		peer->wait = PEER_WAITS_FOR_END;
		supervisor_stop(s, message->value, message->timeout, WISH_STOP);
		break;
	case CONTROL_RESTART:
		peer->wait = PEER_WAITS_FOR_START;
		supervisor_stop(s, message->value, message->timeout, WISH_RESTART);
		break;
	case CONTROL_WAIT:
		peer->wait = PEER_WAITS_FOR_EXIT;
		break;
	case CONTROL_KILL:
		serve_kill(peer, message->value);
		break;
	case CONTROL_PAUSE:
	case CONTROL_UNPAUSE:
		serve_pause(peer, message->type == CONTROL_PAUSE);
		break;
	case CONTROL_HOLD:
		serve_hold(peer);
		break;
	case CONTROL_CHANGE:
		serve_change(peer, message, fd);
		break;
	default:
		(void)err_set(&err, EPROTO, "message %u is not understood", message->type);
		answer(peer, CONTROL_ERROR, 0, &err);
	}
}

static void on_peer(void *arg, uint32_t events)
{
	struct peer *peer = arg;
	struct control_message message;
	struct error err = { 0 };
	auto_fd int fd = -1;
	int rc = control_receive(peer->sock, &message, &fd, &err);

	(void)events;
	if (rc == -EAGAIN)
		return;
	/* Who is of another version may at least read that. */
	if (rc == -EPROTO)
		answer(peer, CONTROL_ERROR, 0, &err);
	if (rc < 0)
		drop(peer);
	else
		serve(peer, &message, fd);
}

static void on_connection(void *arg, uint32_t events)
{
	struct supervisor *s = arg;
	struct error ignored;
	struct peer *peer;
	size_t n = 0;
	int sock = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	for (peer = s->peers; peer; peer = peer->next)
		n++;
	if (sock < 0 || n >= PEERS_MAX) {
		close_fd(&sock);
		return;
	}
	peer = xcalloc(1, sizeof(*peer));
	*peer = (struct peer){ .next = s->peers, .supervisor = s, .sock = sock };
	s->peers = peer;
	if (loop_add(s->loop, sock, EPOLLIN, on_peer, peer, &ignored) < 0)
		drop(peer);
}

int peers_listen(struct supervisor *s, struct error *err)
{
	s->listener = control_listen(s->run.dirs, s->run.record.id, err);
	return s->listener < 0 ? s->listener
			       : loop_add(s->loop, s->listener, EPOLLIN, on_connection, s, err);
}

void peers_tell_end(struct supervisor *s, bool is_over)
{
	for (struct peer *peer = s->peers; peer; peer = peer->next) {
		enum peer_wait wait = peer->wait;

		if (wait == PEER_WAITS_FOR_START && !is_over)
			continue;
		peer->wait = PEER_WAITS_NOT;
		if (wait == PEER_WAITS_FOR_EXIT)
			answer(peer, CONTROL_EXIT, s->exit_code, NULL);
		else if (wait == PEER_WAITS_FOR_START)
			answer_result(peer, -EINTR, &s->failure);
		else if (wait == PEER_WAITS_FOR_END)
			answer_result(peer, -s->failure.code, &s->failure);
	}
}

void peers_tell_start(struct supervisor *s, const struct error *failure)
{
	for (struct peer *peer = s->peers; peer; peer = peer->next) {
		if (peer->wait != PEER_WAITS_FOR_START)
			continue;
		peer->wait = PEER_WAITS_NOT;
		answer_result(peer, failure ? -failure->code : 0, failure);
	}
}

void peers_close(struct supervisor *s)
{
	if (s->listener >= 0) {
		loop_remove(s->loop, s->listener);
		control_remove(s->run.dirs, s->run.record.id);
	}
	close_fd(&s->listener);
	/* What has been asked for meanwhile gets no answer; who asked looks again by itself. */
}
