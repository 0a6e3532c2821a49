#include <slotd/event.h>
#include <slotd/strbuf.h>
#include <slotd/utf8.h>

#include <errno.h>
#include <string.h>
#include <syslog.h>

static const char ready_line[] = "READY\n";
static const char result_word[] = "RESULT ";

/* ---- the buffer */

void pool_init(struct pool *p, uint32_t id, const char *name)
{
	*p = (struct pool){.name = name, .id = id};
}

int pool_configure(struct pool *p, const char *identifier, char *const *events,
		   unsigned buffer_size)
{
	p->identifier = identifier;
	p->buffer_size = buffer_size;
	memset(p->subscribed, 0, sizeof(p->subscribed));
	for (; events && *events; events++) {
		enum event_type asked_for = event_type_from_name(*events);

		if (asked_for < 0) {
			return -EINVAL;
		}
		for (int t = 0; t < EVENT_TYPE_MAX_; t++) {
			p->subscribed[t] |= event_type_is((enum event_type)t, asked_for);
		}
	}
	return 0;
}

void pool_done(struct pool *p)
{
	vec_for_each (entry, &p->buffer) {
		event_unref(entry->event);
	}
	vec_done(&p->buffer);
	vec_done(&p->listeners);
}

bool pool_wants(const struct pool *p, enum event_type t)
{
	return p->subscribed[t];
}

static void drop_oldest(struct pool *p, struct plan *plan)
{
	plan_log(plan, p->id, LOG_ERR, "pool %s event buffer overflowed, discarding event %llu",
		 p->name, (unsigned long long)p->buffer.at[0].event->serial);
	event_unref(p->buffer.at[0].event);
	vec_remove(&p->buffer, 0);
}

int pool_offer(struct pool *p, struct event *e, struct plan *plan)
{
	int r;

	if (p->buffer.len >= p->buffer_size) {
		drop_oldest(p, plan);
	}
	r = vec_push(&p->buffer, (struct pool_entry){e, p->next_serial});
	if (r == 0) {
		p->next_serial++;
		event_ref(e);
	}
	return r;
}

/* Back to the head, with the serials it had. Where there is no room the next oldest goes, as in
 * Supervisor. */
static void rebuffer(struct listener *l, struct plan *plan)
{
	struct pool *p = l->pool;
	struct event *e = l->event;

	l->event = NULL;
	plan_log(plan, l->id, LOG_DEBUG,
		 "rebuffering event %llu for pool %s (buf size=%zu, max=%u)",
		 (unsigned long long)e->serial, p->name, p->buffer.len, p->buffer_size);
	if (p->buffer.len >= p->buffer_size) {
		drop_oldest(p, plan);
	}
	if (vec_push(&p->buffer, (struct pool_entry){NULL, 0}) < 0) {
		event_unref(e);
		return;
	}
	memmove(&p->buffer.at[1], &p->buffer.at[0], (p->buffer.len - 1) * sizeof(*p->buffer.at));
	p->buffer.at[0] = (struct pool_entry){e, l->poolserial};
}

static char *envelope(const struct pool *p, const struct pool_entry *entry, size_t *ret_len)
{
	const struct event *e = entry->event;
	struct strbuf sb = {0};
	size_t len = e->len;

	if (!p->len_in_bytes) {
		(void)utf8_valid(e->payload, e->len, &len);
	}

	(void)strbuf_addf(&sb,
			  "ver:3.0 server:%s serial:%llu pool:%s poolserial:%llu eventname:%s "
			  "len:%zu\n",
			  p->identifier, (unsigned long long)e->serial, p->name,
			  (unsigned long long)entry->poolserial, event_type_name(e->type), len);
	(void)strbuf_add(&sb, e->payload, e->len);
	*ret_len = sb.len;
	return strbuf_take(&sb);
}

static struct listener *who_is_ready(const struct pool *p)
{
	vec_for_each (l, &p->listeners) {
		if ((*l)->running && (*l)->state == LISTENER_READY) {
			return *l;
		}
	}
	return NULL;
}

struct listener *pool_dispatch(struct pool *p, char **ret_envelope, size_t *ret_len)
{
	struct listener *l = p->buffer.len ? who_is_ready(p) : NULL;
	char *text = l ? envelope(p, &p->buffer.at[0], ret_len) : NULL;

	if (!text) {
		return NULL;
	}
	l->state = LISTENER_BUSY;
	l->event = p->buffer.at[0].event;
	l->poolserial = p->buffer.at[0].poolserial;
	vec_remove(&p->buffer, 0);
	*ret_envelope = text;
	return l;
}

/* ---- one listener */

static void expect_line(struct listener *l)
{
	l->line_len = 0;
	l->in_result = false;
}

void listener_init(struct listener *l, struct pool *p, uint32_t id, const char *name)
{
	*l = (struct listener){.pool = p, .name = name, .id = id};
}

void listener_lost(struct listener *l, struct plan *plan)
{
	l->running = false;
	l->state = LISTENER_ACKNOWLEDGED;
	expect_line(l);
	if (l->event) {
		rebuffer(l, plan);
	}
}

