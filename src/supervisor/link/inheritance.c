#include "link/inheritance.h"

#include <slotd/channel.h>
#include <slotd/cleanup.h>
#include <slotd/keep.h>
#include <slotd/map.h>
#include <slotd/spawn.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ANSWER_PATIENCE SECONDS(5)

_Static_assert(ARRAY_SIZE(((struct inherited *)0)->fds) == MESSAGE_FDS_MAX, "what comes at once");

struct inheritance {
	int keep_fd;
	struct map items; /* by name: struct inherited */
	struct ledger_view ledger;
	struct map rows[LEDGER_TABLE_SERVICE + 1]; /* by name: index + 1 */
};

/* ---- asking */

/* -ENOTCONN: nothing was left, or nobody to ask. */
static int connect_keep(const char *run_dir)
{
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (fd < 0) {
		return -errno;
	}
	if ((size_t)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/" KEEP_SOCKET, run_dir) >=
	    sizeof(sa.sun_path)) {
		return -ENAMETOOLONG;
	}
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		return -ENOTCONN;
	}
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		return -errno;
	}
	return TAKE_FD(fd);
}

static void item_free(struct inherited *item)
{
	if (item) {
		for (unsigned i = 0; i < item->n; i++) {
			cleanup_closep(&item->fds[i]);
		}
		free(item->tags);
		free(item);
	}
}

static int take_item(struct inheritance *in, struct message *m)
{
	const char *name = message_str(m, TAG_NAME);
	struct inherited *item = calloc(1, sizeof(*item));

	if (!item) {
		return -ENOMEM;
	}
	item->tags = strdup(message_str(m, TAG_DESCRIPTORS));
	if (!item->tags || map_get(&in->items, name) || map_set(&in->items, name, item) < 0) {
		item_free(item);
		return -ENOMEM;
	}
	for (; item->n < m->n_fds; item->n++) {
		item->fds[item->n] = message_take_fd(m, item->n);
	}
	return 0;
}

/* One message of the answer: 1 when that was the last, with as many items as were sent. */
static int take_answer(struct inheritance *in, struct message *m, uint64_t *n)
{
	if (m->type == MSG_KEEP_ITEM) {
		++*n;
		return take_item(in, m);
	}
	if (m->type == MSG_KEEP_END) {
		return message_u64(m, TAG_COUNT) == *n ? 1 : -EPROTO;
	}
	return 0;
}

static int list_items(struct inheritance *in)
{
	struct message m;
	uint64_t n = 0;
	int r;

	message_init(&m, MSG_KEEP_LIST, 1);
	r = channel_send_wait(in->keep_fd, &m);
	while (r == 0) {
		r = channel_receive_wait(in->keep_fd, &m, ANSWER_PATIENCE);
		if (r == 0) {
			r = take_answer(in, &m, &n);
			message_done(&m);
		}
	}
	return r < 0 ? r : 0;
}

/* ---- the ledger */

static int index_rows(struct inheritance *in, enum ledger_table table)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < ledger_rows(&in->ledger, table); i++) {
		const char *name = ledger_name(&in->ledger, table, i);

		if (*name) {
			r = map_set(&in->rows[table], name, (void *)(uintptr_t)(i + 1));
		}
	}
	return r;
}

static int read_ledger(struct inheritance *in, struct diag *diag)
{
	struct inherited *item = map_get(&in->items, KEEP_LEDGER);
	auto_close int fd = inherited_take(item, KEEP_TAG_SELF);
	int r = fd < 0 ? 0 : ledger_map(fd, diag, &in->ledger);

	if (r < 0) {
		return diag_prefix(diag, "a former slotd was killed, and which workers it left "
					 "running cannot be told. End them and its slotd-keep, "
					 "then start slotd again");
	}
	r = fd < 0 ? 0 : index_rows(in, LEDGER_TABLE_WORKER);
	if (r == 0 && fd >= 0) {
		r = index_rows(in, LEDGER_TABLE_SERVICE);
	}
	return r < 0 ? diag_set_errno(diag, r, "cannot read what a former slotd left") : 0;
}

