/* service/vitals.c, worker/sd_listener.c, deploy/reverify.c: what becomes of a slot after its gate.
 */
#include <supervisor/service/gate.h>
#include <supervisor/service/vitals.h>

#include <slotd/command.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "service_world.h"
#include "suite.h"

#define CHECKED "health_interval=1\nhealth_fall=2\n"
#define SERVICE_A3                                                                \
	"[program:a]\ncommand=web_a\nnumprocs=3\nprocess_name=a%(process_num)d\n" \
	"[program:b]\ncommand=web_b\n"                                            \
	"[service:s]\nlisten=unix:@DIR@/public.sock\nslot_a=a\nslot_b=b\n"        \
	"worker=unix:@DIR@/%(program_name)s%(process_num)d.sock\n"

static unsigned times(const char *part)
{
	unsigned n = 0;

	for (const char *at = world_log(); (at = strstr(at, part)); at++) {
		n++;
	}
	return n;
}

/* ---- health_restart */

START_TEST(an_unhealthy_worker_is_restarted_only_where_that_is_asked_for)
{
	auto_world w = world_new(TWO_SLOT CHECKED);

	world_advance(&w, SECONDS(2));
	fake_healthy = false;
	world_advance(&w, SECONDS(60));
	logged("s: a is unhealthy");
	logged("no worker of the live slot is healthy: new connections go to all that run (1 of "
	       "1)");
	not_logged("restarting a");
	reload_with(&w, TWO_SLOT CHECKED "health_restart=yes\n");
	world_plan(&w);
	world_advance(&w, SECONDS(2));
	logged("s: restarting a, which is unhealthy: answered 500 to GET /");
	says(world_plan(&w), "signal web_a TERM; spawn web_a");
	not_logged("connections wait"); /* nobody has stopped it */
	fake_healthy = true;
	world_advance(&w, SECONDS(3));
	ck_assert(world_process(&w, "a")->health.healthy);
	ck_assert_uint_eq(world_process(&w, "a")->health.restarts, 1);
}
END_TEST

START_TEST(what_all_lack_takes_one_worker_at_a_time)
{
	auto_world w = world_new(SERVICE_A3 "health=tcp\n" CHECKED
					    "health_restart=yes\nhealth_start_period=20\n");

	world_advance(&w, SECONDS(3));
	fake_healthy = false;
	world_advance(&w, SECONDS(15));
	ck_assert_uint_eq(times("s: restarting a"), 1);
	world_advance(&w, SECONDS(20)); /* its start period is over: the next */
	ck_assert_uint_eq(times("s: restarting a"), 2);
	fake_healthy = true;
	world_advance(&w, SECONDS(30));
	ck_assert_uint_eq(times("s: restarting a"), 2);
	ck_assert_str_eq(world_state(&w, "a:a0"), "RUNNING");
	ck_assert_str_eq(world_state(&w, "a:a2"), "RUNNING");
}
END_TEST

START_TEST(one_that_is_to_stop_while_it_is_restarted_stays_away)
{
	auto_world w = world_new(TWO_SLOT CHECKED "health_restart=yes\n");
	struct message m;

	world_advance(&w, SECONDS(2));
	fake_obedient = false;
	fake_healthy = false;
	world_advance(&w, SECONDS(4));
	ck_assert_str_eq(world_state(&w, "a"), "STOPPING");
	message_init(&m, MSG_COMMAND, 77);
	message_put_u64(&m, TAG_COMMAND, COMMAND_STOP);
	message_put_text(&m, TAG_NAME, "a");
	message_put_u64(&m, TAG_UID, 0);
	fake_helper_send("slotd-control", &m);
	world_settle(&w);
	fake_process_exit(fake_process_find("web_a"), 0);
	world_advance(&w, SECONDS(5));
	ck_assert_str_eq(world_state(&w, "a"), "STOPPED");
	fake_obedient = true;
}
END_TEST

/* ---- health=notify */

