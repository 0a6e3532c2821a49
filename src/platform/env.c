#include <slotd/cleanup.h>
#include <slotd/spawn.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void env_done(struct env *e)
{
	for (size_t i = 0; i < e->len; i++) {
		free(e->at[i]);
	}
	free(e->at);
	*e = (struct env){0};
}

static char **find(const struct env *e, const char *name, size_t len)
{
	for (size_t i = 0; i < e->len; i++) {
		if (strncmp(e->at[i], name, len) == 0 && e->at[i][len] == '=') {
			return &e->at[i];
		}
	}
	return NULL;
}

/* Takes setting. */
static int put(struct env *e, char *setting)
{
	const char *equals = setting ? strchr(setting, '=') : NULL;
	char **old;

	if (!setting) {
		return -ENOMEM;
	}
	if (!equals) {
		free(setting);
		return 0;
	}
	old = find(e, setting, (size_t)(equals - setting));
	if (old) {
		free(*old);
		*old = setting;
		return 0;
	}
	if (e->len + 2 > e->room) {
		size_t room = e->room ? e->room * 2 : 64;
		char **at = realloc(e->at, room * sizeof(*at));

		if (!at) {
			free(setting);
			return -ENOMEM;
		}
		e->at = at;
		e->room = room;
	}
	e->at[e->len++] = setting;
	e->at[e->len] = NULL;
	return 0;
}

int env_set(struct env *e, const char *setting)
{
	return put(e, strdup(setting));
}

int env_setf(struct env *e, const char *fmt, ...)
{
	char *setting = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&setting, fmt, ap);
	va_end(ap);
	return n < 0 ? -ENOMEM : put(e, setting);
}

int env_add(struct env *e, char *const *list)
{
	int r = 0;

	for (; list && *list && r == 0; list++) {
		r = env_set(e, *list);
	}
	return r;
}

int env_inherit(struct env *e)
{
	static const char *const ours[] = {
		"NOTIFY_SOCKET",     "WATCHDOG_PID",   "WATCHDOG_USEC",	 "LISTEN_PID",
		"LISTEN_FDS",	     "LISTEN_FDNAMES", "LISTEN_PIDFDID", "STATE_DIRECTORY",
		"RUNTIME_DIRECTORY", "LOGS_DIRECTORY",
	};
	int r = env_add(e, environ);

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		env_unset(e, ours[i]);
	}
	return r;
}

void env_unset(struct env *e, const char *name)
{
	char **at = find(e, name, strlen(name));

	if (at) {
		size_t i = (size_t)(at - e->at);

		free(*at);
		memmove(at, at + 1, (e->len - i) * sizeof(*at)); /* the NULL too */
		e->len--;
	}
}

const char *env_get(const struct env *e, const char *name)
{
	size_t len = strlen(name);
	char **at = find(e, name, len);

	return at ? *at + len + 1 : NULL;
}
