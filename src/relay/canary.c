#include "canary.h"

#include "conn_lists.h"
#include "cookie.h"
#include "exchange.h"
#include "relay.h"
#include "service_facts.h"

#include <slotd/cleanup.h>

#include <errno.h>
#include <string.h>

/*
 * What a connection draws decides whether it belongs to the canary. It draws once, when it is first
 * placed while there is a canary, so that it comes back to the same slot if it is placed again.
 */

/* ---- the draw */

static bool get_client(const struct conn *c, struct address *ret)
{
	ret->len = sizeof(ret->sa);
	return getpeername(c->side[CLIENT].fd, (struct sockaddr *)&ret->sa, &ret->len) == 0;
}

static bool is_from(const struct relay_service *s, const struct address *client)
{
	vec_for_each (network, &s->canary_from) {
		if (network_has(network, (const struct sockaddr *)&client->sa)) {
			return true;
		}
	}
	return false;
}

/* May this client get the canary at all? */
static bool is_invited(const struct conn *c)
{
	struct address client;

	return c->service->canary_from.len == 0 ||
	       (get_client(c, &client) && is_from(c->service, &client));
}

static uint16_t draw_turn(struct relay_service *s)
{
	return place_draw_turn(s->canary_turn++);
}

static uint16_t draw(struct conn *c)
{
	struct relay_service *s = c->service;
	struct address client;
	uint32_t hash;

	if (!is_invited(c)) {
		return DRAW_LIVE;
	}
	if (s->canary_by == CANARY_BY_SOURCE && get_client(c, &client)) {
		hash = place_hash((const struct sockaddr *)&client.sa);
		return hash ? place_draw_hash(hash) : draw_turn(s);
	}
	return draw_turn(s);
}

enum slot_id canary_slot(struct conn *c, struct switch_word word)
{
	if (word.weight && c->draw == DRAW_NONE) {
		c->draw = draw(c);
	}
	return place_slot(word, c->draw);
}

/* ---- by a cookie: the head of the first request must be there, and stays in the kernel until it
 * is. The kernel wakes us up for more bytes than we have seen (SO_RCVLOWAT of socket(7); it does
 * not heed that for unix sockets). */

static int low_water(const struct conn *c)
{
	int bytes = 0;
	socklen_t len = sizeof(bytes);

	return getsockopt(c->side[CLIENT].fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, &len) < 0 ? 0
											 : bytes;
}

static bool set_low_water(const struct conn *c, int bytes)
{
	return setsockopt(c->side[CLIENT].fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes)) == 0;
}

static void stop_waiting(struct conn *c)
{
	if (c->awaits_head) {
		c->awaits_head = false;
		(void)set_low_water(c, 1);
	}
}

/* So many bytes are there. False: no more will come, or nobody would tell us. */
static bool wait_for_more(struct conn *c, int n)
{
	if ((c->awaits_head && n < low_water(c)) || !set_low_water(c, n + 1)) {
		return false;
	}
	c->awaits_head = true;
	if (c->class == CONN_PARKED) { /* a head has begun, which may take so long and no longer */
		conn_leave(c);
		conn_enter(c, NULL, CONN_FRESH);
	}
	return true;
}

static ssize_t peek(const struct conn *c)
{
	return recv(c->side[CLIENT].fd, copier_buffer(&c->service->relay->copier), COOKIE_HEAD_MAX,
		    MSG_PEEK);
}

bool canary_awaits_head(struct conn *c)
{
	const struct relay_service *s = c->service;
	enum slot_id slot = SLOT_A;
	uint32_t hash = 0;
	ssize_t n;

	if (s->canary_by != CANARY_BY_COOKIE || !s->canary_cookie || c->draw != DRAW_NONE ||
	    !service_word(s).weight || service_answers(s) || !is_invited(c)) {
		stop_waiting(c);
		return false;
	}
	n = peek(c);
	if (n <= 0) {
		/* What comes only now would be read without a look at it. */
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	}
	switch (cookie_find((const char *)copier_buffer(&s->relay->copier), (size_t)n,
			    s->canary_cookie, &slot, &hash)) {
	case COOKIE_MORE:
		if (wait_for_more(c, (int)n)) {
			return true;
		}
		break;
	case COOKIE_SLOT:
		c->draw = slot == SLOT_A ? DRAW_A : DRAW_B;
		break;
	case COOKIE_HASH:
		c->draw = place_draw_hash(hash);
		break;
	default:
		break;
	}
	stop_waiting(c);
	return false;
}

bool canary_head_grew(const struct conn *c)
{
	return !c->awaits_head || peek(c) >= low_water(c);
}

/* What lies unread when a socket is closed makes its end a reset. */
void canary_drop_head(struct conn *c)
{
	if (c->awaits_head) {
		(void)recv(c->side[CLIENT].fd, copier_buffer(&c->service->relay->copier), COPY_SIZE,
			   0);
	}
}

/* ---- what slotd says */

static int read_networks(struct relay_service *s, const char *lines)
{
	char text[128];
	struct network n;
	int r = 0;

	while (*lines && r == 0) {
		const size_t len = strcspn(lines, "\n");

		(void)snprintf(text, sizeof(text), "%.*s", (int)len, lines);
		r = network_parse(text, &n, NULL);
		r = r == 0 ? vec_push(&s->canary_from, n) : r;
		lines += len + (lines[len] == '\n');
	}
	return r;
}

int canary_set(struct relay_service *s, const struct message *m)
{
	const char *cookie = message_text(m, TAG_CANARY_COOKIE);
	const char *from = message_text(m, TAG_CANARY_FROM);
	uint64_t by = message_u64(m, TAG_CANARY_BY);

	canary_done(s);
	s->canary_by = by < CANARY_BY_MAX_ ? (enum canary_by)by : CANARY_BY_CONNECTION;
	if (cookie && *cookie) {
		s->canary_cookie = strdup(cookie);
		if (!s->canary_cookie) {
			return -ENOMEM;
		}
	}
	return from ? read_networks(s, from) : 0;
}

void canary_done(struct relay_service *s)
{
	free(s->canary_cookie);
	s->canary_cookie = NULL;
	vec_done(&s->canary_from);
}

/* ---- how its requests went */

static struct relay_answers *answers_of(const struct relay_worker *w)
{
	struct relay *relay = w->service->relay;

	return relay->counts_answers && !w->service->is_preview
		       ? &relay->page->answers[w->place.key]
		       : NULL;
}

void answers_refused(const struct relay_worker *w)
{
	struct relay_answers *a = answers_of(w);

	if (a) {
		count_add64(&a->refused, 1);
	}
}

static bool is_unfollowed(const struct conn *c)
{
	return !c->exchange || follow_pinned(&c->exchange->follow, NULL);
}

void answers_heard(struct conn *c)
{
	struct relay_answers *a = answers_of(c->worker);
	unsigned n = 0, errors = 0;

	if (c->exchange) {
		follow_take_answers(&c->exchange->follow, &n, &errors);
	}
	if (!n && !c->worker_spoke && is_unfollowed(c)) {
		n = 1; /* of what is not followed, the first word */
	}
	if (a && n) {
		count_add64(&a->answered, n);
		count_add64(&a->errors, errors);
	}
}

void answers_lost(const struct conn *c)
{
	struct relay_answers *a = answers_of(c->worker);
	const bool lost = is_unfollowed(c) ? c->client_spoke && !c->worker_spoke
					   : follow_open(&c->exchange->follow) &&
						     !follow_answer_begun(&c->exchange->follow);

	if (a && lost) {
		count_add64(&a->lost, 1);
	}
}
