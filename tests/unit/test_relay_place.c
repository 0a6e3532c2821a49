#include "relay/place.h"
#include "suite.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <slotd/cleanup.h>

enum {
	N = 4,
};

#define NOW SECONDS(100)

static struct place_worker workers[N];
static struct place_table table;

static void set_up(void)
{
	vec_done(&table.workers);
	table.cursor = 0;
	for (uint32_t i = 0; i < N; i++) {
		workers[i] =
			(struct place_worker){.key = 10 + i, .up = true, .limit = PLACE_NO_LIMIT};
		ck_assert_int_eq(vec_push(&table.workers, &workers[i]), 0);
	}
}

static void tear_down(void)
{
	vec_done(&table.workers);
}

static int choose(enum balance balance, uint32_t hash, usec_t now)
{
	struct place_worker *w = place_choose(&table, balance, hash, now);

	return w ? (int)(w - workers) : -1;
}

START_TEST(without_weight_every_connection_goes_to_the_live_slot)
{
	const struct switch_word word = {.live = SLOT_B};

	for (uint32_t draw = 0; draw <= DRAW_NONE; draw++) {
		ck_assert_int_eq(place_slot(word, (uint16_t)draw), SLOT_B);
	}
}
END_TEST

/* However many connections there were, and on whichever relay they began. */
START_TEST(turns_share_evenly_at_any_time)
{
	const unsigned weights[] = {1, 100, 1000, 3333, 5000, 9999};

	for (size_t i = 0; i < ARRAY_SIZE(weights); i++) {
		const struct switch_word word = {.live = SLOT_A, .weight = (uint16_t)weights[i]};

		for (uint32_t relay = 0; relay < 4; relay++) {
			double due = 0, furthest = 0;
			unsigned to_b = 0;

			for (uint32_t n = 1; n <= 30000 / suite_stride(10); n++) {
				uint16_t draw = place_draw_turn((relay << 16) + n);

				due += (double)weights[i] / PLACE_WEIGHT_WHOLE;
				to_b += place_slot(word, draw) == SLOT_B;
				furthest = fmax(furthest, fabs(to_b - due));
			}
			ck_assert_double_lt(furthest, 8);
		}
	}
}
END_TEST

START_TEST(a_growing_weight_moves_clients_to_the_canary_only)
{
	for (uint32_t client = 1; client < 2000; client += suite_stride(20)) {
		const uint16_t draw = place_draw_hash(place_hash_bytes(&client, sizeof(client)));
		bool was_b = false;

		for (unsigned weight = 0; weight <= PLACE_WEIGHT_WHOLE; weight += 100) {
			const struct switch_word word = {.live = SLOT_A,
							 .weight = (uint16_t)weight};
			bool is_b = place_slot(word, draw) == SLOT_B;

			ck_assert(is_b || !was_b);
			was_b = is_b;
		}
		ck_assert(was_b);
	}
}
END_TEST

START_TEST(addresses_share_as_they_should)
{
	const struct switch_word word = {.live = SLOT_B, .weight = 1000};
	unsigned to_a = 0;

	for (uint32_t i = 0; i < 65536; i++) {
		struct sockaddr_in in = {.sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(0x0a000000 + i)};
		uint32_t hash = place_hash((const struct sockaddr *)&in);

		to_a += place_slot(word, place_draw_hash(hash)) == SLOT_A;
	}
	ck_assert_uint_gt(to_a, 65536 * 97 / 1000);
	ck_assert_uint_lt(to_a, 65536 * 103 / 1000);
}
END_TEST

START_TEST(who_names_a_slot_gets_it_while_both_are_there)
{
	const struct switch_word some = {.live = SLOT_A, .weight = 1}, none = {.live = SLOT_A};

	ck_assert_int_eq(place_slot(some, DRAW_B), SLOT_B);
	ck_assert_int_eq(place_slot(some, DRAW_A), SLOT_A);
	ck_assert_int_eq(place_slot(none, DRAW_B), SLOT_A);
	ck_assert_int_eq(
		place_slot((struct switch_word){.live = SLOT_B, .weight = 10000}, DRAW_LIVE),
		SLOT_B);
}
END_TEST

START_TEST(a_weight_sends_its_share_to_the_idle_slot)
{
	const struct switch_word word = {.live = SLOT_A, .weight = 1000};
	unsigned to_b = 0;

	for (uint16_t draw = 0; draw < PLACE_WEIGHT_WHOLE; draw++) {
		to_b += place_slot(word, draw) == SLOT_B;
	}
	ck_assert_uint_eq(to_b, 1000);
}
END_TEST

