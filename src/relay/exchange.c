#include "exchange.h"

#include "relay.h"

#include <slotd/cleanup.h>
#include <slotd/proxy.h>

#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

enum {
	KEEP_FIRST = 512,      /* most requests; so much stays with a spare one */
	KEEP_MOST = 16 * 1024, /* a longer request is not sent again */
	TRIM_FROM = 256,       /* exchanges at once that leave memory worth giving back */
	SPARE_MOST = 64,       /* exchanges kept for the next requests */
	READ_LEAST = 4096,     /* Go's bufio; gunicorn, Apache, Tomcat 8192; node, uvicorn 65536 */
};

#define TRIM_INTERVAL SECONDS(10)

/* A spare one with the memory of its last request, or a new one; NULL without memory. */
static struct exchange *take(struct relay *relay)
{
	struct exchange *e = relay->spare_exchanges;

	if (!e) {
		e = malloc(sizeof(*e));
		if (e) {
			e->kept = NULL;
			e->kept_room = 0;
		}
		return e;
	}
	relay->spare_exchanges = e->next;
	relay->n_spare_exchanges--;
	return e;
}

static void release(struct exchange *e)
{
	free(e->kept);
	free(e);
}

static void give_back(struct relay *relay, struct exchange *e)
{
	if (relay->n_spare_exchanges == SPARE_MOST || e->kept_room > KEEP_FIRST) {
		release(e);
		return;
	}
	e->next = relay->spare_exchanges;
	relay->spare_exchanges = e;
	relay->n_spare_exchanges++;
}

void exchanges_drop_spare(struct relay *relay)
{
	while (relay->spare_exchanges) {
		release(take(relay));
	}
}

void exchange_begin(struct conn *c)
{
	struct relay *relay = c->service->relay;
	struct exchange *e;

	if (c->service->protocol == PROTOCOL_TCP) {
		return;
	}
	e = take(relay);
	if (!e) {
		return;
	}
	follow_start(&e->follow, &relay->memo);
	e->n_kept = 0;
	e->keeps = c->service->retry != RETRY_NO;
	e->split = e->moved = e->retried = e->again = false;
	c->exchange = e;
	relay->n_exchanges++;
	relay->peak_exchanges = relay->n_exchanges > relay->peak_exchanges ? relay->n_exchanges
									   : relay->peak_exchanges;
}

/* An answer may take long: only a little memory stays with it. */
static void stop_keeping(struct exchange *e)
{
	if (e->kept_room > KEEP_FIRST) {
		free(TAKE_PTR(e->kept));
		e->kept_room = 0;
	}
	e->n_kept = 0;
	e->keeps = false;
}

/* After a rush everybody is idle: what the rush needed goes back. */
static void trim(struct relay *relay)
{
	const usec_t now = usec_monotonic();

	if (relay->peak_exchanges >= TRIM_FROM &&
	    now >= usec_add(relay->trimmed_at, TRIM_INTERVAL)) {
		relay->trimmed_at = now;
		relay->peak_exchanges = 0;
		exchanges_drop_spare(relay);
		(void)malloc_trim(0);
	}
}

void exchange_end(struct conn *c)
{
	struct relay *relay = c->service->relay;
	struct exchange *e = TAKE_PTR(c->exchange);

	if (!e) {
		return;
	}
	give_back(relay, e);
	if (--relay->n_exchanges == 0) {
		trim(relay);
	}
}

static bool make_room(struct exchange *e, size_t len)
{
	size_t room = e->kept_room ? e->kept_room : KEEP_FIRST;
	unsigned char *kept;

	while (room < len) {
		room *= 2;
	}
	if (room == e->kept_room) {
		return true;
	}
	kept = realloc(e->kept, room);
	if (!kept) {
		return false;
	}
	e->kept = kept;
	e->kept_room = (uint32_t)room;
	return true;
}

static void keep(struct exchange *e, const unsigned char *data, size_t len)
{
	if (!e->keeps) {
		return;
	}
	if (!data || len > KEEP_MOST - e->n_kept || !make_room(e, e->n_kept + len)) {
		stop_keeping(e);
		return;
	}
	memcpy(e->kept + e->n_kept, data, len);
	e->n_kept += (uint32_t)len;
}

/* ---- what is not followed, and may be said to another worker all the same */

