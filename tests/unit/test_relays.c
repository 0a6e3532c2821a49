/* handoff/: what each slotd-relay is told, and the rounds that all of them answer. */
#include <errno.h>
#include <slotd/switchboard.h>
#include <supervisor/handoff/relays.h>
#include <supervisor/service/handoff_ops.h>

#include "service_world.h"
#include "suite.h"

static uint32_t id_of(struct world *w, const char *name)
{
	return world_process(w, name)->worker.id;
}

/* ---- relays.c */

START_TEST(a_relay_that_starts_is_told_everything)
{
	auto_world w = world_new(TWO_SLOT);
	char want[256];

	(void)snprintf(want, sizeof(want),
		       "setup; service s; worker a down; worker b down; table; "
		       "listen unix:%s/public.sock",
		       w.dir);
	says(fake_relays_heard(), want);
}
END_TEST

START_TEST(a_worker_is_told_when_it_is_up_and_only_then)
{
	auto_world w = world_new(TWO_SLOT);

	(void)fake_relays_heard();
	world_advance(&w, SECONDS(1));
	/* The second time because it passed its check: whom it refused may try it at once. */
	ck_assert_str_eq(fake_relays_heard(), "worker a up; worker a up");
	world_advance(&w, SECONDS(10)); /* its checks pass on */
	ck_assert_str_eq(fake_relays_heard(), "");
	world_exit(&w, "web_a", 1);
	says(fake_relays_heard(), "worker a down");
}
END_TEST

START_TEST(one_that_is_started_again_is_told_it_all_again)
{
	auto_world w = world_new(TWO_SLOT);

	world_advance(&w, SECONDS(2));
	(void)fake_relays_heard();
	fake_process_exit(fake_process_find("slotd-relay"), 9);
	world_advance(&w, SECONDS(5));
	says(fake_relays_heard(), "setup; service s; worker a up; worker b down; table; listen ");
}
END_TEST

START_TEST(what_is_open_is_summed_over_the_workers_of_a_slot)
{
	auto_world w = world_new("[program:a]\ncommand=web_a\nnumprocs=2\n"
				 "process_name=a%(process_num)d\n[program:b]\ncommand=web_b\n"
				 "[service:s]\nlisten=unix:@DIR@/public.sock\nslot_a=a\nslot_b=b\n"
				 "health=tcp\nworker=unix:@DIR@/%(process_num)d.%(group_name)s\n");
	struct relay_counts *at = fake_relay_page->workers;
	struct handoff_load load;

	at[id_of(&w, "a:a0")] = (struct relay_counts){.queued = 1, .in_request = 2, .total = 50};
	at[id_of(&w, "a:a1")] = (struct relay_counts){
		.silent = 4, .between = 8, .pinned = 16, .total = 7, .failed = 3};
	at[id_of(&w, "b")].in_request = 1000;
	w.sup->handoff->load(the_service(&w), SLOT_A, &load);
	ck_assert_uint_eq(load.queued, 1);
	ck_assert_uint_eq(load.active, 2);
	ck_assert_uint_eq(load.placed, 57);
	ck_assert_uint_eq(load.failed, 3);
	ck_assert_uint_eq(handoff_load_total(&load), 31);
	ck_assert(relays_work(w.sup));
	at[id_of(&w, "b")].in_request = at[id_of(&w, "a:a0")].in_request = 0;
	at[id_of(&w, "a:a0")].queued = 0;
	ck_assert(!relays_work(w.sup)); /* what is between requests asks for nothing */
	memset(at, 0, 16 * sizeof(*at));
}
END_TEST

START_TEST(nothing_is_open_in_a_dead_relay)
{
	auto_world w = world_new(TWO_SLOT);
	struct handoff_load load;

	fake_relay_page->workers[id_of(&w, "a")].in_request = 5;
	fake_process_exit(fake_process_find("slotd-relay"), 9);
	world_settle(&w);
	w.sup->handoff->load(the_service(&w), SLOT_A, &load);
	ck_assert_uint_eq(handoff_load_total(&load), 0);
}
END_TEST

static void deny(struct world *w, uint64_t worker, bool up)
{
	struct message m;

	message_init(&m, MSG_RELAY_DENIED, 0);
	message_put_u64(&m, TAG_SERVICE_INDEX, the_service(w)->index);
	message_put_u64(&m, TAG_WORKER, worker);
	message_put_u64(&m, TAG_UP, up);
	fake_helper_send("slotd-relay", &m);
	world_settle(w);
}

START_TEST(a_worker_whose_socket_may_not_be_opened_is_said_once)
{
	auto_world w = world_new(TWO_SLOT);
	const struct process *a = world_process(&w, "a");
	const char *first;

	deny(&w, 4711, false);
	not_logged("has no permission");
	deny(&w, a->worker.id, false);
	ck_assert(a->denied);
	logged("has no permission to connect to unix:");
	first = strstr(world_log(), "has no permission");
	deny(&w, a->worker.id, false);
	ck_assert_ptr_null(strstr(first + 1, "has no permission"));
	deny(&w, a->worker.id, true);
	ck_assert(!a->denied);
}
END_TEST

