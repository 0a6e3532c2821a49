#include <check.h>
#include <errno.h>
#include <signal.h>
#include <slotd/cleanup.h>
#include <slotd/worker.h>
#include <stdio.h>
#include <string.h>

#include "golden.h"
#include "suite.h"
#include "world.h"

static const char *const event_names[WORKER_EV_MAX_] = {
	[WORKER_EV_START] = "start",	     [WORKER_EV_STOP] = "stop",
	[WORKER_EV_SHUTDOWN] = "shutdown",   [WORKER_EV_SPAWNED] = "spawned",
	[WORKER_EV_SPAWN_FAILED] = "failed", [WORKER_EV_EXIT] = "exit",
	[WORKER_EV_TIMER] = "timer",	     [WORKER_EV_KILL_FAILED] = "kill-failed",
	[WORKER_EV_HUNG] = "hung",
};

/* A worker put into a state by the shortest way that leads there. */
static void go_to(struct world *w, enum worker_state state)
{
	world_init(w);
	switch (state) {
	case WORKER_STOPPED:
		break;
	case WORKER_STARTING:
		world_start(w);
		break;
	case WORKER_BACKOFF:
		world_start(w);
		world_exit(w, 1);
		break;
	case WORKER_STOPPING:
		world_run(w);
		world_send(w, WORKER_EV_STOP);
		break;
	case WORKER_EXITED:
		world_run(w);
		world_exit(w, 0);
		break;
	case WORKER_FATAL:
		w->policy.startretries = 0;
		world_start(w);
		world_exit(w, 1);
		break;
	case WORKER_UNKNOWN:
		world_run(w);
		world_send(w, WORKER_EV_STOP);
		world_send(w, WORKER_EV_KILL_FAILED);
		break;
	default:
		world_run(w);
	}
	ck_assert_int_eq(w->worker.state, state);
}

/* The timer of a state that has one is due; in the others it must be ignored. */
static const char *one_cell(struct world *w, enum worker_event_kind kind)
{
	if (kind == WORKER_EV_TIMER && w->timer != USEC_NEVER) {
		w->now = w->timer;
		w->timer = USEC_NEVER;
	}
	if (kind == WORKER_EV_EXIT) {
		return world_exit(w, 1);
	}
	return world_send(w, kind);
}

START_TEST(every_state_meets_every_event)
{
	static char all[GOLDEN_MAX];
	static struct world w;
	size_t used = 0;

	for (int s = 0; s < WORKER_STATE_MAX_; s++) {
		for (int e = 0; e < WORKER_EV_MAX_; e++) {
			const char *plan;

			go_to(&w, (enum worker_state)s);
			plan = one_cell(&w, (enum worker_event_kind)e);
			used += (size_t)snprintf(all + used, sizeof(all) - used, "%-8s %-11s %s\n",
						 worker_state_info((enum worker_state)s)->name,
						 event_names[e], *plan ? plan : "-");
		}
	}
	golden_check("worker_matrix.txt", all);
}
END_TEST

START_TEST(a_worker_runs_once_startsecs_have_passed)
{
	static struct world w;

	world_init(&w);
	ck_assert_str_eq(world_send(&w, WORKER_EV_START), "state 7 STOPPED -> STARTING; spawn 7");
	ck_assert_str_eq(world_send(&w, WORKER_EV_SPAWNED), "timer 7 +1s");
	ck_assert_str_eq(world_log(&w), "log 7 info \"spawned: 'web' with pid 100\"");
	ck_assert_str_eq(world_advance(&w, SECONDS(1)), "state 7 STARTING -> RUNNING");
	ck_assert_str_eq(world_log(&w),
			 "log 7 info \"success: web entered RUNNING state, process has stayed up "
			 "for > than 1 seconds (startsecs)\"");
}
END_TEST

