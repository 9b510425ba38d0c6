/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cmd_image.h"
#include "cli/cmd_image_internal.h"
#include "cli/output.h"
#include "image/ref.h"
#include "image/remote.h"

/* ---- what pull and push share ----------------------------------------------------------------- */

enum { SHOW_AUTO, SHOW_PLAIN, SHOW_TTY, SHOW_JSON, SHOW_QUIET };

static const struct enum_name progress_names[] = {
	{ "auto", SHOW_AUTO }, { "plain", SHOW_PLAIN }, { "tty", SHOW_TTY },
	{ "json", SHOW_JSON }, { "quiet", SHOW_QUIET }, { NULL, 0 },
};

struct remote_flags {
	char *platform, *cert_dir;
	int progress, timeout;
	bool is_quiet, is_verified, has_all;
};

#define FLAG(member) .offset = OPT_FIELD(struct remote_flags, member)

#define CERT_DIR_OPTION                                                                           \
	{                                                                                         \
		.name = "cert-dir", .kind = OPT_STRING, FLAG(cert_dir), .arg = "DIR",             \
		.help = "Where ca.crt is, of the authority that signs the registry's certificate" \
	}
#define PROGRESS_OPTION                                                              \
	{                                                                            \
		.name = "progress", .kind = OPT_ENUM, FLAG(progress), .arg = "FORM", \
		.names = progress_names, .help = "auto, plain, tty, json or quiet"   \
	}
#define TLS_OPTION                                                                          \
	{                                                                                   \
		.name = "tls-verify", .kind = OPT_FLAG, FLAG(is_verified),                  \
		.help = "Only over TLS with a good certificate; --tls-verify=false: or not" \
	}

#define TIMEOUT_OPTION                                                                         \
	{                                                                                      \
		.name = "timeout", .kind = OPT_INT, FLAG(timeout), .arg = "SECONDS", .min = 1, \
		.max = 3600, .help = "Give up a registry that sends nothing for so long (30)"  \
	}

static const struct opt pull_opts[] = {
	{ .name = "all-tags",
	  .letter = 'a',
	  .kind = OPT_FLAG,
	  FLAG(has_all),
	  .help = "Take all tags of NAME, which is without one" },
	CERT_DIR_OPTION,
	{ .name = "platform",
	  .kind = OPT_STRING,
	  FLAG(platform),
	  .arg = "OS/ARCH",
	  .help = "Take the image for another machine: linux/arm64/v8" },
	PROGRESS_OPTION,
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPT_FLAG,
	  FLAG(is_quiet),
	  .help = "Print the name only" },
	TIMEOUT_OPTION,
	TLS_OPTION,
	OPTS_END,
};

static const struct opt push_opts[] = {
	CERT_DIR_OPTION,
	PROGRESS_OPTION,
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPT_FLAG,
	  FLAG(is_quiet),
	  .help = "Print the name only" },
	TIMEOUT_OPTION,
	TLS_OPTION,
	OPTS_END,
};

static void flags_init(void *options)
{
	((struct remote_flags *)options)->is_verified = true;
}

static void flags_fini(void *options)
{
	struct remote_flags *flags = options;

	free(flags->platform);
	free(flags->cert_dir);
}

static enum registry_progress progress_of(const struct remote_flags *flags)
{
	static const enum registry_progress forms[] = { [SHOW_PLAIN] = PROGRESS_PLAIN,
							[SHOW_TTY] = PROGRESS_TTY,
							[SHOW_JSON] = PROGRESS_JSON,
							[SHOW_QUIET] = PROGRESS_QUIET };

	return flags->is_quiet || flags->progress == SHOW_AUTO ? remote_progress(flags->is_quiet)
							       : forms[flags->progress];
}

static struct remote_options options_of(const struct remote_flags *flags)
{
	return (struct remote_options){
		.platform = flags->platform,
		.cert_dir = flags->cert_dir,
		.is_insecure = !flags->is_verified,
		.stall_seconds = flags->timeout,
		.progress = progress_of(flags),
	};
}

/* ---- pull ------------------------------------------------------------------------------------- */

