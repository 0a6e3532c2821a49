/* deploy/canary.c: shares that people ask for, what is watched meanwhile, A/B tests. */
#include <errno.h>
#include <supervisor/deploy/canary_requests.h>
#include <sys/stat.h>

#include "service_world.h"
#include "suite.h"

static const char plain[] = TWO_SLOT;
static const char stepped[] = TWO_SLOT "canary_steps=5%:60s, 25%:60s\n";

typedef int ask_fn(struct supervisor *sup, const struct job_request *req, struct diag *diag);

static int ask_release(struct world *w, ask_fn *fn, enum swap_kind kind, const char *share,
		       const char *release, struct diag *diag)
{
	const struct job_request req = {.kind = kind,
					.service = "s",
					.release = release,
					.who = "ana",
					.trusted = true,
					.arg = share};
	int r = fn(w->sup, &req, diag);

	world_settle(w);
	return r;
}

static int ask(struct world *w, ask_fn *fn, enum swap_kind kind, const char *share,
	       struct diag *diag)
{
	return ask_release(w, fn, kind, share, NULL, diag);
}

static void canary(struct world *w, const char *share)
{
	struct diag diag = {0};

	ck_assert_msg(ask(w, canary_change, SWAP_KIND_CANARY, share, &diag) > 0, "%s", diag.text);
}

static unsigned weight(struct world *w)
{
	return service_word(the_service(w)).weight;
}

/* Into the canary. */
static void begin_canary(struct world *w, const char *share)
{
	world_advance(w, SECONDS(2));
	canary(w, share);
	for (int i = 0; i < 20 && the_service(w)->swap.step != SWAP_CANARY; i++) {
		world_advance(w, MSECONDS(100));
	}
	ck_assert_int_eq(the_service(w)->swap.step, SWAP_CANARY);
}

START_TEST(a_canary_gets_the_share_that_people_ask_for_until_they_promote_it)
{
	auto_world w = world_new(TWO_SLOT "canary_timeout=60\ncanary_failures=0\n");
	struct diag diag = {0};

	begin_canary(&w, "10%");
	ck_assert_uint_eq(weight(&w), 1000);
	logged("b gets 10% of the new connections");
	world_advance(&w, SECONDS(40));
	canary(&w, "2.5");
	ck_assert_uint_eq(weight(&w), 250);
	world_advance(&w, SECONDS(40)); /* its time began again */
	ck_assert_int_eq(the_service(&w)->swap.step, SWAP_CANARY);
	ck_assert_int_eq(ask(&w, canary_promote, SWAP_KIND_PROMOTE, NULL, &diag), 1);
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
	ck_assert_uint_eq(weight(&w), 0);
	logged("canary #1: b is live.");
}
END_TEST

START_TEST(a_canary_that_people_forget_is_pointed_out)
{
	auto_world w = world_new(TWO_SLOT "canary_timeout=0\ncanary_failures=0\n");

	begin_canary(&w, "10%");
	fake_now += CANARY_OLD - SECONDS(60);
	world_advance(&w, SECONDS(1));
	not_logged("nobody has promoted");
	world_advance(&w, SECONDS(60));
	logged("b has been a canary with 10% of the new connections for 1d 0h, and nobody has "
	       "promoted or aborted it");
	ck_assert_int_eq(the_service(&w)->swap.step, SWAP_CANARY);
}
END_TEST

START_TEST(a_canary_with_a_limit_is_given_up_after_it)
{
	auto_world w = world_new(TWO_SLOT "canary_timeout=60\ncanary_failures=0\n");

	begin_canary(&w, "10%");
	world_advance(&w, SECONDS(61));
	logged("for 1m00s, and nobody has promoted or aborted it");
	says(fake_logged, "nobody promoted it within canary_timeout, which is 1m00s");
	ck_assert_uint_eq(weight(&w), 0);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_with_a_reason)
{
	auto_world w = world_new(plain);
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(ask(&w, canary_change, SWAP_KIND_CANARY, "lots", &diag), -EINVAL);
	says(diag.text, "'lots' is not a share");
	ck_assert_int_eq(ask(&w, canary_change, SWAP_KIND_CANARY, NULL, &diag), -EINVAL);
	says(diag.text, "say which share");
	ck_assert_int_eq(ask(&w, canary_change, SWAP_KIND_CANARY, "0%", &diag), -EINVAL);
	says(diag.text, "s has no canary that could be given up");
	ck_assert_int_eq(ask(&w, canary_promote, SWAP_KIND_PROMOTE, NULL, &diag), -EINVAL);
	says(diag.text, "slotctl canary s 10%");
	ck_assert_int_eq(ask(&w, ab_change, SWAP_KIND_AB, "0", &diag), -EINVAL);
	says(diag.text, "has no A/B test that could be ended");
	go(&w, SWAP_KIND_SWAP);
	ck_assert_int_eq(ask(&w, canary_change, SWAP_KIND_CANARY, "5", &diag), -EBUSY);
	ck_assert_int_eq(ask(&w, canary_promote, SWAP_KIND_PROMOTE, NULL, &diag), -EBUSY);
	finish(&w);
	begin_canary(&w, "5");
	ck_assert_int_eq(ask_release(&w, canary_change, SWAP_KIND_CANARY, "5", "v3", &diag),
			 -EBUSY);
	ck_assert_int_eq(ask(&w, canary_abort, SWAP_KIND_SWAP, NULL, &diag), 0);
	finish(&w);
}
END_TEST

