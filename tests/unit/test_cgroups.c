/* worker/cgroups.c, worker/secrets.c: what a worker has beside its process, and what is left of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service_world.h"
#include "suite.h"

static const char web[] = "[program:web]\ncommand=web\nautorestart=false\n";

static void with_groups(const char *dir)
{
	fake_cgroups_below(dir);
}

static struct world grouped(const char *config)
{
	world_before = with_groups;
	struct world w = world_new(config);

	world_advance(&w, SECONDS(2));
	return w;
}

START_TEST(a_worker_has_a_group_as_long_as_it_runs)
{
	auto_world w = grouped(web);

	ck_assert(fake_cgroup_there("web:web"));
	world_exit(&w, "web", 0);
	ck_assert(!fake_cgroup_there("web:web"));
	not_logged("has ended, and");
}
END_TEST

START_TEST(where_systemd_gave_none_there_is_none)
{
	fake_cgroups_below(NULL);
	auto_world w = world_new(web);

	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
	not_logged("control group");
}
END_TEST

START_TEST(a_group_that_cannot_be_entered_is_said_and_workers_start)
{
	world_before = with_groups;
	auto_world w = world_new("[program:web]\ncommand=web\nautostart=false\n"
				 "process_name=%(process_num)d\nnumprocs=2\n");
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/cgroup/web:0", w.dir);
	ck_assert_int_eq(mknod(path, S_IFREG | 0644, 0), 0); /* it is no directory */
	process_start(world_process(&w, "web:0"));
	world_advance(&w, SECONDS(2));
	logged("web:0 starts without a control group of its own: ");
	ck_assert_str_eq(world_state(&w, "web:0"), "RUNNING");
	process_start(world_process(&w, "web:1"));
	world_settle(&w);
	ck_assert(fake_cgroup_there("web:1"));
}
END_TEST

START_TEST(what_runs_on_is_told_once_and_its_group_goes_with_it)
{
	auto_world w = grouped(web);
	char who[32];

	(void)snprintf(who, sizeof(who), "run on: %d (", (int)getpid());
	fake_cgroup_put("web:web", getpid());
	fake_cgroup_put("web:web", getpid());
	world_exit(&w, "web", 0);
	not_logged("has ended, and"); /* it may be about to end */
	world_advance(&w, MSECONDS(300));
	logged("web:web has ended, and 2 processes of it run on: ");
	logged(who);
	ck_assert(fake_cgroup_there("web:web"));
	fake_cgroup_empty("web:web");
	world_settle(&w);
	ck_assert(!fake_cgroup_there("web:web"));
}
END_TEST

START_TEST(what_ends_in_time_is_not_told)
{
	auto_world w = grouped(web);

	fake_cgroup_put("web:web", getpid());
	world_exit(&w, "web", 0);
	fake_cgroup_empty("web:web");
	world_advance(&w, SECONDS(1));
	not_logged("has ended, and");
	ck_assert(!fake_cgroup_there("web:web"));
}
END_TEST

START_TEST(a_group_that_has_a_worker_again_stays)
{
	auto_world w = grouped(web);

	fake_cgroup_put("web:web", getpid());
	world_exit(&w, "web", 0);
	process_start(world_process(&w, "web"));
	world_settle(&w);
	fake_cgroup_empty("web:web");
	world_advance(&w, SECONDS(1));
	not_logged("has ended, and");
	ck_assert(fake_cgroup_there("web:web"));
}
END_TEST

START_TEST(names_that_would_be_paths_are_escaped)
{
	auto_world w = grouped("[program:web]\ncommand=web\n"
			       "process_name=100%%\n[group:a]\nprograms=web\n");

	(void)w;
	ck_assert(fake_cgroup_there("a:100%25"));
}
END_TEST

START_TEST(a_worker_that_is_killed_takes_its_group_with_it)
{
	auto_world w = grouped("[program:web]\ncommand=web\nkillasgroup=true\nstopwaitsecs=5\n");
	struct fake_process *heir;
	int pidfd;

	heir = fake_process_new("heir", &pidfd);
	(void)close(pidfd);
	fake_cgroup_put("web:web", heir->pid);
	fake_obedient = false;
	(void)world_plan(&w);
	process_stop(world_process(&w, "web"));
	world_advance(&w, SECONDS(6));
	says(world_plan(&w), "signal heir KILL");
	ck_assert(heir->ended);
	fake_cgroup_empty("web:web");
}
END_TEST

START_TEST(the_rest_of_a_worker_of_a_service_is_waited_for)
{
	auto_world w = grouped("[program:a]\ncommand=web_a\nkillasgroup=true\nstartsecs=0\n"
			       "[program:b]\ncommand=web_b\n" SERVICE);

	fake_cgroup_put("a:a", getpid() + 1000000); /* which no signal ends */
	(void)world_plan(&w);
	world_exit(&w, "web_a", 1);
	ck_assert_str_eq(world_plan(&w), ""); /* its address may be in use yet */
	world_advance(&w, MSECONDS(100));
	ck_assert_str_eq(world_plan(&w), "");
	fake_cgroup_empty("a:a");
	world_advance(&w, MSECONDS(100));
	says(world_plan(&w), "spawn web_a");
}
END_TEST

