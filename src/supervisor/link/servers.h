#pragma once

/** The sockets that slotd-control serves. */

#include "supervisor.h"

struct helper;

enum {
	SERVER_OWN, /* run_dir/slotd.sock; the servers of the configuration follow */
};

/** Binds all sockets. Returns 0 or -errno. */
int servers_init(struct supervisor *sup, struct diag *diag);
/** Closes all sockets and removes the paths of unix sockets. */
void servers_done(struct supervisor *sup);
/** After a reload: sets who may connect to slotd's own socket. */
void servers_reconfigure(struct supervisor *sup);
/** A sentence on a server that a reload leaves as it is. */
typedef void servers_pending_fn(void *arg, const char *text);
/** Says in what the servers of a configuration differ from those that run; both are borrowed. */
void servers_pending(const struct supervisor *sup, const struct config *next,
		     servers_pending_fn *say, void *arg);
void servers_look_after(struct supervisor *sup);
void servers_refill(struct supervisor *sup, struct helper *control);
