/* service/: services, their slots, sockets, environment, and what people are told. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <supervisor/service/environment.h>
#include <supervisor/service/place.h>
#include <supervisor/service/slots.h>
#include <supervisor/service/sockets.h>
#include <supervisor/worker/waits.h>

#include "service_world.h"
#include "suite.h"

/* ---- services.c, service.c */

START_TEST(only_the_live_slot_starts_by_itself)
{
	auto_world w = world_new("[program:cron]\ncommand=cron\n" TWO_SLOT);
	struct process *a = world_process(&w, "a"), *b = world_process(&w, "b");
	char text[64];

	ck_assert_str_eq(world_plan(&w), "spawn web_a; spawn cron");
	ck_assert(a->live && service_serves(a) && !service_passes_by(a));
	ck_assert(!b->live && !service_serves(b) && service_passes_by(b));
	ck_assert(!service_passes_by(world_process(&w, "cron")));
	ck_assert_str_eq(services_summary(w.sup, text, sizeof(text)), "s a");
	ck_assert_str_eq(services_summary(w.sup, text, 3), "s ");
}
END_TEST

START_TEST(a_live_slot_that_is_stopped_holds_and_says_by_whom)
{
	auto_world w = world_new(TWO_SLOT);
	struct service *s = the_service(&w);
	struct process *a = world_process(&w, "a");

	world_advance(&w, SECONDS(2));
	service_note_stop(world_process(&w, "b"), "by nobody"); /* idle: nothing to say */
	service_note_stop(a, "ana");
	process_stop(a);
	world_settle(&w);
	ck_assert_int_eq(s->placed.mode, SWITCH_HOLD);
	ck_assert(s->troubles & trouble_bit(TROUBLE_STOPPED));
	logged("the live slot was stopped by ana: connections wait");
	process_start(a);
	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(s->placed.mode, SWITCH_OPEN);
	ck_assert_uint_eq(s->troubles, 0);
	ck_assert_str_eq(s->why[TROUBLE_STOPPED], "");
	logged("connections no longer wait");
}
END_TEST

START_TEST(workers_of_a_service_that_goes_are_nobodys)
{
	auto_world w = world_new(TWO_SLOT);

	world_advance(&w, SECONDS(2));
	reload_with(&w, PROGRAMS);
	world_settle(&w);
	ck_assert_ptr_null(the_service(&w));
	logged("service s is removed");
	ck_assert_ptr_null(world_process(&w, "a")->service);
}
END_TEST

START_TEST(more_workers_by_a_reload_join_their_slot)
{
	auto_world w = world_new(TWO_SLOT);
	struct slot_count count;

	world_advance(&w, SECONDS(2));
	reload_with(&w, "[program:a]\ncommand=web_a\n[program:b]\ncommand=web_b\n"
			"[program:a2]\ncommand=web_a2\n[service:s]\nslot_a=a,a2\nslot_b=b\n"
			"listen=unix:@DIR@/public.sock\nhealth=tcp\nlive_file=@DIR@/live\n"
			"worker=unix:@DIR@/%(program_name)s.sock\n");
	world_advance(&w, SECONDS(2));
	slot_count(the_service(&w), SLOT_A, &count);
	ck_assert_uint_eq(count.total, 2);
	ck_assert_uint_eq(count.healthy, 2);
	ck_assert_str_eq(world_state(&w, "a2"), "RUNNING");
}
END_TEST

START_TEST(a_clock_that_is_set_moves_since_when)
{
	auto_world w = world_new(TWO_SLOT);
	struct service *s = the_service(&w);
	usec_t since = s->slots[SLOT_A].since;

	service_move_times(s, -(int64_t)SECONDS(3600));
	ck_assert_uint_eq(s->slots[SLOT_A].since, since - SECONDS(3600));
}
END_TEST

/* ---- slots.c */

static const char queue[] = PROGRAMS
	"[program:qa]\ncommand=queue_a\n[program:qb]\ncommand=queue_b\n"
	"[service:s]\nlisten=unix:@DIR@/public.sock\nslot_a=a,qa\nslot_b=b,qb\nqueue=qa,qb\n"
	"health=tcp\nworker=unix:@DIR@/%(program_name)s.sock\n";

