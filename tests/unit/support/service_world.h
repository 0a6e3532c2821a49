#pragma once

/** A world (slotd_world.h) with a service "s": slot a has the program a, slot b has b. */

#include <check.h>
#include <slotd/cleanup.h>
#include <stdio.h>
#include <string.h>
#include <supervisor/deploy/jobs.h>
#include <supervisor/reload/reload.h>
#include <supervisor/service/service.h>
#include <supervisor/service/services.h>
#include <supervisor/worker/process.h>
#include <supervisor/worker/processes.h>

#include "fake.h"
#include "slotd_world.h"

#define auto_world CLEANUP(world_done) struct world

#define PROGRAMS "[program:a]\ncommand=web_a\n[program:b]\ncommand=web_b\n"
/* Settings of the service may follow. */
#define SERVICE_OF(listen)                                                 \
	"[service:s]\nlisten=" listen "\nslot_a=a\nslot_b=b\nhealth=tcp\n" \
	"worker=unix:@DIR@/%(program_name)s.sock\nlive_file=@DIR@/live\n"
#define SERVICE	 SERVICE_OF("unix:@DIR@/public.sock")
#define TWO_SLOT PROGRAMS SERVICE

static inline struct service *the_service(struct world *w)
{
	return service_find(w->sup, "s");
}

/** A job's number, or -errno and why. */
static inline int begin(struct world *w, enum swap_kind kind, struct diag *diag)
{
	const struct job_request req = {.kind = kind,
					.service = "s",
					.release = kind == SWAP_KIND_DEPLOY ? "v2" : NULL,
					.who = "ana",
					.trusted = true};
	int r = job_begin(w->sup, &req, diag);

	if (r > 0) {
		world_settle(w);
	}
	return r;
}

/** One that is not refused. */
static inline void go(struct world *w, enum swap_kind kind)
{
	struct diag diag = {0};

	ck_assert_msg(begin(w, kind, &diag) > 0, "%s", diag.text);
}

/** Until no job runs any more. */
static inline void finish(struct world *w)
{
	for (int i = 0; i < 600 && the_service(w)->job; i++) {
		world_advance(w, SECONDS(1));
	}
	ck_assert_msg(!the_service(w)->job, "it does not end:\n%s", world_log_end());
}

static inline void reload_with(struct world *w, const char *config)
{
	world_configure(w, config);
	reload_begin(w->sup, RELOAD_APPLY, 0, true);
	world_settle(w);
}

/** What a file of the world's directory holds; "" for none. Borrowed until the next. */
static inline const char *content(const struct world *w, const char *name)
{
	static char text[16 * 1024];
	char path[128];
	size_t n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	f = fopen(path, "re");
	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		(void)fclose(f);
	}
	text[n] = '\0';
	return text;
}

#define says(text, part) \
	ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in: %.2000s", part, text)
#define logged(part)                                                                    \
	ck_assert_msg(strstr(world_log(), part) != NULL, "\"%s\" is not in:\n%s", part, \
		      world_log_end())
#define not_logged(part) ck_assert_msg(strstr(world_log(), part) == NULL, "\"%s\" is said", part)
