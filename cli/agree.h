/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* Says "WARNING! <what>" and asks on the terminal whether to go on; anything but y is no. */
bool agree(const char *what);
