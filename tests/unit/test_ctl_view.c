#include "ctl/view.h"

#include <check.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <string.h>

#include "suite.h"

/* ---- what a server would send ---------------------------------------------------------------- */

static struct value *add(struct value *to, const char *name, enum value_kind kind)
{
	struct value *v = value_append(to);

	ck_assert_ptr_nonnull(v);
	v->kind = kind;
	v->name = name ? strdup(name) : NULL;
	return v;
}

static void add_text(struct value *to, const char *name, const char *text)
{
	add(to, name, VALUE_TEXT)->text = strdup(text);
}

static void add_int(struct value *to, const char *name, int64_t number)
{
	add(to, name, VALUE_INT)->number = number;
}

static struct value *add_worker(struct value *workers, const char *group, const char *name,
				int64_t state, const char *statename, const char *description)
{
	struct value *w = add(workers, NULL, VALUE_STRUCT);

	add_text(w, "group", group);
	add_text(w, "name", name);
	add_int(w, "state", state);
	add_text(w, "statename", statename);
	add_text(w, "description", description);
	return w;
}

static void add_slot(struct value *slots, const char *slot, int64_t state, int64_t ready)
{
	struct value *s = add(slots, NULL, VALUE_STRUCT);

	add_text(s, "slot", slot);
	add_int(s, "state", state);
	add_int(s, "ready", ready);
	add_int(s, "total", 2);
	add_int(s, "active", ready * 3);
	add_int(s, "share", state == SLOT_LIVE ? 10000 : 0);
}

static struct value *add_service(struct value *services, const char *name, const char *live)
{
	struct value *s = add(services, NULL, VALUE_STRUCT), *slots;

	add_text(s, "service", name);
	add_text(s, "live", live);
	slots = add(s, "slots", VALUE_ARRAY);
	add_slot(slots, "a", SLOT_WARM, 1);
	add_slot(slots, "b", SLOT_LIVE, 2);
	return s;
}

struct machine {
	struct value status;
	struct value *workers, *services; /* valid while no member is added to status */
};

static void machine_init(struct machine *m)
{
	*m = (struct machine){.status = {.kind = VALUE_STRUCT}};
	(void)add(&m->status, "workers", VALUE_ARRAY);
	(void)add(&m->status, "services", VALUE_ARRAY);
	m->workers = &m->status.items[0];
	m->services = &m->status.items[1];
}

static void machine_done(struct machine *m)
{
	value_done(&m->status);
}

static void check_status(const struct machine *m, usec_t now, const char *expected)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};

	ck_assert_int_eq(view_status(&text, &m->status, now), 0);
	ck_assert_str_eq(strbuf_str(&text), expected);
}

/* ---- supervisorctl's table ------------------------------------------------------------------- */

START_TEST(the_plain_table_is_as_wide_as_its_longest_name)
{
	CLEANUP(machine_done) struct machine m;
	CLEANUP(strbuf_done) struct strbuf text = {0};
	const struct value *rows[2];

	machine_init(&m);
	(void)add_worker(m.workers, "cat", "cat", 20, "RUNNING", "pid 1, uptime 0:00:23");
	(void)add_worker(m.workers, "g", "caf\xc3\xa9", 10, "STARTING", "");
	rows[0] = &m.workers->items[0];
	rows[1] = &m.workers->items[1];
	ck_assert_int_eq(view_plain(&text, rows, 2), 0);
	ck_assert_str_eq(strbuf_str(&text),
			 "cat                              RUNNING   pid 1, uptime 0:00:23\n"
			 "g:caf\xc3\xa9                           STARTING  \n");
	strbuf_reset(&text);
	ck_assert_int_eq(view_plain(&text, rows, 0), 0);
	ck_assert_str_eq(strbuf_str(&text), "");
}
END_TEST

START_TEST(stopped_states_are_those_that_end_status_with_3)
{
	ck_assert(worker_is_stopped(WORKER_STOPPED));
	ck_assert(worker_is_stopped(WORKER_EXITED));
	ck_assert(worker_is_stopped(WORKER_FATAL));
	ck_assert(worker_is_stopped(WORKER_UNKNOWN));
	ck_assert(!worker_is_stopped(WORKER_RUNNING));
	ck_assert(!worker_is_stopped(WORKER_BACKOFF));
	ck_assert(!worker_is_stopped(WORKER_STARTING));
	ck_assert(!worker_is_stopped(WORKER_STOPPING));
}
END_TEST

/* ---- status for people ------------------------------------------------------------------------
 */

