#include <check.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/event.h>
#include <slotd/utf8.h>
#include <string.h>

#include "suite.h"

static struct plan plan;

static void say(struct listener *l, const char *text)
{
	plan_init(&plan);
	listener_input(l, text, strlen(text), &plan);
}

static bool logged(const char *part)
{
	for (unsigned i = 0; i < plan.len; i++) {
		if (strstr(plan.actions[i].text, part)) {
			return true;
		}
	}
	return false;
}

static void offer(struct pool *p, const char *payload, uint64_t serial)
{
	struct event *e = event_new(EVENT_TICK_5, payload, strlen(payload));

	e->serial = serial;
	plan_init(&plan);
	ck_assert_int_eq(pool_offer(p, e, &plan), 0);
	event_unref(e);
}

struct fixture {
	struct pool pool;
	struct listener listener;
};

static struct fixture fixture_new(unsigned buffer_size)
{
	char *events[] = {(char *)"TICK", NULL};
	struct fixture f;

	pool_init(&f.pool, 1, "p");
	ck_assert_int_eq(pool_configure(&f.pool, "supervisor", events, buffer_size), 0);
	return f;
}

static void join(struct fixture *f)
{
	listener_init(&f->listener, &f->pool, 2, "l");
	ck_assert_int_eq(vec_push(&f->pool.listeners, &f->listener), 0);
	f->listener.running = true;
}

static void leave(struct fixture *f)
{
	plan_init(&plan);
	listener_done(&f->listener, &plan);
	pool_done(&f->pool);
}

static char *dispatched(struct fixture *f)
{
	char *text = NULL;
	size_t len;

	return pool_dispatch(&f->pool, &text, &len) ? text : NULL;
}

START_TEST(every_type_is_below_its_parents_and_has_a_name)
{
	ck_assert(event_type_is(EVENT_PROCESS_STATE_FATAL, EVENT_PROCESS_STATE));
	ck_assert(event_type_is(EVENT_TICK_5, EVENT_ANY));
	ck_assert(!event_type_is(EVENT_TICK_5, EVENT_PROCESS_STATE));
	for (int t = 0; t < EVENT_TYPE_MAX_; t++) {
		ck_assert_int_eq(event_type_from_name(event_type_name((enum event_type)t)), t);
	}
	ck_assert_int_eq(event_type_from_name("PROCESS_STATES"), EVENT_TYPE_INVALID_);
}
END_TEST

START_TEST(a_pool_wants_what_it_subscribed_to_and_what_is_below)
{
	char *events[] = {(char *)"TICK", (char *)"PROCESS_STATE_FATAL", NULL};
	char *unknown[] = {(char *)"TICK_7", NULL};
	struct pool p;

	pool_init(&p, 1, "p");
	ck_assert_int_eq(pool_configure(&p, "supervisor", events, 10), 0);
	for (int t = 0; t < EVENT_TYPE_MAX_; t++) {
		bool below = t >= EVENT_TICK && t <= EVENT_TICK_3600;

		ck_assert_msg(pool_wants(&p, (enum event_type)t) ==
				      (below || t == EVENT_PROCESS_STATE_FATAL),
			      "%s", event_type_name((enum event_type)t));
	}
	pool_done(&p);
	ck_assert_int_eq(pool_configure(&p, "supervisor", unknown, 10), -EINVAL);
}
END_TEST

START_TEST(listeners_share_a_pool_and_each_event_goes_to_one)
{
	struct fixture f = fixture_new(10);
	struct listener second;
	auto_free char *first_text = NULL, *second_text = NULL;
	size_t len;

	join(&f);
	listener_init(&second, &f.pool, 3, "m");
	ck_assert_int_eq(vec_push(&f.pool.listeners, &second), 0);
	second.running = true;
	say(&f.listener, "READY\n");
	say(&second, "READY\n");
	offer(&f.pool, "x", 1);
	offer(&f.pool, "y", 2);
	offer(&f.pool, "z", 3);
	ck_assert_ptr_eq(pool_dispatch(&f.pool, &first_text, &len), &f.listener);
	ck_assert_ptr_nonnull(strstr(first_text, " poolserial:0 "));
	ck_assert_ptr_eq(pool_dispatch(&f.pool, &second_text, &len), &second);
	ck_assert_ptr_nonnull(strstr(second_text, " poolserial:1 "));
	ck_assert_ptr_null(dispatched(&f));
	ck_assert(listener_owed(&f.listener));
	listener_done(&second, &plan);
	leave(&f);
}
END_TEST

START_TEST(what_comes_back_goes_first_and_makes_the_next_oldest_leave)
{
	struct fixture f = fixture_new(2);
	auto_free char *text = NULL;

	join(&f);
	say(&f.listener, "READY\n");
	offer(&f.pool, "w", 0);
	free(dispatched(&f));
	say(&f.listener, "RESULT 2\nOKREADY\n");
	offer(&f.pool, "x", 1);
	free(dispatched(&f));
	offer(&f.pool, "y", 2);
	offer(&f.pool, "z", 3);
	say(&f.listener, "RESULT 4\nFAILREADY\n");
	ck_assert(logged("discarding event 2"));
	ck_assert_uint_eq(f.pool.buffer.len, 2);
	text = dispatched(&f);
	ck_assert_ptr_nonnull(strstr(text, " serial:1 pool:p poolserial:1 "));
	ck_assert_uint_eq(f.pool.buffer.at[0].event->serial, 3);
	leave(&f);
}
END_TEST

