/* A slotd that is killed, and the next one: what it takes over, and what it makes of wrong rows. */
#include <errno.h>
#include <signal.h>
#include <slotd/keep.h>
#include <supervisor/supervisor.h>
#include <supervisor/worker/groups.h>
#include <supervisor/worker/names.h>
#include <supervisor/worker/process_row.h>
#include <supervisor/worker/starts.h>
#include <supervisor/worker/stdin.h>
#include <supervisor/worker/streams.h>
#include <supervisor/worker/waits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service_world.h"
#include "suite.h"

static const char web[] = "[program:web]\ncommand=web\n";
static const char idle[] = "[program:web]\ncommand=web\nautostart=false\n";

/* One slotd is killed, the next one starts; what it does is told from there on. */
static void killed(struct world *w)
{
	(void)world_plan(w);
	world_kill(w);
	world_again(w);
}

static struct ledger_worker *row_of(const char *namespec)
{
	return fake_kept_row(LEDGER_TABLE_WORKER, namespec);
}

/* ---- adopt.c: those that run */

START_TEST(workers_go_on_and_are_watched)
{
	auto_world w = world_new(web);
	pid_t pid;

	world_advance(&w, SECONDS(2));
	pid = world_process(&w, "web")->pid;
	killed(&w);
	ck_assert_str_eq(world_plan(&w), "");
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
	ck_assert_int_eq(world_process(&w, "web")->pid, pid);
	logged("took over 1 worker from a slotd that was killed");
	logged("adopted: 'web' with pid ");
	world_exit(&w, "web", 3);
	logged("exit status 3");
	ck_assert_str_eq(world_plan(&w), "spawn web");
}
END_TEST

START_TEST(one_that_ended_meanwhile_is_started_again)
{
	auto_world w = world_new(web);

	world_advance(&w, SECONDS(2));
	(void)world_plan(&w);
	world_kill(&w);
	fake_process_exit(fake_process_find("web"), 7 << 8);
	world_again(&w);
	logged("took over 0 workers");
	logged("exit status 7");
	ck_assert_str_eq(world_plan(&w), "spawn web");
	ck_assert_uint_eq(world_process(&w, "web")->worker.restarts, 1);
}
END_TEST

START_TEST(how_it_ended_may_be_unknown)
{
	auto_world w = world_new(web);

	world_advance(&w, SECONDS(2));
	world_kill(&w);
	fake_ends_unseen = true;
	fake_process_exit(fake_process_find("web"), 7 << 8);
	world_again(&w);
	logged("how is not known");
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
}
END_TEST

START_TEST(of_one_that_is_gone_without_a_trace_the_end_is_noted)
{
	auto_world w = world_new(web);

	world_advance(&w, SECONDS(2));
	world_kill(&w);
	fake_keep_drop(KEEP_WORKER_PREFIX "web");
	fake_process_exit(fake_process_find("web"), 0);
	world_again(&w);
	logged("how is not known");
	says(world_plan(&w), "spawn web");
}
END_TEST

START_TEST(one_whose_pidfd_was_lost_is_found_by_its_number)
{
	auto_world w = world_new(web);
	pid_t pid;

	world_advance(&w, SECONDS(2));
	pid = world_process(&w, "web")->pid;
	world_kill(&w);
	fake_keep_drop(KEEP_WORKER_PREFIX "web");
	world_again(&w);
	ck_assert_int_eq(world_process(&w, "web")->pid, pid);
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
	process_stop(world_process(&w, "web"));
	world_settle(&w);
	ck_assert_str_eq(world_state(&w, "web"), "STOPPED");
}
END_TEST