START_TEST(a_service_is_one_line_while_nobody_is_needed)
{
	CLEANUP(machine_done) struct machine m;
	struct value *w;

	machine_init(&m);
	(void)add_service(m.services, "web", "b");
	w = add_worker(m.workers, "web-b", "web-b_1", 20, "RUNNING", "pid 1, uptime 0:00:23");
	add_text(w, "service", "web");
	add_text(w, "slot", "b");
	add_text(w, "address", "127.0.0.1:1");
	add_int(w, "healthy", 1);
	check_status(&m, SECONDS(1000), "web  LIVE b  2/2 healthy  6 conn   a: idle, warm\n");
	add_text(w, "says", "busy");
	check_status(&m, SECONDS(1000),
		     "web  LIVE b  2/2 healthy  6 conn   a: idle, warm\n"
		     "  web-b:web-b_1           RUNNING   pid 1, uptime 0:00:23  \"busy\"\n");
}
END_TEST

START_TEST(a_live_worker_that_is_not_healthy_needs_somebody)
{
	CLEANUP(machine_done) struct machine m;
	struct value *w;

	machine_init(&m);
	add_int(add_service(m.services, "web", "b"), "since", 940);
	w = add_worker(m.workers, "web-b", "web-b_1", 20, "RUNNING", "pid 1, uptime 0:00:23");
	add_text(w, "service", "web");
	add_text(w, "slot", "b");
	add_text(w, "address", "127.0.0.1:1");
	check_status(&m, SECONDS(1000),
		     "web  LIVE b  since 1m00s  2/2 healthy  6 conn   a: idle, warm\n"
		     "  web-b:web-b_1           RUNNING   pid 1, uptime 0:00:23           "
		     "! not checked yet\n"
		     "1 thing needs you: slotctl tail web-b:web-b_1\n");
}
END_TEST

START_TEST(what_the_check_of_a_live_worker_got_is_said)
{
	CLEANUP(machine_done) struct machine m;
	struct value *w;

	machine_init(&m);
	(void)add_service(m.services, "web", "b");
	w = add_worker(m.workers, "web-b", "web-b_1", 20, "RUNNING", "pid 1, uptime 0:00:23");
	add_text(w, "service", "web");
	add_text(w, "slot", "b");
	add_text(w, "address", "127.0.0.1:1");
	add_text(w, "note", "answered 500");
	check_status(&m, SECONDS(1000),
		     "web  LIVE b  2/2 healthy  6 conn   a: idle, warm\n"
		     "  web-b:web-b_1           RUNNING   pid 1, uptime 0:00:23           "
		     "! not healthy, answered 500\n"
		     "1 thing needs you: slotctl tail web-b:web-b_1\n");
}
END_TEST

START_TEST(the_next_run_is_shown_and_needs_nobody)
{
	CLEANUP(machine_done) struct machine m;
	struct value *w;

	machine_init(&m);
	(void)add_service(m.services, "web", "b");
	w = add_worker(m.workers, "job-b", "job-b", 100, "EXITED", "next run Nov 30 04:30 AM");
	add_text(w, "service", "web");
	add_text(w, "slot", "b");
	add_int(w, "next_run", 1700000000);
	w = add_worker(m.workers, "job-a", "job-a", 0, "STOPPED", "Not started");
	add_text(w, "service", "web");
	add_text(w, "slot", "a");
	add_int(w, "next_run", 0);
	check_status(&m, SECONDS(1000),
		     "web  LIVE b  2/2 healthy  6 conn   a: idle, warm\n"
		     "  job-b                   EXITED    next run Nov 30 04:30 AM\n");
}
END_TEST

START_TEST(workers_that_a_reload_left_alone_need_nobody)
{
	CLEANUP(machine_done) struct machine m;
	struct value *w;

	machine_init(&m);
	(void)add_service(m.services, "web", "b");
	w = add_worker(m.workers, "web-b", "web-b_1", 20, "RUNNING", "pid 1, uptime 0:00:23");
	add_text(w, "service", "web");
	add_text(w, "slot", "b");
	add(w, "pending", VALUE_BOOL)->number = 1;
	check_status(&m, SECONDS(1000),
		     "web  LIVE b  2/2 healthy  6 conn   a: idle, warm\n"
		     "  1 worker changed, at the next deploy\n");
}
END_TEST

START_TEST(what_happens_in_an_idle_slot_needs_nobody)
{
	CLEANUP(machine_done) struct machine m;
	struct value *w;

	machine_init(&m);
	(void)add_service(m.services, "web", "b");
	w = add_worker(m.workers, "web-a", "web-a_1", 20, "RUNNING", "pid 1, uptime 0:00:23");
	add_text(w, "service", "web");
	add_text(w, "slot", "a");
	add_text(w, "address", "127.0.0.1:1");
	check_status(&m, SECONDS(1000), "web  LIVE b  2/2 healthy  6 conn   a: idle, warm\n");
}
END_TEST

