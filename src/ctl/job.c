#include "job.h"

#include "interrupt.h"
#include "json.h"
#include "view.h"

#include <errno.h>
#include <poll.h>
#include <slotd/cleanup.h>
#include <slotd/usec.h>
#include <stdio.h>
#include <string.h>

/* systemd starts slotd, and slotd starts slotd-control, within a second. */
enum {
	LOST_MAX = 10,	/* seconds */
	LOST_QUIET = 1, /* that a slotd-control needs to be started again is not worth a word */
};

#define SIGN_OF_LIFE SECONDS(15)

struct follower {
	struct ctl *ctl;
	int number;
	const char *service;
	const char *until; /* the step at which following ends; NULL: at the end */
	bool may_abort, json, aborting, leave;
	bool came_to; /* that step */
	int64_t seen;
	usec_t lost; /* since when nobody is there; 0: somebody is */
	bool died;   /* slotd has, slotd-control says */
	bool told_lost;
	char step[32];
	usec_t step_since, quiet_since;
	char last[1024];    /* line printed */
	struct value lines; /* all of them, for --json */
};

static void clear_progress(const struct follower *f)
{
	if (f->ctl->terminal && !f->json) {
		printf("\r\033[K");
	}
}

/* Without a terminal: a line now and then, so that a CI job that is quiet is not taken for dead. */
static void show_sign_of_life(void *data, unsigned seconds)
{
	struct follower *f = data;
	const usec_t now = usec_monotonic();
	char took[USEC_TEXT_MAX];

	if (seconds == 0 || f->died || usec_sub(now, f->quiet_since) < SIGN_OF_LIFE) {
		return;
	}
	f->quiet_since = now;
	printf("    %-8s %s so far\n", f->step,
	       usec_format(usec_sub(now, f->step_since) / SECONDS(1) * SECONDS(1), took,
			   sizeof(took)));
	(void)fflush(stdout);
}

/* The line that updates, on a terminal only. */
static void show_progress(void *data, unsigned seconds)
{
	const struct follower *f = data;
	char took[USEC_TEXT_MAX];

	(void)seconds;
	printf("\r%s  %s%s\033[K", f->died ? "waiting for slotd" : f->step,
	       usec_format(usec_sub(usec_monotonic(), f->died ? f->lost : f->step_since), took,
			   sizeof(took)),
	       f->aborting ? "  (aborting)" : "");
	(void)fflush(stdout);
}

static void set_step(struct follower *f, const struct value *reply)
{
	const char *step = value_text(reply, "step");

	if (strcmp(step, f->step) != 0) {
		(void)snprintf(f->step, sizeof(f->step), "%s", step);
		f->step_since = usec_monotonic();
	}
}

static void print_line(struct follower *f, const char *text)
{
	(void)snprintf(f->last, sizeof(f->last), "%s", text);
	view_print(stdout, text, f->ctl->terminal);
	(void)putchar('\n');
	f->quiet_since = usec_monotonic();
}

static int keep_line(struct follower *f, const char *text)
{
	struct value *line = value_append(&f->lines);

	if (!line) {
		return -ENOMEM;
	}
	line->kind = VALUE_TEXT;
	line->text = strdup(text);
	return line->text ? 0 : -ENOMEM;
}

static void take_lines(struct follower *f, const struct value *reply)
{
	clear_progress(f);
	value_for_each(line, value_array(reply, "lines"))
	{
		if (!f->json) {
			print_line(f, value_text(line, "text"));
		} else if (keep_line(f, value_text(line, "text")) < 0) {
			f->json = false; /* no memory to collect them in: say them */
		}
	}
	(void)fflush(stdout);
	f->seen = value_int(reply, "seq");
	set_step(f, reply);
}

/* All lines in the place of the last ones. */
static void put_lines(struct follower *f, struct value *reply)
{
	for (size_t i = 0; i < reply->len; i++) {
		if (strcmp(reply->items[i].name, "lines") == 0) {
			struct value old = reply->items[i];

			f->lines.name = old.name;
			old.name = NULL;
			value_done(&old);
			reply->items[i] = f->lines;
			f->lines = (struct value){.kind = VALUE_ARRAY};
		}
	}
}

static void finish(struct follower *f, struct value *reply)
{
	const char *text = value_text(reply, "text");

	f->ctl->exit_code = (int)value_int(reply, "code");
	if (f->json) {
		put_lines(f, reply);
		json_print(reply);
	} else if (text[0] && strcmp(text, f->last) != 0) {
		print_line(f, text);
	}
}

/* It goes on by itself from here. */
static void finish_early(struct follower *f, struct value *reply)
{
	if (f->json) {
		put_lines(f, reply);
		json_print(reply);
	}
}

/* ---- Ctrl-C and lost connections ---------------------------------------------------------------
 */

static void abort_job(struct follower *f)
{
	struct diag diag = {0};
	int r;

	if (!f->may_abort || f->aborting || f->lost) {
		f->leave = true;
		return;
	}
	f->aborting = true;
	r = rpc_call(&f->ctl->rpc, NULL, &diag, "slotd.abort", "s", f->service);
	if (r == -EREMOTE) {
		clear_progress(f);
		explain_failure(f->ctl, r, &diag); /* too late: the flip is done */
	}
}

static void say_left(const struct follower *f, const char *why)
{
	clear_progress(f);
	(void)fprintf(stderr,
		      "slotctl: %s. #%d continues by itself. To follow it: slotctl attach %s\n",
		      why, f->number, f->service);
	f->ctl->exit_code = EXIT_UNKNOWN_OUTCOME;
}

