#include <check.h>
#include <errno.h>
#include <signal.h>
#include <slotd/cleanup.h>
#include <string.h>
#include <supervisor/worker/groups.h>
#include <supervisor/worker/names.h>
#include <supervisor/worker/process.h>
#include <supervisor/worker/process_row.h>
#include <supervisor/worker/processes.h>
#include <supervisor/worker/starts.h>
#include <supervisor/worker/stdin.h>
#include <supervisor/worker/streams.h>
#include <unistd.h>

#include "fake.h"
#include "slotd_world.h"
#include "suite.h"

#define auto_world CLEANUP(world_done) struct world

static const char web[] = "[program:web]\ncommand=web\n";

/* ---- processes.c */

START_TEST(a_program_is_started_and_runs_after_startsecs)
{
	auto_world w = world_new(web);

	ck_assert_str_eq(world_plan(&w), "spawn web");
	ck_assert_str_eq(world_state(&w, "web"), "STARTING");
	world_advance(&w, SECONDS(1));
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
}
END_TEST

START_TEST(one_that_crashes_is_started_again_at_once)
{
	auto_world w = world_new(web);

	world_advance(&w, SECONDS(2));
	(void)world_plan(&w);
	world_exit(&w, "web", 1);
	ck_assert_str_eq(world_plan(&w), "spawn web");
	ck_assert_str_eq(world_state(&w, "web"), "STARTING");
	ck_assert_uint_eq(world_process(&w, "web")->worker.restarts, 1);
}
END_TEST

START_TEST(its_successor_is_asked_for_in_the_turn_of_its_end)
{
	auto_world w = world_new(web);

	world_advance(&w, SECONDS(2));
	fake_process_exit(fake_process_find("web"), 1 << 8);
	ck_assert(fake_loop_turn());
	ck_assert_str_eq(world_state(&w, "web"), "STARTING");
	ck_assert_ptr_nonnull(world_process(&w, "web")->call);
	world_settle(&w);
	ck_assert_ptr_null(world_process(&w, "web")->call);
}
END_TEST

START_TEST(one_that_never_stays_up_is_given_up)
{
	auto_world w = world_new(web);

	for (int i = 0; i < 4; i++) {
		world_exit(&w, "web", 1);
		world_advance(&w, SECONDS(i < 3 ? i + 1 : 0));
	}
	ck_assert_str_eq(world_state(&w, "web"), "FATAL");
	(void)world_plan(&w);
	world_advance(&w, SECONDS(3600));
	ck_assert_str_eq(world_plan(&w), "");
}
END_TEST

START_TEST(one_that_ignores_the_stop_signal_is_killed)
{
	auto_world w = world_new("[program:web]\ncommand=web\nstopwaitsecs=10\n");

	world_advance(&w, SECONDS(1));
	fake_obedient = false;
	(void)world_plan(&w);
	process_stop(world_process(&w, "web"));
	ck_assert_str_eq(world_plan(&w), "signal web TERM");
	world_advance(&w, SECONDS(9));
	ck_assert_str_eq(world_plan(&w), "");
	ck_assert_str_eq(world_state(&w, "web"), "STOPPING");
	world_advance(&w, SECONDS(1));
	ck_assert_str_eq(world_plan(&w), "signal web KILL");
	ck_assert_str_eq(world_state(&w, "web"), "STOPPED");
}
END_TEST

START_TEST(a_child_that_never_gets_to_its_command_can_be_stopped)
{
	auto_world w = world_new("[program:web]\ncommand=web\nautostart=false\n");

	fake_prompt = false;
	process_start(world_process(&w, "web"));
	world_advance(&w, SECONDS(30));
	ck_assert_str_eq(world_state(&w, "web"), "STARTING");
	process_stop(world_process(&w, "web"));
	world_settle(&w);
	ck_assert_str_eq(world_state(&w, "web"), "STOPPED");
	ck_assert_str_eq(world_plan(&w), "spawn web; signal web TERM");
}
END_TEST

/* ---- launch.c */

START_TEST(a_command_that_is_none_is_told_and_not_started)
{
	auto_world w = world_new("[program:web]\ncommand='web\nautostart=false\n");
	struct process *p = world_process(&w, "web");

	process_start(p);
	ck_assert_str_eq(world_plan(&w), "");
	ck_assert_ptr_nonnull(strstr(p->worker.spawnerr, "can't parse command"));
	ck_assert_str_eq(world_state(&w, "web"), "BACKOFF");
}
END_TEST

START_TEST(a_full_process_table_is_waited_for)
{
	auto_world w = world_new("[program:web]\ncommand=web\nautostart=false\nstartretries=0\n");
	struct process *p = world_process(&w, "web");

	fake_refusal = -EAGAIN;
	process_start(p);
	world_settle(&w);
	fake_refusal = 0;
	ck_assert_str_eq(world_state(&w, "web"), "BACKOFF"); /* not FATAL: it is not its fault */
	world_advance(&w, SECONDS(1));
	ck_assert_str_eq(world_plan(&w), "spawn web");
}
END_TEST

/* ---- streams.c */