START_TEST(a_program_that_flaps_or_loses_lines_needs_somebody)
{
	CLEANUP(machine_done) struct machine m;
	struct value *w;

	machine_init(&m);
	w = add_worker(m.workers, "x", "x", 20, "RUNNING", "pid 1, uptime 0:00:23");
	add_int(w, "restarts", 14);
	add_int(w, "start", 90);
	add_int(w, "now", 100);
	add_text(w, "last_exit", "exit status 1");
	w = add_worker(m.workers, "y", "y", 20, "RUNNING", "pid 2, uptime 5:00:23");
	add_int(w, "restarts", 14);
	add_int(w, "start", 90);
	add_int(w, "now", 90000);
	w = add_worker(m.workers, "z", "z", 20, "RUNNING", "pid 3, uptime 5:00:23");
	add_int(w, "lost_lines", 7);
	check_status(&m, SECONDS(1000),
		     "x                         RUNNING   pid 1, uptime 0:00:23           "
		     "! 14 restarts, last exit status 1\n"
		     "y                         RUNNING   pid 2, uptime 5:00:23\n"
		     "z                         RUNNING   pid 3, uptime 5:00:23           "
		     "! 7 lines of its log are lost\n"
		     "2 things need you: slotctl tail x | slotctl tail z\n");
}
END_TEST

START_TEST(of_many_needs_the_first_are_spelled_out)
{
	CLEANUP(machine_done) struct machine m;
	CLEANUP(strbuf_done) struct strbuf text = {0};
	const char *last;

	machine_init(&m);
	for (int i = 0; i < 7; i++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "p%d", i);
		(void)add_worker(m.workers, name, name, 200, "FATAL", "no");
	}
	ck_assert_int_eq(view_status(&text, &m.status, 0), 0);
	last = strstr(strbuf_str(&text), "7 things");
	ck_assert_ptr_nonnull(last);
	ck_assert_str_eq(last, "7 things need you: slotctl tail p0 | slotctl tail p1 | "
			       "slotctl tail p2 | slotctl tail p3 | slotctl tail p4 | ...\n");
}
END_TEST

START_TEST(a_job_that_goes_on_is_shown_with_its_service)
{
	CLEANUP(machine_done) struct machine m;
	struct value *s;

	machine_init(&m);
	s = add_service(m.services, "web", "b");
	add_int(s, "job", 7);
	add_text(s, "who", "ana");
	add_text(s, "step", "gate");
	check_status(&m, SECONDS(1000),
		     "web  LIVE b  2/2 healthy  6 conn   a: idle, warm\n"
		     "  #7 by ana is in \"gate\": slotctl attach web\n");
}
END_TEST

START_TEST(an_empty_machine_prints_nothing)
{
	CLEANUP(machine_done) struct machine m;

	machine_init(&m);
	check_status(&m, 0, "");
}
END_TEST

/* ---- slots -------------------------------------------------------------------------------------
 */

START_TEST(the_live_slot_stands_first)
{
	CLEANUP(machine_done) struct machine m;
	CLEANUP(strbuf_done) struct strbuf text = {0};
	const struct value *services[1];

	machine_init(&m);
	(void)add_service(m.services, "web", "b");
	services[0] = &m.services->items[0];
	ck_assert_int_eq(view_slots(&text, services, 1, SECONDS(1000)), 0);
	ck_assert_str_eq(
		strbuf_str(&text),
		"SERVICE SLOT STATE      RELEASE WORKERS SHARE QUEUED/SILENT/ACTIVE/IDLE/PINNED\n"
		"web     b    LIVE       -       2/2     100%  0/0/6/0/0\n"
		"        a    idle, warm -       1/2       0%  0/0/3/0/0\n");
}
END_TEST

static void set(struct value *slot, const char *name, int64_t number)
{
	((struct value *)value_member(slot, name))->number = number;
}

START_TEST(a_canary_shows_its_share_and_what_can_be_done)
{
	CLEANUP(machine_done) struct machine m;
	CLEANUP(strbuf_done) struct strbuf text = {0};
	const struct value *services[1];
	struct value *slot;

	machine_init(&m);
	(void)add_service(m.services, "web", "b");
	services[0] = &m.services->items[0];
	slot = (struct value *)value_array(services[0], "slots")->items;
	set(slot, "state", SLOT_CANARY);
	set(slot, "share", 250);
	add_text(slot, "remark", "by-hand");
	add_int(slot, "since", 1000);
	add_int(slot, "deadline", 2600);
	ck_assert_int_eq(view_slots(&text, services, 1, SECONDS(1100)), 0);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text), "CANARY 1m40s "));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text), " 2.5% "));
	ck_assert_ptr_nonnull(
		strstr(strbuf_str(&text), " slotctl promote|abort web; given up in 25m00s\n"));
	strbuf_reset(&text);
	ck_assert_int_eq(view_slots(&text, services, 1, SECONDS(200000)), 0);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text), "CANARY 2d 7h ! "));
	strbuf_reset(&text);
	set(slot, "state", SLOT_AB);
	ck_assert_int_eq(view_slots(&text, services, 1, SECONDS(200000)), 0);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text), "A/B 2d 7h "));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text), " slotctl promote|abort web\n"));
}
END_TEST

