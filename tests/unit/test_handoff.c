#include <check.h>
#include <slotd/cleanup.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fake_handoff.h"
#include "service/observers.h"
#include "service/place.h"
#include "suite.h"

/* service/place.c between the core and a handoff. What it calls of slotd is here. */

static char said[4096], fed[256];
static unsigned published;

struct switch_word service_word(const struct service *s)
{
	(void)s;
	return (struct switch_word){.live = SLOT_A};
}

void service_say(struct service *s, int priority, const char *fmt, ...)
{
	size_t used = strlen(said);
	va_list ap;

	(void)s;
	used += (size_t)snprintf(said + used, sizeof(said) - used, "%s<%d>", used ? " " : "",
				 priority);
	va_start(ap, fmt);
	(void)vsnprintf(said + used, sizeof(said) - used, fmt, ap);
	va_end(ap);
}

void service_changed(struct service *s)
{
	(void)s;
	published++;
}

void service_shared(struct service *s)
{
	(void)s;
}

void service_settle_soon(struct service *s)
{
	(void)s;
}

void service_step(struct service *s, enum deploy_event_kind kind, int code, const char *text)
{
	(void)code;
	(void)text;
	if (kind == DEPLOY_EV_FLIPPED) {
		s->swap.live = s->swap.target;
	}
	(void)snprintf(fed, sizeof(fed), "swap %d", (int)kind);
}

void service_worker_drained(struct service *s, uint32_t worker, bool cut, uint64_t n)
{
	(void)s;
	(void)snprintf(fed, sizeof(fed), "worker %u %s, %u cut", worker, cut ? "cut" : "drained",
		       (unsigned)n);
}

void service_drained(struct service *s, enum slot_id slot, enum retire_event_kind kind)
{
	(void)snprintf(fed, sizeof(fed), "retire %s %d, %u cut", slot_name(slot), (int)kind,
		       (unsigned)s->slots[slot].n_cut);
}

void service_write_ledger(struct service *s)
{
	(void)s;
}

const char *service_trouble_text(const struct service *s, enum trouble t, char *buf, size_t size)
{
	return trouble_text(t, slot_name(s->placed.live), s->why[t], buf, size);
}

struct process *service_next(const struct service *s, enum slot_id slot, size_t *pos)
{
	while (*pos < s->workers.len) {
		struct process *p = s->workers.at[(*pos)++];

		if (slot == SLOT_MAX_ || p->slot == slot) {
			return p;
		}
	}
	return NULL;
}

/* ---- a service with a worker in each slot ---- */

static struct worker_config config = {.address = (char *)"127.0.0.1:1"};
static struct process processes[2];
static struct process *both[] = {&processes[0], &processes[1]};
static struct supervisor sup;
static struct service s;

static void set(struct process *p, enum worker_state state, bool healthy)
{
	p->worker.state = state;
	p->health.healthy = healthy;
	p->stopped_wall = state == WORKER_STOPPED;
}

static const char *settled(void)
{
	service_settle(&s);
	return fake_handoff_acts();
}

static void set_up(void)
{
	sup = (struct supervisor){.mood = MOOD_RUNNING, .handoff = &fake_handoff};
	s = (struct service){.sup = &sup, .name = (char *)"web", .workers = {both, 2, 2}};
	for (unsigned i = 0; i < ARRAY_SIZE(processes); i++) {
		processes[i] = (struct process){.service = &s, .slot = (enum slot_id)i};
		processes[i].worker.id = i;
		processes[i].config = &config;
		set(&processes[i], WORKER_RUNNING, true);
	}
	service_begin_placed(&s, SLOT_A);
	(void)fake_handoff_acts();
	said[0] = fed[0] = '\0';
	published = 0;
}

START_TEST(at_first_the_live_slot_gets_everything)
{
	set_up();
	service_begin_placed(&s, SLOT_B);
	ck_assert_str_eq(fake_handoff_acts(), "begin b open 0");
	s.down = true;
	service_begin_placed(&s, SLOT_A);
	ck_assert_str_eq(fake_handoff_acts(), "begin a hold 0");
}
END_TEST

START_TEST(what_did_not_change_is_not_placed_again)
{
	set_up();
	ck_assert_str_eq(settled(), "worker 0 up; worker 1 up");
	set(&processes[0], WORKER_RUNNING, false);
	ck_assert_str_eq(settled(), "worker 0 up; worker 1 up");
	ck_assert_uint_eq(s.troubles, trouble_bit(TROUBLE_UNHEALTHY));
	ck_assert_uint_eq(published, 1);
	set(&processes[0], WORKER_STARTING, false);
	ck_assert_str_eq(settled(), "worker 0 down; worker 1 up");
	ck_assert_uint_eq(published, 1);
}
END_TEST

