#include "commands.h"

#include <slotd/fault.h>

#include <slotd/cleanup.h>

#include <string.h>

static void unlink_command(struct commands *all, struct pending *c)
{
	if (c->previous) {
		c->previous->next = c->next;
	} else {
		all->first = c->next;
	}
	if (c->next) {
		c->next->previous = c->previous;
	}
	c->next = c->previous = NULL;
	c->id = 0;
}

static void drop_items(struct pending *c)
{
	vec_for_each (i, &c->items) {
		free(i->group);
		free(i->name);
		free(i->text);
	}
	vec_done(&c->items);
}

uint32_t command_id(struct commands *all)
{
	all->last_id = all->last_id + 1 ? all->last_id + 1 : 1;
	return all->last_id;
}

int command_send(struct commands *all, struct pending *c, struct message *m, command_fn *answered)
{
	int r = all->nobody ? -ENOTCONN : channel_send(all->channel, m);

	if (r < 0) {
		return r;
	}
	c->id = m->id;
	c->answered = answered;
	c->failing = false;
	c->previous = NULL;
	c->next = all->first;
	if (all->first) {
		all->first->previous = c;
	}
	all->first = c;
	return 0;
}

void command_cancel(struct commands *all, struct pending *c)
{
	struct message m;

	if (!c->id) {
		return;
	}
	message_init(&m, MSG_COMMAND_GONE, c->id);
	(void)channel_send(all->channel, &m); /* an answer to nobody is dropped */
	unlink_command(all, c);
	drop_items(c);
}

static struct pending *find(const struct commands *all, uint32_t id)
{
	struct pending *c = all->first;

	while (c && c->id != id) {
		c = c->next;
	}
	return c;
}

static void collect(struct pending *c, const struct message *m)
{
	struct answer_item item = {
		.code = message_i64(m, TAG_CODE),
		.group = strdup(message_str(m, TAG_GROUP)),
		.name = strdup(message_str(m, TAG_NAME)),
		.text = strdup(message_str(m, TAG_TEXT)),
	};

	if (!item.group || !item.name || !item.text || c->items.len == ANSWER_ITEMS_MAX ||
	    vec_push(&c->items, item) < 0) {
		free(item.group);
		free(item.name);
		free(item.text);
	}
}

/* The callback may reuse c for the next command, or free what it is in. */
static void answer(struct commands *all, struct pending *c, struct answer *a)
{
	struct pending items = {.items = {c->items.at, c->items.len, c->items.room}};

	a->items = c->items.at;
	a->n_items = c->items.len;
	memset(&c->items, 0, sizeof(c->items));
	unlink_command(all, c);
	c->answered(c, a);
	cleanup_closep(&a->fd);
	drop_items(&items);
}

void commands_received(struct commands *all, struct message *m)
{
	struct pending *c = find(all, m->id);

	if (!c) {
		return;
	}
	if (m->type == MSG_ANSWER_ITEM) {
		collect(c, m);
		return;
	}
	answer(all, c,
	       &(struct answer){
		       .code = message_i64(m, TAG_CODE),
		       .text = message_str(m, TAG_TEXT),
		       .path = message_str(m, TAG_PATH),
		       .job = message_i64(m, TAG_JOB),
		       .fd = message_take_fd(m, 0),
	       });
}

/* What a callback sends comes to the front: only what waits now is failed. */
void commands_fail(struct commands *all, const char *text)
{
	unsigned n = 0;

	for (struct pending *c = all->first; c; c = c->next) {
		c->failing = true;
		n++;
	}
	while (n-- > 0) {
		struct pending *c = all->first;

		while (c && !c->failing) {
			c = c->next;
		}
		if (!c) {
			return; /* a callback cancelled another one */
		}
		answer(all, c,
		       &(struct answer){
			       .code = FAULT_LOST,
			       .text = text,
			       .path = "",
			       .fd = -EBADF,
		       });
	}
}
