/* SPDX-License-Identifier: Apache-2.0 */
#include "base/step.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

/*
 * On disk a record is this header, then the phase, the words of the command and the input, each
 * ended by a NUL.  All of it leaves in one write(2), so that records of two processes stay whole
 * (O_APPEND), and a reader can step from one to the next by their sizes.
 */
struct wire {
	uint32_t magic;
	uint32_t size; /* header included */
	uint64_t ns;
	int32_t rc;
	uint16_t argc;
	uint8_t who;
	uint8_t kind;
	uint8_t is_announced;
	uint8_t has_input;
	uint8_t pad[6];
};

#define WIRE_MAGIC 0x31504553U /* "SEP1" */
#define WIRE_MAX   (1U << 20)

static int sink = -1;
static const char *phase = "";
static enum step_who who = STEP_HOST;

void step_record_to(int fd)
{
	sink = fd;
}

bool step_is_on(void)
{
	return sink >= 0;
}

int step_sink(struct error *err)
{
	auto_fd int fd = memfd_create("steps", MFD_CLOEXEC);

	/* Several processes write: each record has to go to the end. */
	if (fd < 0 || fcntl(fd, F_SETFL, O_APPEND) < 0)
		return err_sys(err, "make room for the recorded steps");
	return take_fd(&fd);
}

void step_stop(void)
{
	close_fd(&sink);
}

void step_phase(const char *name)
{
	phase = name;
}

void step_acting_as(enum step_who actor)
{
	who = actor;
}

struct step step_begin(void)
{
	struct step step = { 0 };

	if (sink >= 0)
		(void)clock_gettime(CLOCK_MONOTONIC, &step.begun);
	return step;
}

static uint64_t ns_since(const struct timespec *begun)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)((now.tv_sec - begun->tv_sec) * 1000000000L +
			  (now.tv_nsec - begun->tv_nsec));
}

static void emit(const struct step *step, int rc, enum step_kind kind, char *const argv[],
		 const char *input)
{
	struct wire wire = {
		.magic = WIRE_MAGIC,
		.rc = rc,
		.who = (uint8_t)who,
		.kind = (uint8_t)kind,
		.is_announced = !step,
		.has_input = !!input,
	};
	auto_str struct str buf = { 0 };
	int saved = errno;

	if (step)
		wire.ns = ns_since(&step->begun);

	str_add_len(&buf, (const char *)&wire, sizeof(wire));
	str_add_len(&buf, phase, strlen(phase) + 1);
	for (; argv[wire.argc]; wire.argc++)
		str_add_len(&buf, argv[wire.argc], strlen(argv[wire.argc]) + 1);
	if (input)
		str_add_len(&buf, input, strlen(input) + 1);

	wire.size = (uint32_t)buf.len;
	memcpy(buf.text, &wire, sizeof(wire));
	/* Telling must never be the reason for which a container fails. */
	if (buf.len <= WIRE_MAX)
		(void)!write(sink, buf.text, buf.len);
	errno = saved;
}

void step_end_argv(const struct step *step, int rc, enum step_kind kind, char *const argv[],
		   const char *input)
{
	if (sink >= 0)
		emit(step, rc, kind, argv, input);
}

void step_end(const struct step *step, int rc, const char *arg0, ...)
{
	auto_strv struct strv argv = { 0 };
	va_list ap;

	if (sink < 0)
		return;

	va_start(ap, arg0);
	for (const char *arg = arg0; arg; arg = va_arg(ap, const char *))
		strv_add(&argv, arg);
	va_end(ap);
	emit(step, rc, STEP_RUN, strv_items(&argv), NULL);
}

void step_end_write(const struct step *step, int rc, const char *value, const char *dir,
		    const char *file)
{
	auto_strv struct strv argv = { 0 };

	if (sink < 0)
		return;

	strv_add(&argv, value);
	strv_addf(&argv, "%s/%s", dir, file);
	emit(step, rc, STEP_WRITE, strv_items(&argv), NULL);
}

void step_note(const char *fmt, ...)
{
	auto_strv struct strv argv = { 0 };
	char text[512];
	va_list ap;

	if (sink < 0)
		return;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strv_add(&argv, text);
	emit(NULL, 0, STEP_NOTE, strv_items(&argv), NULL);
}

/* The next NUL-ended text of a record; NULL if it runs over the record's end. */
static char *next_text(const char **at, const char *end)
{
	const char *text = *at;
	const char *nul = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;

	if (!nul)
		return NULL;
	*at = nul + 1;
	return xstrdup(text);
}

static bool decode(const struct wire *wire, const char *body, struct step_record *ret)
{
	const char *end = body + wire->size - sizeof(*wire);
	auto_strv struct strv argv = { 0 };

	*ret = (struct step_record){
		.who = wire->who,
		.kind = wire->kind,
		.rc = wire->rc,
		.ns = wire->ns,
		.is_announced = wire->is_announced,
		.phase = next_text(&body, end),
	};
	for (uint16_t i = 0; i < wire->argc; i++) {
		char *word = next_text(&body, end);

		if (!word)
			break;
		strv_take(&argv, word);
	}
	if (wire->has_input)
		ret->input = next_text(&body, end);
	if (!ret->phase || argv.n != wire->argc || (wire->has_input && !ret->input)) {
		free(ret->phase);
		free(ret->input);
		return false;
	}
	ret->argv = argv.items ? take_ptr(argv.items) : xcalloc(1, sizeof(char *));
	argv.n = 0;
	return true;
}

static char *read_whole(int fd, size_t *ret_len)
{
	struct stat st;
	size_t have = 0;
	char *text;

	if (fstat(fd, &st) < 0)
		return NULL;
	text = xmalloc((size_t)st.st_size + 1);
	while (have < (size_t)st.st_size) {
		ssize_t n = pread(fd, text + have, (size_t)st.st_size - have, (off_t)have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	*ret_len = have;
	return text;
}

/*
 * A clone is recorded when clone3() has returned here; on a busy machine the child has said what it
 * did by then.  To a script those steps would be the host's own, pivot_root among them.
 */
static void put_clone_before_its_steps(struct step_record *records, size_t at)
{
	for (; at > 0 && records[at - 1].who == STEP_INIT; at--) {
		struct step_record clone = records[at];

		records[at] = records[at - 1];
		records[at - 1] = clone;
	}
}

int step_records_read(int fd, struct step_record **ret, size_t *ret_n)
{
	struct step_record *records = NULL;
	size_t n = 0;
	size_t len = 0;
	auto_free char *text = read_whole(fd, &len);

	if (!text)
		return -errno;

	for (size_t at = 0; len - at >= sizeof(struct wire);) {
		struct wire wire;

		memcpy(&wire, text + at, sizeof(wire));
		if (wire.magic != WIRE_MAGIC || wire.size < sizeof(wire) || wire.size > len - at)
			break;
		records = xrealloc(records, n + 1, sizeof(*records));
		if (decode(&wire, text + at + sizeof(wire), &records[n])) {
			if (records[n].kind == STEP_CLONE)
				put_clone_before_its_steps(records, n);
			n++;
		}
		at += wire.size;
	}
	*ret = records;
	*ret_n = n;
	return 0;
}

void step_records_free(struct step_record *records, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; records[i].argv[j]; j++)
			free(records[i].argv[j]);
		free(records[i].argv);
		free(records[i].phase);
		free(records[i].input);
	}
	free(records);
}