START_TEST(what_a_relay_cannot_do_is_logged)
{
	auto_world w = world_new(TWO_SLOT);
	struct message m;

	message_init(&m, MSG_DONE, 0);
	message_put_i64(&m, TAG_CODE, -EMFILE);
	fake_helper_send("slotd-relay", &m);
	world_settle(&w);
	logged("slotd-relay 0: Too many open files");
}
END_TEST

/* ---- rounds.c */

static struct switch_word word(struct world *w)
{
	return service_word(the_service(w));
}

/* As far as the flip, with relays that do not answer. */
static void swap_to_flip(struct world *w)
{
	world_advance(w, SECONDS(2));
	fake_relays_answer = false;
	go(w, SWAP_KIND_SWAP);
	world_advance(w, MSECONDS(1500));
	ck_assert_int_eq(the_service(w)->swap.step, SWAP_FLIP);
}

START_TEST(the_word_is_stored_when_all_know_the_table)
{
	world_relays = 2;
	auto_world w = world_new(TWO_SLOT);
	uint32_t generation;

	(void)fake_relays_heard();
	swap_to_flip(&w);
	says(fake_relays_heard(), "table; table");
	ck_assert_int_eq(word(&w).live, SLOT_A);
	generation = word(&w).generation;
	fake_relays_pay();
	world_settle(&w);
	ck_assert_int_eq(word(&w).live, SLOT_B);
	ck_assert_uint_eq(word(&w).generation, generation + 1);
	ck_assert_str_eq(fake_relays_heard(), "flipped; flipped");
	ck_assert_int_eq(the_service(&w)->swap.step, SWAP_FLIP); /* not before they have answered */
	fake_relays_answer = true;
	fake_relays_pay();
	world_settle(&w);
	ck_assert_int_eq(the_service(&w)->placed.live, SLOT_B);
	finish(&w);
}
END_TEST

START_TEST(a_relay_that_does_not_answer_is_restarted_and_waited_for_no_more)
{
	world_relays = 2;
	auto_world w = world_new(TWO_SLOT);

	swap_to_flip(&w);
	fake_relays_answer = true;
	world_advance(&w, SECONDS(4));
	not_logged("does not answer");
	world_advance(&w, SECONDS(2));
	logged("slotd-relay 0 (pid ");
	logged("does not answer: restarting it");
	ck_assert_int_eq(word(&w).live, SLOT_B);
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
}
END_TEST

START_TEST(one_that_dies_is_not_waited_for)
{
	auto_world w = world_new(TWO_SLOT);

	swap_to_flip(&w);
	fake_relays_answer = true;
	fake_process_exit(fake_process_find("slotd-relay"), 9);
	finish(&w);
	ck_assert_int_eq(word(&w).live, SLOT_B);
	not_logged("does not answer");
}
END_TEST

START_TEST(a_hold_needs_no_table)
{
	auto_world w = world_new(TWO_SLOT);
	struct process *a = world_process(&w, "a");

	world_advance(&w, SECONDS(2));
	(void)fake_relays_heard();
	service_note_stop(a, "stopped by ana");
	process_stop(a);
	world_settle(&w);
	ck_assert_int_eq(word(&w).mode, SWITCH_HOLD);
	ck_assert_ptr_null(strstr(fake_relays_heard(), "table"));
	process_start(a);
	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(word(&w).mode, SWITCH_OPEN);
}
END_TEST

START_TEST(an_answer_to_nothing_changes_nothing)
{
	auto_world w = world_new(TWO_SLOT);
	struct message m;

	swap_to_flip(&w);
	message_init(&m, MSG_DONE, 999999);
	message_put_i64(&m, TAG_CODE, 0);
	fake_helper_send("slotd-relay", &m);
	world_settle(&w);
	ck_assert_int_eq(word(&w).live, SLOT_A);
	fake_relays_answer = true;
	fake_relays_pay();
	finish(&w);
}
END_TEST

START_TEST(a_service_that_goes_is_told_and_its_round_is_over)
{
	auto_world w = world_new(TWO_SLOT);

	swap_to_flip(&w);
	(void)fake_relays_heard();
	service_remove(the_service(&w));
	world_settle(&w);
	says(fake_relays_heard(), "service_gone");
	fake_relays_answer = true;
	fake_relays_pay();
	world_advance(&w, SECONDS(60));
	not_logged("does not answer");
}
END_TEST

SUITE("relays", a_relay_that_starts_is_told_everything,
      a_worker_is_told_when_it_is_up_and_only_then, one_that_is_started_again_is_told_it_all_again,
      what_is_open_is_summed_over_the_workers_of_a_slot, nothing_is_open_in_a_dead_relay,
      a_worker_whose_socket_may_not_be_opened_is_said_once, what_a_relay_cannot_do_is_logged,
      the_word_is_stored_when_all_know_the_table,
      a_relay_that_does_not_answer_is_restarted_and_waited_for_no_more,
      one_that_dies_is_not_waited_for, a_hold_needs_no_table, an_answer_to_nothing_changes_nothing,
      a_service_that_goes_is_told_and_its_round_is_over);