void listener_started(struct listener *l, struct plan *plan)
{
	listener_lost(l, plan);
}

void listener_done(struct listener *l, struct plan *plan)
{
	struct pool *p = l->pool;

	listener_lost(l, plan);
	for (size_t i = 0; i < p->listeners.len; i++) {
		if (p->listeners.at[i] == l) {
			vec_remove(&p->listeners, i);
			break;
		}
	}
}

bool listener_owed(const struct listener *l)
{
	return l->running && l->state != LISTENER_UNKNOWN && (l->event || l->pool->buffer.len);
}

static void broke(struct listener *l, struct plan *plan)
{
	l->state = LISTENER_UNKNOWN;
	plan_log(
		plan, l->id, LOG_WARNING,
		"%s: has entered the UNKNOWN state and will no longer receive events, this usually "
		"indicates the process violated the eventlistener protocol",
		l->name);
	if (l->event) {
		rebuffer(l, plan);
	}
}

static bool result_is(const struct listener *l, const char *word)
{
	return l->result_len == strlen(word) && memcmp(l->result, word, l->result_len) == 0;
}

static void finish_result(struct listener *l, struct plan *plan)
{
	struct pool *p = l->pool;
	bool accepted = p->rule == RESULT_OK_ACCEPTS ? result_is(l, "OK") : !result_is(l, "FAIL");

	plan_log(plan, l->id, accepted ? LOG_DEBUG : LOG_WARNING, "%s: event was %s", l->name,
		 accepted ? "processed" : "rejected");
	if (accepted) {
		if (p->accepted) {
			p->accepted(p, l->event);
		}
		l->event = event_unref(l->event);
	} else {
		rebuffer(l, plan);
	}
	l->state = LISTENER_ACKNOWLEDGED;
	plan_log(plan, l->id, LOG_DEBUG, "%s: BUSY -> ACKNOWLEDGED", l->name);
	expect_line(l);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* "RESULT <n>", with blanks around the number as Python's int() allows: -1 when it is not that. */
static long parse_result(const char *line, size_t len)
{
	size_t at = strlen(result_word);
	long n = 0;

	if (len <= at || memcmp(line, result_word, at) != 0) {
		return -1;
	}
	while (at < len && is_blank(line[at])) {
		at++;
	}
	while (len > at && is_blank(line[len - 1])) {
		len--;
	}
	if (at == len) {
		return -1;
	}
	for (size_t i = at; i < len; i++) {
		if (line[i] < '0' || line[i] > '9' || n > LISTENER_RESULT_MAX) {
			return -1;
		}
		n = n * 10 + (line[i] - '0');
	}
	return n <= LISTENER_RESULT_MAX ? n : -1;
}

static void result_line(struct listener *l, struct plan *plan)
{
	long n = parse_result(l->line, l->line_len - 1);

	if (n < 0) {
		plan_log(plan, l->id, LOG_WARNING, "%s: bad result line: '%.*s'", l->name,
			 (int)l->line_len - 1, l->line);
		broke(l, plan);
		return;
	}
	l->in_result = true;
	l->result_left = (size_t)n;
	l->result_len = 0;
	if (n == 0) {
		finish_result(l, plan);
	}
}

/* Collects the line up to its newline. False while it is not whole. */
static bool line_byte(struct listener *l, char c)
{
	if (l->line_len < sizeof(l->line)) {
		l->line[l->line_len++] = c;
	}
	return c == '\n' || l->line_len == sizeof(l->line);
}

static void acknowledged_byte(struct listener *l, char c, struct plan *plan)
{
	(void)line_byte(l, c);
	if (memcmp(l->line, ready_line, l->line_len) != 0) {
		broke(l, plan);
	} else if (l->line_len == strlen(ready_line)) {
		l->state = LISTENER_READY;
		plan_log(plan, l->id, LOG_DEBUG, "%s: ACKNOWLEDGED -> READY", l->name);
		expect_line(l);
	}
}

static void busy_byte(struct listener *l, char c, struct plan *plan)
{
	if (!l->in_result) {
		if (line_byte(l, c)) {
			result_line(l, plan);
		}
		return;
	}
	if (l->result_len < sizeof(l->result)) {
		l->result[l->result_len++] = c;
	}
	if (--l->result_left == 0) {
		finish_result(l, plan);
	}
}

/* At most one result and one READY are read before a further byte breaks the protocol, so the log
 * lines of one input are few. */
void listener_input(struct listener *l, const char *data, size_t len, struct plan *plan)
{
	for (size_t i = 0; i < len && l->state != LISTENER_UNKNOWN; i++) {
		switch (l->state) {
		case LISTENER_ACKNOWLEDGED:
			acknowledged_byte(l, data[i], plan);
			break;
		case LISTENER_BUSY:
			busy_byte(l, data[i], plan);
			break;
		default: /* READY: it must say nothing before it is asked */
			broke(l, plan);
		}
	}
}
