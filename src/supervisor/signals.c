#include "signals.h"
#include "link/activity.h"
#include "reload/reload.h"
#include "shutdown.h"
#include "worker/orphans.h"
#include "worker/streams.h"

#include <slotd/cleanup.h>
#include <slotd/os.h>

#include <signal.h>
#include <stdlib.h>

/* A look asks the kernel about every child. While a thousand end, one for each would take longer
 * than all the rest: more than LOOKS_MAX in LOOKS_SPAN are one, at its end. */
#define LOOKS_SPAN MSECONDS(20)

enum {
	LOOKS_MAX = 4, /* in LOOKS_SPAN */
};

struct signals {
	struct supervisor *sup;
	struct loop_signal by_number[SIGSYS + 1];
	struct loop_idle reap;
	struct loop_timer reap_again;
	usec_t span_end;
	unsigned looks; /* in this span */
};

static struct supervisor *supervisor_of(struct loop_signal *s, int signo)
{
	return container_of(s, struct signals, by_number[signo])->sup;
}

static void on_quit_signal(struct loop_signal *s, int signo)
{
	struct supervisor *sup = supervisor_of(s, signo);
	char name[32];

	log_line(LOG_WARNING, "received %s indicating exit request",
		 worker_signal_name(signo, name, sizeof(name)));
	supervisor_shutdown(sup, MOOD_SHUTDOWN);
}

static void on_hangup(struct loop_signal *s, int signo)
{
	struct supervisor *sup = supervisor_of(s, signo);

	if (sup->mood != MOOD_RUNNING) {
		log_line(LOG_WARNING,
			 "ignored SIGHUP indicating reload request (shutdown in progress)");
		return;
	}
	log_line(LOG_WARNING, "received SIGHUP indicating reload request");
	reload_begin(sup, RELOAD_APPLY, 0, false);
}

static void on_reopen(struct loop_signal *s, int signo)
{
	struct supervisor *sup = supervisor_of(s, signo);

	log_line(LOG_INFO, "received SIGUSR2 indicating log reopen request");
	streams_reopen(sup);
}

/* Handled rather than ignored: workers would inherit that. */
static void on_user(struct loop_signal *s, int signo)
{
	(void)s, (void)signo;
}

static void on_child(struct loop_signal *s, int signo)
{
	struct signals *all = container_of(s, struct signals, by_number[signo]);

	loop_idle_queue(all->sup->loop, &all->reap);
}

/* At the end of the turn: those of ours that ended in it have been reaped by their own watchers. */
static void on_reap_idle(struct loop_idle *idle)
{
	struct signals *s = container_of(idle, struct signals, reap);
	usec_t now = usec_monotonic();

	if (now >= s->span_end) {
		s->span_end = usec_add(now, LOOKS_SPAN);
		s->looks = 0;
	}
	if (s->looks == LOOKS_MAX) {
		loop_timer_set(s->sup->loop, &s->reap_again, s->span_end);
		return;
	}
	s->looks++;
	log_line(LOG_DEBUG, "received SIGCHLD indicating a child quit");
	orphans_reap(s->sup);
	activity_child(s->sup);
}

static void on_reap_again(struct loop_timer *t)
{
	struct signals *s = container_of(t, struct signals, reap_again);

	loop_idle_queue(s->sup->loop, &s->reap);
}

static int watch(struct signals *s)
{
	static const struct {
		int signo;
		loop_signal_fn *fn;
	} all[] = {
		{SIGTERM, on_quit_signal}, {SIGINT, on_quit_signal}, {SIGQUIT, on_quit_signal},
		{SIGHUP, on_hangup},	   {SIGUSR2, on_reopen},     {SIGCHLD, on_child},
		{SIGUSR1, on_user},
	};
	int r = 0;

	/* Workers inherit these two, as from Supervisor. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(all) && r == 0; i++) {
		r = loop_signal_start(s->sup->loop, &s->by_number[all[i].signo], all[i].signo,
				      all[i].fn);
	}
	return r;
}

int signals_init(struct supervisor *sup)
{
	struct signals *s = calloc(1, sizeof(*s));

	if (!s) {
		return -ENOMEM;
	}
	s->sup = sup;
	sup->signals = s;
	loop_idle_init(&s->reap, on_reap_idle);
	loop_timer_init(&s->reap_again, on_reap_again);
	return watch(s);
}

void signals_done(struct supervisor *sup)
{
	struct signals *s = sup->signals;

	if (!s) {
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(s->by_number); i++) {
		loop_signal_stop(sup->loop, &s->by_number[i]);
	}
	loop_idle_cancel(sup->loop, &s->reap);
	loop_timer_stop(sup->loop, &s->reap_again);
	free(s);
	sup->signals = NULL;
}
