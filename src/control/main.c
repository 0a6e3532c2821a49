/*
 * slotd-control: Supervisor's API and ours over HTTP, for slotd, which never parses what comes
 * from a network itself. See control.h for the map.
 */
#include "control.h"

#include <slotd/helper.h>
#include <slotd/keep.h>
#include <slotd/log.h>
#include <slotd/sandbox.h>

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

static int run(struct control *c, int slotd_pidfd)
{
	int r = control_init(c, HELPER_CHANNEL_FD, slotd_pidfd);

	if (r == 0) {
		r = helper_ready(&c->channel);
	}
	if (r == 0) {
		log_set_sink(helper_report, &c->channel);
		loop_run(c->loop);
		log_set_sink(NULL, NULL);
		r = c->failed;
	}
	control_done(c);
	return r;
}

int main(int argc, char **argv)
{
	static const struct sandbox_policy policy = {.needs = 0};
	static struct control control;
	struct diag diag = {0};
	int slotd_pidfd, r;

	(void)signal(SIGPIPE, SIG_IGN);
	/* before the sandbox forbids it; without one a dead slotd is a slow one */
	slotd_pidfd = (int)syscall(SYS_pidfd_open, getppid(), 0);
	tzset(); /* reads /etc/localtime while it still can */
	r = sandbox_helper(&policy, argc, argv, &diag);
	if (r < 0) {
		(void)log_diag(LOG_ERR, r, &diag);
		return EXIT_FAILURE;
	}
	r = run(&control, slotd_pidfd);
	if (r < 0) {
		log_line(LOG_ERR, "slotd-control: %s", strerror(-r));
	}
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
