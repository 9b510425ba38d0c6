/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/mount_opts.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

enum effect {
	SET, /* an attribute of this mount */
	CLEAR,
	REC_SET, /* of this mount and those below */
	REC_CLEAR,
	PROPAGATE,
	REC_PROPAGATE,
	BIND,
	RBIND,
	TMPCOPYUP,
	IDMAP,
	RIDMAP,
	DATA_FLAG, /* a flag of the file system, passed on */
	NOTHING,   /* known and without effect */
};

static const struct option {
	const char *name;
	enum effect effect;
	uint64_t value;
} options_table[] = {
	{ "defaults", NOTHING, 0 },
	{ "bind", BIND, 0 },
	{ "rbind", RBIND, 0 },
	{ "ro", SET, MOUNT_ATTR_RDONLY },
	{ "rw", CLEAR, MOUNT_ATTR_RDONLY },
	{ "nosuid", SET, MOUNT_ATTR_NOSUID },
	{ "suid", CLEAR, MOUNT_ATTR_NOSUID },
	{ "nodev", SET, MOUNT_ATTR_NODEV },
	{ "dev", CLEAR, MOUNT_ATTR_NODEV },
	{ "noexec", SET, MOUNT_ATTR_NOEXEC },
	{ "exec", CLEAR, MOUNT_ATTR_NOEXEC },
	{ "nosymfollow", SET, MOUNT_ATTR_NOSYMFOLLOW },
	{ "symfollow", CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
	{ "nodiratime", SET, MOUNT_ATTR_NODIRATIME },
	{ "diratime", CLEAR, MOUNT_ATTR_NODIRATIME },
	{ "noatime", SET, MOUNT_ATTR_NOATIME },
	{ "atime", CLEAR, MOUNT_ATTR_NOATIME },
	{ "relatime", CLEAR, MOUNT_ATTR__ATIME }, /* MOUNT_ATTR_RELATIME is 0 */
	{ "norelatime", NOTHING, 0 },
	{ "strictatime", SET, MOUNT_ATTR_STRICTATIME },
	{ "nostrictatime", CLEAR, MOUNT_ATTR_STRICTATIME },
	{ "rro", REC_SET, MOUNT_ATTR_RDONLY },
	{ "rrw", REC_CLEAR, MOUNT_ATTR_RDONLY },
	{ "rnosuid", REC_SET, MOUNT_ATTR_NOSUID },
	{ "rsuid", REC_CLEAR, MOUNT_ATTR_NOSUID },
	{ "rnodev", REC_SET, MOUNT_ATTR_NODEV },
	{ "rdev", REC_CLEAR, MOUNT_ATTR_NODEV },
	{ "rnoexec", REC_SET, MOUNT_ATTR_NOEXEC },
	{ "rexec", REC_CLEAR, MOUNT_ATTR_NOEXEC },
	{ "rnosymfollow", REC_SET, MOUNT_ATTR_NOSYMFOLLOW },
	{ "rsymfollow", REC_CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
	{ "rnodiratime", REC_SET, MOUNT_ATTR_NODIRATIME },
	{ "rdiratime", REC_CLEAR, MOUNT_ATTR_NODIRATIME },
	{ "rnoatime", REC_SET, MOUNT_ATTR_NOATIME },
	{ "ratime", REC_CLEAR, MOUNT_ATTR_NOATIME },
	{ "rrelatime", REC_CLEAR, MOUNT_ATTR__ATIME },
	{ "rnorelatime", NOTHING, 0 },
	{ "rstrictatime", REC_SET, MOUNT_ATTR_STRICTATIME },
	{ "rnostrictatime", REC_CLEAR, MOUNT_ATTR_STRICTATIME },
	{ "shared", PROPAGATE, MS_SHARED },
	{ "rshared", REC_PROPAGATE, MS_SHARED },
	{ "private", PROPAGATE, MS_PRIVATE },
	{ "rprivate", REC_PROPAGATE, MS_PRIVATE },
	{ "slave", PROPAGATE, MS_SLAVE },
	{ "rslave", REC_PROPAGATE, MS_SLAVE },
	{ "unbindable", PROPAGATE, MS_UNBINDABLE },
	{ "runbindable", REC_PROPAGATE, MS_UNBINDABLE },
	{ "tmpcopyup", TMPCOPYUP, 0 },
	{ "idmap", IDMAP, 0 },
	{ "ridmap", RIDMAP, 0 },
	{ "sync", DATA_FLAG, 0 },
	{ "dirsync", DATA_FLAG, 0 },
	{ "lazytime", DATA_FLAG, 0 },
	{ "mand", DATA_FLAG, 0 },
	{ "async", NOTHING, 0 },
	{ "nolazytime", NOTHING, 0 },
	{ "nomand", NOTHING, 0 },
	{ "loud", NOTHING, 0 },
	{ "silent", NOTHING, 0 },
};

const char *mount_option_name(size_t i)
{
	return i < ARRAY_LEN(options_table) ? options_table[i].name : NULL;
}

static const struct option *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(options_table); i++) {
		if (strcmp(options_table[i].name, name) == 0)
			return &options_table[i];
	}
	return NULL;
}

