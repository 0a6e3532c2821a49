#include <slotd/cleanup.h>
#include <slotd/spawn.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void env_done(struct env *e)
{
	for (size_t i = 0; i < e->len; i++) {
		if (e->owned[i]) {
			free(e->at[i]);
		}
	}
	free(e->at);
	free(e->owned);
	*e = (struct env){0};
}

/* Its place, or len. */
static size_t find(const struct env *e, const char *name, size_t len)
{
	size_t i = 0;

	while (i < e->len && (e->at[i][0] != name[0] || strncmp(e->at[i], name, len) != 0 ||
			      e->at[i][len] != '=')) {
		i++;
	}
	return i;
}

static int grow(struct env *e)
{
	size_t room = e->room ? e->room * 2 : 128;
	char **at = realloc(e->at, room * sizeof(*at));
	bool *owned;

	if (!at) {
		return -ENOMEM;
	}
	e->at = at;
	owned = realloc(e->owned, room * sizeof(*owned));
	if (!owned) {
		return -ENOMEM;
	}
	e->owned = owned;
	e->room = room;
	return 0;
}

/* Takes setting if it is owned. */
static int put(struct env *e, char *setting, bool owned)
{
	const char *equals = setting ? strchr(setting, '=') : NULL;
	size_t i;

	if (!setting) {
		return -ENOMEM;
	}
	i = equals ? find(e, setting, (size_t)(equals - setting)) : 0;
	if (!equals || (i == e->len && e->len + 2 > e->room && grow(e) < 0)) {
		if (owned) {
			free(setting);
		}
		return equals ? -ENOMEM : 0;
	}
	if (i < e->len && e->owned[i]) {
		free(e->at[i]);
	}
	e->at[i] = setting;
	e->owned[i] = owned;
	if (i == e->len) {
		e->at[++e->len] = NULL;
	}
	return 0;
}

int env_set(struct env *e, const char *setting)
{
	return put(e, strdup(setting), true);
}

int env_setf(struct env *e, const char *fmt, ...)
{
	char *setting = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&setting, fmt, ap);
	va_end(ap);
	return n < 0 ? -ENOMEM : put(e, setting, true);
}

int env_add(struct env *e, char *const *list)
{
	int r = 0;

	for (; list && *list && r == 0; list++) {
		r = put(e, *list, false);
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

int env_for_helper(struct env *e)
{
	static const char *const prefixes[] = {
		"PATH=", "TZ=",	  "TZDIR=", "LANG=", "LC_",	"LD_",
		"ASAN_", "LSAN_", "UBSAN_", "GCOV_", "MALLOC_", "GLIBC_TUNABLES=",
	};
	int r = 0;

	for (char **at = environ; at && *at && r == 0; at++) {
		for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
			if (strncmp(*at, prefixes[i], strlen(prefixes[i])) == 0) {
				r = env_add(e, (char *[]){*at, NULL});
				break;
			}
		}
	}
	return r;
}

void env_unset(struct env *e, const char *name)
{
	size_t i = find(e, name, strlen(name));

	if (i == e->len) {
		return;
	}
	if (e->owned[i]) {
		free(e->at[i]);
	}
	memmove(&e->at[i], &e->at[i + 1], (e->len - i) * sizeof(*e->at)); /* the NULL too */
	memmove(&e->owned[i], &e->owned[i + 1], (e->len - i - 1) * sizeof(*e->owned));
	e->len--;
}

const char *env_get(const struct env *e, const char *name)
{
	size_t len = strlen(name), i = find(e, name, len);

	return i < e->len ? e->at[i] + len + 1 : NULL;
}

bool env_list_has(char *const *list, const char *name)
{
	const size_t len = strlen(name);

	for (; list && *list; list++) {
		if (strncmp(*list, name, len) == 0 && (*list)[len] == '=') {
			return true;
		}
	}
	return false;
}
