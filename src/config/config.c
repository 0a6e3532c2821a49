/* A configuration as an object: finding things in it, its end. */
#include <slotd/config.h>

#include "arena.h"

struct group_config *config_group(const struct config *c, const char *name)
{
	vec_for_each (g, &c->groups) {
		if (strcmp((*g)->name, name) == 0) {
			return *g;
		}
	}
	return NULL;
}

struct program_config *config_program(const struct config *c, const char *name)
{
	vec_for_each (p, &c->programs) {
		if (strcmp((*p)->name, name) == 0) {
			return *p;
		}
	}
	return NULL;
}

struct service_config *config_service(const struct config *c, const char *name)
{
	vec_for_each (s, &c->services) {
		if (strcmp((*s)->name, name) == 0) {
			return *s;
		}
	}
	return NULL;
}

struct config *config_free(struct config *c)
{
	if (!c) {
		return NULL;
	}
	vec_for_each (p, &c->programs) {
		vec_done(&(*p)->workers); /* the rest is in the config's memory */
	}
	vec_for_each (g, &c->groups) {
		vec_done(&(*g)->programs);
		vec_done(&(*g)->workers);
	}
	vec_for_each (s, &c->services) {
		vec_done(&(*s)->listen);
		vec_done(&(*s)->slots[SLOT_A].programs);
		vec_done(&(*s)->slots[SLOT_B].programs);
	}
	vec_done(&c->user_names);
	vec_done(&c->grants);
	vec_done(&c->servers);
	vec_done(&c->programs);
	vec_done(&c->groups);
	vec_done(&c->services);
	vec_done(&c->messages);
	vec_done(&c->origins);
	vec_done(&c->files);
	vec_done(&c->file_stats);
	c->memory = arena_free(c->memory);
	free(c);
	return NULL;
}
