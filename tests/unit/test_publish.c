/* show/publish.c: slotd-control knows all that there is. */
#include <control/mirror.h>

#include "service_world.h"
#include "suite.h"

static const char config[] = "[program:web]\ncommand=web\n" TWO_SLOT;

static void ask_again(struct world *w)
{
	struct message m;

	message_init(&m, MSG_STATE_AGAIN, 0);
	fake_helper_send("slotd-control", &m);
	world_settle(w);
}

static void put(enum message_type type, void (*fill)(struct message *m))
{
	struct message m;

	message_init(&m, type, 0);
	fill(&m);
	ck_assert_int_eq(message_seal(&m), 0);
	ck_assert_int_eq(message_decode(&m, m.len, NULL), 0);
	ck_assert_int_eq(mirror_apply(fake_shown(), &m), 0);
}

static void stranger(struct message *m)
{
	message_put_u64(m, TAG_WORKER, 77);
	message_put_text(m, TAG_GROUP, "ghost");
	message_put_text(m, TAG_NAME, "ghost");
	message_put_i64(m, TAG_STATE, 20);
	message_put_u64(m, TAG_GENERATION, 1);
}

static void web(struct message *m)
{
	message_put_u64(m, TAG_WORKER, mirror_worker(fake_shown(), "web", "web")->index);
}

START_TEST(what_slotd_control_has_lost_it_is_told_a_second_later)
{
	auto_world w = world_new(config);

	world_advance(&w, SECONDS(2));
	world_insist_shown(&w);
	put(MSG_STATE_WORKER_GONE, web);
	ask_again(&w);
	world_advance(&w, MSECONDS(900));
	ck_assert_ptr_null(mirror_worker(fake_shown(), "web", "web"));
	world_advance(&w, MSECONDS(200));
	world_insist_shown(&w);
}
END_TEST

START_TEST(what_is_gone_without_its_knowing_is_shown_no_more)
{
	auto_world w = world_new(config);

	world_advance(&w, SECONDS(2));
	put(MSG_STATE_WORKER, stranger);
	ck_assert_ptr_nonnull(mirror_worker(fake_shown(), "ghost", "ghost"));
	ask_again(&w);
	world_advance(&w, SECONDS(2));
	world_insist_shown(&w);
}
END_TEST

START_TEST(who_asks_ten_times_is_told_once)
{
	auto_world w = world_new(config);
	uint64_t round;

	world_advance(&w, SECONDS(2));
	round = fake_shown()->round;
	for (int i = 0; i < 10; i++) {
		ask_again(&w);
	}
	world_advance(&w, SECONDS(5));
	ck_assert_uint_eq(fake_shown()->round, round + 1);
	world_insist_shown(&w);
}
END_TEST

/* Nothing is taken for gone then, and the next round has all. */
START_TEST(what_slotd_itself_loses_of_it_is_sent_once_more)
{
	auto_world w = world_new(config);
	unsigned n = 0;

	world_advance(&w, SECONDS(2));
	do {
		faults_arm(++n, ENOMEM);
		ask_again(&w);
		world_advance(&w, MSECONDS(1100));
		faults_disarm();
		ck_assert_msg(mirror_worker(fake_shown(), "web", "web") != NULL &&
				      mirror_group(fake_shown(), "b") != NULL &&
				      fake_shown()->services.len == 1,
			      "%s failed, and something is gone", faults_fired());
		world_advance(&w, SECONDS(4));
		world_insist_shown(&w);
	} while (faults_fired());
	ck_assert_uint_gt(n, 1);
}
END_TEST

START_TEST(a_job_whose_service_was_removed_is_told_again)
{
	auto_world w = world_new(config);
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	ck_assert_int_gt(begin(&w, SWAP_KIND_SWAP, &diag), 0);
	world_advance(&w, SECONDS(60));
	reload_with(&w, "[program:web]\ncommand=web\n");
	ck_assert_ptr_null(the_service(&w));
	world_advance(&w, SECONDS(60));
	fake_jobs_told = 0;
	ask_again(&w);
	world_advance(&w, SECONDS(2));
	ck_assert_uint_eq(fake_jobs_told, 1);
	world_insist_shown(&w);
}
END_TEST

/* What it loses of that it asks for again, then. */
START_TEST(where_to_listen_is_told_after_that_all_follows)
{
	auto_world w = world_new(config);

	world_advance(&w, SECONDS(2));
	ck_assert_uint_eq(fake_listen_round, 1);
	ask_again(&w);
	world_advance(&w, SECONDS(2));
	ck_assert_uint_eq(fake_listen_round, 2);
	ck_assert_uint_eq(fake_shown()->round, 2);
}
END_TEST

START_TEST(one_that_is_started_anew_before_that_is_told_once)
{
	auto_world w = world_new(config);

	world_advance(&w, SECONDS(2));
	ask_again(&w);
	fake_process_exit(fake_process_find("slotd-control"), 1 << 8);
	world_advance(&w, SECONDS(5));
	ck_assert_uint_eq(fake_shown()->round, 1);
	world_insist_shown(&w);
}
END_TEST

SUITE("publish", what_slotd_control_has_lost_it_is_told_a_second_later,
      what_is_gone_without_its_knowing_is_shown_no_more, who_asks_ten_times_is_told_once,
      what_slotd_itself_loses_of_it_is_sent_once_more,
      a_job_whose_service_was_removed_is_told_again, where_to_listen_is_told_after_that_all_follows,
      one_that_is_started_anew_before_that_is_told_once);