/* Sets bits of one pair and takes them out of the other; access times are one field of bits. */
static void set_attr(uint64_t *set, uint64_t *clr, uint64_t value)
{
	if (value & MOUNT_ATTR__ATIME) {
		*set &= ~MOUNT_ATTR__ATIME;
		*clr |= MOUNT_ATTR__ATIME;
	} else {
		*clr &= ~value;
	}
	*set |= value;
}

static void clear_attr(uint64_t *set, uint64_t *clr, uint64_t value)
{
	*set &= ~value;
	*clr |= value & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : value;
}

static void apply(const struct option *option, struct mount_options *o)
{
	switch (option->effect) {
	case SET:
		set_attr(&o->attr_set, &o->attr_clr, option->value);
		break;
	case CLEAR:
		clear_attr(&o->attr_set, &o->attr_clr, option->value);
		break;
	case REC_SET:
		set_attr(&o->rec_attr_set, &o->rec_attr_clr, option->value);
		break;
	case REC_CLEAR:
		clear_attr(&o->rec_attr_set, &o->rec_attr_clr, option->value);
		break;
	case PROPAGATE:
	case REC_PROPAGATE:
		o->propagation = option->value;
		o->is_propagation_recursive = option->effect == REC_PROPAGATE;
		break;
	case BIND:
	case RBIND:
		o->is_bind = true;
		o->is_recursive = o->is_recursive || option->effect == RBIND;
		break;
	case TMPCOPYUP:
		o->is_tmpcopyup = true;
		break;
	case IDMAP:
	case RIDMAP:
		o->is_idmapped = true;
		o->is_idmap_recursive = option->effect == RIDMAP;
		break;
	case DATA_FLAG:
		strv_add(&o->data, option->name);
		break;
	case NOTHING:
		break;
	}
}

int mount_options_parse(const struct strv *options, struct mount_options *ret, struct error *err)
{
	struct mount_options o = { 0 };

	for (size_t i = 0; i < options->n; i++) {
		const char *name = options->items[i];
		const struct option *option = find(name);

		if (option) {
			apply(option, &o);
		} else if (!*name || strchr(name, ',')) {
			mount_options_fini(&o);
			return err_set(err, EINVAL, "mount option '%s': %s", name,
				       *name ? "holds a comma" : "is empty");
		} else {
			strv_add(&o.data, name);
		}
	}
	o.is_fs_read_only = (o.attr_set & MOUNT_ATTR_RDONLY) != 0;
	*ret = o;
	return 0;
}

void mount_options_fini(struct mount_options *options)
{
	strv_fini(&options->data);
}
