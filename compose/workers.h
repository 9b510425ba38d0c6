/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/*
 * Child processes of a command, each of which does one thing that waits, so that many are done at
 * the same time.  A worker ends with the command.  It keeps no descriptor open, so that a supervisor
 * that it forks holds nothing of the command's.
 */
struct loop;
struct worker;

/* In the worker: a result of its own choice, or a negative errno with @err. */
typedef int worker_job(void *arg, struct error *err);

/* In the command, from the loop; the worker is freed then. */
typedef void worker_done(void *arg, int rc, const struct error *err);

/* NULL with @err if there can be no further process. */
struct worker *worker_start(struct loop *loop, worker_job *job, worker_done *done, void *arg,
			    struct error *err);

/* The same, with one descriptor that it keeps, and all that it forks. */
struct worker *worker_start_keeping(struct loop *loop, worker_job *job, worker_done *done,
				    void *arg, int kept, struct error *err);
void worker_signal(const struct worker *worker, int signal);

/* Kills it, and waits for its end; @done is not called.  NULL is fine. */
void worker_free(struct worker *worker);
