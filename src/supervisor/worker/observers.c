#include "worker/observers.h"

/* Of a supervisor that nobody has wired, which a test may use, nobody hears. */
static const struct worker_observer *const nobody[] = {NULL};

static const struct worker_observer *const *all(const struct supervisor *sup)
{
	return sup->worker_observers ? sup->worker_observers : nobody;
}

#define TELL(sup, what, ...)                                                  \
	for (const struct worker_observer *const *o_ = all(sup); *o_; o_++) { \
		if ((*o_)->what) {                                            \
			(*o_)->what(__VA_ARGS__);                             \
		}                                                             \
	}

int process_added(struct process *p)
{
	int r = 0;

	for (const struct worker_observer *const *o = all(p->sup); r == 0 && *o; o++) {
		r = (*o)->added ? (*o)->added(p) : 0;
	}
	return r;
}

void process_entered(struct process *p, const struct plan_action *a)
{
	TELL(p->sup, state, p, a);
}

void process_changed(struct process *p)
{
	TELL(p->sup, changed, p);
}

void process_output_lost(struct process *p, int error)
{
	TELL(p->sup, output_lost, p, error);
}

void process_said(struct process *p, const struct sd_message *n)
{
	TELL(p->sup, said, p, n);
}

void process_stepped(struct process *p)
{
	TELL(p->sup, stepped, p);
}

void process_gone(struct process *p)
{
	TELL(p->sup, gone, p);
}

int process_piped(struct process *p, int *child)
{
	int r = 0;

	for (const struct worker_observer *const *o = all(p->sup); r == 0 && *o; o++) {
		r = (*o)->piped ? (*o)->piped(p, child) : 0;
	}
	return r;
}

void group_added(struct group *g)
{
	TELL(g->sup, group_added, g);
}

void group_gone(struct group *g)
{
	TELL(g->sup, group_gone, g);
}
