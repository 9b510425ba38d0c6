/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* As docker's listings say it.  Callers free. */

/* "Less than a second", "About an hour", "3 weeks". */
char *human_duration(int64_t seconds);

/* "4.26MB": three digits, powers of 1000. */
char *human_size(uint64_t bytes);

/* "1.953MiB": four digits, powers of 1024. */
char *human_bytes(uint64_t bytes);

/* "2024-05-01 12:00:00 +0000 UTC"; "N/A" for 0. */
char *human_time(int64_t seconds);
