#include "trusted.h"

#include <ctype.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <slotd/trust.h>

#include "messages.h"

/* Whom slotd runs as, in the end. */
static uid_t our_user(const struct config *c)
{
	const struct owner *user = &c->supervisord.user;

	return user->uid == (uid_t)-1 ? geteuid() : user->uid;
}

/* ---- the files themselves */

/* As it was when its text was read, whatever has the name now. */
static void check_file(struct config *c, const char *file, const struct stat *st)
{
	const struct config_place at = {.file = file};
	struct diag why = {0};
	enum trust trust = trust_file(file, st, our_user(c), &why);

	if (trust == TRUST_ANYONE || (trust == TRUST_ONE && c->supervisord.for_slotd)) {
		config_error(c, at,
			     "%s; whoever can change root's configuration can act as root: chown "
			     "root and chmod go-w",
			     why.text);
	} else if (trust != TRUST_OURS) {
		config_warning(c, at,
			       "%s, who can thereby act as root; if that is not meant: chown root "
			       "and chmod go-w",
			       why.text);
	}
}

/* ---- commands */

static bool runs_as_root(const struct config *c, const struct program_config *p)
{
	return (p->user.uid == (uid_t)-1 ? our_user(c) : p->user.uid) == 0;
}

/* Of what root runs: "program x: command". */
static void tell(struct config *c, struct config_place at, const char *what, const char *path)
{
	struct diag why = {0};
	struct stat st;

	if (stat(path, &st) == 0 && trust_file(path, &st, 0, &why) > TRUST_IN_DIRECTORY) {
		config_warning(c, at,
			       "%s: %s, and is used as root; set user=, or chown root and chmod "
			       "go-w",
			       what, why.text);
	}
}

/* The program, where it stands there as a plain absolute path. */
static void check_command(struct config *c, struct config_place at, const char *what,
			  const char *command)
{
	size_t len = command ? strcspn(command, " \t\n'\"\\") : 0;
	CLEANUP(strbuf_done) struct strbuf path = {0};

	if (len && command[0] == '/' && (!command[len] || isspace((unsigned char)command[len])) &&
	    strbuf_add(&path, command, len) == 0) {
		tell(c, at, what, path.data);
	}
}

static bool has_hooks(const struct service_slot_config *slot)
{
	bool any = false;

	for (int hook = 0; hook < HOOK_MAX_; hook++) {
		any = any || slot->hooks[hook];
	}
	return any;
}

static void check_service(struct config *c, const struct service_config *s)
{
	char what[CONFIG_NAME_MAX + 64];

	for (int i = 0; i < SLOT_MAX_; i++) {
		const struct service_slot_config *slot = &s->slots[i];

		if (!slot->programs.len || !runs_as_root(c, slot->programs.at[0])) {
			continue;
		}
		(void)snprintf(what, sizeof(what), "service %s: prepare_directory", s->name);
		if (has_hooks(slot) && slot->prepare_directory) {
			tell(c, s->place, what, slot->prepare_directory);
		}
		(void)snprintf(what, sizeof(what), "service %s: health", s->name);
		if (s->health == HEALTH_EXEC) {
			check_command(c, s->place, what, slot->health_arg);
		}
	}
}

static void check_program(struct config *c, const struct program_config *p)
{
	char what[CONFIG_NAME_MAX + 64];

	(void)snprintf(what, sizeof(what), "program %s: command", p->name);
	if (runs_as_root(c, p)) {
		check_command(c, p->place, what, p->workers.at->command);
	}
}

/* ---- secrets */

static void check_credential(struct config *c, const struct program_config *p, const char *item)
{
	const char *path = strchr(item, ':') + 1;
	struct diag why = {0};
	struct stat st;

	if (stat(path, &st) < 0) {
		if (errno == ENOENT) {
			config_warning(c, p->place, "program %s: credential: there is no %s",
				       p->name, path);
		}
	} else if (!S_ISREG(st.st_mode)) {
		config_problem(c, p->place, "program %s: credential: %s is not a regular file",
			       p->name, path);
	} else if (trust_file(path, &st, our_user(c), &why) != TRUST_OURS) {
		config_problem(c, p->place,
			       "program %s: credential: %s; the worker is not started unless only "
			       "root and slotd's user can change %s",
			       p->name, why.text, path);
	}
}

static void check_credentials(struct config *c, const struct program_config *p)
{
	char *const *items = p->workers.at->credentials;

	if (items && !trust_is_in_memory(c->supervisord.run_dir)) {
		config_problem(
			c, p->place,
			"program %s: credential: it is for memory only, and run_dir=%s is on "
			"a disk; set run_dir= in [slotd] to a directory on a tmpfs",
			p->name, c->supervisord.run_dir);
	}
	for (; items && *items; items++) {
		check_credential(c, p, *items);
	}
}

void check_trust(struct config *c)
{
	vec_for_each (p, &c->programs) {
		if ((*p)->workers.len) {
			check_credentials(c, *p);
		}
		if ((*p)->workers.len && geteuid() == 0) {
			check_program(c, *p);
		}
	}
	vec_for_each (s, &c->services) {
		if (geteuid() == 0) {
			check_service(c, *s);
		}
	}
	for (size_t i = 0; geteuid() == 0 && i < c->files.len; i++) {
		check_file(c, c->files.at[i], &c->file_stats.at[i]);
	}
}
