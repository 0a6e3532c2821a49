/* show/events.c: event listeners, what they are sent, and what becomes of it when they go. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <slotd/lognote.h>
#include <supervisor/show/events.h>
#include <supervisor/worker/streams.h>
#include <unistd.h>

#include "asking.h"
#include "service_world.h"
#include "suite.h"

#define EAR(events) "[eventlistener:ear]\ncommand=ear\nevents=" events "\n"
#define WEB	    "[program:web]\ncommand=web\nautostart=false\n"

/* As the listener writes it to its stdout. */
static void say(struct world *w, const char *text)
{
	const struct fake_process *p = fake_process_find("ear");

	ck_assert_int_eq(write(p->stdio[1], text, strlen(text)), (ssize_t)strlen(text));
	world_settle(w);
}

/* What it has on its stdin; "" for nothing. Borrowed until the next. */
static const char *heard(void)
{
	static char text[16 * 1024];
	const struct fake_process *p = fake_process_find("ear");
	ssize_t n;

	ck_assert_int_eq(fcntl(p->stdio[0], F_SETFL, O_NONBLOCK), 0);
	n = read(p->stdio[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void start(struct world *w)
{
	world_advance(w, SECONDS(2));
	ck_assert_str_eq(world_state(w, "ear"), "RUNNING");
}

START_TEST(one_that_is_ready_is_sent_an_event_and_the_next_when_it_is_done)
{
	auto_world w = world_new(EAR("PROCESS_STATE") WEB);

	start(&w);
	ck_assert_str_eq(heard(), "");
	process_start(world_process(&w, "web"));
	world_settle(&w);
	ck_assert_str_eq(heard(), ""); /* it is not ready */
	say(&w, "READY\n");
	says(heard(), "eventname:PROCESS_STATE_STARTING"); /* its own, from before */
	say(&w, "RESULT 2\nOK");
	ck_assert_str_eq(heard(), "");
	say(&w, "READY\n");
	says(heard(), "eventname:PROCESS_STATE_RUNNING");
	say(&w, "RESULT 2\nOKREADY\n");
	says(heard(), "processname:web groupname:web from_state:STOPPED");
}
END_TEST

START_TEST(an_event_that_is_refused_is_sent_again)
{
	auto_world w = world_new(EAR("REMOTE_COMMUNICATION"));

	start(&w);
	events_emitf(w.sup, EVENT_REMOTE_COMMUNICATION, "type:x\n%s", "hello");
	say(&w, "READY\n");
	says(heard(), "type:x\nhello");
	say(&w, "RESULT 4\nFAILREADY\n");
	logged("rejected");
	says(heard(), "type:x\nhello");
	say(&w, "RESULT 2\nOKREADY\n");
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(one_that_speaks_something_else_gets_no_more)
{
	auto_world w = world_new(EAR("REMOTE_COMMUNICATION"));

	start(&w);
	events_emitf(w.sup, EVENT_REMOTE_COMMUNICATION, "first");
	say(&w, "HELLO\n");
	logged("UNKNOWN");
	say(&w, "READY\n");
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(what_one_had_in_hand_when_it_died_is_the_next_ones)
{
	auto_world w = world_new(EAR("REMOTE_COMMUNICATION"));

	start(&w);
	events_emitf(w.sup, EVENT_REMOTE_COMMUNICATION, "first");
	say(&w, "READY\n");
	says(heard(), "first");
	world_exit(&w, "ear", 1);
	world_advance(&w, SECONDS(2));
	say(&w, "READY\n");
	says(heard(), "first");
}
END_TEST

START_TEST(what_it_says_is_its_log_too)
{
	auto_world w = world_new(EAR("TICK_60"));

	start(&w);
	fake_logged[0] = '\0';
	say(&w, "READY\n");
	world_exit(&w, "ear", 0);
	says(fake_logged, "READY\n");
}
END_TEST

START_TEST(ticks_come_at_their_times_and_only_where_somebody_wants_them)
{
	auto_world w = world_new(EAR("TICK_60"));

	start(&w);
	say(&w, "READY\n");
	ck_assert_str_eq(heard(), "");
	world_advance(&w, SECONDS(61));
	says(heard(), "eventname:TICK_60");
	say(&w, "RESULT 2\nOKREADY\n");
	ck_assert_str_eq(heard(), "");
	reload_with(&w, EAR("TICK_5"));
	world_advance(&w, SECONDS(2));
	say(&w, "READY\n");
	world_advance(&w, SECONDS(6));
	says(heard(), "eventname:TICK_5 ");
	do {
		say(&w, "RESULT 2\nOKREADY\n");
	} while (*heard());
	reload_with(&w, EAR("REMOTE_COMMUNICATION"));
	world_advance(&w, SECONDS(2));
	say(&w, "READY\n");
	world_advance(&w, SECONDS(120));
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(a_buffer_that_is_full_loses_the_oldest_which_is_said)
{
	auto_world w = world_new(EAR("REMOTE_COMMUNICATION") "buffer_size=2\n");

	start(&w);
	events_emitf(w.sup, EVENT_REMOTE_COMMUNICATION, "one");
	events_emitf(w.sup, EVENT_REMOTE_COMMUNICATION, "two");
	not_logged("discarding");
	events_emitf(w.sup, EVENT_REMOTE_COMMUNICATION, "three");
	logged("discarding");
	say(&w, "READY\n");
	says(heard(), "two");
	say(&w, "RESULT 2\nOKREADY\n");
	says(heard(), "three");
}
END_TEST

START_TEST(a_client_may_send_one)
{
	auto_world w = world_new(EAR("REMOTE_COMMUNICATION"));
	struct message m;

	start(&w);
	message_init(&m, MSG_EVENT, 9);
	message_put_text(&m, TAG_NAME, "deployed");
	message_put_bytes(&m, TAG_BYTES, "v2", 2);
	message_put_u64(&m, TAG_UID, 0);
	fake_helper_send("slotd-control", &m);
	say(&w, "READY\n");
	says(heard(), "type:deployed\nv2");
	ck_assert_str_eq(fake_answers(), "#9 80");
}
END_TEST

START_TEST(groups_that_come_and_go_are_told)
{
	auto_world w = world_new(EAR("PROCESS_GROUP"));

	start(&w);
	say(&w, "READY\n");
	says(heard(), "groupname:ear"); /* its own */
	reload_with(&w, EAR("PROCESS_GROUP") WEB);
	say(&w, "RESULT 2\nOKREADY\n");
	says(heard(), "eventname:PROCESS_GROUP_ADDED");
	reload_with(&w, EAR("PROCESS_GROUP"));
	say(&w, "RESULT 2\nOKREADY\n");
	says(heard(), "eventname:PROCESS_GROUP_REMOVED");
}
END_TEST

START_TEST(a_listener_that_is_removed_is_sent_no_more)
{
	auto_world w = world_new(EAR("REMOTE_COMMUNICATION") WEB);

	start(&w);
	events_emitf(w.sup, EVENT_REMOTE_COMMUNICATION, "first");
	reload_with(&w, WEB);
	ck_assert_str_eq(world_state(&w, "ear"), "none");
	events_emitf(w.sup, EVENT_REMOTE_COMMUNICATION, "second");
	world_settle(&w);
}
END_TEST

/* ---- output that slotd-log tells */

static void output_is_told(struct world *w, uint32_t stream, int kind, const char *text, bool more)
{
	struct message m;

	message_init(&m, MSG_LOG_EVENT, 0);
	message_put_u64(&m, TAG_STREAM, stream);
	message_put_u64(&m, TAG_KIND, (uint64_t)kind);
	message_put_u64(&m, TAG_CHANNEL, 0);
	message_put_i64(&m, TAG_PID, 42);
	message_put_u64(&m, TAG_COUNT, more);
	message_put_bytes(&m, TAG_BYTES, text, strlen(text));
	fake_helper_send("slotd-log", &m);
	world_settle(w);
}

START_TEST(output_comes_as_one_event_however_many_messages_it_takes)
{
	auto_world w = world_new(EAR("PROCESS_LOG,PROCESS_COMMUNICATION") WEB
				 "stdout_events_enabled=true\n");
	struct process *p = world_process(&w, "web");

	start(&w);
	process_start(p);
	world_advance(&w, SECONDS(2));
	say(&w, "READY\n");
	output_is_told(&w, p->streams[0], LOG_EVENT_LOG, "one ", true);
	ck_assert_str_eq(heard(), "");
	output_is_told(&w, p->streams[0], LOG_EVENT_LOG, "two", false);
	says(heard(), "processname:web groupname:web pid:42 channel:stdout\none two");
	output_is_told(&w, 4711, LOG_EVENT_LOG, "of nobody", false);
	say(&w, "RESULT 2\nOKREADY\n");
	ck_assert_str_eq(heard(), "");
	output_is_told(&w, p->streams[0], LOG_EVENT_LOG + 1, "<!--", false);
	says(heard(), "eventname:PROCESS_COMMUNICATION_STDOUT");
}
END_TEST

START_TEST(a_listener_that_does_not_read_is_passed_by)
{
	auto_world w = world_new(EAR("REMOTE_COMMUNICATION") "numprocs=2\n"
							     "process_name=%(process_num)d\n");

	world_advance(&w, SECONDS(2));
	fake_process_exit(fake_process_find("ear"), 0); /* the one that has 1 */
	world_settle(&w);
	say(&w, "READY\n");
	events_emitf(w.sup, EVENT_REMOTE_COMMUNICATION, "first");
	world_settle(&w);
	says(heard(), "first");
}
END_TEST

START_TEST(without_memory_an_event_is_left_out_and_that_is_said)
{
	auto_world w = world_new(EAR("REMOTE_COMMUNICATION"));

	start(&w);
	faults_arm(1, ENOMEM);
	world_enter(&w);
	events_emitf(w.sup, EVENT_REMOTE_COMMUNICATION, "lost");
	world_leave(&w);
	ck_assert_ptr_nonnull(faults_fired());
	faults_disarm();
	logged("no memory for an event REMOTE_COMMUNICATION");
	events_emitf(w.sup, EVENT_REMOTE_COMMUNICATION, "kept");
	say(&w, "READY\n");
	says(heard(), "kept");
}
END_TEST

SUITE("listeners", one_that_is_ready_is_sent_an_event_and_the_next_when_it_is_done,
      an_event_that_is_refused_is_sent_again, one_that_speaks_something_else_gets_no_more,
      what_one_had_in_hand_when_it_died_is_the_next_ones, what_it_says_is_its_log_too,
      ticks_come_at_their_times_and_only_where_somebody_wants_them,
      a_buffer_that_is_full_loses_the_oldest_which_is_said, a_client_may_send_one,
      groups_that_come_and_go_are_told, a_listener_that_is_removed_is_sent_no_more,
      output_comes_as_one_event_however_many_messages_it_takes,
      a_listener_that_does_not_read_is_passed_by,
      without_memory_an_event_is_left_out_and_that_is_said);