/* Said as they come: there may be many. */
static void tell_pulled(void *arg, const struct remote_pulled *pulled)
{
	const struct remote_flags *flags = arg;
	auto_str struct str out = { 0 };
	struct error ignored = { 0 };

	if (flags->is_quiet)
		return;
	remote_pulled_text(pulled, &out);
	(void)output_print(&out, &ignored);
}

static int pull_all(struct remote_flags *flags, const char *name, struct error *err)
{
	const struct remote_options remote = options_of(flags);
	auto_free char *full = NULL;
	auto_str struct str out = { 0 };
	int rc = remote_pull_all(IMAGE_STORE, name, &remote, tell_pulled, flags, &full, err);

	if (rc < 0)
		return rc;
	str_addf(&out, "%s\n", full);
	return output_print(&out, err);
}

static int run_pull(void *options, const struct strv *args, struct error *err)
{
	const struct remote_flags *flags = options;
	const struct remote_options remote = options_of(flags);
	struct remote_pulled pulled = { 0 };
	auto_str struct str out = { 0 };
	int rc;

	if (flags->has_all)
		return pull_all(options, args->items[0], err);
	rc = remote_pull(IMAGE_STORE, args->items[0], &remote, &pulled, err);

	if (rc == 0 && !flags->is_quiet)
		remote_pulled_text(&pulled, &out);
	if (rc == 0)
		str_addf(&out, "%s\n", pulled.name);
	remote_pulled_fini(&pulled);
	return rc < 0 ? rc : output_print(&out, err);
}

#define PULL_COMMAND(name_, group_)                                                                \
	{                                                                                          \
		.name = (name_), .group = (group_), .summary = "Get an image from a registry",     \
		.synopsis = "[OPTIONS] NAME[:TAG|@DIGEST]",                                        \
		.details =                                                                         \
			"Layers come several at a time and are verified and unpacked while they "  \
			"do; those that\nare there are not fetched, and one that came by half is " \
			"gone on with the next time.",                                             \
		.opts = pull_opts, .options_size = sizeof(struct remote_flags),                    \
		.options_init = flags_init, .options_fini = flags_fini, .min_args = 1,             \
		.max_args = 1, .run = run_pull                                                     \
	}

const struct command cmd_pull = PULL_COMMAND("pull", "Images");
const struct command cmd_image_pull = PULL_COMMAND("image pull", NULL);

/* ---- push ------------------------------------------------------------------------------------- */

static int run_push(void *options, const struct strv *args, struct error *err)
{
	const struct remote_flags *flags = options;
	const struct remote_options remote = options_of(flags);
	auto_str struct str out = { 0 };
	char digest[DIGEST_TEXT];
	int rc = remote_push(IMAGE_STORE, args->items[0], &remote, digest, err);

	if (rc < 0)
		return rc;
	if (flags->is_quiet)
		str_addf(&out, "%s\n", args->items[0]);
	else
		str_addf(&out, "Digest: %s\n", digest);
	return output_print(&out, err);
}

#define PUSH_COMMAND(name_, group_)                                                               \
	{                                                                                         \
		.name = (name_), .group = (group_), .summary = "Put an image into a registry",    \
		.synopsis = "[OPTIONS] NAME[:TAG]",                                               \
		.details = "What the registry has of it already is not sent.", .opts = push_opts, \
		.options_size = sizeof(struct remote_flags), .options_init = flags_init,          \
		.options_fini = flags_fini, .min_args = 1, .max_args = 1, .run = run_push         \
	}

const struct command cmd_push = PUSH_COMMAND("push", "Images");
const struct command cmd_image_push = PUSH_COMMAND("image push", NULL);

/* ---- login ------------------------------------------------------------------------------------ */

struct login_options {
	struct remote_flags flags; /* first: FLAG() */
	char *user, *password;
	bool has_stdin;
};

static const struct opt login_opts[] = {
	CERT_DIR_OPTION,
	{ .name = "password",
	  .letter = 'p',
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct login_options, password),
	  .arg = "PASSWORD",
	  .help = "The password, which others can see then; better:" },
	{ .name = "password-stdin",
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct login_options, has_stdin),
	  .help = "Read it from standard input" },
	TLS_OPTION,
	{ .name = "username",
	  .letter = 'u',
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct login_options, user),
	  .arg = "NAME",
	  .help = "Who you are there" },
	OPTS_END,
};

