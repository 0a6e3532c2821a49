#include "jobfollow.h"

#include "control.h"
#include "encode.h"
#include "follow.h"
#include "joblines.h"
#include "methods.h"

#include <slotd/cleanup.h>
#include <slotd/swap_names.h>

#include <string.h>
#include <sys/stat.h>

enum {
	LINES_MAX = 500,       /* of one answer */
	PIECE_MAX = 64 * 1024, /* of the log that is read for one */
	OLDER = 0,	       /* what was rotated away */
	NEWEST = 1,
};

static const usec_t follow_time = SECONDS(25);
static const usec_t lost_time = SECONDS(1);  /* the same while there is no slotd */
static const usec_t rest_time = SECONDS(30); /* its log stays open that long without a follower */

/* The log of a job that somebody follows, or has just followed. */
struct job_reader {
	struct job_reader *next;
	struct control *control;
	int64_t number;
	int fds[2]; /* OLDER, NEWEST; -EBADF: there is none */
	off_t size; /* of the newest, as last looked at */
	bool known; /* both were asked for; there may be none yet */
	bool whole; /* it was asked for once more after the job's end */
	bool asked_at_end;
	unsigned quiet;
	struct loop_timer tick;
	struct pending pending;
};

static void ask(struct job_reader *r, int part);
static void serve_all(struct job_reader *r);

/* ---- lines */

struct place {
	int part; /* of fds; beyond NEWEST: none is open */
	off_t at;
};

struct lines {
	struct strbuf *out;
	unsigned tag;
	off_t from;
	int32_t last; /* place */
};

static void encode_line(void *data, const char *line, size_t len, size_t end)
{
	struct lines *l = data;

	l->last = joblines_place(l->tag, l->from + (off_t)end);
	encode_struct(l->out);
	encode_member_int(l->out, "seq", l->last);
	encode_name(l->out, "text");
	encode_bytes(l->out, line, len);
	encode_member_end(l->out);
	encode_struct_end(l->out);
}

/* A line that fills a piece is given in pieces. Bytes used; 0: no line is whole yet. */
static size_t cut(struct lines *l, const char *piece, size_t n, bool last)
{
	size_t used = joblines_cut(piece, n, last, LINES_MAX, encode_line, l);

	return used || n < PIECE_MAX ? used
				     : joblines_cut(piece, n, true, LINES_MAX, encode_line, l);
}

static off_t size_of(int fd, unsigned *ret_tag)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return -1;
	}
	*ret_tag = joblines_tag(st.st_ino);
	return st.st_size < JOBLINES_FILE_MAX ? st.st_size : JOBLINES_FILE_MAX;
}

/* Where the follower is; at the beginning of what there is when that is gone. */
static struct place find(const struct job_reader *r, unsigned tag, off_t at)
{
	unsigned has = 0;

	for (int part = NEWEST; tag && part >= OLDER; part--) {
		if (size_of(r->fds[part], &has) >= at && has == tag) {
			return (struct place){part, at};
		}
	}
	return (struct place){r->fds[OLDER] >= 0 ? OLDER : NEWEST, 0};
}

/* Encodes what is there from a place on; *last is then the place behind it. True: that was all. */
static bool put_lines(const struct job_reader *r, struct place p, struct strbuf *out, int32_t *last)
{
	struct lines lines = {.out = out, .last = *last};
	char piece[PIECE_MAX];

	for (; p.part <= NEWEST; p = (struct place){p.part + 1, 0}) {
		off_t size = size_of(r->fds[p.part], &lines.tag);
		size_t wanted = size - p.at < PIECE_MAX ? (size_t)(size - p.at) : PIECE_MAX;
		ssize_t n = size > p.at ? pread(r->fds[p.part], piece, wanted, p.at) : 0;
		size_t used;

		lines.from = p.at;
		used = n > 0 ? cut(&lines, piece, (size_t)n,
				   (r->whole || p.part < NEWEST) && p.at + n == size)
			     : 0;
		if (used) {
			*last = lines.last;
			return p.part == NEWEST && p.at + (off_t)used == size;
		}
	}
	return true;
}

/* ---- answers */

