/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/resources.h"

#include <stdlib.h>
#include <string.h>

static void io_fini(struct cgroup_io *io)
{
	free(io->weight_devices);
	free(io->read_bps);
	free(io->write_bps);
	free(io->read_iops);
	free(io->write_iops);
}

void cgroup_resources_fini(struct cgroup_resources *r)
{
	free(r->cpu.cpus);
	free(r->cpu.mems);
	io_fini(&r->io);
	free(r->devices);
	for (size_t i = 0; i < r->n_hugepages; i++)
		free(r->hugepages[i].page_size);
	free(r->hugepages);
	for (size_t i = 0; i < r->n_rdma; i++)
		free(r->rdma[i].device);
	free(r->rdma);
	strv_fini(&r->unified);
	memset(r, 0, sizeof(*r));
}
