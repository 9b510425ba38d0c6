/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/*
 * Text that people type <-> numbers.  Every function takes the whole text (trailing rubbish is
 * refused), has no partial result, and returns -EINVAL or -ERANGE with @err naming the text.
 */

int parse_uint64(const char *text, uint64_t max, uint64_t *ret, struct error *err);
int parse_int64(const char *text, int64_t min, int64_t max, int64_t *ret, struct error *err);

/* "yes", "true", "1", "on" and their opposites. */
int parse_bool(const char *text, bool *ret, struct error *err);

/* "64m", "1.5g", "512k", "1024", "10b", "1GiB", "1gb": powers of 1024, as docker reads them. */
int parse_size(const char *text, uint64_t *ret_bytes, struct error *err);

/* Go's form: "1m30s", "300ms", "1.5h"; a bare "0" is allowed, another bare number is not. */
int parse_duration(const char *text, int64_t *ret_ns, struct error *err);

/* "0.5" CPUs -> 500000000 billionths. */
int parse_cpus(const char *text, int64_t *ret_nano, struct error *err);

/* A list of CPUs or nodes, "0-3,7": checked (each <= 8191, ranges ascending), not expanded. */
int parse_cpu_list(const char *text, struct error *err);

/* A signal: "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3". */
int parse_signal(const char *text, int *ret, struct error *err);
const char *signal_name(int signal); /* "SIGTERM"; "signal N" for unnamed ones (static storage) */

/* docker's -p: [IP:][HOST[-HOST]:]CONTAINER[-CONTAINER][/tcp|udp|sctp] */
struct port_mapping {
	char host_ip[46];        /* "" for all addresses */
	uint16_t host_port;      /* 0: the engine chooses */
	uint16_t container_port; /* first of the range */
	uint16_t count;          /* ports in the range, at least 1 */
	uint8_t protocol;        /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
};
int parse_port(const char *text, struct port_mapping *ret, struct error *err);

/* docker's --ulimit: NAME=SOFT[:HARD]; NAME as in rlimits ("nofile"), -1 or "unlimited" allowed. */
struct rlimit_text {
	const char *name; /* static: "RLIMIT_NOFILE" */
	uint64_t soft;
	uint64_t hard;
};
int parse_ulimit(const char *text, struct rlimit_text *ret, struct error *err);
int rlimit_by_name(const char *name, int *ret_resource); /* "RLIMIT_NOFILE" -> RLIMIT_NOFILE */

/*
 * -v [SRC:]DST[:opts], --mount type=bind,source=..,target=..,readonly, --tmpfs DST[:opts]
 *
 * @options are complete OCI mount options, docker's defaults included: "rbind", "rprivate" for a
 * bind (with "ro" and "rro" if read-only: docker makes what is mounted below read-only too);
 * "noexec", "nosuid", "nodev", "size=65536k" for a tmpfs.
 */
enum mount_kind { MOUNT_KIND_BIND, MOUNT_KIND_VOLUME, MOUNT_KIND_TMPFS };
struct mount_request {
	enum mount_kind kind;
	char *source;        /* owned; a bind's is absolute; NULL: tmpfs, or an anonymous volume */
	char *target;        /* owned, absolute and cleaned */
	struct strv options; /* see above */
	bool is_source_made; /* -v makes a missing source directory, --mount does not */
	bool is_not_copied;  /* volume-nocopy: a new volume stays empty */
};
void mount_request_fini(struct mount_request *m);
int parse_volume(const char *text, struct mount_request *ret, struct error *err);
int parse_mount(const char *text, struct mount_request *ret, struct error *err);
int parse_tmpfs(const char *text, struct mount_request *ret, struct error *err);

/* NAME=VALUE lines; '#' comments; a bare NAME takes the value from the environment, if set. */
int parse_env_file(const char *path, struct strv *ret, struct error *err);

/* A host name as sethostname(2) takes it: up to 64 letters, digits, '-', '.', '_'. */
int parse_hostname(const char *text, struct error *err);

/* True for an IPv4 or IPv6 address without brackets. */
bool is_address(const char *text);

/* docker's --add-host: NAME:ADDRESS or NAME=ADDRESS -> "NAME:ADDRESS", brackets of IPv6 taken off;
 * the address may be "host-gateway".  Caller frees. */
int parse_host_line(const char *text, char **ret, struct error *err);

/* "net_admin" and "CAP_NET_ADMIN" -> "CAP_NET_ADMIN"; "all" -> "ALL".  Caller frees. */
int parse_capability(const char *text, char **ret, struct error *err);

/* [A-Za-z0-9][A-Za-z0-9_.+-]{0,127}: names and ids of everything. */
bool is_valid_name(const char *text);

/* For people: "64 MiB", "1.5 GiB", "820 B" / "12 us", "1.9 ms", "2.1 s". */
void format_size(uint64_t bytes, char *buf, size_t size);
void format_duration(uint64_t ns, char *buf, size_t size);
