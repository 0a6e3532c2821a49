#include "file.h"

#include <errno.h>
#include <slotd/cleanup.h>
#include <string.h>

/* Ours, then Supervisor's list; the directory above its binary is /usr, or /usr/local from pip. */
static const char *const default_places[] = {
	FILE_OF_THE_UNIT,
	"/usr/etc/supervisord.conf",
	"/usr/supervisord.conf",
	"/usr/local/etc/supervisord.conf",
	"/usr/local/supervisord.conf",
	"supervisord.conf",
	"etc/supervisord.conf",
	"/etc/supervisord.conf",
	"/etc/supervisor/supervisord.conf",
};

const char *file_find_default(struct diag *diag)
{
	CLEANUP(strbuf_done) struct strbuf tried = {0};

	for (size_t i = 0; i < ARRAY_SIZE(default_places); i++) {
		if (access(default_places[i], F_OK) == 0) {
			return default_places[i];
		}
		(void)strbuf_addf(&tried, "%s%s", i ? ", " : "", default_places[i]);
	}
	(void)diag_set(diag, -ENOENT,
		       "No config file found at default paths (%s); use the -c option to specify a "
		       "config file at a different path",
		       strbuf_str(&tried));
	return NULL;
}

char *file_absolute(struct arena *memory, const char *path)
{
	CLEANUP(strbuf_done) struct strbuf whole = {0};
	auto_free char *cwd = NULL;

	if (path[0] == '/') {
		return arena_text(memory, path);
	}
	cwd = getcwd(NULL, 0);
	while (strncmp(path, "./", 2) == 0) {
		path += 2;
	}
	(void)strbuf_addf(&whole, "%s/%s", cwd && strcmp(cwd, "/") != 0 ? cwd : "", path);
	return arena_strbuf(memory, &whole);
}

char *file_directory(struct arena *memory, const char *path)
{
	char *whole = file_absolute(memory, path);
	char *slash = whole ? strrchr(whole, '/') : NULL;

	if (slash) {
		slash[slash == whole ? 1 : 0] = '\0';
	}
	return whole;
}
