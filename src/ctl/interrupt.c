#include "interrupt.h"

#include <errno.h>
#include <poll.h>

/* A signal handler has nothing else to tell it to. */
static volatile sig_atomic_t arrived;

static void note(int sig)
{
	(void)sig;
	arrived = 1;
}

void interrupt_init(struct interrupt *i, struct rpc *rpc)
{
	struct sigaction action = {.sa_handler = note}; /* no SA_RESTART: it is to end a wait */
	sigset_t block;

	arrived = 0;
	i->on = true;
	i->rpc = rpc;
	(void)sigemptyset(&block);
	if (rpc) {
		(void)sigaddset(&block, SIGINT);
		rpc->wait_mask = &i->old_mask;
	}
	(void)sigprocmask(SIG_BLOCK, &block, &i->old_mask);
	(void)sigaction(SIGINT, &action, &i->old_action);
}

void interrupt_done(struct interrupt *i)
{
	if (!i->on) {
		return;
	}
	if (i->rpc) {
		i->rpc->wait_mask = NULL;
	}
	(void)sigaction(SIGINT, &i->old_action, NULL);
	(void)sigprocmask(SIG_SETMASK, &i->old_mask, NULL);
	i->on = false;
}

int interrupt_wait(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	sigset_t block, old;
	int r = -1;

	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &block, &old);
	errno = EINTR;
	if (!arrived) {
		r = ppoll(&p, 1, NULL, &old);
	}
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return r < 0 ? -1 : 0;
}

bool interrupt_taken(void)
{
	bool was = arrived != 0;

	arrived = 0;
	return was;
}
