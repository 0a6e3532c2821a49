#pragma once

/** The sockets that slotd-control serves. */

#include "supervisor.h"

struct helper;

enum {
	SERVER_OWN, /* run_dir/slotd.sock; those of the configuration follow */
};

/** Binds them all. 0 or -errno. */
int servers_init(struct supervisor *sup, struct diag *diag);
/** Closes them and removes the paths of unix sockets. */
void servers_done(struct supervisor *sup);
/** At a reload: who may open slotd's own socket. */
void servers_reconfigure(struct supervisor *sup);
void servers_look_after(struct supervisor *sup);
void servers_refill(struct supervisor *sup, struct helper *control);