START_TEST(a_worker_is_killed_when_it_ignores_the_stop_signal)
{
	static struct world w;

	world_init(&w);
	world_run(&w);
	ck_assert_str_eq(world_send(&w, WORKER_EV_STOP),
			 "state 7 RUNNING -> STOPPING; signal 7 SIGTERM; timer 7 +10s");
	ck_assert_str_eq(world_advance(&w, SECONDS(10)), "signal 7 SIGKILL; timer 7 +10s");
	ck_assert_str_eq(world_log(&w),
			 "log 7 warning \"killing 'web' (100) with SIGKILL\"; "
			 "log 7 debug \"killing web (pid 100) with signal SIGKILL\"");
	ck_assert_str_eq(world_advance(&w, SECONDS(10)), "signal 7 SIGKILL; timer 7 +10s");
	ck_assert_str_eq(world_killed(&w, SIGKILL), "state 7 STOPPING -> STOPPED; timer 7 off");
	ck_assert_str_eq(world_log(&w), "log 7 warning \"stopped: web (terminated by SIGKILL)\"");
}
END_TEST

START_TEST(a_worker_that_hangs_is_aborted_then_killed_and_restarted_as_after_a_crash)
{
	static struct world w;

	world_init(&w);
	world_run(&w);
	ck_assert_str_eq(world_send(&w, WORKER_EV_HUNG), "signal 7 SIGABRT; timer 7 +10s");
	ck_assert_str_eq(world_send(&w, WORKER_EV_HUNG), "");
	ck_assert_str_eq(world_state(&w), "RUNNING");
	ck_assert_str_eq(world_advance(&w, SECONDS(10)), "signal 7 SIGKILL; timer 7 +10s");
	ck_assert_str_eq(world_killed(&w, SIGKILL), "state 7 RUNNING -> EXITED; timer 7 +0s");
	world_run(&w);
	world_send(&w, WORKER_EV_HUNG);
	world_advance(&w, SECONDS(1));
	ck_assert_str_eq(world_send(&w, WORKER_EV_STOP), /* somebody wants it to stay away */
			 "state 7 RUNNING -> STOPPING; signal 7 SIGTERM; timer 7 +10s");
	ck_assert_str_eq(world_killed(&w, SIGABRT), "state 7 STOPPING -> STOPPED; timer 7 off");
}
END_TEST

START_TEST(stopwaitsecs_of_nought_does_not_kill_in_a_tight_loop)
{
	static struct world w;

	world_init(&w);
	w.policy.stopwaitsecs = 0;
	world_run(&w);
	world_send(&w, WORKER_EV_STOP);
	ck_assert_str_eq(world_advance(&w, 1), "signal 7 SIGKILL; timer 7 +0.999999s");
}
END_TEST

START_TEST(groups_are_signalled_as_configured)
{
	static struct world w;

	world_init(&w);
	w.policy.stopasgroup = true;
	world_run(&w);
	ck_assert_str_eq(world_send(&w, WORKER_EV_STOP),
			 "state 7 RUNNING -> STOPPING; signal 7 SIGTERM group; timer 7 +10s");
	ck_assert_str_eq(world_log(&w), "log 7 debug \"killing web (pid 100) process group with "
					"signal SIGTERM\"");
	w.policy.killasgroup = true;
	ck_assert_str_eq(world_advance(&w, SECONDS(10)), "signal 7 SIGKILL group; timer 7 +10s");
}
END_TEST

START_TEST(an_end_before_startsecs_is_a_failure_whatever_its_code)
{
	static struct world w;

	world_init(&w);
	world_start(&w);
	ck_assert_str_eq(world_exit(&w, 0), "state 7 STARTING -> BACKOFF; timer 7 +1s");
	ck_assert_str_eq(world_log(&w),
			 "log 7 warning \"exited: web (exit status 0; not expected)\"");
	ck_assert_str_eq(w.worker.spawnerr, "Exited too quickly (process log may have details)");
	ck_assert_int_eq(worker_exitstatus(&w.worker), 0);
}
END_TEST

START_TEST(a_worker_gives_up_after_startretries_with_growing_waits)
{
	static struct world w;

	world_init(&w);
	world_start(&w);
	for (unsigned wait = 1; wait <= 3; wait++) {
		char want[64];

		(void)snprintf(want, sizeof(want), "state 7 STARTING -> BACKOFF; timer 7 +%us",
			       wait);
		ck_assert_str_eq(world_exit(&w, 1), want);
		ck_assert_str_eq(world_advance(&w, SECONDS(wait)),
				 "state 7 BACKOFF -> STARTING; spawn 7");
		world_send(&w, WORKER_EV_SPAWNED);
	}
	ck_assert_str_eq(world_exit(&w, 1),
			 "state 7 STARTING -> BACKOFF; state 7 BACKOFF -> FATAL; timer 7 off");
	ck_assert_str_eq(
		world_log(&w),
		"log 7 warning \"exited: web (exit status 1; not expected)\"; log 7 info "
		"\"gave up: web entered FATAL state, too many start retries too quickly\"");
	ck_assert(!worker_stoppable(&w.worker));
}
END_TEST