static void encode_progress(struct call *c, const struct job *j, const struct strbuf *lines,
			    int32_t last, bool done)
{
	struct strbuf *out = c->out;

	encode_struct(out);
	encode_member_int(out, "job", j->number);
	encode_member_text(out, "service", j->service);
	encode_member_text(out, "kind", swap_kind_name((enum swap_kind)j->kind));
	encode_member_text(out, "step", swap_step_name((enum swap_step)j->step));
	encode_name(out, "lines");
	encode_array(out);
	(void)strbuf_add(out, strbuf_str(lines), lines->len);
	encode_array_end(out);
	encode_member_end(out);
	encode_member_int(out, "seq", last);
	encode_member_bool(out, "done", done);
	encode_member_int(out, "code", j->code);
	encode_member_text(out, "text", j->text);
	encode_member_bool(out, "alive", !c->control->commands.nobody);
	encode_struct_end(out);
}

static struct job_reader *reader_of(const struct control *control, int64_t number)
{
	struct job_reader *r = control->readers;

	while (r && r->number != number) {
		r = r->next;
	}
	return r;
}

/* Answers when there are lines, when the job is over, or because it is time (now). */
static bool give(struct call *c, bool now)
{
	CLEANUP(strbuf_done) struct strbuf lines = {0};
	const struct job *j = jobs_find(&c->control->jobs, call_int(c, 0));
	const struct job_reader *r = reader_of(c->control, call_int(c, 0));
	int32_t last = (int32_t)call_int(c, 1);
	bool all = true;
	unsigned tag;
	off_t at;

	if (!j) {
		(void)call_fault(c, FAULT_BAD_NAME, "there is no such job, or it was too long ago");
		return true;
	}
	if (j->service && !call_reads(c, j->service)) {
		(void)call_forbidden(c, j->service);
		return true;
	}
	if (joblines_where(call_int(c, 1), &tag, &at) && r) {
		if (!now && (!r->known || (j->done && !r->whole))) {
			return false; /* slotd is being asked */
		}
		all = put_lines(r, find(r, tag, at), &lines, &last);
	}
	if (!now && !lines.len && !j->done) {
		return false;
	}
	encode_progress(c, j, &lines, last, j->done && all);
	return true;
}

static bool is_followed(const struct job_reader *r)
{
	const struct call *c = r->control->followers;

	while (c && call_int(c, 0) != r->number) {
		c = c->next;
	}
	return c != NULL;
}

static void arm(struct job_reader *r)
{
	usec_t span = is_followed(r) ? follow_tick : rest_time;

	loop_timer_set(r->control->loop, &r->tick, usec_add(usec_monotonic(), span));
}

static void serve_number(struct control *control, int64_t number)
{
	struct call *next;

	for (struct call *c = control->followers; c; c = next) {
		next = c->next;
		if (call_int(c, 0) == number && give(c, false)) {
			call_finish(c);
		}
	}
}

static void serve_all(struct job_reader *r)
{
	serve_number(r->control, r->number);
	arm(r);
}

/* ---- the reader */

static struct job_reader *reader_free(struct job_reader *r)
{
	struct job_reader **at = &r->control->readers;

	while (*at != r) {
		at = &(*at)->next;
	}
	*at = r->next;
	command_cancel(&r->control->commands, &r->pending);
	loop_timer_stop(r->control->loop, &r->tick);
	cleanup_closep(&r->fds[OLDER]);
	cleanup_closep(&r->fds[NEWEST]);
	free(r);
	return NULL;
}

