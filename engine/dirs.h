/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where the engine keeps what it knows:
 *
 *   <data>/containers/<name>/     a container: record.json, its files, its overlay's upper layer
 *   <data>/images, <data>/networks, <data>/volumes
 *   <state>/containers/<id>/      the runtime's state, which ends with the boot
 *   <state>/images/<digits>/      a mounted image (image_mount.h)
 *   <state>/cache                 compiled seccomp filters
 */
struct engine_dirs {
	const char *data, *state; /* absolute */
};

/* Those of this installation. */
extern const struct engine_dirs engine_dirs;