/* After an end that nobody asked for, in its turn. */
static void start_again(struct world *w)
{
	ck_assert_str_eq(world_advance(w, 0), "state 7 EXITED -> STARTING; spawn 7");
	world_send(w, WORKER_EV_SPAWNED);
}

/* The change of state in the last plan; what events and people are told of it. */
static struct plan_action change(const struct world *w, enum worker_state to)
{
	for (unsigned i = 0; i < w->plan.len; i++) {
		if (w->plan.actions[i].kind == PLAN_STATE && w->plan.actions[i].arg == (int)to) {
			return w->plan.actions[i];
		}
	}
	ck_abort_msg("no change to %s", worker_state_info(to)->name);
}

START_TEST(a_change_of_state_tells_pid_tries_and_whether_it_was_expected)
{
	static struct world w;

	world_init(&w);
	world_run(&w);
	ck_assert_int_eq(change(&w, WORKER_RUNNING).pid, w.worker.pid);
	world_exit(&w, 0);
	ck_assert(change(&w, WORKER_EXITED).expected);
	ck_assert_int_eq(change(&w, WORKER_EXITED).pid, 100);
	world_run(&w);
	world_exit(&w, 1);
	ck_assert(!change(&w, WORKER_EXITED).expected);
	start_again(&w);
	for (unsigned tries = 1; tries <= 3; tries++) {
		world_exit(&w, 0);
		ck_assert_uint_eq(change(&w, WORKER_BACKOFF).tries, tries);
		ck_assert(!w.worker.exit_expected); /* too early, whatever the code */
		world_advance(&w, SECONDS(tries));
		ck_assert_uint_eq(change(&w, WORKER_STARTING).tries, tries);
		ck_assert_uint_eq(w.worker.since, w.now);
		world_send(&w, WORKER_EV_SPAWNED);
	}
}
END_TEST

START_TEST(a_start_by_hand_after_giving_up_has_all_its_retries)
{
	static struct world w;

	world_init(&w);
	w.policy.startretries = 1;
	for (int i = 0; i < 2; i++) {
		world_start(&w);
		ck_assert_str_eq(world_exit(&w, 1), "state 7 STARTING -> BACKOFF; timer 7 +1s");
		world_advance(&w, SECONDS(1));
		world_send(&w, WORKER_EV_SPAWNED);
		world_exit(&w, 1);
		ck_assert_str_eq(world_state(&w), "FATAL");
	}
}
END_TEST

START_TEST(a_run_ends_a_row_of_failures)
{
	static struct world w;

	world_init(&w);
	w.policy.startretries = 1;
	w.policy.autorestart = AUTORESTART_ALWAYS;
	world_start(&w);
	for (int i = 0; i < 5; i++) {
		ck_assert_str_eq(world_exit(&w, 1), "state 7 STARTING -> BACKOFF; timer 7 +1s");
		world_advance(&w, SECONDS(1));
		world_send(&w, WORKER_EV_SPAWNED);
		world_advance(&w, SECONDS(1));
		ck_assert_str_eq(world_state(&w), "RUNNING");
		world_exit(&w, 1);
		start_again(&w);
	}
}
END_TEST

START_TEST(an_exit_status_is_told_of_what_has_ended)
{
	static struct world w;

	world_init(&w);
	ck_assert_int_eq(worker_exitstatus(&w.worker), 0); /* never ran */
	w.policy.autorestart = AUTORESTART_NEVER;
	world_run(&w);
	world_exit(&w, 3);
	ck_assert_int_eq(worker_exitstatus(&w.worker), 3);
	world_start(&w);
	ck_assert_int_eq(worker_exitstatus(&w.worker), 0);
	world_advance(&w, SECONDS(1));
	ck_assert_int_eq(worker_exitstatus(&w.worker), 0);
	world_send(&w, WORKER_EV_STOP);
	ck_assert_int_eq(worker_exitstatus(&w.worker), 0);
	world_killed(&w, SIGTERM);
	ck_assert_int_eq(worker_exitstatus(&w.worker), -1);
}
END_TEST