#define NOTIFY                                                                      \
	PROGRAMS "[service:s]\nlisten=unix:@DIR@/public.sock\nslot_a=a\nslot_b=b\n" \
		 "worker=unix:@DIR@/%(program_name)s.sock\nhealth=notify\n"

/* As the newest worker of that command; "" for a stranger. */
static void tell(struct world *w, const char *who, const char *text)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd;

	faults_pause(true);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fake_group = *who ? fake_process_find(who)->pid : 0;
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/run/notify.sock", w->dir);
	ck_assert_int_eq(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&un, sizeof(un)),
			 strlen(text));
	(void)close(fd);
	faults_pause(false);
	world_settle(w);
	fake_group = 0;
}

static struct health *health_of(struct world *w, const char *name)
{
	return &world_process(w, name)->health;
}

START_TEST(a_gate_waits_for_ready_of_each_worker)
{
	auto_world w = world_new(NOTIFY "ready_timeout=30\n");

	tell(&w, "web_a", "READY=1"); /* it is STARTING */
	world_advance(&w, SECONDS(2));
	ck_assert(health_of(&w, "a")->healthy);
	ck_assert_ptr_null(fake_process_find("slotd-probe"));
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, SECONDS(5));
	ck_assert(the_service(&w)->job);
	tell(&w, "web_b", "STATUS=loading");
	tell(&w, "", "READY=1");
	logged("which is not in the process group of any worker");
	ck_assert(!health_of(&w, "b")->healthy);
	tell(&w, "web_b", "READY=1\nSTATUS=here\nMAINPID=1");
	logged("s: b is healthy");
	logged("b sent MAINPID=, which is refused");
	ck_assert_str_eq(health_of(&w, "b")->status, "here");
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
	tell(&w, "web_b", "STOPPING=1");
	logged("s: b is unhealthy: said STOPPING=1");
}
END_TEST

START_TEST(a_gate_that_waits_in_vain_says_for_what)
{
	auto_world w = world_new(NOTIFY "ready_timeout=5\n");

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, SECONDS(2));
	tell(&w, "web_b", "STATUS=loading");
	finish(&w);
	logged("failed in gate: b has not sent READY=1; its STATUS is \"loading\"");
}
END_TEST

START_TEST(what_is_too_long_is_ignored_and_that_is_not_said_each_time)
{
	auto_world w = world_new(NOTIFY);
	char text[5000] = "READY=1\n";
	const size_t used = strlen(text);

	memset(text + used, 'x', sizeof(text) - 1 - used);
	for (int i = 0; i < 20; i++) {
		tell(&w, "web_a", text);
	}
	ck_assert(!health_of(&w, "a")->ready);
	ck_assert_uint_eq(times("a: ignoring a datagram of more than 4096 bytes"), 1);
}
END_TEST

START_TEST(a_worker_that_is_late_is_aborted_and_started_again)
{
	auto_world w = world_new(NOTIFY "health_watchdog=2\n");

	world_advance(&w, SECONDS(2));
	tell(&w, "web_a", "READY=1");
	for (int i = 0; i < 10; i++) {
		world_advance(&w, SECONDS(1));
		tell(&w, "web_a", "WATCHDOG=1");
	}
	world_plan(&w);
	world_advance(&w, SECONDS(1));
	ck_assert_str_eq(world_plan(&w), "");
	world_advance(&w, MSECONDS(1100));
	says(world_plan(&w), "signal web_a ABRT; spawn web_a");
	logged("s: a is unhealthy: sent no WATCHDOG=1 for 2.0 s");
	world_advance(&w, SECONDS(30)); /* the next has not said READY yet */
	ck_assert_str_eq(world_plan(&w), "");
	ck_assert(!health_of(&w, "a")->late);
	tell(&w, "web_a", "READY=1");
	reload_with(&w, NOTIFY "health_watchdog=0\n");
	world_advance(&w, SECONDS(30));
	ck_assert_str_eq(world_plan(&w), "");
	reload_with(&w, NOTIFY "health_watchdog=2\n");
	world_advance(&w, SECONDS(1));
	ck_assert_str_eq(world_plan(&w), ""); /* its time begins anew */
	world_advance(&w, SECONDS(2));
	says(world_plan(&w), "signal web_a ABRT");
	fake_obedient = false;
	world_advance(&w, SECONDS(2));
	tell(&w, "web_a", "READY=1");
	tell(&w, "web_a", "WATCHDOG=trigger");
	world_advance(&w, SECONDS(1));
	says(world_plan(&w), "signal web_a ABRT");
	world_advance(&w, SECONDS(10)); /* stopwaitsecs */
	says(world_plan(&w), "signal web_a KILL");
	fake_obedient = true;
}
END_TEST