static void login_init(void *options)
{
	flags_init(&((struct login_options *)options)->flags);
}

static void login_fini(void *options)
{
	struct login_options *o = options;

	flags_fini(&o->flags);
	free(o->user);
	if (o->password)
		explicit_bzero(o->password, strlen(o->password));
	free(o->password);
}

static int read_line(char **ret, struct error *err)
{
	size_t room = 0;
	ssize_t n = getline(ret, &room, stdin);

	if (n < 0)
		return err_set(err, EINVAL, "login: nothing on standard input");
	(*ret)[strcspn(*ret, "\r\n")] = '\0';
	return 0;
}

static int ask(const char *question, bool is_secret, char **ret, struct error *err)
{
	struct termios before, quiet;
	bool is_hidden = is_secret && tcgetattr(STDIN_FILENO, &before) == 0;
	int rc;

	(void)fprintf(stderr, "%s: ", question);
	if (is_hidden) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	rc = read_line(ret, err);
	if (is_hidden) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		(void)fputc('\n', stderr);
	}
	return rc;
}

static int complete(struct login_options *o, struct error *err)
{
	int rc = 0;

	if (o->has_stdin && (o->password || !o->user))
		return err_set(err, EINVAL, "login: --password-stdin goes with --username alone");
	if (!o->has_stdin && (!o->user || !o->password) && !isatty(STDIN_FILENO))
		return err_set(err, EINVAL,
			       "login: no terminal to ask at: --username and --password-stdin");
	if (!o->user)
		rc = ask("Username", false, &o->user, err);
	if (rc == 0 && o->has_stdin)
		rc = read_line(&o->password, err);
	else if (rc == 0 && !o->password)
		rc = ask("Password", true, &o->password, err);
	if (rc == 0 && (!*o->user || !*o->password || strchr(o->user, ':')))
		rc = err_set(err, EINVAL,
			     "login: a name without ':' and a password that is not empty");
	return rc;
}

/* "https://host/v2/" -> "host"; caller frees. */
static char *host_of(const struct strv *args)
{
	const char *text = args->n ? args->items[0] : "docker.io";
	const char *scheme = strstr(text, "://");

	text = scheme ? scheme + 3 : text;
	if (str_starts(text, "index.docker.io"))
		text = "docker.io";
	return xstrndup(text, strcspn(text, "/"));
}

static int run_login(void *options, const struct strv *args, struct error *err)
{
	struct login_options *o = options;
	const struct remote_options remote = options_of(&o->flags);
	auto_free char *host = host_of(args);
	auto_free char *where = NULL;
	auto_str struct str out = { 0 };
	int rc = complete(o, err);
	struct credentials credentials = { .user = o->user, .password = o->password };

	if (rc == 0)
		rc = remote_login(host, &remote, &credentials, err);
	if (rc == 0)
		rc = credentials_store(host, &credentials, &where, err);
	if (rc < 0)
		return rc;
	str_addf(&out, "Credentials are kept by %s\nLogin Succeeded\n", where);
	return output_print(&out, err);
}

const struct command cmd_login = {
	.name = "login",
	.group = "Images",
	.summary = "Log in to a registry",
	.synopsis = "[OPTIONS] [SERVER]",
	.details =
		"Without SERVER, docker.io.  They are kept where docker's users have them: by the\n"
		"credential helper of ~/.docker/config.json, or in that file, where whoever can\n"
		"read it can read them.",
	.opts = login_opts,
	.options_size = sizeof(struct login_options),
	.options_init = login_init,
	.options_fini = login_fini,
	.max_args = 1,
	.run = run_login,
};

static int run_logout(void *options, const struct strv *args, struct error *err)
{
	auto_free char *host = host_of(args);
	auto_str struct str out = { 0 };
	int rc = credentials_erase(host, err);

	(void)options;
	if (rc < 0)
		return rc;
	str_addf(&out, rc ? "Removed login credentials for %s\n" : "Not logged in to %s\n", host);
	return output_print(&out, err);
}

const struct command cmd_logout = {
	.name = "logout",
	.group = "Images",
	.summary = "Forget the credentials for a registry",
	.synopsis = "[SERVER]",
	.max_args = 1,
	.run = run_logout,
};
