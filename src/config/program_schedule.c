/* schedule=: when a program runs, and in which time zone. */
#include "program_schedule.h"

#include "messages.h"

#include <slotd/cleanup.h>
#include <slotd/schedule.h>

#include <stdio.h>

#define ZONES	    "/usr/share/zoneinfo/"
#define SYSTEM_ZONE "/etc/localtime"

/* "Europe/Berlin": a path below ZONES, and no other. */
static bool is_zone_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789+-_/";

	return name[0] && name[0] != '/' && !name[strspn(name, letters)] && strlen(name) < 128;
}

static bool same_zone(const struct program_config *a, const struct program_config *b)
{
	return a->schedule_zone == b->schedule_zone ||
	       (a->schedule_zone && b->schedule_zone &&
		strcmp(a->schedule_zone, b->schedule_zone) == 0);
}

/* Many programs may have one zone: it is read once. */
static struct zone *known_zone(const struct program_making *m)
{
	vec_for_each (p, &m->l->config->programs) {
		if ((*p)->zone && same_zone(*p, m->program)) {
			return (*p)->zone;
		}
	}
	return NULL;
}

static void unreadable(const struct program_making *m, const char *path, int code)
{
	config_error(m->l->config, program_place(m, "schedule_zone"),
		     code == -ENOENT
			     ? "[%s] schedule_zone: there is no time zone %s (%s); write a name "
			       "like Europe/Berlin or UTC, or install the package tzdata"
			     : "[%s] schedule_zone: the time zone %s cannot be read (%s): %s",
		     m->spec->section->name, m->program->schedule_zone ?: "of the system", path,
		     strerror(-code));
}

/* The file's bytes have to last as long as what is read from them. */
static int keep_zone(const struct program_making *m, const char *path,
		     const struct source_answer *file, struct zone *zone)
{
	char *bytes = arena_alloc(m->l->config->memory, file->len + 1);
	struct diag diag = {0};

	if (!bytes) {
		return -ENOMEM;
	}
	memcpy(bytes, file->data, file->len);
	if (zone_read(bytes, file->len, &diag, zone) < 0) {
		config_error(m->l->config, program_place(m, "schedule_zone"),
			     "[%s] schedule_zone: %s %s; choose another zone",
			     m->spec->section->name, path, diag.text);
	}
	return 0;
}

static int load_zone(struct program_making *m)
{
	const char *name = m->program->schedule_zone;
	const struct source_answer *file;
	char path[sizeof(ZONES) + 128];

	m->program->zone = known_zone(m);
	if (m->program->zone) {
		return 0;
	}
	m->program->zone = arena_alloc(m->l->config->memory, sizeof(*m->program->zone));
	if (!m->program->zone) {
		return -ENOMEM;
	}
	if (name && !is_zone_name(name)) {
		config_error(m->l->config, program_place(m, "schedule_zone"),
			     "[%s] schedule_zone: '%.60s' is not the name of a time zone; write a "
			     "name like Europe/Berlin or UTC",
			     m->spec->section->name, name);
		return 0;
	}
	(void)snprintf(path, sizeof(path), "%s%s", name ? ZONES : SYSTEM_ZONE, name ?: "");
	file = sources_ask(&m->l->sources, SOURCE_TEXT, path);
	if (!file) {
		return -ENOMEM;
	}
	if (file->code < 0) {
		/* as the C library has it */
		if (file->code != -ENOENT || (name && strcmp(name, "UTC") != 0)) {
			unreadable(m, path, file->code);
		}
		return 0;
	}
	return keep_zone(m, path, file, m->program->zone);
}

static void contradicts(const struct program_making *m, const char *option, const char *why)
{
	config_error(m->l->config, program_place(m, option), "[%s] schedule= and %s: %s",
		     m->spec->section->name, option, why);
}

/* It is started by its schedule alone, and a run that is over in a moment is as good as any. */
static void settle_policy(struct program_making *m)
{
	const struct section *s = m->spec->section;
	struct program_config *p = m->program;

	if (section_option(s, "autostart") && p->autostart) {
		contradicts(m, "autostart",
			    "a program with a schedule starts at its times; remove the line, or "
			    "write schedule=@reboot");
	}
	if (section_option(s, "autorestart") && p->policy.autorestart != AUTORESTART_NEVER) {
		contradicts(m, "autorestart",
			    "a run that has ended is not repeated before the next time; remove "
			    "the line");
	}
	if (section_option(s, "startsecs") && p->policy.startsecs) {
		contradicts(m, "startsecs",
			    "a run may end as soon as its work is done; remove the line");
	}
	p->autostart = false;
	p->policy.autorestart = AUTORESTART_NEVER;
	p->policy.startsecs = 0;
}

int program_check_schedule(struct program_making *m)
{
	struct program_config *p = m->program;
	struct diag diag = {0};

	if (!p->schedule) {
		if (p->schedule_zone) {
			config_warning(m->l->config, program_place(m, "schedule_zone"),
				       "[%s] schedule_zone has no effect without schedule=",
				       m->spec->section->name);
		}
		return 0;
	}
	if (p->kind != PROGRAM_PLAIN) {
		config_error(m->l->config, program_place(m, "schedule"),
			     "[%s] schedule: only a [program:x] can have a schedule",
			     m->spec->section->name);
		return 0;
	}
	p->times = arena_alloc(m->l->config->memory, sizeof(*p->times));
	if (!p->times) {
		return -ENOMEM;
	}
	if (schedule_parse(p->schedule, &diag, p->times) < 0) {
		config_error(m->l->config, program_place(m, "schedule"), "[%s] schedule: %s",
			     m->spec->section->name, diag.text);
	}
	settle_policy(m);
	return load_zone(m);
}
