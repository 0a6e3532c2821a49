#include "fake_handoff.h"

#include "service/service.h"

#include <stdarg.h>
#include <stdio.h>

static char acts[4096];
static size_t used;

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	va_list ap;

	if (used) {
		used += (size_t)snprintf(acts + used, sizeof(acts) - used, "; ");
	}
	va_start(ap, fmt);
	used += (size_t)vsnprintf(acts + used, sizeof(acts) - used, fmt, ap);
	va_end(ap);
}

const char *fake_handoff_acts(void)
{
	static char copy[sizeof(acts)];

	(void)snprintf(copy, sizeof(copy), "%.*s", (int)used, acts);
	used = 0;
	return copy;
}

static void placed(const char *act, const struct placement *p)
{
	note("%s %s %s %u", act, slot_name(p->live), p->mode == SWITCH_OPEN ? "open" : "hold",
	     p->weight);
}

static void begin(struct service *s, const struct placement *first)
{
	(void)s;
	placed("begin", first);
}

static void service(struct service *s)
{
	note("service %s", s->name);
}

static void service_gone(struct service *s)
{
	note("service gone %s", s->name);
}

static void socket_there(struct service *s, const struct public_socket *socket)
{
	(void)s;
	note("socket %s", socket->address);
}

static void socket_gone(struct service *s, const struct public_socket *socket)
{
	(void)s;
	note("socket gone %s", socket->address);
}

static void page(struct service *s)
{
	note("page %s", s->page.fd < 0 ? "built in" : "of a file");
}

static void worker(struct service *s, const struct process *p, bool up)
{
	(void)s;
	note("worker %u %s", (unsigned)p->worker.id, up ? "up" : "down");
}

static void worker_again(struct service *s, const struct process *p)
{
	(void)s;
	note("worker %u again", (unsigned)p->worker.id);
}

static void worker_gone(struct service *s, const struct process *p)
{
	(void)s;
	note("worker %u gone", (unsigned)p->worker.id);
}

static void place(struct service *s, const struct placement *to)
{
	(void)s;
	placed("place", to);
}

static void drain(struct service *s, enum slot_id slot)
{
	(void)s;
	note("drain %s", slot_name(slot));
}

static void cut(struct service *s, enum slot_id slot, usec_t spread)
{
	(void)s;
	note("cut %s %llu", slot_name(slot), (unsigned long long)spread);
}

static int drain_worker(struct service *s, const struct process *p)
{
	(void)s;
	note("drain worker %u", (unsigned)p->worker.id);
	return 0;
}

static int cut_worker(struct service *s, const struct process *p, usec_t spread)
{
	(void)s;
	note("cut worker %u %llu", (unsigned)p->worker.id, (unsigned long long)spread);
	return 0;
}

static void spare_worker(struct service *s, const struct process *p)
{
	(void)s;
	note("spare worker %u", (unsigned)p->worker.id);
}

static void load(const struct service *s, enum slot_id slot, struct handoff_load *ret)
{
	(void)s;
	(void)slot;
	*ret = (struct handoff_load){0};
}

const struct handoff_ops fake_handoff = {
	.name = "fake",
	.begin = begin,
	.service = service,
	.service_gone = service_gone,
	.page = page,
	.socket = socket_there,
	.socket_gone = socket_gone,
	.worker = worker,
	.worker_again = worker_again,
	.worker_gone = worker_gone,
	.place = place,
	.drain = drain,
	.cut = cut,
	.drain_worker = drain_worker,
	.cut_worker = cut_worker,
	.spare_worker = spare_worker,
	.load = load,
};