static const char h2_preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum {
	H2_PREFACE = sizeof(h2_preface) - 1,
	H2_FRAME = 9, /* bytes before what it holds: RFC 9113, 4.1 */
	H2_PRIORITY = 2,
	H2_SETTINGS = 4,
	H2_WINDOW_UPDATE = 8,
};

static bool is_h2(const struct exchange *e)
{
	return e->n_kept >= H2_PREFACE && memcmp(e->kept, h2_preface, H2_PREFACE) == 0;
}

/* Is it a record with a handshake, which begins with the hello of a client? RFC 8446, 5.1 and 4. */
static bool is_tls(const struct exchange *e)
{
	return e->n_kept > 5 && e->kept[0] == 22 && e->kept[1] == 3 && e->kept[5] == 1;
}

/* Has the client of HTTP/2 sent whole frames, and none with a request? Many do so at first. */
static bool asks_nothing(const struct exchange *e)
{
	size_t at = H2_PREFACE;

	if (!is_h2(e)) {
		return false;
	}
	while (at + H2_FRAME <= e->n_kept) {
		const unsigned char *frame = e->kept + at;

		if (frame[3] != H2_PRIORITY && frame[3] != H2_SETTINGS &&
		    frame[3] != H2_WINDOW_UPDATE) {
			return false;
		}
		at += H2_FRAME + ((size_t)frame[0] << 16 | (size_t)frame[1] << 8 | frame[2]);
	}
	return at == e->n_kept;
}

/* A server reads HTTP/2's preface at once with what follows, and does nothing for a client of TLS
 * before it has all of the hello. Of another protocol nobody knows what a part of it may do. */
bool exchange_waits(const struct conn *c)
{
	const struct exchange *e = c->exchange;

	return e->keeps && !e->split && !e->retried && (is_h2(e) || is_tls(e));
}

/* ---- what is heard */

void exchange_heard(struct exchange *e, enum conn_end who, const unsigned char *data, size_t len)
{
	const enum follow_side side = who == CLIENT ? FOLLOW_CLIENT : FOLLOW_WORKER;

	if (data) {
		follow_heard(&e->follow, side, data, len);
	} else {
		follow_skip(&e->follow, side, len);
	}
	if (who == CLIENT) {
		e->split |= e->n_kept > 0 && !asks_nothing(e);
		keep(e, data, len);
	}
	/* A second request in the same bytes, or an answer: too late to send anything again. */
	if (e->keeps && (who == WORKER || follow_open(&e->follow) > 1)) {
		stop_keeping(e);
	}
}

void exchange_split(struct conn *c)
{
	if (c->exchange) {
		c->exchange->split = true;
	}
}

/* Can its worker have had nothing but the whole of it, by one read? On a unix socket there are no
 * segments. */
static bool was_one_read(const struct conn *c)
{
	const struct exchange *e = c->exchange;
	const unsigned header = c->service->proxy_protocol ? PROXY_HEADER_MAX : 0;
	int segment = 0;
	socklen_t len = sizeof(segment);

	if (e->split || e->n_kept + header > READ_LEAST) {
		return false;
	}
	if (getsockopt(c->side[WORKER].fd, IPPROTO_TCP, TCP_MAXSEG, &segment, &len) < 0) {
		return errno == EOPNOTSUPP;
	}
	return e->n_kept + header <= (unsigned)segment;
}

bool exchange_may_retry(const struct conn *c, bool unread)
{
	const struct exchange *e = c->exchange;

	if (!e || !e->keeps || c->side[CLIENT].broken || follow_answer_begun(&e->follow)) {
		return false;
	}
	/* A process that is killed may close its listening socket last: until then it takes
	 * connections, which nobody reads. */
	if (e->retried && (e->again || !unread || !was_one_read(c))) {
		return false;
	}
	if (follow_pinned(&e->follow, NULL)) {
		return unread && exchange_waits(c) && was_one_read(c);
	}
	if (follow_open(&e->follow) != 1 || !follow_requests_whole(&e->follow)) {
		return false;
	}
	if (unread && was_one_read(c)) {
		return true;
	}
	switch (follow_kind(&e->follow)) {
	case REQUEST_SAFE:
		return true;
	case REQUEST_IDEMPOTENT:
		return c->service->retry == RETRY_IDEMPOTENT;
	default:
		return false;
	}
}