START_TEST(nobody_is_late_for_a_slotd_that_was_held_up)
{
	auto_world w = world_new(NOTIFY "health_watchdog=2\n");

	world_advance(&w, SECONDS(2));
	tell(&w, "web_a", "READY=1");
	world_plan(&w);
	fake_now += SECONDS(10);
	world_settle(&w);
	ck_assert_str_eq(world_plan(&w), "");
	ck_assert(health_of(&w, "a")->healthy);
	world_advance(&w, SECONDS(3));
	says(world_plan(&w), "signal web_a ABRT");
}
END_TEST

START_TEST(who_was_started_without_the_socket_is_told_to_be_restarted)
{
	auto_world w = world_new(TWO_SLOT CHECKED);
	char text[HEALTH_WORDS_MAX];

	world_advance(&w, SECONDS(2));
	ck_assert(health_of(&w, "a")->healthy);
	process_start(world_process(&w, "b"));
	world_advance(&w, SECONDS(2));
	reload_with(&w, NOTIFY "ready_timeout=5\n");
	fake_healthy = false;
	world_advance(&w, SECONDS(20));
	ck_assert(health_of(&w, "a")->healthy); /* as it was last known */
	go(&w, SWAP_KIND_SWAP);
	finish(&w);
	logged("b was started before health=notify");
	process_start(world_process(&w, "b"));
	world_advance(&w, SECONDS(2));
	says(health_words(world_process(&w, "b"), text, sizeof(text)), "has not sent READY=1");
}
END_TEST

START_TEST(a_lost_name_of_the_socket_is_made_again)
{
	auto_world w = world_new(NOTIFY);
	char path[128];

	world_advance(&w, SECONDS(2));
	(void)snprintf(path, sizeof(path), "%s/run/notify.sock", w.dir);
	ck_assert_int_eq(unlink(path), 0);
	world_settle(&w);
	world_advance(&w, SECONDS(1));
	logged("notify.sock was removed, and has been made again");
	tell(&w, "web_a", "READY=1");
	ck_assert(health_of(&w, "a")->healthy);
}
END_TEST

/* ---- verify_interval */

#define VERIFIED TWO_SLOT "verify=look\nbake=60\nverify_interval=10\nverify_timeout=5\n"

static void go_to_bake(struct world *w)
{
	world_advance(w, SECONDS(2));
	go(w, SWAP_KIND_SWAP);
	for (int i = 0; i < 20 && the_service(w)->swap.step != SWAP_BAKE; i++) {
		world_advance(w, MSECONDS(500));
	}
	ck_assert_int_eq(the_service(w)->swap.step, SWAP_BAKE);
}

START_TEST(verify_runs_again_and_again_in_the_bake)
{
	auto_world w = world_new(VERIFIED);
	unsigned runs;

	go_to_bake(&w);
	runs = fake_shell.runs;
	world_advance(&w, SECONDS(35));
	ck_assert_uint_eq(fake_shell.runs, runs + 3);
	finish(&w);
	ck_assert_uint_eq(fake_shell.runs, runs + 5);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
}
END_TEST

START_TEST(one_that_fails_flips_back_and_its_last_words_are_told)
{
	auto_world w = world_new(VERIFIED "on_failure=true\n");

	go_to_bake(&w);
	fake_shell.code = 22;
	fake_shell.says = "+ look\nit answers 500\n";
	world_advance(&w, SECONDS(11));
	finish(&w);
	logged("swap #1 failed in bake: verify failed: exit status 22. Back to a");
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_A);
	says(fake_logged, "it answers 500");
}
END_TEST