START_TEST(a_rest_that_never_ends_is_not_waited_for_forever)
{
	auto_world w = grouped("[program:a]\ncommand=web_a\nkillasgroup=true\nstartsecs=0\n"
			       "[program:b]\ncommand=web_b\n" SERVICE);

	fake_cgroup_put("a:a", getpid() + 1000000);
	(void)world_plan(&w);
	world_exit(&w, "web_a", 1);
	world_advance(&w, SECONDS(5));
	says(world_plan(&w), "spawn web_a");
	fake_cgroup_empty("a:a");
}
END_TEST

static void leave_groups(const char *dir)
{
	fake_cgroups_below(dir);
	fake_cgroup_put("old:empty", 1);
	fake_cgroup_empty("old:empty");
	fake_cgroup_put("old:busy", 1);
	fake_cgroup_put("slotd", 1); /* slotd's own */
	fake_cgroup_empty("slotd");
}

START_TEST(groups_of_former_runs_are_removed_when_they_are_empty)
{
	world_before = leave_groups;
	auto_world w = world_new(web);

	ck_assert(!fake_cgroup_there("old:empty"));
	ck_assert(fake_cgroup_there("slotd"));
	ck_assert(fake_cgroup_there("old:busy"));
	world_advance(&w, SECONDS(1));
	not_logged("old:busy"); /* whoever left it has said so */
	fake_cgroup_empty("old:busy");
	world_settle(&w);
	ck_assert(!fake_cgroup_there("old:busy"));
}
END_TEST

START_TEST(without_memory_a_group_stays_and_slotd_goes_on)
{
	for (unsigned n = 1; n < 40; n++) {
		auto_world w = grouped(web);

		fake_cgroup_put("web:web", getpid());
		faults_arm(n, n % 2 ? ENOMEM : EMFILE);
		world_exit(&w, "web", 0);
		faults_disarm();
		fake_cgroup_empty("web:web");
		process_start(world_process(&w, "web"));
		world_advance(&w, SECONDS(3));
		ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
		world_exit(&w, "web", 0);
		ck_assert(!fake_cgroup_there("web:web"));
		if (!faults_fired()) {
			return;
		}
	}
}
END_TEST

/* ---- secrets.c */

static const char with_secret[] = "[program:web]\ncommand=web\nautostart=false\n"
				  "credential=token:@DIR@/token\n";

static void leave_secret(const char *dir)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/token", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
}

/* As the child makes it. */
static void make_directory(const struct world *w, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/run/credentials", w->dir);
	(void)mkdir(path, 0711);
	(void)snprintf(path, sizeof(path), "%s/run/credentials/%s", w->dir, name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static bool has_directory(const struct world *w, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/run/credentials/%s", w->dir, name);
	return access(path, F_OK) == 0;
}

START_TEST(secrets_are_gone_when_their_worker_has_ended)
{
	world_before = leave_secret;
	auto_world w = world_new(with_secret);

	process_start(world_process(&w, "web"));
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
	make_directory(&w, "web:web");
	process_stop(world_process(&w, "web"));
	world_settle(&w);
	ck_assert(!has_directory(&w, "web:web"));
}
END_TEST

START_TEST(secrets_that_a_killed_slotd_left_are_swept_but_those_in_use)
{
	world_before = leave_secret;
	auto_world w = world_new(with_secret);

	process_start(world_process(&w, "web"));
	world_advance(&w, SECONDS(2));
	make_directory(&w, "web:web");
	make_directory(&w, "old:old");
	world_kill(&w);
	world_again(&w);
	ck_assert(has_directory(&w, "web:web"));
	ck_assert(!has_directory(&w, "old:old"));
	world_exit(&w, "web", 0);
	ck_assert(!has_directory(&w, "web:web"));
}
END_TEST

START_TEST(a_start_without_a_place_for_its_secrets_is_none)
{
	world_before = leave_secret;
	auto_world w = world_new(with_secret);
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/run/credentials", w.dir);
	ck_assert_int_eq(symlink("/nonexistent/x", path), 0);
	process_start(world_process(&w, "web"));
	world_settle(&w);
	ck_assert_str_eq(world_plan(&w), "");
	says(world_process(&w, "web")->worker.spawnerr, "couldn't provide credentials in ");
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

SUITE("cgroups", a_worker_has_a_group_as_long_as_it_runs, where_systemd_gave_none_there_is_none,
      a_group_that_cannot_be_entered_is_said_and_workers_start,
      what_runs_on_is_told_once_and_its_group_goes_with_it, what_ends_in_time_is_not_told,
      a_group_that_has_a_worker_again_stays, names_that_would_be_paths_are_escaped,
      a_worker_that_is_killed_takes_its_group_with_it,
      the_rest_of_a_worker_of_a_service_is_waited_for,
      a_rest_that_never_ends_is_not_waited_for_forever,
      groups_of_former_runs_are_removed_when_they_are_empty,
      without_memory_a_group_stays_and_slotd_goes_on, secrets_are_gone_when_their_worker_has_ended,
      secrets_that_a_killed_slotd_left_are_swept_but_those_in_use,
      a_start_without_a_place_for_its_secrets_is_none);
