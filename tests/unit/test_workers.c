/* worker/: starts that wait, fcgi sockets, orphans, AUTO logs, helpers that die meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <supervisor/worker/groups.h>
#include <supervisor/worker/names.h>
#include <supervisor/worker/starts.h>
#include <supervisor/worker/streams.h>
#include <supervisor/worker/waits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service_world.h"
#include "suite.h"

/* ---- waits.c */

START_TEST(a_program_under_another_name_waits_for_its_old_self)
{
	auto_world w = world_new("[program:old]\ncommand=mail\n");

	world_advance(&w, SECONDS(2));
	fake_obedient = false;
	(void)world_plan(&w);
	reload_with(&w, "[program:new]\ncommand=mail\n");
	ck_assert_str_eq(world_plan(&w), "signal mail TERM");
	ck_assert_str_eq(world_state(&w, "new"), "STOPPED");
	ck_assert_int_eq(world_process(&w, "new")->waits, WAITS_FOR_REMOVED);
	ck_assert_ptr_eq(process_waits_for(world_process(&w, "new")), world_process(&w, "old"));
	world_exit(&w, "mail", 0);
	ck_assert_str_eq(world_plan(&w), "spawn mail");
	ck_assert_str_eq(world_state(&w, "old"), "none");
	ck_assert_int_eq(world_process(&w, "new")->waits, WAITS_FOR_NOTHING);
}
END_TEST

START_TEST(a_stop_takes_back_a_start_that_waits)
{
	auto_world w = world_new("[program:old]\ncommand=mail\n");

	world_advance(&w, SECONDS(2));
	fake_obedient = false;
	reload_with(&w, "[program:new]\ncommand=mail\n");
	process_stop(world_process(&w, "new"));
	world_exit(&w, "mail", 0);
	(void)world_plan(&w);
	world_advance(&w, SECONDS(10));
	ck_assert_str_eq(world_plan(&w), "");
	ck_assert_str_eq(world_state(&w, "new"), "STOPPED");
}
END_TEST

/* ---- fcgi.c */

static const char php[] = "[fcgi-program:php]\ncommand=php\nsocket=unix://@DIR@/php.sock\n"
			  "numprocs=2\nprocess_name=%(process_num)d\n";

static bool same_file(int a, int b)
{
	struct stat of_a, of_b;

	return fstat(a, &of_a) == 0 && fstat(b, &of_b) == 0 && of_a.st_ino == of_b.st_ino;
}

START_TEST(processes_of_an_fcgi_program_share_one_socket)
{
	auto_world w = world_new(php);
	const struct fake_process *first = NULL, *second = NULL;

	for (int i = 0; i < FAKE_PROCESSES_MAX; i++) {
		if (fake_processes[i].pid && strcmp(fake_processes[i].name, "php") == 0) {
			second = first;
			first = &fake_processes[i];
		}
	}
	ck_assert_ptr_nonnull(second);
	ck_assert(same_file(first->stdio[0], second->stdio[0]));
	ck_assert_int_eq(fcntl(first->stdio[0], F_GETFL) & O_NONBLOCK,
			 0); /* they accept, waiting */
	logged("Creating socket unix://");
	world_exit(&w, "php", 0);
	not_logged("Closing socket");
}
END_TEST

START_TEST(the_last_one_closes_it)
{
	auto_world w = world_new(php);

	world_advance(&w, SECONDS(2));
	process_stop(world_process(&w, "php:0"));
	world_settle(&w);
	not_logged("Closing socket");
	process_stop(world_process(&w, "php:1"));
	world_settle(&w);
	logged("Closing socket unix://");
	process_start(world_process(&w, "php:0"));
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "php:0"), "RUNNING");
}
END_TEST

START_TEST(after_a_crash_of_the_last_one_it_is_made_at_once)
{
	auto_world w = world_new("[fcgi-program:php]\ncommand=php\nsocket=unix://@DIR@/p.sock\n");

	world_advance(&w, SECONDS(2));
	(void)world_plan(&w);
	world_exit(&w, "php", 1); /* slotd-keep has not let go of the socket yet */
	logged("Closing socket unix://");
	not_logged("Could not create");
	ck_assert_str_eq(world_plan(&w), "spawn php");
	ck_assert_str_eq(world_state(&w, "php"), "STARTING");
}
END_TEST

START_TEST(a_socket_that_cannot_be_made_is_no_start)
{
	auto_world w =
		world_new("[fcgi-program:php]\ncommand=php\nsocket=unix://@DIR@/no/p.sock\n");

	ck_assert_str_eq(world_plan(&w), "");
	logged("Could not create FastCGI socket unix://");
	ck_assert_str_eq(world_state(&w, "php"), "BACKOFF");
}
END_TEST

START_TEST(one_whose_name_goes_is_made_again_and_its_processes_start_anew)
{
	auto_world w = world_new(php);
	char path[128];

	world_advance(&w, SECONDS(2));
	(void)world_plan(&w);
	(void)snprintf(path, sizeof(path), "%s/php.sock", w.dir);
	ck_assert_int_eq(unlink(path), 0);
	world_advance(&w, SECONDS(5));
	ck_assert_int_eq(access(path, F_OK), 0);
	logged("php: its processes have the old socket and are restarted");
	says(world_plan(&w), "signal php TERM; signal php TERM");
	ck_assert_str_eq(world_state(&w, "php:0"), "RUNNING");
	ck_assert_str_eq(world_state(&w, "php:1"), "RUNNING");
}
END_TEST