START_TEST(one_that_hangs_is_ended_and_has_failed)
{
	auto_world w = world_new(VERIFIED);

	go_to_bake(&w);
	fake_shell.stays = true;
	world_advance(&w, SECONDS(14));
	ck_assert_int_eq(the_service(&w)->swap.step, SWAP_BAKE);
	ck_assert_ptr_nonnull(fake_process_find("sh"));
	world_advance(&w, SECONDS(2));
	ck_assert_ptr_null(fake_process_find("sh"));
	fake_shell.stays = false;
	finish(&w);
	logged("failed in bake: verify took longer than verify_timeout, 5.0 s. Back to a");
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_A);
}
END_TEST

START_TEST(a_rollback_or_the_end_of_slotd_ends_the_one_that_runs)
{
	for (int rollback = 0; rollback < 2; rollback++) {
		auto_world w = world_new(VERIFIED);

		go_to_bake(&w);
		fake_shell.stays = true;
		world_advance(&w, SECONDS(11));
		ck_assert_ptr_nonnull(fake_process_find("sh"));
		if (rollback) {
			go(&w, SWAP_KIND_ROLLBACK);
			fake_shell.stays = false;
			finish(&w);
			ck_assert_int_eq(service_live(the_service(&w)), SLOT_A);
			world_advance(&w, SECONDS(1)); /* it is reaped */
		} else {
			ck_assert(world_stop(&w));
		}
		ck_assert_ptr_null(fake_process_find("sh"));
		fake_shell.stays = false;
	}
}
END_TEST

START_TEST(one_that_cannot_be_run_is_no_failure)
{
	auto_world w = world_new(VERIFIED);

	go_to_bake(&w);
	world_advance(&w, SECONDS(9));
	faults_arm(1, EMFILE);
	world_advance(&w, SECONDS(1));
	faults_disarm();
	logged("verify cannot be repeated");
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
}
END_TEST

START_TEST(none_runs_while_only_a_proxy_header_would_reach_what_it_looks_at)
{
	auto_world w =
		world_new(VERIFIED "preview_listen=unix:@DIR@/preview.sock\nproxy_protocol=v1\n");
	unsigned runs;

	go_to_bake(&w);
	runs = fake_shell.runs;
	world_advance(&w, SECONDS(11));
	ck_assert_uint_eq(fake_shell.runs, runs + 1);
	the_service(&w)->upkeep.offline = true;
	world_advance(&w, SECONDS(20));
	ck_assert_uint_eq(fake_shell.runs, runs + 1);
	logged("verify is not repeated as long as listen= does not reach workers");
	the_service(&w)->upkeep.offline = false;
	world_advance(&w, SECONDS(11));
	ck_assert_uint_eq(fake_shell.runs, runs + 2);
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
}
END_TEST

SUITE("vitals", an_unhealthy_worker_is_restarted_only_where_that_is_asked_for,
      what_all_lack_takes_one_worker_at_a_time,
      one_that_is_to_stop_while_it_is_restarted_stays_away, a_gate_waits_for_ready_of_each_worker,
      a_gate_that_waits_in_vain_says_for_what,
      what_is_too_long_is_ignored_and_that_is_not_said_each_time,
      a_worker_that_is_late_is_aborted_and_started_again,
      nobody_is_late_for_a_slotd_that_was_held_up,
      who_was_started_without_the_socket_is_told_to_be_restarted,
      a_lost_name_of_the_socket_is_made_again, verify_runs_again_and_again_in_the_bake,
      one_that_fails_flips_back_and_its_last_words_are_told, one_that_hangs_is_ended_and_has_failed,
      a_rollback_or_the_end_of_slotd_ends_the_one_that_runs, one_that_cannot_be_run_is_no_failure,
      none_runs_while_only_a_proxy_header_would_reach_what_it_looks_at);
