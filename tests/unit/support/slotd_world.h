#pragma once

/**
 * A whole slotd in a fake world (fake.h): its own code from supervisor_start on, with a
 * configuration from text, in a directory of its own.
 *
 *	CLEANUP(world_done) struct world w = world_new("[program:web]\ncommand=web\n");
 *	world_advance(&w, SECONDS(1));
 *	ck_assert_str_eq(world_plan(&w), "spawn web");
 *	world_exit(&w, "web", 1);
 *
 * Workers are called after their command. world_done ends slotd and insists: no watcher is active,
 * no descriptor is open, no child is left.
 */

#include <supervisor/run.h>

struct world {
	struct supervisor *sup; /* NULL: it did not start */
	char dir[64];
	unsigned fds; /* that were open before */
	int error;    /* why it did not start */
	struct diag diag;
	char plan[4096];
};

/** Called before the slotd of a world of this test starts, with its directory; NULL. */
extern void (*world_before)(const char *dir);
/** slotd-relays of the worlds of this test; 1. */
extern unsigned world_relays;
/** Starts slotd. @DIR@ in the text is the world's directory. It must start. */
struct world world_new(const char *config);
/** As world_new; w->error says why it did not start. */
void world_try(struct world *w, const char *config);
void world_done(struct world *w);

/** Around what a test has slotd itself do: its calls may fail then (faults.h). */
void world_enter(struct world *w);
void world_leave(struct world *w);

/** Writes another configuration, for a reload. */
void world_configure(struct world *w, const char *config);
/** Until nothing happens any more without time passing. */
void world_settle(struct world *w);
/** Time passes; timers come when they are due. */
void world_advance(struct world *w, usec_t span);
/** A worker's process ends by itself. */
void world_exit(struct world *w, const char *name, int code);
/**
 * slotd is killed: no line of its code runs any more, its descriptors are closed, its workers and
 * slotd-keep go on. Descriptors that the test has opened since the world began are closed, too.
 */
void world_kill(struct world *w);
/** The next slotd starts, with the configuration of today. It must start. */
void world_again(struct world *w);
/** As world_again; w->error says why it did not start. */
void world_try_again(struct world *w);
/** As world_kill and world_again, but both are one process, whose children all of them are. */
void world_upgrade(struct world *w);
/** Has slotd end itself as by SIGTERM, and waits for it. False when it does not. */
bool world_stop(struct world *w);

/** What slotd did with processes since the last call: "spawn web; signal web TERM". */
const char *world_plan(struct world *w);
struct process *world_process(struct world *w, const char *namespec);
/** "RUNNING"; "none" when there is no such process. */
const char *world_state(struct world *w, const char *namespec);
/** slotd-control knows all that there is, and nothing that is not. */
void world_insist_shown(const struct world *w);
/** Lines of slotd's log since the world began. */
const char *world_log(void);
/** As much of its end as an assertion can say. */
const char *world_log_end(void);