START_TEST(a_number_that_is_anothers_by_now_is_not_signalled)
{
	auto_world w = world_new("[program:web]\ncommand=web\nautorestart=false\n");
	struct fake_process *stranger;
	int pidfd;

	world_advance(&w, SECONDS(2));
	world_kill(&w);
	fake_process_exit(fake_process_find("web"), 0);
	stranger = fake_process_new("stranger", &pidfd);
	fake_keep_put(KEEP_WORKER_PREFIX "web", KEEP_TAG_PIDFD, pidfd);
	row_of("web")->run.pid = stranger->pid; /* and its start is another */
	(void)world_plan(&w);
	world_again(&w);
	ck_assert_str_eq(world_state(&w, "web"), "EXITED");
	process_stop(world_process(&w, "web"));
	world_settle(&w);
	ck_assert_str_eq(world_plan(&w), "");
	ck_assert(!stranger->ended);
	fake_process_exit(stranger, 0);
}
END_TEST

START_TEST(its_stdin_is_still_written_to)
{
	auto_world w = world_new(web);
	char got[8] = "";

	world_advance(&w, SECONDS(2));
	killed(&w);
	ck_assert_int_eq(stdin_write(world_process(&w, "web"), "hello", 5), 0);
	ck_assert_int_eq(read(fake_process_find("web")->stdio[0], got, sizeof(got)), 5);
	ck_assert_str_eq(got, "hello");
}
END_TEST

/* ---- starts and stops that go on */

START_TEST(a_stop_that_goes_on_has_the_same_patience)
{
	auto_world w = world_new("[program:web]\ncommand=web\nstopwaitsecs=10\n");

	world_advance(&w, SECONDS(2));
	fake_obedient = false;
	process_stop(world_process(&w, "web"));
	world_advance(&w, SECONDS(6));
	killed(&w);
	ck_assert_str_eq(world_state(&w, "web"), "STOPPING");
	world_advance(&w, SECONDS(3));
	ck_assert_str_eq(world_plan(&w), "");
	world_advance(&w, SECONDS(1));
	ck_assert_str_eq(world_plan(&w), "signal web KILL");
	ck_assert_str_eq(world_state(&w, "web"), "STOPPED");
}
END_TEST

START_TEST(a_child_of_which_slotd_did_not_hear_is_taken)
{
	auto_world w = world_new(idle);

	fake_spawn_is_silent = true;
	process_start(world_process(&w, "web"));
	world_settle(&w);
	ck_assert_int_eq(world_process(&w, "web")->pid, 0);
	says(world_plan(&w), "spawn web");
	killed(&w);
	fake_spawn_is_silent = false;
	ck_assert_int_eq(world_process(&w, "web")->pid, fake_process_find("web")->pid);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
	ck_assert_str_eq(world_plan(&w), "");
}
END_TEST

START_TEST(a_child_that_was_not_made_is_asked_for_again)
{
	auto_world w = world_new(idle);

	fake_process_exit(fake_process_find("slotd-spawn"), SIGKILL);
	process_start(world_process(&w, "web"));
	killed(&w);
	ck_assert_str_eq(world_state(&w, "web"), "STARTING");
	ck_assert_str_eq(world_plan(&w), "spawn web");
}
END_TEST

START_TEST(a_stop_of_a_child_that_was_not_made_is_done)
{
	auto_world w = world_new(idle);
	struct process *p = world_process(&w, "web");

	fake_spawn_is_silent = true;
	process_start(p);
	process_stop(p);
	ck_assert_str_eq(world_state(&w, "web"), "STOPPING");
	fake_process_exit(fake_process_find("slotd-spawn"), SIGKILL);
	killed(&w);
	ck_assert_str_eq(world_state(&w, "web"), "STOPPED");
	world_advance(&w, SECONDS(5));
	ck_assert_str_eq(world_plan(&w), "");
}
END_TEST