START_TEST(round_robin_takes_turns_and_passes_over_who_is_down_or_full)
{
	set_up();
	workers[1].up = false;
	workers[2].limit = workers[2].open = 5;
	ck_assert_int_eq(choose(BALANCE_ROUND_ROBIN, 0, NOW), 0);
	ck_assert_int_eq(choose(BALANCE_ROUND_ROBIN, 0, NOW), 3);
	ck_assert_int_eq(choose(BALANCE_ROUND_ROBIN, 0, NOW), 0);
	workers[2].open--;
	ck_assert_int_eq(choose(BALANCE_ROUND_ROBIN, 0, NOW), 2);
	tear_down();
}
END_TEST

START_TEST(least_conn_takes_the_emptiest_and_equals_take_turns)
{
	set_up();
	workers[0].open = 2;
	workers[1].open = 1;
	workers[2].open = 1;
	workers[3].open = 3;
	ck_assert_int_eq(choose(BALANCE_LEAST_CONN, 0, NOW), 1);
	ck_assert_int_eq(choose(BALANCE_LEAST_CONN, 0, NOW), 2);
	ck_assert_int_eq(choose(BALANCE_LEAST_CONN, 0, NOW), 1);
	workers[3].open = 0;
	ck_assert_int_eq(choose(BALANCE_LEAST_CONN, 0, NOW), 3);
	tear_down();
}
END_TEST

START_TEST(a_source_keeps_its_worker_and_a_loss_moves_only_the_lost_ones)
{
	int before[200];

	set_up();
	for (uint32_t h = 1; h < 200; h++) {
		before[h] = choose(BALANCE_SOURCE, h, NOW);
		ck_assert_int_eq(choose(BALANCE_SOURCE, h, NOW), before[h]);
	}
	workers[2].up = false;
	for (uint32_t h = 1; h < 200; h++) {
		int now = choose(BALANCE_SOURCE, h, NOW);

		ck_assert(before[h] == 2 ? now != 2 : now == before[h]);
	}
	tear_down();
}
END_TEST

START_TEST(sources_spread_over_all_workers)
{
	unsigned got[N] = {0};

	set_up();
	for (uint32_t h = 1; h <= 4000; h++) {
		got[choose(BALANCE_SOURCE, h * 2654435761u, NOW)]++;
	}
	for (int i = 0; i < N; i++) {
		ck_assert_uint_gt(got[i], 800);
		ck_assert_uint_lt(got[i], 1200);
	}
	tear_down();
}
END_TEST

START_TEST(a_source_waits_for_its_worker_when_that_is_full)
{
	int own;

	set_up();
	own = choose(BALANCE_SOURCE, 77, NOW);
	workers[own].limit = workers[own].open = 1;
	ck_assert_int_eq(choose(BALANCE_SOURCE, 77, NOW), -1);
	workers[own].open = 0;
	ck_assert_int_eq(choose(BALANCE_SOURCE, 77, NOW), own);
	tear_down();
}
END_TEST

START_TEST(there_is_room_where_a_worker_is_up_not_avoided_and_below_its_limit)
{
	set_up();
	for (size_t i = 0; i < N; i++) {
		workers[i].limit = 1;
		workers[i].open = 1;
	}
	ck_assert(!place_any_room(&table, NOW));
	workers[1].open = 0;
	ck_assert(place_any_room(&table, NOW));
	place_refused(&workers[1], NOW);
	ck_assert(!place_any_room(&table, NOW));
	ck_assert(place_any_room(&table, NOW + PLACE_AVOID_FIRST));
	workers[1].up = false;
	ck_assert(!place_any_room(&table, NOW + PLACE_AVOID_FIRST));
	tear_down();
}
END_TEST

START_TEST(each_worker_is_tried_once_then_all_are_waited_for)
{
	set_up();
	for (int i = 0; i < N; i++) {
		int w = choose(BALANCE_ROUND_ROBIN, 0, NOW);

		ck_assert_int_ge(w, 0);
		place_refused(&workers[w], NOW);
	}
	ck_assert_int_eq(choose(BALANCE_ROUND_ROBIN, 0, NOW), -1);
	ck_assert(place_any_up(&table));
	ck_assert(!place_any_reachable(&table, NOW));
	ck_assert_uint_eq(place_retry_at(&table, NOW), NOW + PLACE_AVOID_FIRST);
	ck_assert_int_ge(choose(BALANCE_ROUND_ROBIN, 0, NOW + PLACE_AVOID_FIRST), 0);
	ck_assert_uint_eq(place_retry_at(&table, NOW + PLACE_AVOID_FIRST), USEC_NEVER);
	tear_down();
}
END_TEST

