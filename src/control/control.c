/* slotd-control without its process: loop, channel, and what slotd says. */
#include "control.h"

#include "jobfollow.h"

#include <slotd/cleanup.h>
#include <slotd/exhaustion.h>
#include <slotd/helper.h>

#include <stdio.h>
#include <string.h>

/* ---- messages from slotd */

/* Once until it comes: slotd takes its time with it. */
static void ask_again(struct control *c)
{
	struct message m;
	int r;

	if (c->asked) {
		return;
	}
	message_init(&m, MSG_STATE_AGAIN, 0);
	c->asked = true;
	r = channel_send(&c->channel, &m);
	if (r < 0 && r != -ENOTCONN) {
		c->failed = r;
		loop_stop(c->loop);
	}
}

/* Something that slotd has said could not be taken in. */
static void missed(struct control *c, const char *what, int error)
{
	if (log_once(&c->missed_told, usec_monotonic(), NULL)) {
		log_line(LOG_ERR, "%s: %s%s", what, strerror(-error),
			 error_is_exhaustion(error) ? "; asking slotd for all once more" : "");
	}
	if (error_is_exhaustion(error)) {
		ask_again(c);
	}
}

/* Nobody is let in without it. */
static void missed_first(struct control *c, const char *what, int error)
{
	c->lacks = c->lacks || error_is_exhaustion(error);
	missed(c, what, error);
}

static void listen_on(struct control *c, struct message *m)
{
	char what[256];
	int r = http_listen(&c->http, message_u64(m, TAG_INDEX), message_take_fd(m, 0),
			    message_text(m, TAG_USERNAME), message_text(m, TAG_PASSWORD));

	if (r < 0) {
		(void)snprintf(what, sizeof(what), "[%s]: cannot listen on %s",
			       message_str(m, TAG_SECTION), message_str(m, TAG_ADDRESS));
		missed_first(c, what, r);
	}
}

static void lose_jobs(struct control *c)
{
	jobs_lose(&c->jobs);
	vec_for_each (j, &c->jobs.list) {
		follow_notify(c, *j);
	}
}

static void state(struct control *c, const struct message *m)
{
	char what[64];
	int r = mirror_apply(&c->mirror, m);

	if (r < 0) {
		(void)snprintf(what, sizeof(what), "%s is not shown", message_type_name(m->type));
		missed_first(c, what, r);
	}
	if (r == 1) {
		commands_fail(&c->commands,
			      "slotd was restarted in the meantime; look at the status");
		lose_jobs(c);
	}
	if (m->type == MSG_STATE_ALL) {
		c->asked = c->lacks = false;
	}
	/* A slotd of before STATE_ALL says nothing once more: better some of it than nothing. */
	if (m->type == MSG_STATE_SYNCED && (!c->lacks || c->mirror.round == 0)) {
		http_accept(&c->http);
	}
}

static void counts(struct control *c, struct message *m)
{
	int r = counts_apply(&c->counts, m);

	if (r < 0) {
		missed(c, "a relay's connections are not shown", r);
	}
}

static void job(struct control *c, const struct message *m)
{
	const struct job *j = jobs_apply(&c->jobs, m);

	if (j) {
		follow_notify(c, j);
	} else {
		missed(c, "a job is not shown as it is", -ENOMEM);
	}
}

static void set_access(struct control *c, const struct message *m)
{
	int r = access_apply(&c->access, m);

	if (r < 0) {
		missed_first(c, "the roles stay as they were", r);
	}
}

static void quit(struct control *c)
{
	commands_fail(&c->commands, "slotd ends");
	http_flush(&c->http);
	loop_stop(c->loop);
}

static void received(struct channel *ch, struct message *m)
{
	struct control *c = ch->owner;

	if (mirror_takes(m->type)) {
		state(c, m);
		return;
	}
	switch (m->type) {
	case MSG_STATE_COUNTS:
		counts(c, m);
		break;
	case MSG_CONTROL_LISTEN:
		listen_on(c, m);
		break;
	case MSG_CONTROL_ACCESS:
		set_access(c, m);
		break;
	case MSG_ANSWER:
	case MSG_ANSWER_ITEM:
		commands_received(&c->commands, m);
		break;
	case MSG_JOB:
		job(c, m);
		break;
	case MSG_QUIT:
		quit(c);
		break;
	default:
		break;
	}
}

/*
 * Reads are answered from the mirror, and commands are refused, until a later slotd ends this
 * process. What the dead one had sent may still come, and is taken in.
 */
static void lose_slotd(struct control *c)
{
	c->commands.nobody = true;
	commands_fail(&c->commands, "slotd has died before it answered: it may be done or not");
	follow_lost(c);
}

static void closed(struct channel *ch, int error)
{
	(void)error;
	lose_slotd(ch->owner);
}

/* slotd-keep holds slotd's end of the channel, so that its death ends no channel: the pidfd tells.
 */
static void slotd_ended(struct loop_io *io, unsigned events)
{
	struct control *c = container_of(io, struct control, slotd_io);

	(void)events;
	loop_io_stop(c->loop, io);
	cleanup_closep(&c->slotd_pidfd);
	lose_slotd(c);
}

static const struct channel_ops ops = {
	.refused = helper_refused, .received = received, .closed = closed};

int control_init(struct control *c, int channel_fd, int slotd_pidfd)
{
	int r = loop_new(&c->loop);

	c->slotd_pidfd = slotd_pidfd;
	c->access.strict = true; /* until it is known who may read */
	if (r < 0) {
		(void)close(channel_fd);
		return r;
	}
	channel_init(&c->channel, c->loop, channel_fd, &ops, c);
	c->commands.channel = &c->channel;
	loop_io_init(&c->slotd_io, slotd_ended);
	if (c->slotd_pidfd >= 0) {
		loop_io_set(c->loop, &c->slotd_io, c->slotd_pidfd, LOOP_READ);
	}
	return http_init(&c->http, c, c->loop, route_find);
}

void control_done(struct control *c)
{
	loop_io_stop(c->loop, &c->slotd_io);
	cleanup_closep(&c->slotd_pidfd);
	http_done(&c->http);
	followers_done(c);
	channel_done(&c->channel);
	mirror_done(&c->mirror);
	counts_done(&c->counts);
	jobs_done(&c->jobs);
	access_done(&c->access);
	c->loop = loop_free(c->loop);
}
