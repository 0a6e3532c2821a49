#pragma once

/** What is kept while a request is open: the state of following and, for retry, its bytes. */

#include "connection.h"
#include "follow.h"

struct relay;

struct exchange {
	struct exchange *next; /* of a spare one */
	struct follow follow;
	unsigned char *kept; /* all that the client has sent since it was between requests */
	uint32_t n_kept, kept_room;
	bool keeps;    /* kept is complete so far */
	bool split;    /* what may ask for something took more than one write to the worker */
	bool moved;    /* it was taken from a worker that left it unread for long */
	bool retried;  /* a worker has died with it, and another one got it... */
	bool again;    /* ...which died too, and had not read it */
	uint32_t died; /* key of the worker that has died */
};

/** Makes one for a connection whose service follows; without memory it is not followed. */
void exchange_begin(struct conn *c);
/** Takes the exchange off the connection. Harmless if there is none. */
void exchange_end(struct conn *c);
/** Frees the exchanges that are kept for further requests. */
void exchanges_drop_spare(struct relay *relay);
/** One side has sent this; data is NULL if it was spliced. */
void exchange_heard(struct exchange *e, enum conn_end who, const unsigned char *data, size_t len);
/** Has the client of a pinned connection said nothing but the beginning of HTTP/2 or TLS, and its
 * worker nothing? It may have to be said to another one. */
bool exchange_waits(const struct conn *c);
/** The client's last bytes went to the worker in more than one write. */
void exchange_split(struct conn *c);
/**
 * May its request go to another worker, now that its own has ended?
 *
 * @unread  the kernel has shown that the worker left some of the request unread, or never got it;
 *	    needed for the beginning of HTTP/2 or TLS.
 *	    That alone does not prove that nothing was executed: a server may begin with the head
 *	    and leave the body. So the request must also have been one write and one TCP segment, no
 *	    longer than every server reads at once.
 */
bool exchange_may_retry(const struct conn *c, bool unread);
