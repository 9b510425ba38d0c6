/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sock.h"

int terminal_open(const struct dir *root, uint16_t width, uint16_t height, int *ret_master,
		  int *ret_slave, struct error *err)
{
	const struct winsize size = { .ws_col = width, .ws_row = height };
	auto_fd int master = -1;
	auto_fd int slave = -1;
	struct stat st;
	int locked = 0;

	master = open_in_root(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, 0, err);
	if (master < 0)
		return err_wrap(err, "make a terminal");
	/* ptmx of a devpts is device 5:2, whatever the image put at its name. */
	if (fstat(master, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2))
		return err_set(err, ENODEV, "make a terminal: '/dev/pts/ptmx' is no devpts");
	if (ioctl(master, TIOCSPTLCK, &locked) < 0)
		return err_sys(err, "unlock the terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_sys(err, "open the terminal's other end");
	if (width && height && ioctl(master, TIOCSWINSZ, &size) < 0)
		return err_sys(err, "set the terminal's size");
	*ret_master = take_fd(&master);
	*ret_slave = take_fd(&slave);
	return 0;
}

int terminal_adopt(int slave, struct error *err)
{
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return err_sys(err, "make the terminal the controlling one");
	for (int i = 0; i < 3; i++) {
		if (dup2(slave, i) < 0)
			return err_sys(err, "use the terminal as descriptor %d", i);
	}
	return 0;
}

int terminal_send(const char *path, int master, struct error *err)
{
	static const char name[] = "/dev/ptmx";
	auto_fd int sock = sock_connect(path, SOCK_STREAM, err);

	if (sock < 0)
		return err_wrap(err, "send the terminal to '%s'", path);
	return sock_send(sock, name, sizeof(name) - 1, &master, 1, err);
}

int terminal_send_pidfd(const char *path, int pidfd, struct error *err)
{
	static const char name[] = "pidfd";
	auto_fd int sock = sock_connect(path, SOCK_STREAM, err);

	if (sock < 0)
		return err_wrap(err, "send the pidfd to '%s'", path);
	return sock_send(sock, name, sizeof(name) - 1, &pidfd, 1, err);
}