START_TEST(starts_that_waited_for_their_turn_come)
{
	auto_world w = world_new("[program:web]\ncommand=web\nautostart=false\nnumprocs=40\n"
				 "process_name=%(process_num)d\n");
	const char *last;

	for (int i = 0; i < 40; i++) {
		process_start_soon(w.sup->processes.at[i]);
	}
	last = w.sup->processes.at[39]->namespec;
	ck_assert_str_eq(world_state(&w, last), "STOPPED");
	killed(&w);
	world_advance(&w, SECONDS(2));
	vec_for_each (p, &w.sup->processes) {
		ck_assert_str_eq(world_state(&w, (*p)->namespec), "RUNNING");
	}
}
END_TEST

START_TEST(who_backs_off_is_started_when_it_is_time)
{
	auto_world w = world_new(web);

	for (int i = 0; i < 3; i++) {
		world_advance(&w, MSECONDS(1500));
		world_exit(&w, "web", 1);
		if (strcmp(world_state(&w, "web"), "BACKOFF") == 0) {
			break;
		}
	}
	world_exit(&w, "web", 1); /* too early */
	ck_assert_str_eq(world_state(&w, "web"), "BACKOFF");
	killed(&w);
	ck_assert_str_eq(world_state(&w, "web"), "BACKOFF");
	ck_assert_str_eq(world_plan(&w), "");
	world_advance(&w, SECONDS(3));
	ck_assert_str_eq(world_plan(&w), "spawn web");
}
END_TEST

START_TEST(one_that_waits_for_its_old_self_waits_on)
{
	auto_world w = world_new("[program:old]\ncommand=mail\n");

	world_advance(&w, SECONDS(2));
	fake_obedient = false;
	reload_with(&w, "[program:new]\ncommand=mail\n");
	killed(&w);
	ck_assert_str_eq(world_plan(&w), "");
	ck_assert_int_eq(world_process(&w, "new")->waits, WAITS_FOR_REMOVED);
	world_exit(&w, "mail", 0);
	ck_assert_str_eq(world_plan(&w), "spawn mail");
	ck_assert_str_eq(world_state(&w, "old"), "none");
	fake_obedient = true;
}
END_TEST

START_TEST(what_stopped_with_its_slotd_starts_with_the_next)
{
	auto_world w = world_new("[program:web]\ncommand=web\n[program:cron]\ncommand=cron\n"
				 "autostart=false\n");

	world_advance(&w, SECONDS(2));
	fake_obedient = false;
	fake_loop_signal(SIGTERM);
	world_settle(&w);
	ck_assert_str_eq(world_state(&w, "web"), "STOPPING");
	killed(&w);
	world_exit(&w, "web", 0);
	fake_obedient = true;
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
	ck_assert_str_eq(world_state(&w, "cron"), "STOPPED");
}
END_TEST

START_TEST(a_leader_that_was_reaped_is_not_waited_for)
{
	auto_world w = world_new("[program:web]\ncommand=web\nautorestart=false\n");

	world_advance(&w, SECONDS(2));
	world_kill(&w);
	fake_process_exit(fake_process_find("web"), 0);
	row_of("web")->run.clearing = true;
	row_of("web")->run.status = 5 << 8;
	world_again(&w);
	logged("exit status 5");
	ck_assert_str_eq(world_state(&w, "web"), "EXITED");
	ck_assert_int_eq(world_process(&w, "web")->pid, 0);
}
END_TEST

/* ---- leftovers.c */

START_TEST(one_that_is_configured_no_more_is_stopped_and_forgotten)
{
	auto_world w = world_new("[program:web]\ncommand=web\n[program:cron]\ncommand=cron\n"
				 "[group:g]\nprograms=cron\n");

	world_advance(&w, SECONDS(2));
	(void)world_plan(&w);
	world_kill(&w);
	world_configure(&w, web);
	fake_obedient = false;
	world_again(&w);
	logged("g:cron is not in the configuration any more: stopping it");
	ck_assert_str_eq(world_plan(&w), "signal cron TERM");
	ck_assert_str_eq(world_state(&w, "g:cron"), "STOPPING");
	world_exit(&w, "cron", 0);
	ck_assert_str_eq(world_state(&w, "g:cron"), "none");
	ck_assert_ptr_null(group_find(w.sup, "g"));
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
}
END_TEST