static bool is_done(const struct job_reader *r)
{
	const struct job *j = jobs_find(&r->control->jobs, r->number);

	return !j || j->done;
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

static void take_newest(struct job_reader *r, int *fd)
{
	if (*fd < 0 || same_file(*fd, r->fds[NEWEST])) {
		return;
	}
	if (r->fds[NEWEST] >= 0) { /* rotated */
		cleanup_closep(&r->fds[OLDER]);
		r->fds[OLDER] = TAKE_FD(r->fds[NEWEST]);
	}
	r->fds[NEWEST] = TAKE_FD(*fd);
	r->size = 0;
	r->quiet = 0;
}

static void on_older(struct pending *p, struct answer *a)
{
	struct job_reader *r = container_of(p, struct job_reader, pending);

	if (a->fd >= 0 && r->fds[OLDER] < 0 && !same_file(a->fd, r->fds[NEWEST])) {
		r->fds[OLDER] = TAKE_FD(a->fd);
	}
	r->known = true;
	if (is_done(r) && !r->whole) {
		ask(r, NEWEST);
	}
	serve_all(r);
}

static void on_newest(struct pending *p, struct answer *a)
{
	struct job_reader *r = container_of(p, struct job_reader, pending);

	r->known = r->known && (r->fds[NEWEST] >= 0 || a->fd < 0);
	take_newest(r, &a->fd);
	if (!r->known && r->fds[NEWEST] >= 0) {
		ask(r, OLDER);
		return;
	}
	r->known = true;
	r->whole = r->asked_at_end;
	if (is_done(r) && !r->whole) {
		ask(r, NEWEST);
	}
	serve_all(r);
}

/* Once more after the job's end: its log may have been rotated just before. */
static void ask(struct job_reader *r, int part)
{
	const struct job *j = jobs_find(&r->control->jobs, r->number);
	struct message m;
	int error;

	r->asked_at_end = part == NEWEST && is_done(r);
	message_init(&m, MSG_COMMAND, command_id(&r->control->commands));
	message_put_u64(&m, TAG_COMMAND, COMMAND_ATTACH);
	message_put_text(&m, TAG_SERVICE, j && j->service ? j->service : "");
	message_put_i64(&m, TAG_JOB, r->number);
	message_put_u64(&m, TAG_BACKUPS, part == OLDER);
	error = command_send(&r->control->commands, &r->pending, &m,
			     part == OLDER ? on_older : on_newest);
	if (error < 0) { /* asked again at a tick; what is open is all there is, if that is over */
		r->known = true;
		r->whole = is_done(r);
	}
}

static void on_tick(struct loop_timer *t)
{
	struct job_reader *r = container_of(t, struct job_reader, tick);
	struct stat st;

	if (!is_followed(r)) {
		(void)reader_free(r);
		return;
	}
	if (fstat(r->fds[NEWEST], &st) == 0 && st.st_size != r->size) {
		r->size = st.st_size;
		r->quiet = 0;
	} else if (follow_ask_now(++r->quiet) && !r->pending.id) {
		ask(r, NEWEST);
	}
	serve_all(r);
}

/* Out of memory there are no lines. */
static struct job_reader *reader_make(struct control *control, int64_t number)
{
	struct job_reader *r = reader_of(control, number);

	if (r) {
		return r;
	}
	r = calloc(1, sizeof(*r));
	if (!r) {
		return NULL;
	}
	r->control = control;
	r->number = number;
	r->fds[OLDER] = r->fds[NEWEST] = -EBADF;
	loop_timer_init(&r->tick, on_tick);
	r->next = control->readers;
	control->readers = r;
	arm(r);
	return r;
}

/* There is more to know than what is open. */
static void look(struct job_reader *r)
{
	if (!r->pending.id && (!r->known || r->fds[NEWEST] < 0 || (is_done(r) && !r->whole))) {
		ask(r, NEWEST);
	}
}

void follow_notify(struct control *control, const struct job *job)
{
	struct job_reader *r = reader_of(control, job->number);

	if (r) {
		r->whole = r->whole && job->done; /* a slotd that was lost is back */
	}
	if (r && is_followed(r)) {
		look(r);
	}
	serve_number(control, job->number);
}

void follow_lost(struct control *control)
{
	struct call *next;

	for (struct call *c = control->followers; c; c = next) {
		next = c->next;
		(void)give(c, true);
		call_finish(c);
	}
}

/* Takes it off the list of those that wait. */
static void left(struct call *c)
{
	struct control *control = c->control;
	struct job_reader *r = reader_of(control, call_int(c, 0));

	*(c->previous ? &c->previous->next : &control->followers) = c->next;
	if (c->next) {
		c->next->previous = c->previous;
	}
	if (r && !is_followed(r)) {
		command_cancel(&control->commands, &r->pending);
	}
}

void followers_done(struct control *control)
{
	while (control->readers) {
		(void)reader_free(control->readers);
	}
}

/* ---- the call */

static void on_follow_timer(struct loop_timer *t)
{
	struct call *c = container_of(t, struct call, timer);

	(void)give(c, true);
	call_finish(c);
}

static void park(struct call *c)
{
	usec_t span = c->control->commands.nobody ? lost_time : follow_time;

	c->left = left;
	c->previous = NULL;
	c->next = c->control->followers;
	if (c->next) {
		c->next->previous = c;
	}
	c->control->followers = c;
	loop_timer_init(&c->timer, on_follow_timer);
	loop_timer_set(c->control->loop, &c->timer, usec_add(usec_monotonic(), span));
}

enum call_result run_follow(struct call *c)
{
	struct job_reader *r = NULL;
	unsigned tag;
	off_t at;

	if (jobs_find(&c->control->jobs, call_int(c, 0)) &&
	    joblines_where(call_int(c, 1), &tag, &at)) {
		r = reader_make(c->control, call_int(c, 0));
	}
	if (give(c, false)) {
		return CALL_DONE;
	}
	park(c);
	if (r) {
		look(r);
		arm(r);
	}
	return CALL_LATER;
}
