/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * A name for who has none, "calm_hopper", from a random number; @attempt above 9 adds digits, so
 * that there is always one that is free.  Pure.
 */
void name_make(uint32_t random, unsigned int attempt, char *buf, size_t size);