START_TEST(of_one_that_has_ended_and_is_configured_no_more_nothing_is_left)
{
	auto_world w = world_new("[program:web]\ncommand=web\n[program:cron]\ncommand=cron\n");

	world_advance(&w, SECONDS(2));
	world_kill(&w);
	world_configure(&w, web);
	fake_process_exit(fake_process_find("cron"), 0);
	world_again(&w);
	not_logged("cron is not in the configuration");
	ck_assert_str_eq(world_state(&w, "cron"), "none");
}
END_TEST

START_TEST(a_child_that_nobody_heard_of_and_is_configured_no_more_is_stopped)
{
	auto_world w = world_new(idle);

	fake_spawn_is_silent = true;
	process_start(world_process(&w, "web"));
	world_settle(&w);
	fake_spawn_is_silent = false;
	(void)world_plan(&w);
	world_kill(&w);
	world_configure(&w, "[program:cron]\ncommand=cron\nautostart=false\n");
	world_again(&w);
	ck_assert_str_eq(world_plan(&w), "signal web TERM");
	ck_assert_str_eq(world_state(&w, "web"), "none");
}
END_TEST

/* ---- streams_adopt.c */

static void write_as(const char *name, const char *text)
{
	ck_assert_int_eq(write(fake_process_find(name)->stdio[1], text, strlen(text)),
			 (ssize_t)strlen(text));
}

START_TEST(output_goes_on_in_the_same_pipes)
{
	auto_world w = world_new(web);
	uint32_t out, err;

	world_advance(&w, SECONDS(2));
	out = world_process(&w, "web")->streams[0];
	err = world_process(&w, "web")->streams[1];
	killed(&w);
	ck_assert_uint_eq(world_process(&w, "web")->streams[0], out);
	ck_assert_uint_eq(world_process(&w, "web")->streams[1], err);
	ck_assert_uint_eq(fake_streams(), 2);
	fake_process_exit(fake_process_find("slotd-log"), SIGKILL);
	world_advance(&w, SECONDS(2)); /* the next one has them from this slotd */
	ck_assert_uint_eq(fake_streams(), 2);
	write_as("web", "said later");
	world_exit(&w, "web", 0); /* it ends with what is in its pipe */
	says(fake_logged, "said later");
}
END_TEST

START_TEST(a_new_stream_gets_a_number_that_was_never_given)
{
	auto_world w = world_new(web);
	uint32_t last;

	world_advance(&w, SECONDS(2));
	last = w.sup->next_stream;
	killed(&w);
	ck_assert_uint_eq(w.sup->next_stream, last);
	world_exit(&w, "web", 1);
	ck_assert_uint_gt(world_process(&w, "web")->streams[0], last);
}
END_TEST

/* Something that the worker has started, and that writes on. */
static struct fake_process *heir_of(const char *name)
{
	const struct fake_process *p = fake_process_find(name);
	struct fake_process *heir;
	int pidfd;

	heir = fake_process_new("heir", &pidfd);
	(void)close(pidfd);
	heir->stdio[1] = dup(p->stdio[1]);
	return heir;
}

START_TEST(a_pipe_of_a_worker_that_is_gone_is_read_on)
{
	auto_world w = world_new("[program:web]\ncommand=web\nredirect_stderr=true\n"
				 "[program:cron]\ncommand=cron\nautostart=false\n");
	struct fake_process *heir;

	world_advance(&w, SECONDS(2));
	heir = heir_of("web");
	reload_with(&w, "[program:cron]\ncommand=cron\nautostart=false\n");
	ck_assert_str_eq(world_state(&w, "web"), "none");
	ck_assert_uint_eq(fake_streams(), 1);
	killed(&w);
	fake_process_exit(fake_process_find("slotd-log"), SIGKILL);
	world_advance(&w, SECONDS(2));
	ck_assert_uint_eq(fake_streams(), 1);
	fake_process_exit(heir, 0);
	world_settle(&w);
	ck_assert_uint_eq(fake_streams(), 0);
}
END_TEST