int inheritance_ask(struct supervisor *sup, struct diag *diag)
{
	const char *run_dir = sup->config->supervisord.run_dir;
	auto_close int fd = connect_keep(run_dir);
	int r;

	if (fd < 0) {
		return fd == -ENOTCONN
			       ? 0
			       : diag_set_errno(diag, fd, "cannot ask whether a slotd was killed");
	}
	sup->inheritance = calloc(1, sizeof(*sup->inheritance));
	if (!sup->inheritance) {
		return diag_set_errno(diag, -ENOMEM, "cannot ask whether a slotd was killed");
	}
	sup->inheritance->keep_fd = TAKE_FD(fd);
	r = list_items(sup->inheritance);
	if (r < 0) {
		return diag_set_errno(diag, r,
				      "a former slotd's slotd-keep does not answer (%s/%s)",
				      run_dir, KEEP_SOCKET);
	}
	return read_ledger(sup->inheritance, diag);
}

bool inheritance_there(const struct supervisor *sup)
{
	return sup->inheritance != NULL;
}

void inheritance_done(struct supervisor *sup)
{
	struct inheritance *in = sup->inheritance;
	struct inherited *item;
	size_t pos = 0;

	if (!in) {
		return;
	}
	while ((item = map_next(&in->items, &pos, NULL))) {
		item_free(item);
	}
	map_done(&in->items);
	for (size_t i = 0; i < ARRAY_SIZE(in->rows); i++) {
		map_done(&in->rows[i]);
	}
	ledger_unmap(&in->ledger);
	cleanup_closep(&in->keep_fd);
	free(in);
	sup->inheritance = NULL;
}

/* ---- taking */

const struct ledger_view *inherited_ledger(const struct supervisor *sup)
{
	const struct inheritance *in = sup->inheritance;

	return in && in->ledger.bytes ? &in->ledger : NULL;
}

int inherited_row(const struct supervisor *sup, enum ledger_table table, const char *name)
{
	const struct inheritance *in = sup->inheritance;
	uintptr_t row = in ? (uintptr_t)map_get(&in->rows[table], name) : 0;

	return row ? (int)row - 1 : -ENOENT;
}

struct ledger_daemon inherited_daemon(const struct supervisor *sup)
{
	const struct ledger_view *ledger = inherited_ledger(sup);
	struct ledger_daemon daemon = {0};

	if (ledger && ledger_get_daemon(ledger, &daemon) != 1) {
		daemon = (struct ledger_daemon){0};
	}
	return daemon;
}

struct inherited *inherited_item(const struct supervisor *sup, const char *name)
{
	return sup->inheritance ? map_get(&sup->inheritance->items, name) : NULL;
}

struct inherited *inherited_next(const struct supervisor *sup, size_t *pos, const char **ret_name)
{
	return sup->inheritance ? map_next(&sup->inheritance->items, pos, ret_name) : NULL;
}

int inherited_take(struct inherited *item, const char *tag)
{
	int at = item ? keep_tags_find(item->tags, tag) : -ENOENT;

	return at < 0 || (unsigned)at >= item->n ? -EBADF : TAKE_FD(item->fds[at]);
}

int inherited_take_one(const struct supervisor *sup, const char *name)
{
	return inherited_take(inherited_item(sup, name), KEEP_TAG_SELF);
}

pid_t inherited_kill(struct inherited *item, const char *tag)
{
	auto_close int pidfd = inherited_take(item, tag);
	const pid_t pid = pidfd < 0 ? 0 : process_handle_pid(pidfd);

	if (pid) {
		(void)process_group_signal(pid, pidfd, SIGKILL);
	}
	return pid;
}

int inherited_take_keep(struct supervisor *sup)
{
	return sup->inheritance ? TAKE_FD(sup->inheritance->keep_fd) : -EBADF;
}