static void add_trouble(struct value *service, const char *code, const char *text)
{
	struct value *troubles = (struct value *)value_member(service, "troubles"), *t;

	if (!troubles) {
		troubles = add(service, "troubles", VALUE_ARRAY);
	}
	t = add(troubles, NULL, VALUE_STRUCT);
	add_text(t, "code", code);
	add_text(t, "text", text);
}

START_TEST(everything_that_is_wrong_with_a_service_is_shown)
{
	CLEANUP(machine_done) struct machine m;
	CLEANUP(strbuf_done) struct strbuf text = {0};
	const struct value *services[1];
	struct value *s;

	machine_init(&m);
	s = add_service(m.services, "web", "b");
	add_text(s, "note", "port taken; not recorded");
	add_trouble(s, "address", "port taken");
	add_trouble(s, "record", "not recorded");
	services[0] = &m.services->items[0];
	ck_assert_int_eq(view_slots(&text, services, 1, SECONDS(1000)), 0);
	ck_assert_ptr_nonnull(
		strstr(strbuf_str(&text), "0/0/3/0/0\n  ! port taken\n  ! not recorded\n"));
	check_status(&m, SECONDS(1000),
		     "web  LIVE b  2/2 healthy  6 conn   a: idle, warm\n"
		     "  ! port taken\n"
		     "  ! not recorded\n"
		     "1 thing needs you: slotctl slots web\n");
}
END_TEST

START_TEST(a_canary_has_its_share)
{
	CLEANUP(machine_done) struct machine m;
	CLEANUP(strbuf_done) struct strbuf text = {0};
	const struct value *services[1];
	struct value *slots;

	machine_init(&m);
	slots = (struct value *)value_member(add_service(m.services, "web", "b"), "slots");
	((struct value *)value_member(&slots->items[0], "share"))->number = 250;
	((struct value *)value_member(&slots->items[1], "share"))->number = 9750;
	services[0] = &m.services->items[0];
	ck_assert_int_eq(view_slots(&text, services, 1, SECONDS(1000)), 0);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text), "2/2     97.5% 0/0/6/0/0\n"));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text), "1/2     2.5% "));
}
END_TEST

START_TEST(slots_say_what_is_the_matter_with_a_service_of_an_older_slotd)
{
	CLEANUP(machine_done) struct machine m;
	CLEANUP(strbuf_done) struct strbuf text = {0};
	const struct value *services[1];

	machine_init(&m);
	add_text(add_service(m.services, "web", "b"), "note", "stopped by ana");
	services[0] = &m.services->items[0];
	ck_assert_int_eq(view_slots(&text, services, 1, SECONDS(1000)), 0);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text), "0/0/3/0/0\n  ! stopped by ana\n"));
}
END_TEST

START_TEST(what_slotd_sends_that_is_not_known_here_breaks_nothing)
{
	CLEANUP(machine_done) struct machine m;
	CLEANUP(strbuf_done) struct strbuf text = {0};
	const struct value *services[1];
	struct value *s;

	machine_init(&m);
	s = add(m.services, NULL, VALUE_STRUCT);
	add_slot(add(s, "slots", VALUE_ARRAY), "a", 99, 1);
	services[0] = &m.services->items[0];
	ck_assert_int_eq(view_slots(&text, services, 1, 0), 0);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text), " ? "));
	strbuf_reset(&text);
	ck_assert_int_eq(view_status(&text, &m.status, 0), 0);
}
END_TEST

SUITE("ctl_view", the_plain_table_is_as_wide_as_its_longest_name,
      stopped_states_are_those_that_end_status_with_3, a_service_is_one_line_while_nobody_is_needed,
      a_live_worker_that_is_not_healthy_needs_somebody, what_the_check_of_a_live_worker_got_is_said,
      the_next_run_is_shown_and_needs_nobody, workers_that_a_reload_left_alone_need_nobody,
      what_happens_in_an_idle_slot_needs_nobody, a_program_that_flaps_or_loses_lines_needs_somebody,
      a_job_that_goes_on_is_shown_with_its_service, of_many_needs_the_first_are_spelled_out,
      an_empty_machine_prints_nothing, a_canary_shows_its_share_and_what_can_be_done,
      the_live_slot_stands_first, everything_that_is_wrong_with_a_service_is_shown,
      a_canary_has_its_share, slots_say_what_is_the_matter_with_a_service_of_an_older_slotd,
      what_slotd_sends_that_is_not_known_here_breaks_nothing);
