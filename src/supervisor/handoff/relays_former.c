#include "handoff/relays_former.h"
#include "link/inheritance.h"
#include "service/service.h"
#include "worker/process.h"

#include <slotd/cleanup.h>
#include <slotd/keep.h>

#include <string.h>

static const struct service *service_at(const struct supervisor *sup, uint32_t index)
{
	vec_for_each (s, &sup->services) {
		if ((*s)->index == index) {
			return *s;
		}
	}
	return NULL;
}

static void forget_service(struct helper *h, uint32_t index)
{
	struct message m;

	message_init(&m, MSG_RELAY_SERVICE_GONE, 0);
	message_put_u64(&m, TAG_SERVICE_INDEX, index);
	(void)helper_send(h, &m);
}

static void forget_worker(struct helper *h, uint32_t service, enum slot_id slot, uint32_t worker)
{
	struct message m;

	message_init(&m, MSG_RELAY_WORKER_GONE, 0);
	message_put_u64(&m, TAG_SERVICE_INDEX, service);
	message_put_u64(&m, TAG_SLOT, slot);
	message_put_u64(&m, TAG_WORKER, worker);
	(void)helper_send(h, &m);
}

static void forget_socket(struct helper *h, uint32_t service, uint32_t index)
{
	struct message m;

	message_init(&m, MSG_RELAY_LISTEN_GONE, 0);
	message_put_u64(&m, TAG_SERVICE_INDEX, service);
	message_put_u64(&m, TAG_INDEX, index);
	(void)helper_send(h, &m);
}

/* Has it ever been checked, as workers of a service are? */
static bool was_served(const struct ledger_view *ledger, unsigned index)
{
	struct ledger_worker row;

	return ledger_get_worker(ledger, index, &row) == 1 && row.health.next;
}

/* It may have been in any slot, which the ledger does not say: one that has no such worker does not
 * mind. */
static void forget_workers(struct helper *h, const struct ledger_view *ledger)
{
	struct supervisor *sup = h->sup;

	for (unsigned i = 0; i < ledger_rows(ledger, LEDGER_TABLE_WORKER); i++) {
		const struct process *p = i < sup->processes.len ? sup->processes.at[i] : NULL;

		if (!was_served(ledger, i)) {
			continue;
		}
		vec_for_each (s, &sup->services) {
			for (int slot = 0; slot < SLOT_MAX_; slot++) {
				if (!p || p->service != *s || (int)p->slot != slot) {
					forget_worker(h, (*s)->index, (enum slot_id)slot, i);
				}
			}
		}
	}
}

static bool has_socket(const struct service *s, uint32_t index)
{
	vec_for_each (socket, &s->sockets) {
		if (socket->index == index && socket->fd >= 0) {
			return true;
		}
	}
	return false;
}

/* "listen SERVICE ADDRESS", of a service that is still there. */
static const struct service *service_of(const struct supervisor *sup, const char *name)
{
	vec_for_each (s, &sup->services) {
		size_t len = strlen((*s)->name);

		if (strncmp(name, (*s)->name, len) == 0 && name[len] == ' ') {
			return *s;
		}
	}
	return NULL;
}

static void forget_sockets(struct helper *h)
{
	const struct inherited *item;
	const char *name;
	size_t pos = 0;

	while ((item = inherited_next(h->sup, &pos, &name))) {
		const size_t len = strlen(KEEP_LISTEN_PREFIX);
		const struct service *s = strncmp(name, KEEP_LISTEN_PREFIX, len) == 0
						  ? service_of(h->sup, name + len)
						  : NULL;
		int64_t index = keep_tags_number(item->tags, 0, KEEP_TAG_SOCKET);

		if (s && index >= 0 && !has_socket(s, (uint32_t)index)) {
			forget_socket(h, s->index, (uint32_t)index);
		}
	}
}

void relays_forget_former(struct helper *h)
{
	const struct ledger_view *ledger = inherited_ledger(h->sup);

	if (!ledger) {
		return;
	}
	for (unsigned i = 0; i < ledger_rows(ledger, LEDGER_TABLE_SERVICE); i++) {
		if (*ledger_name(ledger, LEDGER_TABLE_SERVICE, i) && !service_at(h->sup, i)) {
			forget_service(h, i);
		}
	}
	forget_workers(h, ledger);
	forget_sockets(h);
}
