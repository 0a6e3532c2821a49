#include "conn_close.h"

#include "canary.h"
#include "capacity.h"
#include "conn_lists.h"
#include "exchange.h"
#include "relay.h"
#include "reply.h"
#include "workers.h"

#include <slotd/cleanup.h>

#include <sys/socket.h>

static void side_close(struct conn *c, enum conn_end end)
{
	struct relay *relay = c->service->relay;

	loop_io_stop(relay->loop, &c->side[end].io);
	cleanup_closep(&c->side[end].fd);
	parcel_drop(&relay->copier, &c->side[end]);
}

void conn_end(struct conn *c)
{
	struct relay *relay = c->service->relay;
	struct relay_worker *w = c->worker;

	if (w && c->client_spoke && !c->worker_spoke) {
		count_add64(&worker_counts(w)->failed, 1);
	}
	if (w && c->worker_spoke && !c->kept_alive && w->one_shots < ONE_SHOTS) {
		w->one_shots++;
	}
	canary_drop_head(c);
	conn_leave(c);
	exchange_end(c);
	reply_drop(c);
	side_close(c, WORKER);
	side_close(c, CLIENT);
	c->next = relay->spare;
	relay->spare = c;
	relay->n_conns--;
	relay_tell_others(relay);
	if (w) {
		worker_released(w);
	}
	relay_relieved(relay);
}

void conn_abort(struct conn *c)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	for (int i = CLIENT; i <= WORKER; i++) {
		(void)setsockopt(c->side[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	}
	conn_end(c);
}

/* Bytes of an answer are on their way to the client, and perhaps not the last. */
static bool is_half_answered(const struct conn *c)
{
	if (c->side[CLIENT].unsent || (c->class == CONN_ANSWERED && reply_sends(c))) {
		return true;
	}
	return c->exchange ? follow_answer_begun(&c->exchange->follow)
			   : c->class == CONN_PINNED && c->worker_last && !c->switched;
}

void conn_cut(struct conn *c)
{
	if (is_half_answered(c)) {
		conn_abort(c);
	} else {
		conn_end(c);
	}
}