START_TEST(a_start_of_what_runs_is_told_and_changes_nothing)
{
	static struct world w;

	world_init(&w);
	world_run(&w);
	ck_assert_str_eq(world_send(&w, WORKER_EV_START), "");
	ck_assert_str_eq(world_log(&w), "log 7 warning \"process 'web' already running\"");
}
END_TEST

START_TEST(a_child_that_finds_no_room_waits_and_has_not_failed)
{
	static struct world w;

	world_init(&w);
	w.policy.startretries = 0;
	world_start(&w);
	world_spawn_fails(&w, ENOMEM, "no room");
	ck_assert_str_eq(world_exit(&w, 127), "state 7 STARTING -> BACKOFF; timer 7 +1s");
	ck_assert_str_eq(world_state(&w), "BACKOFF");
	ck_assert_str_eq(world_advance(&w, SECONDS(1)), "state 7 BACKOFF -> STARTING; spawn 7");
	ck_assert_uint_eq(w.worker.restarts, 0);
}
END_TEST

START_TEST(a_spawn_that_fails_while_it_is_stopped_keeps_its_reason)
{
	static struct world w;

	world_init(&w);
	world_send(&w, WORKER_EV_START);
	world_send(&w, WORKER_EV_STOP);
	ck_assert_str_eq(world_spawn_fails(&w, ENOENT, "can't find command 'x'"),
			 "state 7 STOPPING -> STOPPED");
	ck_assert_str_eq(w.worker.spawnerr, "can't find command 'x'");
}
END_TEST

START_TEST(a_stop_from_backoff_forgets_the_failures)
{
	static struct world w;

	world_init(&w);
	world_start(&w);
	world_exit(&w, 1);
	ck_assert_str_eq(world_send(&w, WORKER_EV_STOP), "state 7 BACKOFF -> STOPPED; timer 7 off");
	world_start(&w);
	ck_assert_str_eq(world_exit(&w, 1), "state 7 STARTING -> BACKOFF; timer 7 +1s");
}
END_TEST

START_TEST(an_expected_exit_stays_and_an_unexpected_one_restarts_at_once)
{
	static struct world w;

	world_init(&w);
	world_run(&w);
	ck_assert_str_eq(world_exit(&w, 0), "state 7 RUNNING -> EXITED");
	ck_assert_str_eq(world_log(&w), "log 7 info \"exited: web (exit status 0; expected)\"");
	world_run(&w);
	ck_assert_str_eq(world_exit(&w, 3), "state 7 RUNNING -> EXITED; timer 7 +0s");
	ck_assert_str_eq(world_log(&w),
			 "log 7 warning \"exited: web (exit status 3; not expected)\"");
	ck_assert_str_eq(world_advance(&w, 0), "state 7 EXITED -> STARTING; spawn 7");
	ck_assert_uint_eq(w.worker.restarts, 1);
}
END_TEST

START_TEST(autorestart_never_and_always_are_obeyed)
{
	static struct world w;

	world_init(&w);
	w.policy.autorestart = AUTORESTART_NEVER;
	world_run(&w);
	ck_assert_str_eq(world_killed(&w, SIGSEGV), "state 7 RUNNING -> EXITED");
	ck_assert_int_eq(worker_exitstatus(&w.worker), -1);
	ck_assert_str_eq(w.worker.spawnerr, "Bad exit code -1");
	w.policy.autorestart = AUTORESTART_ALWAYS;
	world_run(&w);
	ck_assert_str_eq(world_exit(&w, 0), "state 7 RUNNING -> EXITED; timer 7 +0s");
	ck_assert_str_eq(world_advance(&w, 0), "state 7 EXITED -> STARTING; spawn 7");
}
END_TEST

START_TEST(without_startsecs_an_end_is_told_as_running_then_exited)
{
	static struct world w;

	world_init(&w);
	w.policy.startsecs = 0;
	world_start(&w);
	ck_assert_str_eq(world_exit(&w, 0),
			 "state 7 STARTING -> RUNNING; state 7 RUNNING -> EXITED; "
			 "timer 7 off");
}
END_TEST