START_TEST(a_listener_that_ended_gets_nothing_until_it_says_ready_again)
{
	struct fixture f = fixture_new(10);
	auto_free char *text = NULL;

	join(&f);
	offer(&f.pool, "x", 1);
	say(&f.listener, "REA");
	plan_init(&plan);
	listener_lost(&f.listener, &plan);
	ck_assert(!listener_owed(&f.listener));
	listener_started(&f.listener, &plan);
	f.listener.running = true;
	say(&f.listener, "READY\n"); /* what its predecessor began is forgotten */
	text = dispatched(&f);
	ck_assert_ptr_nonnull(text);
	listener_lost(&f.listener, &plan);
	say(&f.listener, "READY\n"); /* what was still in the pipe */
	ck_assert_ptr_null(dispatched(&f));
	leave(&f);
}
END_TEST

START_TEST(a_listener_that_leaves_gives_its_event_to_the_others)
{
	struct fixture f = fixture_new(10);
	struct listener second;

	join(&f);
	listener_init(&second, &f.pool, 3, "m");
	ck_assert_int_eq(vec_push(&f.pool.listeners, &second), 0);
	second.running = true;
	say(&second, "READY\n");
	offer(&f.pool, "x", 1);
	free(dispatched(&f));
	ck_assert_ptr_nonnull(second.event);
	listener_done(&second, &plan);
	ck_assert_uint_eq(f.pool.listeners.len, 1);
	ck_assert_ptr_eq(f.pool.listeners.at[0], &f.listener);
	say(&f.listener, "READY\n");
	free(dispatched(&f));
	ck_assert_ptr_nonnull(f.listener.event);
	leave(&f);
}
END_TEST

START_TEST(an_envelope_has_supervisors_tokens_in_order)
{
	struct fixture f = fixture_new(10);
	auto_free char *text = NULL;

	join(&f);
	say(&f.listener, "READY\n");
	offer(&f.pool, "when:5", 7);
	text = dispatched(&f);
	ck_assert_str_eq(text, "ver:3.0 server:supervisor serial:7 pool:p poolserial:0 "
			       "eventname:TICK_5 len:6\nwhen:5");
	leave(&f);
}
END_TEST

START_TEST(len_counts_characters_unless_bytes_are_asked_for)
{
	struct fixture f = fixture_new(10);
	auto_free char *characters = NULL, *bytes = NULL;

	join(&f);
	say(&f.listener, "READY\n");
	offer(&f.pool, "a\xc3\xb6", 1);
	characters = dispatched(&f);
	ck_assert_ptr_nonnull(strstr(characters, " len:2\n"));
	say(&f.listener, "RESULT 2\nOKREADY\n");
	f.pool.len_in_bytes = true;
	offer(&f.pool, "a\xc3\xb6", 2);
	bytes = dispatched(&f);
	ck_assert_ptr_nonnull(strstr(bytes, " len:3\n"));
	ck_assert(!utf8_valid("\x88\n", 2, NULL));
	ck_assert(!utf8_valid("\xe2\x82", 2, NULL));
	leave(&f);
}
END_TEST

START_TEST(nobody_gets_an_event_before_ready_and_running)
{
	struct fixture f = fixture_new(10);

	join(&f);
	offer(&f.pool, "x", 1);
	ck_assert_ptr_null(dispatched(&f));
	say(&f.listener, "REA");
	say(&f.listener, "DY\n");
	f.listener.running = false;
	ck_assert_ptr_null(dispatched(&f));
	leave(&f);
}
END_TEST

START_TEST(ok_and_the_next_ready_may_come_in_one_read)
{
	struct fixture f = fixture_new(10);

	join(&f);
	say(&f.listener, "READY\n");
	offer(&f.pool, "x", 1);
	free(dispatched(&f));
	say(&f.listener, "RESULT 2\nOKREADY\n");
	ck_assert_int_eq(f.listener.state, LISTENER_READY);
	ck_assert(logged("l: event was processed"));
	ck_assert(logged("l: BUSY -> ACKNOWLEDGED"));
	leave(&f);
}
END_TEST

START_TEST(the_number_of_a_result_may_have_blanks_around_it)
{
	struct fixture f = fixture_new(10);

	join(&f);
	say(&f.listener, "READY\n");
	offer(&f.pool, "x", 1);
	free(dispatched(&f));
	say(&f.listener, "RESULT  2 \r\nOKREADY\n");
	ck_assert_int_eq(f.listener.state, LISTENER_READY);
	leave(&f);
}
END_TEST

static unsigned n_accepted;

static void count_accepted(struct pool *p, const struct event *e)
{
	(void)p;
	n_accepted += e->len == 1;
}

