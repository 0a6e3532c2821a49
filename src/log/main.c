/*
 * slotd-log: workers' output into files, slotd's own log, syslog and the journal.
 *
 * What it does for whom is in logger.h; how output survives a kill is in <slotd/lognote.h>.
 */
#include "logger.h"
#include "pace.h"
#include "recover.h"
#include "reopen.h"
#include "requests.h"
#include "share.h"
#include "stream.h"

#include <slotd/cleanup.h>
#include <slotd/helper.h>
#include <slotd/keep.h>
#include <slotd/log.h>
#include <slotd/sandbox.h>

#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* ---- messages from slotd */

/* Another version's, or damaged. Logging goes on, in a window that dies with us. */
static void own_window(struct logger *lg)
{
	int window, notes, r = lognote_create(&window, &notes);

	if (r == 0) {
		r = staging_attach(&lg->staging, window, notes);
	}
	if (r < 0) {
		logger_report(lg, LOG_CRIT, "no staging window: %s; output stays in the pipes",
			      strerror(-r));
	}
}

static void on_setup(struct logger *lg, struct message *m)
{
	int r;

	lg->channel.packs = message_u64(m, TAG_PACKS) != 0;
	if (lg->staging.fd >= 0) {
		return; /* from the next slotd: they are the ones we have */
	}
	r = staging_attach(&lg->staging, message_take_fd(m, 0), message_take_fd(m, 1));
	if (r == 0) {
		recover(lg);
		return;
	}
	logger_report(lg, LOG_CRIT,
		      "cannot use the staging window: %s; until slotd starts again, a killed "
		      "slotd-log loses what it has in hand",
		      strerror(-r));
	own_window(lg);
}

static void on_print(struct logger *lg, struct message *m)
{
	own_print(lg, m);
}

static void on_line(struct logger *lg, struct message *m)
{
	if (lg->own.level >= LOG_DEBUG) {
		streams_drain_shown(lg); /* what a worker said before this is above it in the log */
	}
	own_received(lg, m);
}

static void on_reopen(struct logger *lg, struct message *m)
{
	reopen_asked(lg, m->id);
}

static void on_clear(struct logger *lg, struct message *m)
{
	request_clear(lg, m);
}

static void on_open(struct logger *lg, struct message *m)
{
	request_open(lg, m);
}

static void on_quit(struct logger *lg, struct message *m)
{
	(void)m;
	lg->stopped = true;
	streams_drain(lg);
	loop_stop(lg->loop);
}

static void received(struct channel *ch, struct message *m)
{
	static void (*const handlers[MSG_TYPE_MAX_])(struct logger *, struct message *) = {
		[MSG_LOG_SETUP] = on_setup, [MSG_LOG_STREAM] = stream_set,
		[MSG_LOG_OWN] = own_set,    [MSG_LOG_LINE] = on_line,
		[MSG_LOG_PRINT] = on_print, [MSG_LOG_REOPEN] = on_reopen,
		[MSG_LOG_CLEAR] = on_clear, [MSG_LOG_OPEN] = on_open,
		[MSG_QUIT] = on_quit,
	};

	if (handlers[m->type]) {
		handlers[m->type](ch->owner, m);
	}
}

static void drained(struct channel *ch)
{
	streams_flush(ch->owner);
}

static void on_reopen_timer(struct loop_timer *t)
{
	reopen_now(container_of(t, struct logger, reopen_timer));
}

/* ---- the process */

/* A line to slotd that is gone. */
static void write_here(struct logger *lg, int priority, const char *text)
{
	own_write(lg, &(struct own_line){priority, usec_wall(), text, ""});
}

static int begin(struct logger *lg)
{
	static const struct channel_ops ops = {
		.refused = helper_refused, .received = received, .drained = drained};
	int r = loop_new(&lg->loop);

	if (r < 0) {
		return r;
	}
	lg->unheard = write_here;
	lg->staging.fd = -EBADF;
	loop_timer_init(&lg->reopen_timer, on_reopen_timer);
	own_init(lg);
	streams_init(lg);
	pace_init(&lg->pace, lg->loop, stream_take);
	channel_init(&lg->channel, lg->loop, HELPER_CHANNEL_FD, &ops, lg);
	channel_first(&lg->channel); /* slotd waits less than any worker */
	return helper_ready(&lg->channel);
}

static void finish(struct logger *lg)
{
	if (!lg->loop) {
		return;
	}
	streams_done(lg);
	pace_done(&lg->pace);
	own_done(lg);
	staging_done(&lg->staging);
	loop_timer_stop(lg->loop, &lg->reopen_timer);
	channel_done(&lg->channel);
	lg->loop = loop_free(lg->loop);
}

int main(int argc, char **argv)
{
	static const int capabilities[] = {CAP_DAC_OVERRIDE, CAP_CHOWN, -1};
	static const struct sandbox_policy policy = {
		.needs = SANDBOX_FILES | SANDBOX_UNIX,
		.capabilities = capabilities,
	};
	static struct logger lg; /* its table of streams is large */
	struct diag diag = {0};
	int r;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file at RLIMIT_FSIZE is like a full disk */
	tzset();
	share_init(&lg.streams.share);
	r = sandbox_helper(&policy, argc, argv, &diag);
	if (r < 0) {
		(void)log_diag(LOG_ERR, r, &diag);
		return EXIT_FAILURE;
	}
	r = begin(&lg);
	if (r == 0) {
		loop_run(lg.loop);
	} else {
		log_line(LOG_ERR, "slotd-log: %s", strerror(-r));
	}
	finish(&lg);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
