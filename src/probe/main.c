/*
 * slotd-probe: makes tcp and http checks for slotd and says what came of each. It decides nothing:
 * how many failures make a worker unhealthy is slotd's business, and a check that this process
 * could not make is no failure.
 *
 *	MSG_PROBE -> request.c -> prober.c -> tcp.c or http.c -> verdict.c -> MSG_PROBE_RESULT
 */
#include "prober.h"

#include <slotd/helper.h>
#include <slotd/keep.h>
#include <slotd/log.h>
#include <slotd/sandbox.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct probe {
	struct loop *loop;
	struct channel channel;
	struct prober prober;
};

static void received(struct channel *ch, struct message *m)
{
	struct probe *p = ch->owner;

	switch (m->type) {
	case MSG_PROBE:
		prober_ask(&p->prober, m);
		break;
	case MSG_QUIT:
		loop_stop(p->loop);
		break;
	default:
		break;
	}
}

static const struct channel_ops ops = {.refused = helper_refused, .received = received};

static int run(void)
{
	struct probe p = {0};
	int r = loop_new(&p.loop);

	if (r < 0) {
		return r;
	}
	channel_init(&p.channel, p.loop, HELPER_CHANNEL_FD, &ops, &p);
	r = prober_init(&p.prober, p.loop, &p.channel);
	if (r == 0) {
		r = helper_ready(&p.channel);
	}
	if (r == 0) {
		log_set_sink(helper_report, &p.channel);
		loop_run(p.loop);
		log_set_sink(NULL, NULL);
		r = p.prober.failed;
	}
	prober_done(&p.prober);
	channel_done(&p.channel);
	p.loop = loop_free(p.loop);
	return r;
}

int main(int argc, char **argv)
{
	static const struct sandbox_policy policy = {.needs = SANDBOX_INET | SANDBOX_UNIX};
	struct diag diag = {0};
	int r;

	(void)signal(SIGPIPE, SIG_IGN);
	/* Plain HTTP only: without TLS libcurl reads no files, so the sandbox may come first. */
	r = curl_global_init(CURL_GLOBAL_NOTHING) == CURLE_OK
		    ? sandbox_helper(&policy, argc, argv, &diag)
		    : diag_set(&diag, -ENOMEM, "slotd-probe: libcurl does not start");
	if (r < 0) {
		(void)log_diag(LOG_ERR, r, &diag);
		return EXIT_FAILURE;
	}
	r = run();
	curl_global_cleanup();
	if (r < 0) {
		log_line(LOG_ERR, "slotd-probe: %s", strerror(-r));
	}
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
