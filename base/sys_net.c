/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/step.h"
#include "base/str.h"

int sys_in_netns(const struct netns *netns, int (*work)(void *arg, struct error *err), void *arg,
		 struct error *err)
{
	auto_fd int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int rc;

	if (home < 0)
		return err_sys(err, "open '/proc/self/ns/net'");
	if (setns(netns->fd, CLONE_NEWNET) < 0)
		return err_sys(err, "join network namespace '%s'", netns->path);

	rc = work(arg, err);
	/* To go on in a container's namespace would be to do the host's work there. */
	if (setns(home, CLONE_NEWNET) < 0)
		abort();
	return rc;
}

/* Records `nsenter --net=PATH` with the words of @command. */
static void end_inside(const struct step *step, int rc, const struct netns *netns,
		       const char *const command[])
{
	auto_strv struct strv argv = { 0 };

	if (!step_is_on())
		return;
	strv_add(&argv, "nsenter");
	strv_addf(&argv, "--net=%s", netns->path);
	for (size_t i = 0; command[i]; i++)
		strv_add(&argv, command[i]);
	step_end_argv(step, rc, STEP_RUN, strv_items(&argv), NULL);
}

int sys_netns_sysctl(const struct netns *netns, const char *key, const char *value,
		     struct error *err)
{
	struct step step = step_begin();
	auto_free char *path = xasprintf("/proc/sys/net/%s", key);
	auto_free char *setting = xasprintf("net/%s=%s", key, value);
	size_t len = strlen(value);
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = fd < 0 || write(fd, value, len) != (ssize_t)len ? -errno : 0;

	end_inside(&step, rc, netns, (const char *const[]){ "sysctl", "-qw", setting, NULL });
	if (rc < 0)
		return err_set(err, -rc, "write '%s' to '%s' of '%s': %s", value, path, netns->path,
			       err_text(-rc));
	return 0;
}

static void put_address(struct sockaddr *to, struct in_addr address)
{
	const struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = address };

	memcpy(to, &from, sizeof(from));
}

static struct ifreq request_for(const char *ifname)
{
	struct ifreq request = { 0 };

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ifname);
	return request;
}

int sys_netns_address(const struct netns *netns, int sock, const char *ifname,
		      struct in_addr address, uint8_t prefix, struct error *err)
{
	const struct in_addr mask = { prefix ? htonl(UINT32_MAX << (32 - prefix)) : 0 };
	struct step step = step_begin();
	struct ifreq request = request_for(ifname);
	char text[INET_ADDRSTRLEN];
	char cidr[INET_ADDRSTRLEN + 4];
	int rc;

	put_address(&request.ifr_addr, address);
	rc = ioctl(sock, SIOCSIFADDR, &request) < 0 ? -errno : 0;
	put_address(&request.ifr_netmask, mask);
	if (rc == 0 && ioctl(sock, SIOCSIFNETMASK, &request) < 0)
		rc = -errno;

	(void)inet_ntop(AF_INET, &address, text, sizeof(text));
	(void)snprintf(cidr, sizeof(cidr), "%s/%u", text, prefix);
	end_inside(&step, rc, netns,
		   (const char *const[]){ "ip", "addr", "add", cidr, "dev", ifname, NULL });
	if (rc < 0)
		return err_set(err, -rc, "give address '%s' to interface '%s' of '%s': %s", cidr,
			       ifname, netns->path, err_text(-rc));
	return 0;
}

int sys_netns_link_up(const struct netns *netns, int sock, const char *ifname, struct error *err)
{
	struct step step = step_begin();
	struct ifreq request = request_for(ifname);
	int rc = ioctl(sock, SIOCGIFFLAGS, &request) < 0 ? -errno : 0;

	request.ifr_flags |= IFF_UP;
	if (rc == 0 && ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		rc = -errno;
	end_inside(&step, rc, netns,
		   (const char *const[]){ "ip", "link", "set", ifname, "up", NULL });
	if (rc < 0)
		return err_set(err, -rc, "set interface '%s' of '%s' up: %s", ifname, netns->path,
			       err_text(-rc));
	return 0;
}

int sys_netns_default_route(const struct netns *netns, int sock, struct in_addr gateway,
			    struct error *err)
{
	struct step step = step_begin();
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };
	char text[INET_ADDRSTRLEN];
	int rc;

	put_address(&route.rt_dst, (struct in_addr){ INADDR_ANY });
	put_address(&route.rt_genmask, (struct in_addr){ INADDR_ANY });
	put_address(&route.rt_gateway, gateway);
	rc = ioctl(sock, SIOCADDRT, &route) < 0 ? -errno : 0;
	(void)inet_ntop(AF_INET, &gateway, text, sizeof(text));
	end_inside(&step, rc, netns,
		   (const char *const[]){ "ip", "route", "add", "default", "via", text, NULL });
	if (rc < 0)
		return err_set(err, -rc, "add default route via '%s' in '%s': %s", text,
			       netns->path, err_text(-rc));
	return 0;
}