START_TEST(a_pipe_of_a_former_run_stays_its_workers)
{
	auto_world w = world_new("[program:web]\ncommand=web\nredirect_stderr=true\n");
	struct fake_process *heir;
	struct kept_fd kept[4];

	world_advance(&w, SECONDS(2));
	heir = heir_of("web");
	world_exit(&w, "web", 1);
	ck_assert_uint_eq(process_kept_streams(world_process(&w, "web"), kept, 4), 2);
	killed(&w);
	ck_assert_uint_eq(process_kept_streams(world_process(&w, "web"), kept, 4), 2);
	fake_process_exit(heir, 0);
	world_settle(&w);
	ck_assert_uint_eq(process_kept_streams(world_process(&w, "web"), kept, 4), 1);
}
END_TEST

START_TEST(a_pipe_that_was_not_kept_is_none)
{
	auto_world w = world_new(web);

	world_advance(&w, SECONDS(2));
	world_kill(&w);
	fake_keep_drop(KEEP_WORKER_PREFIX "web");
	world_again(&w);
	ck_assert_uint_eq(world_process(&w, "web")->streams[0], 0);
	ck_assert_uint_eq(world_process(&w, "web")->streams[1], 0);
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
}
END_TEST

/* ---- what else they have */

START_TEST(an_event_listener_is_started_again)
{
	auto_world w = world_new("[eventlistener:ear]\ncommand=ear\nevents=TICK_60\n");

	world_advance(&w, SECONDS(2));
	killed(&w);
	logged("ear: an event listener does not outlive its slotd: restarting it");
	ck_assert_str_eq(world_plan(&w), "signal ear TERM; spawn ear");
}
END_TEST

START_TEST(an_fcgi_socket_is_the_same)
{
	auto_world w = world_new("[fcgi-program:php]\ncommand=php\nsocket=unix://@DIR@/p.sock\n"
				 "numprocs=2\nprocess_name=%(process_num)d\n");
	struct stat was, is;

	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(fstat(fake_process_find("php")->stdio[0], &was), 0);
	killed(&w);
	not_logged("Creating socket");
	world_exit(&w, "php", 1);
	says(world_plan(&w), "spawn php");
	ck_assert_int_eq(fstat(fake_process_find("php")->stdio[0], &is), 0);
	ck_assert_uint_eq(is.st_ino, was.st_ino);
}
END_TEST

/* ---- wrong ledgers: nothing is touched, and the next slotd can take over */

static void is_refused(struct world *w, const char *why)
{
	(void)world_plan(w);
	world_try_again(w);
	ck_assert_int_lt(w->error, 0);
	says(w->diag.text, why);
	ck_assert_str_eq(world_plan(w), "");
	ck_assert(!fake_process_find("web")->ended);
	ck_assert(!fake_process_find("slotd-keep")->ended);
}

START_TEST(a_damaged_row_is_no_reason_to_lose_a_worker)
{
	auto_world w = world_new(web);

	world_advance(&w, SECONDS(2));
	world_kill(&w);
	row_of("web")->state.state = WORKER_STATE_MAX_;
	is_refused(&w, "its ledger is damaged where it tells of web");
	row_of("web")->state.state = WORKER_RUNNING;
	world_again(&w);
	logged("took over 1 worker");
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
}
END_TEST