START_TEST(an_exit_after_startsecs_counts_as_run_though_the_timer_is_late)
{
	static struct world w;

	world_init(&w);
	world_start(&w);
	w.now += SECONDS(2);
	ck_assert_str_eq(world_exit(&w, 0),
			 "state 7 STARTING -> RUNNING; state 7 RUNNING -> EXITED; "
			 "timer 7 off");
}
END_TEST

START_TEST(ten_starts_follow_at_once_then_one_a_second)
{
	static struct world w;

	world_init(&w);
	w.policy.startsecs = 0;
	world_start(&w);
	for (int i = 1; i < WORKER_BURST; i++) {
		ck_assert_msg(strstr(world_exit(&w, 1), "timer 7 +0s") != NULL, "start %d waits",
			      i);
		start_again(&w);
	}
	ck_assert_str_eq(world_exit(&w, 1),
			 "state 7 STARTING -> RUNNING; state 7 RUNNING -> EXITED; "
			 "timer 7 +0.999s");
	ck_assert(worker_stoppable(&w.worker));
	ck_assert_str_eq(world_advance(&w, SECONDS(1)), "state 7 EXITED -> STARTING; spawn 7");
}
END_TEST

START_TEST(ten_seconds_of_life_end_the_pacing)
{
	static struct world w;

	world_init(&w);
	w.policy.startsecs = 0;
	world_start(&w);
	for (int i = 1; i < WORKER_BURST; i++) {
		world_exit(&w, 1);
		start_again(&w);
	}
	world_advance(&w, SECONDS(10));
	for (int i = 0; i < WORKER_BURST; i++) {
		ck_assert_msg(strstr(world_exit(&w, 1), "timer 7 +0s") != NULL, "start %d waits",
			      i);
		start_again(&w);
	}
}
END_TEST

START_TEST(a_stop_ends_a_paced_restart)
{
	static struct world w;

	world_init(&w);
	w.policy.startsecs = 0;
	world_start(&w);
	w.worker.burst = WORKER_BURST;
	world_exit(&w, 1);
	ck_assert_str_eq(world_send(&w, WORKER_EV_STOP), "state 7 EXITED -> STOPPED; timer 7 off");
}
END_TEST

START_TEST(a_live_worker_is_fatal_once_and_goes_on_trying)
{
	static struct world w;

	world_init(&w);
	w.policy.startretries = 0;
	w.worker.keep_trying = true;
	world_start(&w);
	ck_assert_str_eq(world_exit(&w, 1),
			 "state 7 STARTING -> BACKOFF; state 7 BACKOFF -> FATAL; timer 7 +1s");
	for (unsigned i = 2; i < 100; i++) {
		char want[64];
		unsigned wait = i < 60 ? i : 60;

		world_advance(&w, SECONDS(wait));
		world_send(&w, WORKER_EV_SPAWNED);
		(void)snprintf(want, sizeof(want), "state 7 STARTING -> BACKOFF; timer 7 +%us",
			       wait);
		ck_assert_str_eq(world_exit(&w, 1), want);
	}
	world_advance(&w, SECONDS(60));
	world_send(&w, WORKER_EV_SPAWNED);
	ck_assert_str_eq(world_advance(&w, SECONDS(1)), "state 7 STARTING -> RUNNING");
	world_exit(&w, 1);
	start_again(&w);
	ck_assert_str_eq(world_exit(&w, 1),
			 "state 7 STARTING -> BACKOFF; state 7 BACKOFF -> FATAL; timer 7 +1s");
}
END_TEST

START_TEST(a_flip_wakes_a_fatal_worker_and_quiets_the_other_slots)
{
	static struct world w;

	go_to(&w, WORKER_FATAL);
	plan_init(&w.plan);
	worker_set_keep_trying(&w.worker, true, w.now, &w.plan);
	ck_assert_str_eq(plan_format(&w.plan, w.now, w.text, sizeof(w.text)), "timer 7 +1s");
	ck_assert(worker_stoppable(&w.worker));
	plan_init(&w.plan);
	worker_set_keep_trying(&w.worker, false, w.now, &w.plan);
	ck_assert_str_eq(plan_format(&w.plan, w.now, w.text, sizeof(w.text)), "timer 7 off");
}
END_TEST

