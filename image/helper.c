/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

int main(void)
{
	puts("minictr-image " MINICTR_VERSION);
	return 0;
}
