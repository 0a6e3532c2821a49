/* What of the two slots there may be one of, and what goes with each slot. */
#include <supervisor/service/slots.h>
#include <supervisor/worker/adopt.h>
#include <supervisor/worker/process_facts.h>
#include <supervisor/worker/starts.h>
#include <supervisor/worker/waits.h>

#include "service_world.h"
#include "suite.h"

#define BEATS                                                \
	"[program:beat-a]\ncommand=beat_a\nexclusive=true\n" \
	"[program:beat-b]\ncommand=beat_b\nexclusive=true\n" \
	"[program:job-a]\ncommand=job_a\n[program:job-b]\ncommand=job_b\n"
#define SLOTS_WITH(queue_a, queue_b, more)                                             \
	PROGRAMS BEATS "[service:s]\nlisten=unix:@DIR@/public.sock\nslot_a=a," queue_a \
		       "\nslot_b=b," queue_b "\nqueue=" queue_a "," queue_b "\n"       \
		       "health=tcp\nworker=unix:@DIR@/%(program_name)s.sock\n" more

static const char exclusive[] = SLOTS_WITH("beat-a,job-a", "beat-b,job-b", "idle_keep=60\n");
static const char with_slot[] =
	SLOTS_WITH("beat-a,job-a", "beat-b,job-b", "idle_keep=60\nconsumers=with_slot\n");

static const char *states(struct world *w)
{
	static char text[256];

	(void)snprintf(text, sizeof(text), "%s/%s", world_state(w, "beat-a"),
		       world_state(w, "beat-b"));
	return text;
}

START_TEST(an_exclusive_one_waits_whatever_starts_it)
{
	auto_world w = world_new(exclusive);
	struct process *a = world_process(&w, "beat-a"), *b = world_process(&w, "beat-b");

	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(states(&w), "RUNNING/STOPPED");
	ck_assert_ptr_eq(process_rival(b), a);
	ck_assert_ptr_null(process_rival(a));
	process_start(b);
	process_start_soon(b);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(states(&w), "RUNNING/STOPPED");
	ck_assert_ptr_eq(process_waits_for(b), a);
	logged("beat-b is exclusive and waits for beat-a to end");
	process_stop(b); /* nobody wants it any more */
	ck_assert_ptr_null(process_waits_for(b));
	process_stop(a);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(states(&w), "STOPPED/STOPPED");
	process_start(b); /* nothing is in its way */
	world_advance(&w, SECONDS(2));
	process_start(a);
	ck_assert_str_eq(states(&w), "STOPPED/RUNNING");
	world_exit(&w, "beat_b", 0);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(states(&w), "RUNNING/EXITED");
}
END_TEST

START_TEST(one_that_starts_again_by_itself_waits_too)
{
	auto_world w = world_new(exclusive);
	struct process *a = world_process(&w, "beat-a"), *b = world_process(&w, "beat-b");

	world_exit(&w, "beat_a", 1); /* too early: it backs off */
	ck_assert_str_eq(states(&w), "BACKOFF/STOPPED");
	process_start(b);
	ck_assert_str_eq(world_state(&w, "beat-b"), "STARTING");
	world_advance(&w, SECONDS(3));
	ck_assert_str_eq(states(&w), "BACKOFF/RUNNING");
	ck_assert_ptr_eq(process_waits_for(a), b);
	process_stop(b);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(states(&w), "RUNNING/STOPPED");
}
END_TEST

START_TEST(a_swap_and_its_way_back_never_have_two)
{
	auto_world w = world_new(exclusive);

	world_advance(&w, SECONDS(2));
	fake_obedient = false;
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, SECONDS(3));
	ck_assert_str_eq(states(&w), "STOPPING/STOPPED");
	go(&w, SWAP_KIND_ROLLBACK);
	world_advance(&w, SECONDS(3));
	ck_assert_str_eq(states(&w), "STOPPING/STOPPED");
	world_exit(&w, "beat_a", 0);
	world_exit(&w, "job_a", 0);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(states(&w), "RUNNING/STOPPED");
	fake_obedient = true;
}
END_TEST

