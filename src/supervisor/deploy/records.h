#pragma once

/** State file, live_file, live_link, history: who waits for which. */

#include "service/service.h"

/** Reads the state file. 0, or -errno and diag when it cannot be read. */
int records_init(struct supervisor *sup, struct diag *diag);
void records_done(struct supervisor *sup);
/** What the state file says of a service. */
struct record {
	enum slot_id live;
	usec_t since; /* wall clock; 0: it does not say */
	char release[SLOT_MAX_][64];
	bool proven[SLOT_MAX_]; /* see struct service_slot */
};
/** 0, -ENOENT, or -EUCLEAN and diag. */
int records_find(struct supervisor *sup, const char *service, struct record *ret,
		 struct diag *diag);
/** Can the record of a flip to the target be written? Ends in RECORD_OK or RECORD_FAILED. */
void records_check(struct service *s);
/** Writes who is live; ends in RECORDED where the swap waits for it. */
void records_write(struct service *s);
/** Writes the state file alone (job numbers). */
void records_write_state(struct supervisor *sup);
/** One line of JSON for state_dir/history. Takes line. */
void records_history(struct supervisor *sup, char *line);
/** Where those lines are. */
void records_history_path(const struct supervisor *sup, char *buf, size_t size);
/** Compares live_file and live_link with what is live and puts them right. */
void records_repair(struct service *s);
/** A service is made: nothing of it is on its way yet. 0. */
int records_begin(struct service *s);
/** Forgets what is queued for a service that goes. */
void records_forget(struct service *s);
uint32_t records_next_job(struct supervisor *sup);