/* ---- orphans.c */

START_TEST(what_was_left_to_slotd_is_reaped_and_told)
{
	auto_world w = world_new("[program:web]\ncommand=web\n");
	struct fake_process *stranger;
	int pidfd;

	world_advance(&w, SECONDS(2));
	stranger = fake_process_new("stranger", &pidfd);
	(void)close(pidfd);
	fake_process_exit(stranger, 3 << 8);
	world_settle(&w);
	logged("reaped unknown pid ");
	logged("(exit status 3)");
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
}
END_TEST

/* ---- auto_logs.c */

static const char *left_behind[] = {"web-stdout---supervisor-abc123.log",
				    "web-stdout---supervisor-abc123.log.1",
				    "web-stdout---other-abc123.log", "web.log"};
static int writer = -EBADF;

static void leave_logs(const char *dir)
{
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(left_behind); i++) {
		int fd;

		(void)snprintf(path, sizeof(path), "%s/%s", dir, left_behind[i]);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		ck_assert_int_ge(fd, 0);
		(void)close(fd);
	}
}

static void leave_logs_and_write(const char *dir)
{
	char path[128];

	leave_logs(dir);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, left_behind[1]);
	writer = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(writer, 0);
}

static bool is_there(const struct world *w, size_t i)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, left_behind[i]);
	return access(path, F_OK) == 0;
}

START_TEST(auto_logs_of_former_runs_are_removed)
{
	world_before = leave_logs;
	auto_world w = world_new("[program:web]\ncommand=web\n");

	ck_assert(!is_there(&w, 0) && !is_there(&w, 1));
	ck_assert(is_there(&w, 2) && is_there(&w, 3)); /* another daemon's, and no AUTO log */
}
END_TEST

START_TEST(all_stay_where_somebody_still_writes_to_one)
{
	world_before = leave_logs_and_write;
	auto_world w = world_new("[program:web]\ncommand=web\n");

	ck_assert(is_there(&w, 0) && is_there(&w, 1));
	logged("another daemon with identifier=supervisor writes AUTO logs");
	(void)close(writer);
}
END_TEST

START_TEST(with_nocleanup_nobody_looks)
{
	world_before = leave_logs;
	auto_world w = world_new("[supervisord]\nnocleanup=true\n[program:web]\ncommand=web\n");

	ck_assert(is_there(&w, 0));
}
END_TEST

/* ---- helpers that die meanwhile: starts.c, streams.c */

START_TEST(a_start_waits_for_another_slotd_spawn)
{
	auto_world w = world_new("[program:web]\ncommand=web\nautostart=false\n");

	fake_process_exit(fake_process_find("slotd-spawn"), 9);
	process_start(world_process(&w, "web"));
	world_advance(&w, SECONDS(10));
	ck_assert_str_eq(world_plan(&w), "spawn web");
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
}
END_TEST

START_TEST(another_slotd_log_gets_every_stream_again)
{
	auto_world w = world_new("[program:web]\ncommand=web\n");
	struct process *p = world_process(&w, "web");
	uint32_t id = p->streams[0];

	world_advance(&w, SECONDS(2));
	fake_process_exit(fake_process_find("slotd-log"), 9);
	world_advance(&w, SECONDS(10));
	ck_assert_uint_eq(p->streams[0], id);
	ck_assert_uint_eq(fake_streams(), 2);
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
}
END_TEST

/* ---- names.c */

START_TEST(names_are_a_group_and_a_process)
{
	auto_world w =
		world_new("[program:a]\ncommand=a\nnumprocs=2\nprocess_name=%(process_num)d\n"
			  "[program:b]\ncommand=b\n[group:g]\nprograms=b\n");

	ck_assert_ptr_nonnull(process_find(w.sup, "a:1"));
	ck_assert_ptr_nonnull(process_find(w.sup, "g:b"));
	ck_assert_ptr_null(process_find(w.sup, "b"));
	ck_assert_ptr_null(process_find(w.sup, "a:2"));
	ck_assert_ptr_null(process_find(w.sup, ":"));
}
END_TEST

SUITE("workers", a_program_under_another_name_waits_for_its_old_self,
      a_stop_takes_back_a_start_that_waits, processes_of_an_fcgi_program_share_one_socket,
      the_last_one_closes_it, after_a_crash_of_the_last_one_it_is_made_at_once,
      a_socket_that_cannot_be_made_is_no_start,
      one_whose_name_goes_is_made_again_and_its_processes_start_anew,
      what_was_left_to_slotd_is_reaped_and_told, auto_logs_of_former_runs_are_removed,
      all_stay_where_somebody_still_writes_to_one, with_nocleanup_nobody_looks,
      a_start_waits_for_another_slotd_spawn, another_slotd_log_gets_every_stream_again,
      names_are_a_group_and_a_process);