START_TEST(a_canary_that_is_given_up_stops_when_it_has_drained)
{
	auto_world w = world_new(plain);

	begin_canary(&w, "10%");
	fake_relays_drain = false;
	canary(&w, "0%");
	ck_assert_uint_eq(weight(&w), 0);
	ck_assert_int_eq(the_service(&w)->slots[SLOT_B].retire.state, RETIRE_DRAINING);
	ck_assert_str_eq(world_state(&w, "b"), "RUNNING");
	fake_relays_drain = true;
	world_advance(&w, SECONDS(60));
	ck_assert_str_eq(world_state(&w, "b"), "STOPPED");
	logged("NOTHING SWAPPED: a is live.");
}
END_TEST

START_TEST(a_deploy_goes_through_its_steps)
{
	auto_world w = world_new(stepped);

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_DEPLOY);
	world_advance(&w, SECONDS(5));
	ck_assert_uint_eq(weight(&w), 500);
	world_advance(&w, SECONDS(60));
	ck_assert_uint_eq(weight(&w), 2500);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_A);
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
	says(fake_logged, "5%: 0 requests, 0 failed");
}
END_TEST

static struct relay_answers *answers_of(struct world *w, const char *name)
{
	return &fake_relay_page->answers[world_process(w, name)->worker.id];
}

START_TEST(a_canary_whose_requests_fail_is_given_up_and_others_do_not_count)
{
	auto_world w = world_new(TWO_SLOT "canary_failures=20%\ncanary_requests=100\n");

	begin_canary(&w, "10%");
	answers_of(&w, "a")->answered = answers_of(&w, "a")->errors = 5000;
	answers_of(&w, "b")->answered = 99;
	answers_of(&w, "b")->errors = 99;
	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(the_service(&w)->swap.step, SWAP_CANARY); /* too few to judge by */
	answers_of(&w, "b")->answered = 100000;
	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(the_service(&w)->swap.step, SWAP_CANARY);
	answers_of(&w, "b")->refused = 15; /* what went well before does not help */
	answers_of(&w, "b")->lost = 10;
	answers_of(&w, "b")->answered += 85;
	world_advance(&w, SECONDS(1));
	logged("25 of its last 110 requests failed, more than canary_failures=20%");
	finish(&w);
	ck_assert_uint_eq(weight(&w), 0);
}
END_TEST

START_TEST(a_canary_whose_checks_fail_is_given_up)
{
	auto_world w = world_new(TWO_SLOT "health_fall=2\n");

	begin_canary(&w, "10%");
	fake_healthy = false;
	world_advance(&w, SECONDS(10));
	finish(&w);
	logged("canary #1 failed in canary: b ");
	fake_healthy = true;
}
END_TEST

START_TEST(an_ab_test_stands_and_is_recorded)
{
	auto_world w = world_new(plain);
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	ck_assert_int_gt(ask(&w, ab_change, SWAP_KIND_AB, "50%", &diag), 0);
	finish(&w);
	ck_assert_uint_eq(weight(&w), 5000);
	says(content(&w, "state/state.json"), "\"share\": 5000");
	ck_assert_int_eq(begin(&w, SWAP_KIND_SWAP, &diag), -EBUSY);
	says(diag.text, "in an A/B test by ana. First: slotctl promote s, or slotctl abort s");
	world_exit(&w, "web_b", 1); /* nobody else gets its share for long */
	world_advance(&w, SECONDS(5));
	ck_assert_str_eq(world_state(&w, "b"), "RUNNING");
	ck_assert_uint_eq(weight(&w), 5000);
	ck_assert_int_eq(ask(&w, canary_abort, SWAP_KIND_SWAP, NULL, &diag), 0);
	world_advance(&w, SECONDS(60));
	ck_assert_uint_eq(weight(&w), 0);
	ck_assert_str_eq(world_state(&w, "b"), "STOPPED");
	ck_assert_ptr_null(strstr(content(&w, "state/state.json"), "\"ab\": {"));
	logged("ab #2: The A/B test is over: a is live.");
}
END_TEST

static void record_a_test(const char *dir)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/state", dir);
	ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
	(void)snprintf(path, sizeof(path), "%s/state/state.json", dir);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "{\"next_job\": 4, \"services\": {\"s\": {\"live\": \"a\", \"ab\": "
			 "{\"slot\": \"b\", \"share\": 3000, \"since\": 1600000000, \"who\": "
			 "\"ana\"}}}}");
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(an_ab_test_comes_back_after_a_reboot)
{
	struct world w;

	world_before = record_a_test;
	w = world_new(plain);
	world_before = NULL;
	world_advance(&w, SECONDS(3));
	ck_assert_str_eq(world_state(&w, "a"), "RUNNING");
	ck_assert_str_eq(world_state(&w, "b"), "RUNNING");
	ck_assert_uint_eq(weight(&w), 3000);
	ck_assert_str_eq(the_service(&w)->ab.who, "ana");
	world_done(&w);
}
END_TEST

SUITE("canaries", a_canary_gets_the_share_that_people_ask_for_until_they_promote_it,
      a_canary_that_people_forget_is_pointed_out, a_canary_with_a_limit_is_given_up_after_it,
      what_makes_no_sense_is_refused_with_a_reason,
      a_canary_that_is_given_up_stops_when_it_has_drained, a_deploy_goes_through_its_steps,
      a_canary_whose_requests_fail_is_given_up_and_others_do_not_count,
      a_canary_whose_checks_fail_is_given_up, an_ab_test_stands_and_is_recorded,
      an_ab_test_comes_back_after_a_reboot);
