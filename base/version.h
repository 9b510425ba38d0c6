/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The commit that we were built from, 40 digits, or "unknown". */
extern const char version_commit[];