START_TEST(queue_workers_run_in_the_live_slot_and_never_in_both)
{
	auto_world w = world_new(queue);

	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "qa"), "RUNNING");
	ck_assert_str_eq(world_state(&w, "qb"), "STOPPED");
	fake_obedient = false; /* it takes its time to end */
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, SECONDS(3));
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
	ck_assert_str_eq(world_state(&w, "qa"), "STOPPING");
	ck_assert_str_eq(world_state(&w, "qb"), "STOPPED");
	ck_assert_ptr_eq(process_waits_for(world_process(&w, "qb")), world_process(&w, "qa"));
	world_exit(&w, "queue_a", 0);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "qa"), "STOPPED");
	ck_assert_str_eq(world_state(&w, "qb"), "RUNNING");
}
END_TEST

START_TEST(a_deploy_ends_what_runs_in_the_idle_slot_first)
{
	auto_world w = world_new(TWO_SLOT);
	struct service *s = the_service(&w);

	world_advance(&w, SECONDS(2));
	process_start(world_process(&w, "b"));
	world_advance(&w, SECONDS(2));
	fake_obedient = false;
	(void)world_plan(&w);
	go(&w, SWAP_KIND_DEPLOY);
	ck_assert_str_eq(world_plan(&w), "signal web_b TERM");
	ck_assert(s->slots[SLOT_B].clearing);
	ck_assert(!slot_start_goes_on(s, SLOT_B));
	world_exit(&w, "web_b", 0);
	ck_assert_str_eq(world_plan(&w), "spawn web_b");
	ck_assert(!s->slots[SLOT_B].clearing);
	fake_obedient = true;
	finish(&w);
}
END_TEST

START_TEST(a_slot_is_warm_when_enough_of_it_is_healthy)
{
	auto_world w = world_new(TWO_SLOT);
	struct service *s = the_service(&w);

	ck_assert(!slot_is_warm(s, SLOT_A));
	world_advance(&w, SECONDS(2));
	ck_assert(slot_is_warm(s, SLOT_A));
	ck_assert(!slot_is_warm(s, SLOT_B));
	ck_assert(!slot_is_draining(s, SLOT_B));
}
END_TEST

/* ---- environment.c */

static const char *value_of(const struct env *env, const char *name)
{
	size_t len = strlen(name);

	for (char **at = env->at; at && *at; at++) {
		if (strncmp(*at, name, len) == 0 && (*at)[len] == '=') {
			return *at + len + 1;
		}
	}
	return "absent";
}

START_TEST(a_command_of_a_slot_knows_it)
{
	auto_world w = world_new(
		"[program:a]\ncommand=web_a\nnumprocs=2\nnumprocs_start=8001\nuser=daemon\n"
		"process_name=%(process_num)d\nenvironment=X=\"1\",HOME=\"/h\"\n"
		"[program:b]\ncommand=web_b\nuser=daemon\nnumprocs_start=9000\n"
		"[service:s]\nlisten=unix:@DIR@/public.sock\nslot_a=a\nslot_b=b\nhealth=tcp\n"
		"worker=127.0.0.1:%(process_num)d\n");
	CLEANUP(env_done) struct env env = {0};
	struct service *s = the_service(&w);

	(void)strcpy(s->slots[SLOT_A].release, "v9");
	ck_assert_int_eq(slot_environment(s, SLOT_A, world_process(&w, "a:8002"), &env), 0);
	ck_assert_str_eq(value_of(&env, "SLOTD_SERVICE"), "s");
	ck_assert_str_eq(value_of(&env, "SLOTD_SLOT"), "a");
	ck_assert_str_eq(value_of(&env, "SLOTD_LIVE_SLOT"), "a");
	ck_assert_str_eq(value_of(&env, "SLOTD_PORTS"), "8001 8002");
	ck_assert_str_eq(value_of(&env, "SLOTD_RELEASE"), "v9");
	ck_assert_str_eq(value_of(&env, "SLOTD_ADDRESS"), "127.0.0.1:8002");
	ck_assert_str_eq(value_of(&env, "SLOTD_PORT"), "8002");
	ck_assert_str_eq(value_of(&env, "X"), "1");
	ck_assert_str_eq(value_of(&env, "HOME"), "/h"); /* not the user's: it is set */
	ck_assert_str_eq(value_of(&env, "USER"), "daemon");
}
END_TEST

START_TEST(without_a_worker_there_is_still_the_slot)
{
	auto_world w = world_new(TWO_SLOT);
	CLEANUP(env_done) struct env env = {0};

	ck_assert_int_eq(slot_environment(the_service(&w), SLOT_B, NULL, &env), 0);
	ck_assert_str_eq(value_of(&env, "SLOTD_SLOT"), "b");
	ck_assert_str_eq(value_of(&env, "SLOTD_LIVE_SLOT"), "a");
	ck_assert_str_eq(value_of(&env, "SLOTD_PORTS"), ""); /* unix sockets have none */
	ck_assert_str_eq(value_of(&env, "SLOTD_ADDRESS"), "absent");
}
END_TEST

