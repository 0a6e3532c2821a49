/* deploy/schedules.c: programs that run at times. The world begins on 2023-11-14 at 22:30 UTC. */
#include <supervisor/deploy/records.h>
#include <supervisor/deploy/schedules.h>
#include <supervisor/worker/starts.h>
#include <supervisor/worker/waits.h>

#include <stdlib.h>

#include "service_world.h"
#include "suite.h"

#define MINUTES(n) SECONDS(60 * (n))
#define START	   1700001000
#define ZONE	   "schedule_zone=UTC\n"
#define EVERY(fields)                                                            \
	"[program:job]\ncommand=job\nstopwaitsecs=1\nschedule=" fields "\n" ZONE \
	"[program:web]\ncommand=web\n"

static struct world new_world(const char *text)
{
	(void)setenv("TZ", "UTC", 1);
	return world_new(text);
}

static int64_t next_of(struct world *w, const char *name)
{
	const struct process *p = world_process(w, name);

	return p->next_run ? p->next_run - START : 0;
}

/* The clock is set, which clockwatch.c notices. */
static void set_clock(struct world *w, int64_t seconds)
{
	fake_wall_step += seconds * (int64_t)SECONDS(1);
	schedules_clock_set(w->sup);
	world_settle(w);
}

START_TEST(a_program_runs_at_its_times_and_not_between)
{
	auto_world w = new_world(EVERY("40,50 * * * *"));

	ck_assert_str_eq(world_plan(&w), "spawn web");
	ck_assert_str_eq(world_state(&w, "job"), "STOPPED");
	ck_assert_int_eq(next_of(&w, "job"), 600);
	world_advance(&w, MINUTES(10) - 1);
	ck_assert_str_eq(world_plan(&w), "");
	world_advance(&w, 1);
	ck_assert_str_eq(world_plan(&w), "spawn job");
	ck_assert_str_eq(world_state(&w, "job"), "RUNNING");
	ck_assert_int_eq(next_of(&w, "job"), 1200);
	world_exit(&w, "job", 3); /* over in a moment, and it failed: it is not repeated */
	ck_assert_str_eq(world_state(&w, "job"), "EXITED");
	logged("exited: job (exit status 3; not expected)");
	world_advance(&w, MINUTES(9));
	ck_assert_str_eq(world_plan(&w), "");
	world_advance(&w, MINUTES(1));
	ck_assert_str_eq(world_plan(&w), "spawn job");
	ck_assert_int_eq(next_of(&w, "job"), 70 * 60);
	says(content(&w, "state/state.json"), "\"job\": 1700002200");
	not_logged("missed");
	not_logged("left out");
}
END_TEST

START_TEST(a_run_that_is_due_while_one_goes_on_is_left_out_and_that_is_said_once)
{
	auto_world w = new_world(EVERY("* * * * *"));

	process_start(world_process(&w, "job")); /* by hand: at once */
	world_settle(&w);
	ck_assert_str_eq(world_plan(&w), "spawn web; spawn job");
	world_advance(&w, MINUTES(3) + SECONDS(30));
	ck_assert_str_eq(world_plan(&w), "");
	logged("job: the run of 2023-11-14 22:31 is left out, because the one before has not "
	       "ended");
	not_logged("22:32");
	world_exit(&w, "job", 0);
	logged("job: 3 runs were left out while it ran");
	world_advance(&w, MINUTES(1));
	ck_assert_str_eq(world_plan(&w), "spawn job");
	not_logged("missed");
}
END_TEST

START_TEST(one_that_cannot_start_is_tried_again_and_at_its_next_time)
{
	auto_world w = new_world(EVERY("*/10 * * * *"));

	fake_refusal = -ENOENT;
	world_advance(&w, MINUTES(10) + SECONDS(30));
	ck_assert_str_eq(world_state(&w, "job"), "FATAL");
	fake_refusal = 0;
	world_advance(&w, MINUTES(9));
	ck_assert_str_eq(world_state(&w, "job"), "FATAL");
	world_advance(&w, MINUTES(1));
	ck_assert_str_eq(world_state(&w, "job"), "RUNNING");
}
END_TEST

static const char in_slots[] = PROGRAMS
	"[program:job-a]\ncommand=job_a\nschedule=* * * * *\n" ZONE
	"[program:job-b]\ncommand=job_b\nschedule=* * * * *\n" ZONE
	"[service:s]\nlisten=unix:@DIR@/public.sock\nslot_a=a,job-a\nslot_b=b,job-b\n"
	"queue=job-a,job-b\nhealth=tcp\nworker=unix:@DIR@/%(program_name)s.sock\nidle_keep=600\n";