/* Its tries would begin again one second after the flip. */
START_TEST(one_that_was_fatal_waits_for_the_other_slots_as_well)
{
	auto_world w = world_new(exclusive);
	struct process *b = world_process(&w, "job-b");

	world_advance(&w, SECONDS(2));
	process_start(b);
	world_settle(&w);
	for (int i = 0; i < 4; i++) {
		world_exit(&w, "job_b", 1);
		world_advance(&w, SECONDS((unsigned)i + 1) + MSECONDS(500));
	}
	ck_assert_str_eq(world_state(&w, "job-b"), "FATAL");
	fake_obedient = false;
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, SECONDS(5));
	ck_assert_str_eq(world_state(&w, "job-a"), "STOPPING");
	ck_assert_str_eq(world_state(&w, "job-b"), "STOPPED");
	world_exit(&w, "job_a", 0);
	world_exit(&w, "beat_a", 0);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "job-b"), "RUNNING");
	fake_obedient = true;
}
END_TEST

START_TEST(one_under_another_name_waits_for_the_one_that_a_reload_removed)
{
	auto_world w = world_new(exclusive);
	struct process *p;

	world_advance(&w, SECONDS(2));
	fake_obedient = false;
	reload_with(&w, PROGRAMS "[program:new-a]\ncommand=new_a\nexclusive=true\n"
				 "[program:beat-b]\ncommand=beat_b\nexclusive=true\n"
				 "[service:s]\nlisten=unix:@DIR@/public.sock\nslot_a=a,new-a\n"
				 "slot_b=b,beat-b\nqueue=new-a,beat-b\nhealth=tcp\n"
				 "worker=unix:@DIR@/%(program_name)s.sock\n");
	p = world_process(&w, "new-a");
	process_start(p); /* by name, which waits for no other program that was removed */
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "new-a"), "STOPPED");
	ck_assert_str_eq(process_waits_for(p)->namespec, "beat-a");
	world_exit(&w, "beat_a", 0);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "new-a"), "RUNNING");
	world_exit(&w, "job_a", 0);
	fake_obedient = true;
}
END_TEST

START_TEST(with_slot_the_others_run_from_start_to_stop)
{
	auto_world w = world_new(with_slot);
	struct service *s = the_service(&w);

	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "job-a"), "RUNNING");
	ck_assert_str_eq(world_state(&w, "job-b"), "STOPPED");
	slot_start(s, SLOT_B, false);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "job-b"), "RUNNING");
	ck_assert_str_eq(states(&w), "RUNNING/STOPPED");
	go(&w, SWAP_KIND_SWAP);
	finish(&w);
	world_advance(&w, SECONDS(3));
	ck_assert_str_eq(world_state(&w, "job-a"), "RUNNING");
	ck_assert_str_eq(states(&w), "STOPPED/RUNNING");
	world_advance(&w, SECONDS(120)); /* idle_keep is over */
	ck_assert_str_eq(world_state(&w, "job-a"), "STOPPED");
	reload_with(&w, exclusive); /* from now on an idle slot has none */
	slot_start(s, SLOT_A, false);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "a"), "RUNNING");
	ck_assert_str_eq(world_state(&w, "job-a"), "STOPPED");
}
END_TEST

START_TEST(a_reload_to_after_flip_stops_those_of_the_idle_slot)
{
	auto_world w = world_new(with_slot);

	world_advance(&w, SECONDS(2));
	slot_start(the_service(&w), SLOT_B, false);
	world_advance(&w, SECONDS(2));
	reload_with(&w, exclusive);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "job-b"), "STOPPED");
	ck_assert_str_eq(world_state(&w, "job-a"), "RUNNING");
	ck_assert_str_eq(world_state(&w, "b"), "RUNNING");
}
END_TEST

SUITE("exclusive", an_exclusive_one_waits_whatever_starts_it,
      one_that_starts_again_by_itself_waits_too, a_swap_and_its_way_back_never_have_two,
      one_that_was_fatal_waits_for_the_other_slots_as_well,
      one_under_another_name_waits_for_the_one_that_a_reload_removed,
      with_slot_the_others_run_from_start_to_stop,
      a_reload_to_after_flip_stops_those_of_the_idle_slot);