static void say_died(const struct follower *f)
{
	clear_progress(f);
	(void)fprintf(stderr,
		      "slotctl: slotd has died. Waiting %d s for the next one, which undoes or "
		      "finishes #%d.\n",
		      LOST_MAX, f->number);
}

static void tell_lost(struct follower *f)
{
	if (f->died || f->told_lost || usec_sub(usec_monotonic(), f->lost) < SECONDS(LOST_QUIET)) {
		return;
	}
	f->told_lost = true;
	clear_progress(f);
	(void)fprintf(stderr, "slotctl: lost connection to slotd. Trying again for %d s.\n",
		      LOST_MAX - LOST_QUIET);
}

static void say_lost(const struct follower *f, const char *why)
{
	clear_progress(f);
	(void)fprintf(stderr,
		      "slotctl: lost connection: slotd %s. #%d is undone or finished when it is "
		      "started again. To see how it ended: slotctl attach %s\n",
		      why, f->number, f->service);
	if (f->ctl->options->own_socket) {
		explain_restart();
	}
	f->ctl->exit_code = EXIT_UNKNOWN_OUTCOME;
}

/* May go on? */
static bool is_patient(struct follower *f)
{
	const usec_t now = usec_monotonic();

	f->lost = f->lost ? f->lost : now;
	return usec_sub(now, f->lost) < SECONDS(LOST_MAX);
}

static void say_end(const struct follower *f, int error, const char *why)
{
	if (f->died || error == -ENOENT || error == -ECONNREFUSED) {
		say_lost(f, "is not running");
	} else if (error == -ETIMEDOUT) {
		say_lost(f, "does not answer");
	} else {
		say_left(f, why);
	}
}

/* May go on? */
static bool met_failure(struct follower *f, int error, const struct diag *diag)
{
	const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};

	if (error == -EINTR) {
		abort_job(f);
		if (f->leave) {
			say_end(f, error, "it is no longer followed");
		}
		return !f->leave;
	}
	if (error == -EREMOTE) {
		say_left(f, fault_sentence(f->ctl->rpc.fault.code, f->ctl->rpc.fault.text));
		return false;
	}
	/* Ctrl-C ends the wait: there is nobody whom it could ask for anything */
	if (!is_patient(f) || ppoll(NULL, 0, &pause, f->ctl->rpc.wait_mask) < 0) {
		say_end(f, error, diag->text);
		return false;
	}
	tell_lost(f);
	return true;
}

static void found_again(struct follower *f)
{
	f->lost = 0;
	f->died = f->told_lost = false;
}

/* slotd-control goes on without a slotd; those of older versions do not say so. May go on? */
static bool is_attended(struct follower *f, const struct value *reply)
{
	if (!value_member(reply, "alive") || value_true(reply, "alive")) {
		found_again(f);
		return true;
	}
	if (!f->died) {
		say_died(f);
	}
	f->died = true;
	if (is_patient(f)) {
		return true;
	}
	say_lost(f, "is not running");
	return false;
}

/*
 * slotd-keep has the socket, too: where nobody accepts, a connection is made all the same. So a
 * lost one is tried with what is answered at once.
 */
static int ask_progress(struct follower *f, struct value *ret, struct diag *diag)
{
	CLEANUP(value_done) struct value state = {0};
	struct rpc *rpc = &f->ctl->rpc;
	int r = 0;

	if (f->lost) {
		rpc->until =
			usec_add(f->lost, SECONDS(f->died || f->told_lost ? LOST_MAX : LOST_QUIET));
		r = rpc_call(rpc, &state, diag, "supervisor.getState", "");
		rpc->until = 0;
		if (r == 0 && !has_died(&state)) {
			found_again(f);
		}
	}
	return r < 0 ? r : rpc_call(rpc, ret, diag, "slotd.follow", "ii", f->number, (int)f->seen);
}

static void follow(struct follower *f)
{
	for (bool done = false; !done;) {
		CLEANUP(value_done) struct value reply = {0};
		struct diag diag = {0};
		int r = ask_progress(f, &reply, &diag);

		if (r < 0) {
			if (!met_failure(f, r, &diag)) {
				return;
			}
			continue;
		}
		take_lines(f, &reply);
		done = value_true(&reply, "done");
		if (done) {
			finish(f, &reply);
		} else if (!is_attended(f, &reply)) {
			return;
		} else if (!f->died && f->until && strcmp(f->step, f->until) == 0) {
			f->came_to = true;
			finish_early(f, &reply);
			return;
		}
	}
}

static void follow_as(struct follower *f)
{
	CLEANUP(interrupt_done) struct interrupt interrupt = {0};
	struct ctl *ctl = f->ctl;
	rpc_tick_fn *tick = ctl->rpc.tick;

	f->step_since = f->quiet_since = usec_monotonic();
	f->lines = (struct value){.kind = VALUE_ARRAY};
	interrupt_init(&interrupt, &ctl->rpc);
	ctl->rpc.tick = f->json ? NULL : ctl->terminal ? show_progress : show_sign_of_life;
	ctl->rpc.tick_data = f;
	follow(f);
	ctl->rpc.tick = tick;
	ctl->rpc.tick_data = NULL;
	value_done(&f->lines);
}

void job_follow(struct ctl *ctl, int number, const char *service, bool may_abort, bool json)
{
	struct follower f = {
		.ctl = ctl,
		.number = number,
		.service = service,
		.may_abort = may_abort,
		.json = json,
	};

	follow_as(&f);
}

bool job_follow_to(struct ctl *ctl, int number, const char *service, const char *step, bool json)
{
	struct follower f = {
		.ctl = ctl,
		.number = number,
		.service = service,
		.until = step,
		.may_abort = true,
		.json = json,
	};

	follow_as(&f);
	return f.came_to;
}