START_TEST(in_a_slot_only_the_live_one_runs_it_and_never_both)
{
	auto_world w = new_world(in_slots);

	world_advance(&w, SECONDS(30));
	ck_assert_int_eq(next_of(&w, "job-a"), 60);
	ck_assert_int_eq(next_of(&w, "job-b"), 0);
	world_advance(&w, SECONDS(40));
	ck_assert_str_eq(world_state(&w, "job-a"), "RUNNING");
	ck_assert_str_eq(world_state(&w, "job-b"), "STOPPED");
	fake_obedient = false;
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, SECONDS(5));
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
	ck_assert_str_eq(world_state(&w, "job-a"), "STOPPING");
	ck_assert_int_eq(next_of(&w, "job-a"), 0);
	ck_assert_int_eq(next_of(&w, "job-b"), 120);
	process_stop_patiently(world_process(&w, "job-a"), MINUTES(9));
	world_process(&w, "job-a")->worker.deadline = USEC_NEVER; /* it is not killed */
	world_advance(&w, SECONDS(50));
	ck_assert_str_eq(world_state(&w, "job-b"), "STOPPED");
	ck_assert_ptr_eq(process_waits_for(world_process(&w, "job-b")), world_process(&w, "job-a"));
	world_exit(&w, "job_a", 0);
	world_advance(&w, SECONDS(1));
	ck_assert_str_eq(world_state(&w, "job-b"), "RUNNING");
	ck_assert_str_eq(world_state(&w, "job-a"), "STOPPED");
	fake_obedient = true;
	not_logged("missed");
}
END_TEST

START_TEST(what_a_clock_that_is_set_forward_skips_is_said_and_not_made_up)
{
	auto_world w = new_world(EVERY("*/10 * * * *"));

	(void)world_plan(&w);
	set_clock(&w, 35 * 60); /* 23:05: 22:40, 22:50 and 23:00 are over */
	ck_assert_str_eq(world_plan(&w), "");
	logged("job: 3 runs were missed, the last at 2023-11-14 23:00: the clock was set forward");
	ck_assert_int_eq(next_of(&w, "job"), 40 * 60);
	set_clock(&w, 5 * 60 + 20); /* 23:10:20: that is not too late */
	ck_assert_str_eq(world_plan(&w), "spawn job");
	world_exit(&w, "job", 0);
	set_clock(&w, 24 * 60 * 60 * 365);
	logged("job: more than 1000 runs were missed");
	world_advance(&w, MINUTES(10));
	ck_assert_str_eq(world_plan(&w), "spawn job");
}
END_TEST

START_TEST(a_clock_that_is_set_back_repeats_no_time_of_day)
{
	auto_world w = new_world("[program:daily]\ncommand=daily\nschedule=40 22 * * *\n" ZONE
				 "[program:often]\ncommand=often\nschedule=*/10 * * * *\n" ZONE);

	world_advance(&w, MINUTES(11));
	ck_assert_str_eq(world_plan(&w), "spawn daily; spawn often");
	world_exit(&w, "daily", 0);
	world_exit(&w, "often", 0);
	set_clock(&w, -10 * 60); /* 22:31 */
	world_advance(&w, MINUTES(10));
	ck_assert_str_eq(world_plan(&w), "spawn often");
	world_exit(&w, "often", 0);
	set_clock(&w, -90); /* 22:39:30: 22:40 is less than a minute ago */
	world_advance(&w, MINUTES(1));
	set_clock(&w, -20);
	world_advance(&w, MINUTES(1));
	ck_assert_str_eq(world_plan(&w), "");
	set_clock(&w, -4 * 60 * 60); /* the new time holds at once */
	world_advance(&w, MINUTES(4 * 60));
	says(world_plan(&w), "spawn daily");
	not_logged("missed");
}
END_TEST

