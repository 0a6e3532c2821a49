#pragma once

/** Between http.c (connections) and request.c (what is asked on them). */

#include "http.h"

struct client {
	struct server *server;
	struct MHD_Connection *connection;
	int fd; /* libmicrohttpd's */
	struct peer peer;
	struct client *next, *previous;
	struct request *rq;	    /* the current one */
	struct loop_timer deadline; /* for a request to arrive */
	bool good;		    /* made a request that was let in */
	bool nul;		    /* the request's line has one, encoded */
	bool closing;
	bool watched; /* in gone_fd */
	bool left;    /* its end was seen there */
};

/** Shuts it down; libmicrohttpd then closes it. */
void client_close(struct client *c);
/** Its request is over: it is the least idle one now. */
void client_rest(struct client *c);
/** Wants to know when it goes away. */
void client_watch(struct client *c);
/** Time runs for a request, or its rest, to arrive. */
void client_hurry(struct client *c);

/* request.c: libmicrohttpd's callbacks; data is the struct http. */
enum MHD_Result request_received(void *data, struct MHD_Connection *connection, const char *url,
				 const char *method, const char *version, const char *body,
				 size_t *size, void **rq);
void request_completed(void *data, struct MHD_Connection *connection, void **rq,
		       enum MHD_RequestTerminationCode how);
/** The client of a parked or streaming request left. */
void request_abandon(struct request *rq);
