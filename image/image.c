/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <stdlib.h>

#include "base/macros.h"

void image_fini(struct image *image)
{
	char *const texts[] = {
		image->name, image->architecture, image->os,
		image->user, image->working_dir,  image->stop_signal,
	};
	struct strv *const lists[] = {
		&image->env,
		&image->entrypoint,
		&image->cmd,
		&image->volumes,
		&image->labels,
		&image->exposed_ports,
		&image->healthcheck.test,
		&image->layers,
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_fini(lists[i]);
	*image = (struct image){ 0 };
}
