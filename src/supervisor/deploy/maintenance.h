#pragma once

/**
 * Pause and resume, offline and online, with the commands that announce them. They survive a
 * restart of slotd, in the ledger; offline survives a reboot as well, in the state file.
 */

#include "deploy/request.h"

#include <slotd/ledger.h>

/** A part of a service. */
int maintenance_init(struct service *s);
void maintenance_done(struct service *s);
/** The requests that wait for an answer are those of a process that is gone. */
void maintenance_forget(struct supervisor *sup);

/*
 * Each returns a negative errno with the sentence, or 1: then sup->decide is called for req->id
 * when it has taken effect and was announced, maybe before the function returns. -EBUSY: commands
 * that announce another one are running.
 */
/** New connections wait until service_resume, at most for pause_timeout. */
int service_pause(struct supervisor *sup, const struct job_request *req, struct diag *diag);
int service_resume(struct supervisor *sup, const struct job_request *req, struct diag *diag);
/** Requests are answered without a worker until service_online; req->arg (may be NULL) says why. */
int service_offline(struct supervisor *sup, const struct job_request *req, struct diag *diag);
int service_online(struct supervisor *sup, const struct job_request *req, struct diag *diag);

/** Takes it from the row that service_write_ledger wrote. A pause goes on until its end. */
void maintenance_from_ledger(struct service *s, const struct ledger_duty *row);
/** s->upkeep has been read from the state file. */
void maintenance_found(struct service *s);