/* ---- sockets.c */

static int hold_port(unsigned *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

START_TEST(an_address_that_is_taken_is_named_and_tried_until_it_is_free)
{
	char own[16], held[64];
	char text[1024], *at;
	unsigned port;
	int fd = hold_port(&port);

	(void)strcpy(text, PROGRAMS SERVICE_OF("127.0.0.1:PPPPP,unix:@DIR@/p.sock"));
	at = strstr(text, "PPPPP");
	(void)snprintf(at, 6, "%05u", port);
	at[5] = ',';

	{
		auto_world w = world_new(text);
		struct service *s = the_service(&w);

		ck_assert_int_eq(s->sockets.at[0].fd, -EBADF);
		ck_assert_int_ge(s->sockets.at[1].fd, 0);
		ck_assert(s->troubles & trouble_bit(TROUBLE_ADDRESS));
		ck_assert_int_eq(prctl(PR_GET_NAME, own), 0); /* valgrind's, under it */
		(void)snprintf(held, sizeof(held), " is held by %s (pid %d)", own, (int)getpid());
		logged(held);
		world_advance(&w, SECONDS(20));
		ck_assert_int_eq(s->sockets.at[0].fd, -EBADF);
		(void)close(fd);
		w.fds--; /* it was open before */
		world_advance(&w, SECONDS(6));
		ck_assert_int_ge(s->sockets.at[0].fd, 0);
		ck_assert_uint_eq(s->troubles, 0);
		logged("s: listening on 127.0.0.1:");
	}
}
END_TEST

START_TEST(what_cannot_be_bound_at_all_is_said_once)
{
	auto_world w = world_new(PROGRAMS SERVICE_OF("unix:@DIR@/none/p.sock"));
	const char *first;
	char path[128];

	first = strstr(world_log(), "trying again every 5 s");
	ck_assert_ptr_nonnull(first);
	world_advance(&w, SECONDS(30));
	ck_assert_ptr_null(strstr(first + 1, "trying again every 5 s"));
	(void)snprintf(path, sizeof(path), "%s/none", w.dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	world_advance(&w, SECONDS(6));
	logged("s: listening on unix:");
}
END_TEST

START_TEST(a_reload_closes_what_is_no_longer_listed_and_opens_the_rest)
{
	auto_world w = world_new(PROGRAMS SERVICE_OF("unix:@DIR@/1.sock,unix:@DIR@/2.sock"));
	struct service *s = the_service(&w);
	uint32_t kept = s->sockets.at[1].index;

	world_advance(&w, SECONDS(2));
	(void)fake_relays_heard();
	reload_with(&w, PROGRAMS SERVICE_OF("unix:@DIR@/2.sock,unix:@DIR@/3.sock"));
	logged("no longer listening on unix:");
	ck_assert_uint_eq(s->sockets.len, 2);
	ck_assert_uint_eq(s->sockets.at[0].index, kept);
	says(fake_relays_heard(), "listen_gone");
}
END_TEST

START_TEST(a_socket_whose_name_goes_is_made_again)
{
	auto_world w = world_new(TWO_SLOT);
	struct service *s = the_service(&w);
	uint32_t index = s->sockets.at[0].index;
	char path[128];

	world_advance(&w, SECONDS(2));
	(void)fake_relays_heard();
	(void)snprintf(path, sizeof(path), "%s/public.sock", w.dir);
	ck_assert_int_eq(unlink(path), 0);
	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_uint_ne(s->sockets.at[0].index, index); /* the relays know it by another number */
	says(fake_relays_heard(), "listen_gone; listen unix:");
}
END_TEST

SUITE("services", only_the_live_slot_starts_by_itself,
      a_live_slot_that_is_stopped_holds_and_says_by_whom,
      workers_of_a_service_that_goes_are_nobodys, more_workers_by_a_reload_join_their_slot,
      a_clock_that_is_set_moves_since_when, queue_workers_run_in_the_live_slot_and_never_in_both,
      a_deploy_ends_what_runs_in_the_idle_slot_first, a_slot_is_warm_when_enough_of_it_is_healthy,
      a_command_of_a_slot_knows_it, without_a_worker_there_is_still_the_slot,
      an_address_that_is_taken_is_named_and_tried_until_it_is_free,
      what_cannot_be_bound_at_all_is_said_once,
      a_reload_closes_what_is_no_longer_listed_and_opens_the_rest,
      a_socket_whose_name_goes_is_made_again);
