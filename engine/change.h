/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "engine/control.h"
#include "engine/options.h"
#include "engine/record.h"

/*
 * What can be changed of a container that has been made.  Of one that runs, its supervisor does it,
 * since nobody else writes its record then; it gets the change by its control socket.
 */
enum change_kind {
	CHANGE_CONNECT = 1, /* to options.networks[0] */
	CHANGE_DISCONNECT,  /* from options.networks[0] */
};

struct change {
	enum change_kind kind;
	struct run_options options; /* what it is changed to: those of @kind only; owned */
};
void change_fini(struct change *change);
#define auto_change __attribute__((cleanup(change_fini)))

/*
 * For struct control_message of CONTROL_CHANGE: *ret_fd (owned by the caller) goes with it.  And back;
 * *ret is the caller's to change_fini(), always.
 */
int change_pack(const struct change *change, struct control_message *ret, int *ret_fd,
		struct error *err);
int change_unpack(const struct control_message *message, int fd, struct change *ret,
		  struct error *err);

/*
 * Changes what the record says.  -EEXIST if it is in that network already, -ENOENT if it is not,
 * -EINVAL if it can be in none.  Pure.
 */
int change_record(struct record *record, const struct change *change, struct error *err);