START_TEST(a_command_that_is_not_there_backs_off_and_gives_up)
{
	static struct world w;

	world_init(&w);
	w.policy.startretries = 1;
	world_send(&w, WORKER_EV_START);
	ck_assert_str_eq(world_spawn_fails(&w, ENOENT, "can't find command 'x'"),
			 "state 7 STARTING -> BACKOFF; timer 7 +1s");
	ck_assert_str_eq(world_log(&w), "log 7 info \"spawnerr: can't find command 'x'\"");
	world_advance(&w, SECONDS(1));
	ck_assert_str_eq(world_spawn_fails(&w, ENOENT, "can't find command 'x'"),
			 "state 7 STARTING -> BACKOFF; state 7 BACKOFF -> FATAL");
	ck_assert_str_eq(w.worker.spawnerr, "can't find command 'x'");
}
END_TEST

START_TEST(a_want_of_processes_or_memory_is_retried_without_end_and_logged_once)
{
	static const int errors[] = {EAGAIN, EMFILE, ENFILE, ENOMEM};
	static struct world w;

	for (size_t e = 0; e < ARRAY_SIZE(errors); e++) {
		world_init(&w);
		world_send(&w, WORKER_EV_START);
		for (unsigned i = 1; i < 50; i++) {
			char want[64];
			unsigned wait = i < 10 ? i : 10;

			(void)snprintf(want, sizeof(want),
				       "state 7 STARTING -> BACKOFF; timer 7 +%us", wait);
			ck_assert_str_eq(world_spawn_fails(&w, errors[e], "no room"), want);
			ck_assert_str_eq(world_log(&w),
					 i == 1 ? "log 7 info \"spawnerr: no room\"" : "");
			world_advance(&w, SECONDS(wait));
		}
		ck_assert_uint_eq(w.worker.backoff, 0);
		ck_assert_uint_eq(w.worker.restarts, 0);
		world_send(&w, WORKER_EV_SPAWNED);
		ck_assert_str_eq(world_exit(&w, 1), "state 7 STARTING -> BACKOFF; timer 7 +1s");
	}
}
END_TEST

START_TEST(a_failed_exec_keeps_its_reason_until_the_child_has_ended)
{
	static struct world w;

	world_init(&w);
	w.policy.startsecs = 0;
	world_start(&w);
	ck_assert_str_eq(world_spawn_fails(&w, EACCES, "couldn't exec web: EACCES"), "");
	ck_assert_str_eq(world_exit(&w, 127), "state 7 STARTING -> BACKOFF; timer 7 +1s");
	ck_assert_str_eq(w.worker.spawnerr, "couldn't exec web: EACCES");
}
END_TEST

START_TEST(a_stop_before_the_child_is_there_is_sent_when_it_comes)
{
	static struct world w;

	world_init(&w);
	world_send(&w, WORKER_EV_START);
	ck_assert_str_eq(world_send(&w, WORKER_EV_STOP), "state 7 STARTING -> STOPPING");
	ck_assert_str_eq(world_send(&w, WORKER_EV_SPAWNED), "signal 7 SIGTERM; timer 7 +10s");
	world_killed(&w, SIGTERM);
	world_send(&w, WORKER_EV_START);
	world_send(&w, WORKER_EV_STOP);
	ck_assert_str_eq(world_spawn_fails(&w, ENOENT, "gone"), "state 7 STOPPING -> STOPPED");
}
END_TEST

START_TEST(a_shutdown_makes_backoff_fatal_and_starts_nothing_more)
{
	static struct world w;

	world_init(&w);
	world_start(&w);
	world_exit(&w, 1);
	w.worker.no_start = true;
	ck_assert_str_eq(world_send(&w, WORKER_EV_SHUTDOWN),
			 "state 7 BACKOFF -> FATAL; timer 7 off");
	ck_assert_str_eq(world_send(&w, WORKER_EV_START), "");
	world_init(&w);
	world_run(&w);
	w.worker.no_start = true;
	ck_assert_str_eq(world_exit(&w, 1), "state 7 RUNNING -> EXITED");
}
END_TEST

START_TEST(what_cannot_be_signalled_is_unknown_until_it_ends)
{
	static struct world w;

	go_to(&w, WORKER_UNKNOWN);
	ck_assert_str_eq(world_send(&w, WORKER_EV_START), "");
	ck_assert_str_eq(world_exit(&w, 0), "state 7 UNKNOWN -> STOPPED");
}
END_TEST

