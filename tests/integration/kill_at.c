/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill_at [-p PID] WHO N COMMAND...
 *
 * Runs COMMAND, counts the system calls that it and its descendants begin (and those of the process
 * PID, which runs already), and at the Nth sends SIGKILL to WHO:
 *   root   the process that was started
 *   other  PID
 *   child  the first process that root forked
 *   self   the process that makes the Nth call
 *   tree   all of them
 * Everybody else goes on undisturbed (and not traced any more); root's end is waited for.  With N 0
 * nobody is killed: the calls are counted until all have ended, or root if the others stay.
 *
 * Prints one line, "WORD calls=CALLS status=STATUS".  WORD is "killed"; "missed" if COMMAND ended
 * before its Nth call or WHO was not there; "ended" with N 0.  STATUS is root's exit status (128
 * and the signal's number for a signal), or "hung" if root was still there after ten seconds.
 * COMMAND's output goes to stderr.
 *
 * ptrace(2): PTRACE_SEIZE, so that the survivors can be stopped and let go.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_TRACEES 256
#define LINGER_S    2  /* how long processes may outlive root before we let them go */
#define PATIENCE_S  10 /* how long root may go on after somebody was killed */

enum who { WHO_ROOT, WHO_OTHER, WHO_CHILD, WHO_SELF, WHO_TREE };

static const char *const who_names[] = {
	[WHO_ROOT] = "root", [WHO_OTHER] = "other", [WHO_CHILD] = "child",
	[WHO_SELF] = "self", [WHO_TREE] = "tree",
};

static pid_t tracees[MAX_TRACEES];
static size_t n_tracees;
static pid_t root, child, other;
static int root_status = -1; /* -1: not ended yet */
static long calls, root_calls;
static volatile sig_atomic_t is_late; /* the alarm has rung */

static void give_up(const char *what)
{
	perror(what);
	exit(125);
}

static void add(pid_t pid)
{
	for (size_t i = 0; i < n_tracees; i++)
		if (tracees[i] == pid)
			return;
	if (n_tracees == MAX_TRACEES) {
		errno = E2BIG;
		give_up("kill_at: too many processes");
	}
	tracees[n_tracees++] = pid;
}

