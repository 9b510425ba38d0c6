/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/workers.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "net/nft.h"

/* Shared by command and worker, and by nothing that the worker forks. */
struct result {
	bool is_there;
	int rc;
	struct error err;
};

struct worker {
	struct loop *loop;
	pid_t pid;
	int pidfd;
	int kept; /* a descriptor that is its, too; -1: none */
	struct result *result;
	worker_done *done;
	void *arg;
};

_Noreturn static void work(const struct worker *worker, pid_t command, worker_job *job)
{
	struct result *result = worker->result;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != command)
		_exit(1);
	(void)madvise(result, sizeof(*result), MADV_DONTFORK);
	close_from_two(3, log_descriptor(), worker->kept);
	nft_forget();
	result->rc = job(worker->arg, &result->err);
	result->is_there = true;
	_exit(0);
}

static void release(struct worker *worker)
{
	close_fd(&worker->pidfd);
	(void)munmap(worker->result, sizeof(*worker->result));
	free(worker);
}

static void on_end(void *arg, uint32_t events)
{
	struct worker *worker = arg;
	struct result result;

	(void)events;
	if (waitpid(worker->pid, NULL, WNOHANG) != worker->pid)
		return;
	loop_remove(worker->loop, worker->pidfd);
	result = *worker->result;
	if (!result.is_there)
		result.rc = err_set(&result.err, EPIPE, "a process of this command was killed");
	worker->done(worker->arg, result.rc, &result.err);
	release(worker);
}

static int start(struct worker *worker, worker_job *job, struct error *err)
{
	pid_t command = getpid();
	int rc;

	(void)fflush(NULL);
	worker->pid = fork();
	if (worker->pid == 0)
		work(worker, command, job);
	if (worker->pid < 0)
		return err_sys(err, "fork a process");
	worker->pidfd = pidfd_open(worker->pid, 0);
	rc = worker->pidfd < 0
		     ? err_sys(err, "watch process %d", worker->pid)
		     : loop_add(worker->loop, worker->pidfd, EPOLLIN, on_end, worker, err);
	if (rc < 0) {
		(void)kill(worker->pid, SIGKILL);
		(void)waitpid(worker->pid, NULL, 0);
	}
	return rc;
}

struct worker *worker_start(struct loop *loop, worker_job *job, worker_done *done, void *arg,
			    struct error *err)
{
	return worker_start_keeping(loop, job, done, arg, -1, err);
}

struct worker *worker_start_keeping(struct loop *loop, worker_job *job, worker_done *done,
				    void *arg, int kept, struct error *err)
{
	struct worker *worker = xcalloc(1, sizeof(*worker));

	*worker = (struct worker){
		.loop = loop,
		.pidfd = -1,
		.kept = kept,
		.done = done,
		.arg = arg,
	};
	worker->result = mmap(NULL, sizeof(*worker->result), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (worker->result == MAP_FAILED) {
		(void)err_sys(err, "share memory with a process");
		free(worker);
		return NULL;
	}
	if (start(worker, job, err) == 0)
		return worker;
	release(worker);
	return NULL;
}

void worker_signal(const struct worker *worker, int signal)
{
	(void)kill(worker->pid, signal);
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	loop_remove(worker->loop, worker->pidfd);
	(void)kill(worker->pid, SIGKILL);
	while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
		;
	release(worker);
}
