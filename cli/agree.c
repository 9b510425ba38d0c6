/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/agree.h"

#include <stdio.h>

bool agree(const char *what)
{
	char answer[16] = "";

	printf("WARNING! %s\nAre you sure you want to continue? [y/N] ", what);
	(void)fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}
