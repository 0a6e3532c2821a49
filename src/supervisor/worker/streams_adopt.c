#include "worker/streams_adopt.h"
#include "link/inheritance.h"
#include "link/kept.h"
#include "worker/process.h"
#include "worker/stream.h"
#include "worker/streams.h"

#include <slotd/cleanup.h>
#include <slotd/keep.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The pipes of workers, also of those that have gone, that a former slotd had not seen the end of.
 */

static void drop_stream(struct stream *st)
{
	st->id = 0;
	stream_free(st);
}

static int take_row(struct stream *st, const struct supervisor *sup, const char *namespec)
{
	struct ledger *ledger = sup->ledger;
	int row = ledger_take(ledger, LEDGER_TABLE_STREAM, NULL);
	int r = row < 0 ? row : ledger_text_new(ledger, st->path, &st->ledger_path);

	st->row = row < 0 ? 0 : (unsigned)row;
	st->id = row < 0 ? 0 : st->id;
	return r == 0 && !st->process ? ledger_text_new(ledger, namespec, &st->ledger_name) : r;
}

/* The newest comes first. */
static void join(struct stream *st)
{
	struct stream **at = &st->process->open_streams;

	while (*at && (*at)->id > st->id) {
		at = &(*at)->next_of_process;
	}
	st->next_of_process = *at;
	*at = st;
}

static int take_place(struct stream *st, struct supervisor *sup, const char *namespec)
{
	char name[32];
	int r;

	st->all = sup->streams;
	r = take_row(st, sup, namespec);
	if (r < 0) {
		stream_free(st);
		return r;
	}
	stream_insert(st);
	stream_commit(st);
	if (st->process) {
		join(st);
	} else {
		keep_put_one(sup, stream_entry(st, name, sizeof(name)), st->fd);
	}
	return 0;
}

/* A descriptor's name is looked up with the configuration. */
static void restore_config(struct stream *st, const struct ledger_stream *row)
{
	const struct log_config *config =
		st->process ? &st->process->config->logs[st->channel] : NULL;

	if (config && st->path && config->path && strcmp(config->path, st->path) == 0) {
		st->config = *config;
		st->config.path = NULL;
	} else {
		st->config = (struct log_config){.maxbytes = row->maxbytes,
						 .backups = row->backups,
						 .syslog = row->syslog,
						 .events_enabled = row->events,
						 .capture_maxbytes = row->capture_maxbytes};
	}
	st->strip_ansi = row->strip_ansi;
	st->is_auto = row->is_auto;
	st->indent = row->indent;
	st->ending = row->ending;
}

static int restore_names(struct stream *st, const char *namespec, const char *path)
{
	const char *colon = strchr(namespec, ':');

	st->name = strdup(colon ? colon + 1 : namespec);
	st->group = colon ? strndup(namespec, (size_t)(colon - namespec)) : strdup(namespec);
	st->path = *path ? strdup(path) : NULL;
	return st->name && st->group && (st->path || !*path) ? 0 : -ENOMEM;
}

/* Takes fd. */
static int restore(struct supervisor *sup, const struct ledger_stream *row, const char *namespec,
		   struct process *p, int fd)
{
	auto_close int owned = fd;
	struct stream *st = calloc(1, sizeof(*st));
	char path[PATH_MAX] = "";
	int r;

	if (!st) {
		return -ENOMEM;
	}
	(void)ledger_get_text(inherited_ledger(sup), row->path, path, sizeof(path));
	st->fd = TAKE_FD(owned);
	st->id = row->id;
	st->channel = (int)row->channel;
	st->process = p;
	st->pid = row->pid || !p ? row->pid : p->pid;
	st->announced = true;
	st->lost_lines = row->lost_lines;
	st->lost_bytes = row->lost_bytes;
	r = restore_names(st, namespec, path);
	if (r < 0) {
		drop_stream(st);
		return r;
	}
	restore_config(st, row);
	return take_place(st, sup, namespec);
}

static const char *name_of(const struct supervisor *sup, const struct ledger_stream *row, char *buf,
			   size_t size)
{
	const struct ledger_view *ledger = inherited_ledger(sup);

	if (row->worker != UINT32_MAX) {
		return ledger_name(ledger, LEDGER_TABLE_WORKER, row->worker);
	}
	return ledger_get_text(ledger, row->name, buf, size) > 0 ? buf : "";
}

static struct process *owner_of(const struct supervisor *sup, const struct ledger_stream *row,
				const char *namespec)
{
	struct process *p =
		row->worker < sup->processes.len ? sup->processes.at[row->worker] : NULL;

	return p && strcmp(p->namespec, namespec) == 0 ? p : NULL;
}

/* Pipes of a start that came to nothing: nobody has written to them. */
static bool is_void(const struct ledger_stream *row, const struct process *p)
{
	return row->worker != UINT32_MAX && !row->pid &&
	       (!p || !p->pid || p->streams[row->channel] != row->id);
}

static int take_pipe(struct supervisor *sup, uint32_t id, const char *namespec)
{
	char name[sizeof(KEEP_WORKER_PREFIX) + LEDGER_NAME_MAX], tag[KEEP_TAG_MAX];
	int fd;

	(void)snprintf(tag, sizeof(tag), KEEP_TAG_STREAM "%u", id);
	(void)snprintf(name, sizeof(name), KEEP_WORKER_PREFIX "%s", namespec);
	fd = inherited_take(inherited_item(sup, name), tag);
	if (fd < 0) {
		(void)snprintf(name, sizeof(name), KEEP_STREAM_PREFIX "%u", id);
		fd = inherited_take_one(sup, name);
	}
	return fd;
}

static int adopt(struct supervisor *sup, const struct ledger_stream *row)
{
	char text[LEDGER_NAME_MAX];
	const char *namespec = name_of(sup, row, text, sizeof(text));
	struct process *p = owner_of(sup, row, namespec);
	int fd = *namespec && !is_void(row, p) ? take_pipe(sup, row->id, namespec) : -EBADF;

	return fd < 0 ? 0 : restore(sup, row, namespec, p, fd);
}

/* slotd-log has told the former slotd that it is over. */
static void forget_ended(struct process *p)
{
	for (int i = 0; i < 2; i++) {
		const struct stream *st = p->open_streams;

		while (st && st->id != p->streams[i]) {
			st = st->next_of_process;
		}
		p->streams[i] = st ? st->id : 0;
	}
}

int streams_adopt(struct supervisor *sup)
{
	const struct ledger_view *ledger = inherited_ledger(sup);
	struct ledger_stream row;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < ledger_rows(ledger, LEDGER_TABLE_STREAM); i++) {
		r = ledger_get_stream(ledger, i, &row) == 1 ? adopt(sup, &row) : 0;
	}
	vec_for_each (p, &sup->processes) {
		if (*p) {
			forget_ended(*p);
		}
	}
	return r;
}
