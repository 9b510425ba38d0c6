/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/net_devices.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/device.h"
#include "runtime/namespaces.h"
#include "runtime/spec.h"

int net_devices_move(const struct spec *spec, pid_t pid, int joined, struct net_devices *ret,
		     struct error *err)
{
	if (!spec->n_net_devices)
		return 0;
	ret->spec = spec;
	ret->path = joined >= 0 ? xstrdup(namespace_path(spec, SPEC_NS_NETWORK))
				: xasprintf("/proc/%d/ns/net", pid);
	ret->netns.path = ret->path;
	ret->netns.fd = joined >= 0 ? fcntl(joined, F_DUPFD_CLOEXEC, 3)
				    : open(ret->path, O_RDONLY | O_CLOEXEC);
	if (ret->netns.fd < 0)
		return err_sys(err, "open '%s'", ret->path);
	ret->names = xcalloc(spec->n_net_devices, sizeof(*ret->names));
	for (size_t i = 0; i < spec->n_net_devices; i++) {
		const struct spec_net_device *device = &spec->net_devices[i];
		const struct device_move move = {
			.to = &ret->netns,
			.name = device->host_name,
			.new_name = device->name ? device->name : device->host_name,
		};
		int rc;

		/* It counts as moved even if it came no further than there. */
		ret->n_moved = i + 1;
		rc = device_move(&move, ret->names[i], err);
		if (rc < 0)
			return err_wrap(err, "linux.netDevices");
	}
	return 0;
}

void net_devices_return(struct net_devices *devices)
{
	for (size_t i = devices->n_moved; i-- > 0;) {
		const struct device_move move = {
			.from = &devices->netns,
			.name = devices->names[i],
			.new_name = devices->spec->net_devices[i].host_name,
		};
		char name[IFNAMSIZ];
		struct error err;
		int rc = *move.name ? device_move(&move, name, &err) : 0;

		if (rc < 0 && rc != -ENODEV)
			log_warning("%s", err.msg);
	}
	devices->n_moved = 0;
}

void net_devices_fini(struct net_devices *devices)
{
	close_fd(&devices->netns.fd);
	free(devices->path);
	free(devices->names);
	devices->path = NULL;
	devices->names = NULL;
}