START_TEST(a_stop_that_ends_with_an_expected_code_is_information)
{
	static struct world w;

	go_to(&w, WORKER_STOPPING);
	world_exit(&w, 0);
	ck_assert_str_eq(world_log(&w), "log 7 info \"stopped: web (exit status 0)\"");
}
END_TEST

START_TEST(statuses_read_as_supervisor_writes_them)
{
	char buf[64];

	ck_assert_str_eq(worker_status_text(STATUS_EXITED(3), buf, sizeof(buf)), "exit status 3");
	ck_assert_str_eq(worker_status_text(STATUS_KILLED(SIGSEGV) | 0x80, buf, sizeof(buf)),
			 "terminated by SIGSEGV (core dumped)");
	ck_assert_str_eq(worker_status_text(STATUS_KILLED(SIGRTMIN), buf, sizeof(buf)),
			 "terminated by SIGRTMIN");
	ck_assert_str_eq(worker_status_text(STATUS_KILLED(SIGRTMIN + 1), buf, sizeof(buf)),
			 "terminated by signal 35");
	ck_assert_str_eq(worker_status_text(WORKER_STATUS_UNKNOWN, buf, sizeof(buf)),
			 "how is not known");
	ck_assert_str_eq(worker_status_text(0x137f, buf, sizeof(buf)),
			 "unknown termination cause 0x137f");
}
END_TEST

START_TEST(death_by_signal_is_never_expected)
{
	struct worker_policy p = {.exitcodes = {[0] = 1, [7] = 1u << 31}};

	ck_assert(worker_exit_expected(&p, STATUS_EXITED(0)));
	ck_assert(worker_exit_expected(&p, STATUS_EXITED(255)));
	ck_assert(!worker_exit_expected(&p, STATUS_EXITED(1)));
	ck_assert(!worker_exit_expected(&p, STATUS_KILLED(SIGTERM)));
}
END_TEST

SUITE("worker", every_state_meets_every_event, a_worker_runs_once_startsecs_have_passed,
      a_worker_is_killed_when_it_ignores_the_stop_signal,
      a_worker_that_hangs_is_aborted_then_killed_and_restarted_as_after_a_crash,
      stopwaitsecs_of_nought_does_not_kill_in_a_tight_loop, groups_are_signalled_as_configured,
      an_end_before_startsecs_is_a_failure_whatever_its_code,
      a_worker_gives_up_after_startretries_with_growing_waits,
      a_change_of_state_tells_pid_tries_and_whether_it_was_expected,
      a_start_by_hand_after_giving_up_has_all_its_retries, a_run_ends_a_row_of_failures,
      an_exit_status_is_told_of_what_has_ended, a_start_of_what_runs_is_told_and_changes_nothing,
      a_child_that_finds_no_room_waits_and_has_not_failed,
      a_spawn_that_fails_while_it_is_stopped_keeps_its_reason,
      a_stop_from_backoff_forgets_the_failures,
      an_expected_exit_stays_and_an_unexpected_one_restarts_at_once,
      autorestart_never_and_always_are_obeyed,
      without_startsecs_an_end_is_told_as_running_then_exited,
      an_exit_after_startsecs_counts_as_run_though_the_timer_is_late,
      ten_starts_follow_at_once_then_one_a_second, ten_seconds_of_life_end_the_pacing,
      a_stop_ends_a_paced_restart, a_live_worker_is_fatal_once_and_goes_on_trying,
      a_flip_wakes_a_fatal_worker_and_quiets_the_other_slots,
      a_command_that_is_not_there_backs_off_and_gives_up,
      a_want_of_processes_or_memory_is_retried_without_end_and_logged_once,
      a_failed_exec_keeps_its_reason_until_the_child_has_ended,
      a_stop_before_the_child_is_there_is_sent_when_it_comes,
      a_shutdown_makes_backoff_fatal_and_starts_nothing_more,
      what_cannot_be_signalled_is_unknown_until_it_ends,
      a_stop_that_ends_with_an_expected_code_is_information,
      statuses_read_as_supervisor_writes_them, death_by_signal_is_never_expected);
