/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/console.h"

#include <errno.h>
#include <sys/ioctl.h>

int console_make_raw(struct console *console, struct error *err)
{
	struct termios raw;

	if (tcgetattr(console->fd, &console->saved) < 0)
		return err_sys(err, "read the settings of the terminal");
	raw = console->saved;
	cfmakeraw(&raw);
	if (tcsetattr(console->fd, TCSANOW, &raw) < 0)
		return err_sys(err, "make the terminal raw");
	console->is_raw = true;
	return 0;
}

void console_restore(struct console *console)
{
	if (!console->is_raw)
		return;
	(void)tcsetattr(console->fd, TCSANOW, &console->saved);
	console->is_raw = false;
}

void console_size(int fd, uint16_t *ret_columns, uint16_t *ret_rows)
{
	struct winsize size;

	*ret_columns = *ret_rows = 0;
	if (ioctl(fd, TIOCGWINSZ, &size) < 0)
		return;
	*ret_columns = size.ws_col;
	*ret_rows = size.ws_row;
}

void console_copy_size(int fd, int master)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0)
		(void)ioctl(master, TIOCSWINSZ, &size);
}
