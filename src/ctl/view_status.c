/*
 * status for people: a line a service, under it only the workers that need somebody or say
 * something of themselves; then the programs that belong to no service; then what to type about it.
 */

#include "names.h"
#include "view.h"

#include <slotd/cleanup.h>
#include <stdlib.h>
#include <string.h>

enum {
	FLAPPING_RESTARTS = 3,	   /* more than this many, and not up for long since */
	FLAPPING_UPTIME = 10 * 60, /* seconds */
	TODO_MAX = 5,		   /* commands that are spelled out */
	NAME_MIN = 24,
	DESCRIPTION_MIN = 30,
	DESCRIPTION_MAX = 60,
};

struct page {
	struct strbuf *to;
	struct strbuf todo; /* commands to type, one after the other */
	unsigned needs;
	size_t name_width, description_width;
	usec_t now;
};

/* ---- does it need you, and why ------------------------------------------------------------------
 */

static bool in_live_slot(const struct value *worker, const struct value *service)
{
	return strcmp(value_text(worker, "slot"), value_text(service, "live")) == 0;
}

static void add_reason(struct strbuf *to, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void add_reason(struct strbuf *to, const char *fmt, ...)
{
	va_list ap;

	(void)strbuf_adds(to, to->len > 0 ? ", " : "");
	va_start(ap, fmt);
	(void)strbuf_vaddf(to, fmt, ap);
	va_end(ap);
}

static bool flaps(const struct value *worker)
{
	int64_t up = value_int(worker, "now") - value_int(worker, "start");

	return value_int(worker, "restarts") > FLAPPING_RESTARTS && up < FLAPPING_UPTIME &&
	       worker_state_of(worker) != WORKER_STOPPED;
}

/* Leaves "" when nobody needs to look at it. service NULL: it belongs to none. */
static void find_reasons(const struct value *worker, const struct value *service,
			 struct strbuf *reasons)
{
	enum worker_state state = worker_state_of(worker);
	const char *last = value_text(worker, "last_exit"), *note = value_text(worker, "note");
	bool failed = state == WORKER_FATAL || state == WORKER_BACKOFF || state == WORKER_UNKNOWN;

	if (flaps(worker)) {
		add_reason(reasons, "%lld restarts", (long long)value_int(worker, "restarts"));
	}
	if ((failed || flaps(worker)) && last[0]) {
		add_reason(reasons, "last %s", last);
	}
	if (service && state == WORKER_RUNNING && in_live_slot(worker, service) &&
	    value_text(worker, "address")[0] && !value_true(worker, "healthy")) {
		add_reason(reasons, note[0] ? "not healthy" : "not checked yet");
	}
	if (value_int(worker, "lost_lines") > 0) {
		add_reason(reasons, "%lld lines of its log are lost",
			   (long long)value_int(worker, "lost_lines"));
	}
	if (note[0]) {
		add_reason(reasons, "%s", note);
	} else if (failed && reasons->len == 0) {
		add_reason(reasons, "%s", value_text(worker, "statename"));
	}
}

static void need(struct page *p, const char *command, const char *name)
{
	if (++p->needs > TODO_MAX) {
		return;
	}
	(void)strbuf_addf(&p->todo, "%s%s %s", p->todo.len > 0 ? " | " : "", command, name);
}

/* ---- the lines ---- */

static void add_worker(struct page *p, const struct value *worker, const char *indent,
		       const struct strbuf *reasons)
{
	char spec[NAMESPEC_MAX];

	(void)namespec_format(value_text(worker, "group"), value_text(worker, "name"), spec,
			      sizeof(spec));
	(void)strbuf_adds(p->to, indent);
	view_pad(p->to, spec, p->name_width + 2 - strlen(indent));
	view_pad(p->to, value_text(worker, "statename"), 10);
	if (reasons->len > 0) {
		view_pad(p->to, value_text(worker, "description"), p->description_width);
		(void)strbuf_addf(p->to, "  ! %s", strbuf_str(reasons));
		need(p, "slotctl tail", spec);
	} else {
		(void)strbuf_adds(p->to, value_text(worker, "description"));
		if (value_true(worker, "pending")) {
			(void)strbuf_adds(p->to, "  changed, at the next start");
		}
		if (value_text(worker, "says")[0]) {
			(void)strbuf_addf(p->to, "  \"%s\"", value_text(worker, "says"));
		}
	}
	(void)strbuf_addc(p->to, '\n');
}

static void add_workers_of(struct page *p, const struct value *workers, const struct value *service)
{
	value_for_each(worker, workers)
	{
		CLEANUP(strbuf_done) struct strbuf reasons = {0};

		if (strcmp(value_text(worker, "service"), value_text(service, "service")) != 0) {
			continue;
		}
		find_reasons(worker, service, &reasons);
		if (reasons.len > 0 || value_int(worker, "next_run") > 0 ||
		    value_text(worker, "says")[0]) {
			add_worker(p, worker, "  ", &reasons);
		}
	}
}

/* A reload does not restart what is live. */
static void add_pending(struct page *p, const struct value *workers, const struct value *service)
{
	unsigned n = 0;

	value_for_each(worker, workers)
	{
		n += value_true(worker, "pending") &&
		     strcmp(value_text(worker, "service"), value_text(service, "service")) == 0;
	}
	if (n > 0) {
		(void)strbuf_addf(p->to, "  %u worker%s changed, at the next deploy\n", n,
				  n == 1 ? "" : "s");
	}
}

static const struct value *slot_of(const struct value *service, const char *slot)
{
	value_for_each(s, value_array(service, "slots"))
	{
		if (strcmp(value_text(s, "slot"), slot) == 0) {
			return s;
		}
	}
	return NULL;
}

static void add_release(struct strbuf *to, const struct value *slot)
{
	if (value_text(slot, "release")[0]) {
		(void)strbuf_addf(to, "  %s", value_text(slot, "release"));
	}
}

static void add_idle_slot(struct page *p, const struct value *slot)
{
	(void)strbuf_addf(p->to, "   %s: %s", value_text(slot, "slot"),
			  slot_words(value_int(slot, "state")));
	if (value_text(slot, "release")[0]) {
		(void)strbuf_addf(p->to, " %s", value_text(slot, "release"));
	}
	if (slot_note(slot)[0]) {
		(void)strbuf_addf(p->to, ", %s", slot_note(slot));
	}
}

static void add_listens(struct strbuf *to, const struct value *service)
{
	const char *separator = "  ";

	value_for_each(listen, value_array(service, "listens"))
	{
		(void)strbuf_addf(to, "%s%s", separator, value_str(listen));
		separator = ",";
	}
}

/* "payinv  LIVE b 4f2c91e  since 2d 4h"; a service whose live slot is not known has none. */
static void add_live(struct page *p, const struct value *service, const struct value *live)
{
	char ago[USEC_TEXT_MAX];

	if (value_int(live, "state") == SLOT_COLD) {
		(void)strbuf_addf(p->to, "%s  DOWN", value_text(service, "service"));
		return;
	}
	(void)strbuf_addf(p->to, "%s  LIVE %s", value_text(service, "service"),
			  value_text(service, "live"));
	add_release(p->to, live);
	if (value_int(service, "since") > 0) {
		(void)strbuf_addf(p->to, "  since %s",
				  view_ago(value_int(service, "since"), p->now, ago, sizeof(ago)));
	}
}

static void add_service(struct page *p, const struct value *service, const struct value *workers)
{
	const struct value *live = slot_of(service, value_text(service, "live"));
	int64_t ready = value_int(live, "ready"), total = value_int(live, "total");
	int64_t connections = value_int(live, "queued") + value_int(live, "silent") +
			      value_int(live, "active") + value_int(live, "idle") +
			      value_int(live, "pinned");

	add_live(p, service, live);
	(void)strbuf_addf(p->to, "  %lld/%lld healthy  %lld conn", (long long)ready,
			  (long long)total, (long long)connections);
	add_listens(p->to, service);
	value_for_each(slot, value_array(service, "slots"))
	{
		if (slot != live) {
			add_idle_slot(p, slot);
		}
	}
	(void)strbuf_addc(p->to, '\n');
	if (value_int(service, "job") > 0) {
		(void)strbuf_addf(p->to, "  #%lld by %s is in \"%s\": slotctl attach %s\n",
				  (long long)value_int(service, "job"), value_text(service, "who"),
				  value_text(service, "step"), value_text(service, "service"));
	}
	if (view_troubles(p->to, service)) {
		need(p, "slotctl slots", value_text(service, "service"));
	}
	add_workers_of(p, workers, service);
	add_pending(p, workers, service);
}

static void measure(struct page *p, const struct value *workers)
{
	char spec[NAMESPEC_MAX];

	value_for_each(worker, workers)
	{
		size_t name =
			view_width(namespec_format(value_text(worker, "group"),
						   value_text(worker, "name"), spec, sizeof(spec)));
		size_t description = view_width(value_text(worker, "description"));

		p->name_width = name > p->name_width ? name : p->name_width;
		if (description > p->description_width && description <= DESCRIPTION_MAX) {
			p->description_width = description;
		}
	}
}

static void add_needs(struct page *p)
{
	if (p->needs > 0) {
		(void)strbuf_addf(p->to, "%u thing%s need%s you: %s%s\n", p->needs,
				  p->needs == 1 ? "" : "s", p->needs == 1 ? "s" : "",
				  strbuf_str(&p->todo), p->needs > TODO_MAX ? " | ..." : "");
	}
}

int view_status(struct strbuf *to, const struct value *status, usec_t now)
{
	const struct value *workers = value_array(status, "workers");
	struct page page = {
		.to = to,
		.now = now,
		.name_width = NAME_MIN,
		.description_width = DESCRIPTION_MIN,
	};

	measure(&page, workers);
	value_for_each(service, value_array(status, "services"))
	{
		add_service(&page, service, workers);
	}
	value_for_each(worker, workers)
	{
		CLEANUP(strbuf_done) struct strbuf reasons = {0};

		if (value_text(worker, "service")[0] == '\0') {
			find_reasons(worker, NULL, &reasons);
			add_worker(&page, worker, "", &reasons);
		}
	}
	add_needs(&page);
	strbuf_done(&page.todo);
	return to->error;
}