START_TEST(a_stream_outlives_the_run_that_wrote_to_it)
{
	auto_world w = world_new("[program:web]\ncommand=web\nredirect_stderr=true\n");
	struct process *p = world_process(&w, "web");
	struct kept_fd kept[4];
	uint32_t first = p->streams[0];
	int writer = dup(fake_process_find("web")->stdio[1]); /* a child of its own has it, too */

	ck_assert_uint_ne(first, 0);
	world_advance(&w, SECONDS(2));
	world_exit(&w, "web", 0);
	ck_assert_uint_eq(process_kept_streams(p, kept, ARRAY_SIZE(kept)), 1);
	process_start(p);
	world_settle(&w);
	ck_assert_uint_ne(p->streams[0], first);
	ck_assert_uint_eq(process_kept_streams(p, kept, ARRAY_SIZE(kept)), 2);
	(void)close(writer);
	world_settle(&w);
	ck_assert_uint_eq(process_kept_streams(p, kept, ARRAY_SIZE(kept)), 1);
}
END_TEST

START_TEST(what_its_stdin_does_not_take_waits_up_to_a_bound)
{
	auto_world w = world_new(web);
	struct process *p = world_process(&w, "web");
	static char block[65536];

	for (int i = 0; i < 17; i++) { /* the pipe's own, and what is queued */
		ck_assert_int_eq(stdin_write(p, block, sizeof(block)), 0);
	}
	ck_assert_int_eq(stdin_write(p, block, sizeof(block)), -ENOBUFS);
	world_exit(&w, "web", 0);
	ck_assert_ptr_null(p->input);
}
END_TEST

/* ---- starts.c */

START_TEST(many_starts_come_in_their_order_and_all_of_them)
{
	auto_world w = world_new("[program:web]\ncommand=web\nnumprocs=40\nstartsecs=0\n"
				 "process_name=%(process_num)d\n");
	unsigned running = 0;

	world_advance(&w, SECONDS(1));
	vec_for_each (p, &w.sup->processes) {
		running += (*p)->worker.state == WORKER_RUNNING;
	}
	ck_assert_uint_eq(running, 40);
	for (int i = 1; i < 40; i++) {
		ck_assert_int_lt(w.sup->processes.at[i - 1]->pid, w.sup->processes.at[i]->pid);
	}
}
END_TEST

START_TEST(a_stop_takes_a_start_back_that_waits)
{
	auto_world w = world_new("[program:web]\ncommand=web\nautostart=false\n");
	struct process *p = world_process(&w, "web");

	process_start_soon(p);
	process_start_due(p);
	process_stop(p);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "web"), "STOPPED");
}
END_TEST

/* ---- groups.c */

START_TEST(groups_start_by_priority)
{
	auto_world w = world_new("[program:last]\ncommand=last\npriority=30\n"
				 "[program:first]\ncommand=first\npriority=10\n"
				 "[program:idle]\ncommand=idle\nautostart=false\n");

	ck_assert_str_eq(world_plan(&w), "spawn first; spawn last");
	ck_assert_str_eq(w.sup->groups.at[0]->name, "first");
	ck_assert(group_ended(group_find(w.sup, "idle")));
	ck_assert(!group_ended(group_find(w.sup, "last")));
}
END_TEST

START_TEST(they_are_stopped_in_the_reverse_order)
{
	auto_world w = world_new("[program:last]\ncommand=last\npriority=30\n"
				 "[program:first]\ncommand=first\npriority=10\n");

	world_advance(&w, SECONDS(1));
	(void)world_plan(&w);
	ck_assert(world_stop(&w));
	ck_assert_str_eq(world_plan(&w), "signal last TERM; signal first TERM");
}
END_TEST

/* ---- the ledger */

START_TEST(the_ledger_has_what_the_heap_has)
{
	auto_world w = world_new(web);
	struct process *p = world_process(&w, "web");
	struct ledger_view v;
	struct ledger_worker row;

	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(ledger_map(ledger_fd(w.sup->ledger), NULL, &v), 0);
	ck_assert_int_eq(ledger_get_worker(&v, p->worker.id, &row), 1);
	ck_assert_int_eq(memcmp(&row.state, &p->worker, sizeof(p->worker)), 0);
	ck_assert_int_eq(row.run.pid, p->pid);
	ck_assert_uint_eq(row.run.streams[1], p->streams[1]);
	world_exit(&w, "web", 1);
	ck_assert_int_eq(ledger_get_worker(&v, p->worker.id, &row), 1);
	ck_assert_int_eq(memcmp(&row.state, &p->worker, sizeof(p->worker)), 0);
	ck_assert_int_eq(row.run.pid, p->pid);
	ledger_unmap(&v);
}
END_TEST

SUITE("processes", a_program_is_started_and_runs_after_startsecs,
      one_that_crashes_is_started_again_at_once, its_successor_is_asked_for_in_the_turn_of_its_end,
      one_that_never_stays_up_is_given_up, one_that_ignores_the_stop_signal_is_killed,
      a_child_that_never_gets_to_its_command_can_be_stopped,
      a_command_that_is_none_is_told_and_not_started, a_full_process_table_is_waited_for,
      a_stream_outlives_the_run_that_wrote_to_it, what_its_stdin_does_not_take_waits_up_to_a_bound,
      many_starts_come_in_their_order_and_all_of_them, a_stop_takes_a_start_back_that_waits,
      groups_start_by_priority, they_are_stopped_in_the_reverse_order,
      the_ledger_has_what_the_heap_has);