START_TEST(refusals_are_avoided_longer_up_to_a_bound_and_a_welcome_forgets_them)
{
	struct place_worker w = {.up = true};

	place_refused(&w, NOW);
	ck_assert_uint_eq(w.avoid_until, NOW + PLACE_AVOID_FIRST);
	place_refused(&w, NOW);
	ck_assert_uint_eq(w.avoid_until, NOW + 2 * PLACE_AVOID_FIRST);
	for (int i = 0; i < 100; i++) {
		place_refused(&w, NOW);
	}
	ck_assert_uint_eq(w.avoid_until, NOW + PLACE_AVOID_MAX);
	place_welcomed(&w);
	place_refused(&w, NOW);
	ck_assert_uint_eq(w.avoid_until, NOW + PLACE_AVOID_FIRST);
}
END_TEST

START_TEST(an_empty_table_has_nobody)
{
	struct place_table none = {0};

	for (int b = 0; b < BALANCE_MAX_; b++) {
		ck_assert_ptr_null(place_choose(&none, (enum balance)b, 5, NOW));
	}
	ck_assert(!place_any_up(&none));
	ck_assert_uint_eq(place_retry_at(&none, NOW), USEC_NEVER);
}
END_TEST

START_TEST(the_shares_of_all_relays_add_up_to_worker_max)
{
	for (uint32_t max = 1; max < 12; max++) {
		for (uint32_t relays = 1; relays <= 4; relays++) {
			for (uint32_t key = 0; key < 5; key++) {
				uint32_t sum = 0;

				for (uint32_t r = 0; r < relays; r++) {
					sum += place_share(max, r, relays, key);
				}
				ck_assert_uint_eq(sum, max);
			}
		}
	}
	ck_assert_uint_eq(place_share(0, 1, 2, 3), PLACE_NO_LIMIT);
}
END_TEST

START_TEST(a_worker_whose_connections_are_being_cut_gets_no_others)
{
	set_up();
	for (int i = 1; i < N; i++) {
		workers[i].up = false;
	}
	workers[0].leaving = true;
	ck_assert_int_eq(choose(BALANCE_ROUND_ROBIN, 0, NOW), -1);
	ck_assert_int_eq(choose(BALANCE_LEAST_CONN, 0, NOW), -1);
	ck_assert_int_eq(choose(BALANCE_SOURCE, 1, NOW), -1);
	ck_assert(!place_any_up(&table));
	ck_assert(!place_any_room(&table, NOW));
	ck_assert(!place_keeps_up(&workers[0], NOW));
	workers[0].leaving = false;
	ck_assert_int_eq(choose(BALANCE_ROUND_ROBIN, 0, NOW), 0);
	tear_down();
}
END_TEST

START_TEST(a_relay_with_clearly_more_connections_leaves_the_next_to_another)
{
	ck_assert(!place_leaves_to(0, 0));
	ck_assert(!place_leaves_to(4, 0));
	ck_assert(place_leaves_to(5, 0));
	ck_assert(!place_leaves_to(1200, 1000));
	ck_assert(place_leaves_to(1300, 1000));
	ck_assert(!place_leaves_to(5, UINT32_MAX));
}
END_TEST

START_TEST(a_client_is_hashed_by_its_address_and_not_by_its_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = 1}, b = a;
	struct sockaddr_in6 c = {.sin6_family = AF_INET6};
	const struct sockaddr unix_client = {.sa_family = AF_UNIX};

	a.sin_addr.s_addr = htonl(0x0a000001);
	b.sin_addr.s_addr = htonl(0x0a000001);
	b.sin_port = 2;
	ck_assert_uint_eq(place_hash((void *)&a), place_hash((void *)&b));
	b.sin_addr.s_addr = htonl(0x0a000002);
	ck_assert_uint_ne(place_hash((void *)&a), place_hash((void *)&b));
	ck_assert_uint_ne(place_hash((void *)&c), 0);
	ck_assert_uint_eq(place_hash(&unix_client), 0);
}
END_TEST

SUITE("relay_place", turns_share_evenly_at_any_time,
      a_growing_weight_moves_clients_to_the_canary_only, addresses_share_as_they_should,
      who_names_a_slot_gets_it_while_both_are_there,
      without_weight_every_connection_goes_to_the_live_slot,
      a_weight_sends_its_share_to_the_idle_slot,
      round_robin_takes_turns_and_passes_over_who_is_down_or_full,
      least_conn_takes_the_emptiest_and_equals_take_turns,
      a_source_keeps_its_worker_and_a_loss_moves_only_the_lost_ones,
      sources_spread_over_all_workers, a_source_waits_for_its_worker_when_that_is_full,
      there_is_room_where_a_worker_is_up_not_avoided_and_below_its_limit,
      each_worker_is_tried_once_then_all_are_waited_for,
      refusals_are_avoided_longer_up_to_a_bound_and_a_welcome_forgets_them,
      an_empty_table_has_nobody, the_shares_of_all_relays_add_up_to_worker_max,
      a_worker_whose_connections_are_being_cut_gets_no_others,
      a_relay_with_clearly_more_connections_leaves_the_next_to_another,
      a_client_is_hashed_by_its_address_and_not_by_its_port);