START_TEST(a_live_slot_that_was_stopped_by_hand_holds_and_goes_on)
{
	set_up();
	set(&processes[0], WORKER_STOPPED, false);
	(void)strcpy(s.why[TROUBLE_STOPPED], "ana");
	ck_assert_str_eq(settled(), "worker 0 down; worker 1 up; place a hold 0");
	ck_assert_str_eq(said, "<4>the live slot was stopped by ana: connections wait");
	ck_assert_str_eq(settled(), "worker 0 down; worker 1 up");
	said[0] = '\0';
	set(&processes[0], WORKER_STARTING, false);
	ck_assert_str_eq(settled(), "worker 0 down; worker 1 up; place a open 0");
	ck_assert_str_eq(said, "<5>connections no longer wait");
	ck_assert_str_eq(s.why[TROUBLE_STOPPED], "");
}
END_TEST

START_TEST(a_flip_is_over_when_the_handoff_says_so)
{
	set_up();
	s.swap.step = SWAP_FLIP;
	s.swap.target = SLOT_B;
	service_flip(&s, SLOT_B);
	ck_assert_str_eq(fake_handoff_acts(), "worker 0 up; worker 1 up; place b open 0");
	ck_assert_int_eq(s.placed.live, SLOT_A);
	set(&processes[0], WORKER_STOPPED, false); /* the old slot: it decides nothing any more */
	ck_assert_str_eq(settled(), "worker 0 down; worker 1 up");
	service_handed(&s, &(struct handoff_event){.kind = HANDOFF_PLACED});
	ck_assert_int_eq(s.placed.live, SLOT_B);
	ck_assert_str_eq(fed, "swap 8");
	fed[0] = '\0';
	service_handed(&s, &(struct handoff_event){.kind = HANDOFF_PLACED});
	ck_assert_str_eq(fed, "");
	ck_assert_str_eq(settled(), "worker 0 down; worker 1 up");
}
END_TEST

START_TEST(people_can_pause_it_and_give_a_canary_its_share)
{
	set_up();
	s.swap.weight = 1000;
	s.swap.target = SLOT_B;
	ck_assert_str_eq(settled(), "worker 0 up; worker 1 up; place a open 1000");
	s.wish.pause = true;
	ck_assert_str_eq(settled(), "worker 0 up; worker 1 up; place a hold 1000");
	s.wish.pause = false;
	s.swap.weight = 0;
	ck_assert_str_eq(settled(), "worker 0 up; worker 1 up; place a open 0");
	s.ab = (struct ab_test){.weight = 5000, .slot = SLOT_B};
	ck_assert_str_eq(settled(), "worker 0 up; worker 1 up; place a open 5000");
	s.ab = (struct ab_test){0};
}
END_TEST

/* Whoever drains may stop when nobody is left, so nobody may come after that. */
START_TEST(a_canary_drains_when_no_more_connections_go_there)
{
	set_up();
	s.swap.weight = 1000;
	s.swap.target = SLOT_B;
	(void)settled();
	service_handed(&s, &(struct handoff_event){.kind = HANDOFF_PLACED});
	ck_assert_uint_eq(s.told_share, 1000);
	s.swap.weight = 0;
	service_drain(&s, SLOT_B);
	ck_assert_str_eq(fake_handoff_acts(), "worker 0 up; worker 1 up; place a open 0");
	service_handed(&s, &(struct handoff_event){.kind = HANDOFF_PLACED});
	ck_assert_str_eq(fake_handoff_acts(), "drain b");
	ck_assert_uint_eq(s.told_share, 0);
	service_drain(&s, SLOT_B);
	ck_assert_str_eq(fake_handoff_acts(), "drain b");
}
END_TEST

START_TEST(drained_and_cut_reach_the_slot)
{
	set_up();
	service_handed(&s, &(struct handoff_event){.kind = HANDOFF_DRAINED, .slot = SLOT_B});
	ck_assert_str_eq(fed, "retire b 2, 0 cut");
	service_handed(&s, &(struct handoff_event){.kind = HANDOFF_CUT, .slot = SLOT_B, .n = 7});
	ck_assert_str_eq(fed, "retire b 3, 7 cut");
}
END_TEST

START_TEST(workers_that_end_because_slotd_ends_change_nothing)
{
	set_up();
	sup.mood = MOOD_SHUTDOWN;
	set(&processes[0], WORKER_STOPPED, false);
	ck_assert_str_eq(settled(), "worker 0 down; worker 1 up");
	ck_assert_uint_eq(s.troubles, 0);
}
END_TEST

START_TEST(two_things_that_are_wrong_are_both_said)
{
	struct public_socket unbound = {.fd = -EBADF};
	struct service_verdict v;

	set_up();
	s.unrecorded = true;
	s.sockets.at = &unbound;
	s.sockets.len = 1;
	service_verdict(&s, &v);
	ck_assert_uint_eq(v.troubles, trouble_bit(TROUBLE_RECORD) | trouble_bit(TROUBLE_ADDRESS));
}
END_TEST

SUITE("handoff", at_first_the_live_slot_gets_everything, what_did_not_change_is_not_placed_again,
      a_live_slot_that_was_stopped_by_hand_holds_and_goes_on,
      a_flip_is_over_when_the_handoff_says_so, a_canary_drains_when_no_more_connections_go_there,
      people_can_pause_it_and_give_a_canary_its_share, drained_and_cut_reach_the_slot,
      workers_that_end_because_slotd_ends_change_nothing, two_things_that_are_wrong_are_both_said);
