/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * What a stranger's archive may ask for.  Each limit is far above what images have, and low enough
 * that reaching it costs little.  A refusal reads "<what> is N, the limit is M" or names the limit.
 */
#define TAR_MAX_PATH     4095U /* bytes of a name; what a system call takes (path_resolution(7)) */
#define TAR_MAX_LONGNAME (64U << 10) /* bytes of a GNU long name or link, padding included */
#define TAR_MAX_PAX      (1U << 20)  /* bytes of a pax header */
#define TAR_MAX_XATTRS   256U        /* of one entry */
#define TAR_MAX_SEGMENTS 100000U     /* of one sparse file */
#define TAR_MAX_ENTRIES  1000000U    /* of one archive */

/* Inflated bytes: at most so many, or this multiple of the compressed ones, whichever is more. */
#define INFLATE_MIN_LIMIT (1ULL << 30)
#define INFLATE_MAX_RATIO 100U

/* log2 of zstd's window: 32 MiB is what the best compression of the usual image builders needs. */
#define INFLATE_MAX_WINDOW_LOG 25

#define LAYER_MAX_SPARSE   (1ULL << 40) /* bytes of all holes and data of a layer's sparse files */
#define LAYER_MAX_DEFERRED (32U << 20)  /* bytes kept of directories until their times are set */

#define ARCHIVE_MAX_ENTRIES 20000U /* members of the image's own archive */
#define ARCHIVE_MAX_LINKS   8      /* symlinks followed inside of the archive */

#define LOAD_MAX_IMAGES 64U           /* of one archive */
#define LOAD_MAX_SPOOL  (64ULL << 30) /* bytes of an archive that has to be unwrapped */
#define LOAD_MAX_LAYERS 1024U
#define LOAD_MAX_TEXT   (32U << 20) /* bytes of all manifests and configs */