START_TEST(a_reload_changes_times_and_leaves_a_run_alone)
{
	auto_world w = new_world(EVERY("40 * * * *"));
	struct process *p = world_process(&w, "job");

	reload_with(&w, EVERY("35 * * * *"));
	ck_assert_int_eq(next_of(&w, "job"), 300);
	world_advance(&w, MINUTES(5));
	ck_assert_str_eq(world_state(&w, "job"), "RUNNING");
	(void)world_plan(&w);
	reload_with(&w, "[program:job]\ncommand=other\nschedule=50 * * * *\n" ZONE
			"[program:web]\ncommand=web\n");
	ck_assert_str_eq(world_plan(&w), "");
	ck_assert_str_eq(world_state(&w, "job"), "RUNNING");
	ck_assert(p->pending);
	ck_assert_int_eq(next_of(&w, "job"), 20 * 60);
	world_exit(&w, "job", 0);
	world_advance(&w, MINUTES(15));
	ck_assert_str_eq(world_plan(&w), "spawn other");
	ck_assert(!p->pending);
	world_exit(&w, "other", 0);
	reload_with(&w, "[program:job]\ncommand=other\nautostart=false\n"
			"[program:web]\ncommand=web\n");
	ck_assert_int_eq(next_of(&w, "job"), 0);
	world_advance(&w, MINUTES(120));
	ck_assert_str_eq(world_plan(&w), "");
	reload_with(&w, EVERY("@hourly"));
	ck_assert_int_ne(next_of(&w, "job"), 0);
	reload_with(&w, "[program:web]\ncommand=web\n");
	world_advance(&w, MINUTES(120));
	ck_assert_str_eq(world_plan(&w), "");
}
END_TEST

static void leave_record(const char *dir)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/state", dir);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/state/state.json", dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fputs("{\"schedules\": {\"job\": 1699990800, \"late\": 1700000400, \"gone\": 1}}", f);
	(void)fclose(f);
}

START_TEST(what_was_missed_while_slotd_was_not_there_is_said)
{
	world_before = leave_record;
	auto_world w = new_world("[program:job]\ncommand=job\nschedule=0 * * * *\n" ZONE
				 "[program:late]\ncommand=late\nschedule=30 * * * *\n" ZONE
				 "[program:new]\ncommand=new\nschedule=0 * * * *\n" ZONE
				 "[program:boot]\ncommand=boot\nschedule=@reboot\n");

	world_before = NULL;
	/* 19:40 to 22:30: three o'clocks; 22:20 to 22:30, which is now */
	logged("job: 3 runs were missed, the last at 2023-11-14 22:00: slotd was not running");
	says(world_plan(&w), "spawn late");
	not_logged("late: ");
	not_logged("new: ");
	ck_assert_int_eq(next_of(&w, "job"), 30 * 60);
	ck_assert_str_eq(world_state(&w, "boot"), "RUNNING");
	ck_assert_int_eq(next_of(&w, "boot"), 0);
	says(content(&w, "state/state.json"), "\"new\": 1700001000");
	ck_assert_ptr_null(strstr(content(&w, "state/state.json"), "gone"));
}
END_TEST

static void leave_damaged_record(const char *dir)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/state", dir);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/state/state.json", dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fputs("{", f);
	(void)fclose(f);
}

START_TEST(that_no_record_can_be_written_is_said_once_and_stops_no_run)
{
	const char *at;
	unsigned n = 0;

	world_before = leave_damaged_record;
	auto_world w = new_world(EVERY("* * * * *"));

	world_before = NULL;
	(void)world_plan(&w);
	for (int i = 0; i < 3; i++) {
		world_advance(&w, MINUTES(1));
		ck_assert_str_eq(world_plan(&w), "spawn job");
		world_exit(&w, "job", 0);
	}
	for (at = world_log(); (at = strstr(at, "is damaged")); at++) {
		n++;
	}
	ck_assert_uint_eq(n, 2); /* when it is read, and when it is to be written */
}
END_TEST

START_TEST(an_idle_slotd_waits_for_one_timer)
{
	auto_world w = new_world("[program:job]\ncommand=job\nnumprocs=20\nschedule=0 4 1 1 *\n"
				 "process_name=job_%(process_num)d\n" ZONE);

	world_advance(&w, MINUTES(1));
	ck_assert_uint_eq(fake_loop_next_timer(),
			  usec_sub(SECONDS(UINT64_C(1704081600)), FAKE_WALL));
}
END_TEST

SUITE("schedules", a_program_runs_at_its_times_and_not_between,
      a_run_that_is_due_while_one_goes_on_is_left_out_and_that_is_said_once,
      one_that_cannot_start_is_tried_again_and_at_its_next_time,
      in_a_slot_only_the_live_one_runs_it_and_never_both,
      what_a_clock_that_is_set_forward_skips_is_said_and_not_made_up,
      a_clock_that_is_set_back_repeats_no_time_of_day,
      a_reload_changes_times_and_leaves_a_run_alone,
      what_was_missed_while_slotd_was_not_there_is_said,
      that_no_record_can_be_written_is_said_once_and_stops_no_run,
      an_idle_slotd_waits_for_one_timer);
