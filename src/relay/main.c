#include "backlog.h"
#include "capacity.h"
#include "carry.h"
#include "exchange.h"
#include "messages.h"
#include "relay.h"
#include "service.h"

#include <slotd/cleanup.h>
#include <slotd/helper.h>
#include <slotd/keep.h>
#include <slotd/sandbox.h>

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

enum {
	SPARE_DESCRIPTORS = 96, /* channel, epoll, pipes, listeners */
};

/* As many descriptors as we may have: two a connection. */
static unsigned raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
		return SPARE_DESCRIPTORS;
	}
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur > 2 * SPARE_DESCRIPTORS
		       ? (unsigned)((limit.rlim_cur - SPARE_DESCRIPTORS) / 2)
		       : SPARE_DESCRIPTORS / 2;
}

/* Before the sandbox closes the file system. Without it, every port may be a local one. */
static void read_local_ports(unsigned range[2])
{
	auto_fclose FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

	range[0] = 1;
	range[1] = 65535;
	if (f && fscanf(f, "%u %u", &range[0], &range[1]) != 2) {
		range[0] = 1;
		range[1] = 65535;
	}
}

static int run(struct relay *relay)
{
	static const struct channel_ops ops = {.refused = helper_refused,
					       .received = message_received};
	int r = loop_new(&relay->loop);

	if (r < 0) {
		return r;
	}
	r = copier_init(&relay->copier);
	if (r < 0) {
		return r;
	}
	relay->copier.heard = conn_heard;
	loop_timer_init(&relay->exhausted_timer, on_exhausted_timer);
	loop_timer_init(&relay->yield_timer, on_yield_timer);
	channel_init(&relay->channel, relay->loop, HELPER_CHANNEL_FD, &ops, relay);
	channel_first(&relay->channel); /* a connection is placed by all that was said before it */
	log_set_sink(helper_report, &relay->channel);
	r = helper_ready(&relay->channel);
	if (r == 0) {
		loop_run(relay->loop);
	}
	log_set_sink(NULL, NULL);
	return r;
}

static void relay_done(struct relay *relay)
{
	for (size_t i = 0; i < ARRAY_SIZE(relay->services); i++) {
		relay->services[i] = service_free(relay->services[i]);
	}
	while (relay->ending.len) {
		service_free(relay->ending.at[--relay->ending.len]);
	}
	vec_done(&relay->ending);
	if (relay->loop) {
		loop_timer_stop(relay->loop, &relay->exhausted_timer);
		loop_timer_stop(relay->loop, &relay->yield_timer);
	}
	channel_done(&relay->channel);
	copier_done(&relay->copier);
	exchanges_drop_spare(relay);
	cleanup_closep(&relay->diag_fd);
	relay->loop = loop_free(relay->loop);
}

int main(int argc, char **argv)
{
	static const struct sandbox_policy policy = {.needs = SANDBOX_INET | SANDBOX_UNIX |
							      SANDBOX_BIND};
	static struct relay relay;
	struct diag diag = {0};
	int r;

	(void)signal(SIGPIPE, SIG_IGN);
	read_local_ports(relay.local_ports);
	relay.max_conns = raise_limit();
	relay.diag_fd = backlog_open();
	r = sandbox_helper(&policy, argc, argv, &diag);
	if (r < 0) {
		(void)log_diag(LOG_ERR, r, &diag);
		return EXIT_FAILURE;
	}
	r = run(&relay);
	if (r < 0) {
		log_line(LOG_ERR, "slotd-relay: %s", strerror(-r));
	}
	relay_done(&relay);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