static void drop(pid_t pid)
{
	for (size_t i = 0; i < n_tracees; i++)
		if (tracees[i] == pid)
			tracees[i] = tracees[--n_tracees];
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void hold(pid_t pid)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

	if (ptrace(PTRACE_SEIZE, pid, 0, options) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		give_up("ptrace");
	add(pid);
}

/* Starts COMMAND once we hold it. */
static pid_t start(char **argv)
{
	int gate[2];
	pid_t pid;
	char c = 0;

	if (pipe(gate) < 0)
		give_up("pipe");
	pid = fork();
	if (pid < 0)
		give_up("fork");
	if (pid == 0) {
		(void)close(gate[1]);
		if (read(gate[0], &c, 1) != 1)
			_exit(125);
		(void)close(gate[0]);
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		(void)execvp(argv[0], argv);
		give_up(argv[0]);
	}
	(void)close(gate[0]);
	hold(pid);
	if (write(gate[1], &c, 1) != 1)
		give_up("write");
	(void)close(gate[1]);
	return pid;
}

/* What @pid reports is the last that we hear of it; a signal that was on its way is delivered. */
static void let_one_go(pid_t pid, int status)
{
	int signal = 0;

	if (WIFSTOPPED(status)) {
		if (status >> 16 == 0 && WSTOPSIG(status) != (SIGTRAP | 0x80))
			signal = WSTOPSIG(status);
		(void)ptrace(PTRACE_DETACH, pid, 0, signal);
	} else if (pid == root) {
		root_status = exit_status(status);
	}
	drop(pid);
}

/*
 * Stops each tracee and lets it go.  Waits for whichever answers: the first thread of a killed
 * process is not reported before its others are.
 */
static void let_go(void)
{
	int status;
	pid_t pid;

	for (size_t i = 0; i < n_tracees; i++)
		(void)ptrace(PTRACE_INTERRUPT, tracees[i], 0, 0);
	while (n_tracees > 0 && (pid = waitpid(-1, &status, __WALL)) > 0)
		let_one_go(pid, status);
}

/*
 * Lets everybody go, waits for root, and says how it ended.  Who was forked a moment ago may report
 * only now, and would stay ours: its namespace could not end as long as we do not collect it.
 */
static void finish(const char *word)
{
	int status;
	pid_t pid;

	let_go();
	(void)alarm(PATIENCE_S);
	while (root_status < 0 && (pid = waitpid(-1, &status, __WALL)) > 0)
		let_one_go(pid, status);
	(void)printf("%s calls=%ld status=", word, calls);
	if (root_status < 0)
		(void)printf("hung\n");
	else
		(void)printf("%d\n", root_status);
}

/* @self is stopped at its call.  Returns false if WHO is not there. */
static bool strike(enum who who, pid_t self)
{
	pid_t victim = who == WHO_ROOT    ? root
		       : who == WHO_CHILD ? child
		       : who == WHO_OTHER ? other
					  : self;
	bool is_there = victim > 0 && kill(victim, 0) == 0;

	if (is_there && who == WHO_TREE)
		for (size_t i = 0; i < n_tracees; i++)
			(void)kill(tracees[i], SIGKILL);
	else if (is_there)
		(void)kill(victim, SIGKILL);
	if (!is_there || (victim != self && who != WHO_TREE)) {
		(void)ptrace(PTRACE_DETACH, self, 0, 0);
		drop(self);
	}
	return is_there;
}

static bool is_entry(pid_t pid)
{
	struct __ptrace_syscall_info info;

	return ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
	       info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

static void note_fork(pid_t parent)
{
	unsigned long message = 0;

	if (ptrace(PTRACE_GETEVENTMSG, parent, 0, &message) < 0)
		return;
	add((pid_t)message);
	if (parent == root && child == 0)
		child = (pid_t)message;
}

/* One stop of @pid.  Returns true at the beginning of a system call. */
static bool handle_stop(pid_t pid, int status, int *ret_signal)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	*ret_signal = 0;
	add(pid);
	if (signal == (SIGTRAP | 0x80))
		return is_entry(pid);
	if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	    event == PTRACE_EVENT_CLONE)
		note_fork(pid);
	else if (event == 0)
		*ret_signal = signal;
	return false;
}

static void handle_end(pid_t pid, int status)
{
	drop(pid);
	if (pid != root)
		return;
	root_status = exit_status(status);
	root_calls = calls;
	(void)alarm(LINGER_S);
}

static void on_alarm(int signal)
{
	(void)signal; /* wakes waitpid(), too */
	is_late = 1;
}

static enum who parse_who(const char *text)
{
	for (size_t i = 0; i < sizeof(who_names) / sizeof(who_names[0]); i++)
		if (strcmp(text, who_names[i]) == 0)
			return (enum who)i;
	(void)fprintf(stderr, "kill_at: who is '%s'?\n", text);
	exit(2);
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	enum who who;
	long n;

	if (argc > 2 && strcmp(argv[1], "-p") == 0) {
		other = (pid_t)atol(argv[2]);
		argv += 2;
		argc -= 2;
	}
	if (argc < 4) {
		(void)fprintf(stderr, "usage: kill_at [-p PID] root|other|child|self|tree N "
				      "COMMAND...\n");
		return 2;
	}
	who = parse_who(argv[1]);
	n = atol(argv[2]);
	(void)sigaction(SIGALRM, &action, NULL);
	if (other)
		hold(other);
	root = start(argv + 3);

	while (n_tracees > 0 && !is_late) {
		int status, signal;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0) /* the alarm, or nobody left */
			break;
		if (!WIFSTOPPED(status)) {
			handle_end(pid, status);
			continue;
		}
		if (handle_stop(pid, status, &signal) && ++calls == n) {
			finish(strike(who, pid) ? "killed" : "missed");
			return 0;
		}
		(void)ptrace(PTRACE_SYSCALL, pid, 0, signal);
	}
	if (n == 0 && n_tracees > 0)
		calls = root_calls;
	finish(n == 0 ? "ended" : "missed");
	return 0;
}