START_TEST(a_foreign_handlers_listener_rejects_with_fail_alone)
{
	struct fixture f = fixture_new(10);

	n_accepted = 0;
	f.pool.rule = RESULT_FAIL_REJECTS;
	f.pool.accepted = count_accepted;
	join(&f);
	say(&f.listener, "READY\n");
	offer(&f.pool, "x", 1);
	free(dispatched(&f));
	say(&f.listener, "RESULT 4\nFAILREADY\n");
	ck_assert_uint_eq(n_accepted, 0);
	free(dispatched(&f));
	ck_assert(listener_owed(&f.listener));
	say(&f.listener, "RESULT 11\nwhat I thinkREADY\n");
	ck_assert_uint_eq(n_accepted, 1);
	ck_assert(!listener_owed(&f.listener));
	leave(&f);
}
END_TEST

START_TEST(a_rejected_event_comes_again_with_its_serials)
{
	struct fixture f = fixture_new(10);
	auto_free char *first = NULL, *second = NULL;

	join(&f);
	say(&f.listener, "READY\n");
	offer(&f.pool, "x", 1);
	offer(&f.pool, "y", 2);
	first = dispatched(&f);
	say(&f.listener, "RESULT 4\nFAILREADY\n");
	ck_assert(logged("l: event was rejected"));
	second = dispatched(&f);
	ck_assert_str_eq(first, second);
	leave(&f);
}
END_TEST

START_TEST(a_full_buffer_drops_the_oldest)
{
	struct fixture f = fixture_new(2);

	join(&f);
	offer(&f.pool, "a", 1);
	offer(&f.pool, "b", 2);
	offer(&f.pool, "c", 3);
	ck_assert(logged("pool p event buffer overflowed, discarding event 1"));
	ck_assert_uint_eq(f.pool.buffer.at[0].event->serial, 2);
	leave(&f);
}
END_TEST

START_TEST(a_liar_is_told_and_gets_nothing_more)
{
	static const char *const lies[] = {"HELLO\n", "READY\nX", "READX"};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct fixture f = fixture_new(10);

		join(&f);
		say(&f.listener, lies[i]);
		ck_assert_int_eq(f.listener.state, LISTENER_UNKNOWN);
		ck_assert(logged("has entered the UNKNOWN state"));
		offer(&f.pool, "x", 1);
		ck_assert_ptr_null(dispatched(&f));
		leave(&f);
	}
}
END_TEST

START_TEST(a_bad_result_line_puts_the_event_back)
{
	static const char *const lies[] = {"RESULT x\n", "RESULT 99999999\n", "RESULTS 2\nOK",
					   "RESULT \n"};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct fixture f = fixture_new(10);

		join(&f);
		say(&f.listener, "READY\n");
		offer(&f.pool, "x", 1);
		free(dispatched(&f));
		say(&f.listener, lies[i]);
		ck_assert_int_eq(f.listener.state, LISTENER_UNKNOWN);
		ck_assert(logged("l: bad result line: 'RESULT"));
		ck_assert_uint_eq(f.pool.buffer.len, 1);
		leave(&f);
	}
}
END_TEST

START_TEST(an_endless_result_line_is_bounded)
{
	struct fixture f = fixture_new(10);
	char line[4096];

	join(&f);
	say(&f.listener, "READY\n");
	offer(&f.pool, "x", 1);
	free(dispatched(&f));
	memset(line, 'R', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	say(&f.listener, line);
	ck_assert_int_eq(f.listener.state, LISTENER_UNKNOWN);
	leave(&f);
}
END_TEST

START_TEST(a_listener_that_dies_busy_gives_its_event_back)
{
	struct fixture f = fixture_new(10);

	join(&f);
	say(&f.listener, "READY\n");
	offer(&f.pool, "x", 1);
	free(dispatched(&f));
	plan_init(&plan);
	listener_lost(&f.listener, &plan);
	ck_assert_uint_eq(f.pool.buffer.len, 1);
	listener_started(&f.listener, &plan);
	ck_assert_int_eq(f.listener.state, LISTENER_ACKNOWLEDGED);
	leave(&f);
}
END_TEST

SUITE("event", every_type_is_below_its_parents_and_has_a_name,
      a_pool_wants_what_it_subscribed_to_and_what_is_below,
      listeners_share_a_pool_and_each_event_goes_to_one,
      what_comes_back_goes_first_and_makes_the_next_oldest_leave,
      a_listener_that_ended_gets_nothing_until_it_says_ready_again,
      a_listener_that_leaves_gives_its_event_to_the_others,
      an_envelope_has_supervisors_tokens_in_order, len_counts_characters_unless_bytes_are_asked_for,
      nobody_gets_an_event_before_ready_and_running, ok_and_the_next_ready_may_come_in_one_read,
      a_rejected_event_comes_again_with_its_serials,
      the_number_of_a_result_may_have_blanks_around_it,
      a_foreign_handlers_listener_rejects_with_fail_alone, a_full_buffer_drops_the_oldest,
      a_liar_is_told_and_gets_nothing_more, a_bad_result_line_puts_the_event_back,
      an_endless_result_line_is_bounded, a_listener_that_dies_busy_gives_its_event_back);
