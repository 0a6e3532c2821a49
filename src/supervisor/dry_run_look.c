#include "dry_run_look.h"

#include <slotd/cleanup.h>
#include <slotd/listen.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static void look_at_disk(const struct dry_run_look *look)
{
	const char *const path = look->directory;
	struct statvfs fs;
	struct stat st;
	uint64_t room;

	if (!path) {
		return;
	}
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode) || statvfs(path, &fs) < 0) {
		(void)printf("!directory %s: %s\n", path,
			     errno ? strerrordesc_np(errno) : "it is not a directory");
		return;
	}
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	(void)printf("%sdisk: %s has %" PRIu64 " MB free", room < look->min_free ? "!" : "", path,
		     room >> 20);
	if (look->min_free) {
		(void)printf(", min_free=%" PRIu64 "MB", look->min_free >> 20);
	}
	(void)putchar('\n');
}

static void look_at_port(const struct dry_run_port *port)
{
	char holder[512];

	if (port->pid) {
		(void)printf("port %s: %s (pid %d), which is stopped first\n", port->address,
			     port->name, port->pid);
	} else if (listen_is_free(port->address)) {
		(void)printf("port %s: free, for %s\n", port->address, port->name);
	} else {
		(void)printf("!port %s: held by %s; %s could not listen on it\n", port->address,
			     listen_holder(port->address, holder, sizeof(holder)), port->name);
	}
}

int dry_run_look(void *data)
{
	const struct dry_run_look *look = data;

	errno = 0;
	look_at_disk(look);
	for (size_t i = 0; i < look->n_ports; i++) {
		look_at_port(&look->ports[i]);
	}
	return fflush(stdout) != 0;
}