START_TEST(a_ledger_that_is_none_is_refused)
{
	auto_world w = world_new(web);

	world_advance(&w, SECONDS(2));
	world_kill(&w);
	fake_kept_ledger()->magic = 7;
	is_refused(&w, "which workers it left running cannot be told");
	fake_kept_ledger()->magic = LEDGER_MAGIC;
	fake_kept_ledger()->version = LEDGER_VERSION + 1;
	is_refused(&w, "which workers it left running cannot be told");
	fake_kept_ledger()->version = LEDGER_VERSION;
	world_again(&w);
	logged("took over 1 worker");
}
END_TEST

START_TEST(a_slotd_keep_that_says_nothing_is_not_taken_for_an_empty_one)
{
	auto_world w = world_new(web);

	world_advance(&w, SECONDS(2));
	world_kill(&w);
	fake_keep_answers = false;
	is_refused(&w, "slotd-keep does not answer");
	fake_keep_answers = true;
	world_again(&w);
	logged("took over 1 worker");
}
END_TEST

START_TEST(without_a_descriptor_left_a_worker_is_not_taken_for_ended)
{
	auto_world w = world_new(web);
	unsigned n = 0;

	world_advance(&w, SECONDS(2));
	world_kill(&w);
	fake_keep_drop(KEEP_WORKER_PREFIX "web"); /* its pidfd is to be opened */
	do {
		faults_arm(++n, EMFILE);
		world_try_again(&w);
	} while (faults_fired() && (w.error < 0 || strcmp(faults_fired(), "pidfd_open") != 0) &&
		 w.error < 0);
	faults_disarm();
	if (w.error < 0) {
		world_again(&w);
	}
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
	ck_assert_ptr_eq(fake_process_of(world_process(&w, "web")->pid), fake_process_find("web"));
}
END_TEST

START_TEST(a_stream_of_no_channel_is_left_out)
{
	auto_world w = world_new(web);
	struct ledger_worker *row;

	world_advance(&w, SECONDS(2));
	world_kill(&w);
	row = row_of("web");
	row->run.streams[0] = 4711; /* of which there is no row */
	world_again(&w);
	ck_assert_uint_eq(world_process(&w, "web")->streams[0], 0);
	ck_assert_uint_ne(world_process(&w, "web")->streams[1], 0);
}
END_TEST

SUITE("adoption", workers_go_on_and_are_watched, one_that_ended_meanwhile_is_started_again,
      how_it_ended_may_be_unknown, of_one_that_is_gone_without_a_trace_the_end_is_noted,
      one_whose_pidfd_was_lost_is_found_by_its_number,
      a_number_that_is_anothers_by_now_is_not_signalled, its_stdin_is_still_written_to,
      a_stop_that_goes_on_has_the_same_patience, a_child_of_which_slotd_did_not_hear_is_taken,
      a_child_that_was_not_made_is_asked_for_again, a_stop_of_a_child_that_was_not_made_is_done,
      starts_that_waited_for_their_turn_come, who_backs_off_is_started_when_it_is_time,
      one_that_waits_for_its_old_self_waits_on, what_stopped_with_its_slotd_starts_with_the_next,
      a_leader_that_was_reaped_is_not_waited_for,
      one_that_is_configured_no_more_is_stopped_and_forgotten,
      of_one_that_has_ended_and_is_configured_no_more_nothing_is_left,
      a_child_that_nobody_heard_of_and_is_configured_no_more_is_stopped,
      output_goes_on_in_the_same_pipes, a_new_stream_gets_a_number_that_was_never_given,
      a_pipe_of_a_worker_that_is_gone_is_read_on, a_pipe_of_a_former_run_stays_its_workers,
      a_pipe_that_was_not_kept_is_none, an_event_listener_is_started_again,
      an_fcgi_socket_is_the_same, a_damaged_row_is_no_reason_to_lose_a_worker,
      a_ledger_that_is_none_is_refused,
      a_slotd_keep_that_says_nothing_is_not_taken_for_an_empty_one,
      without_a_descriptor_left_a_worker_is_not_taken_for_ended,
      a_stream_of_no_channel_is_left_out);
