/* deploy/: pause, resume, offline and online, with what announces them; service/: the page. */
#include <errno.h>
#include <stdio.h>

#include <supervisor/deploy/maintenance.h>
#include <supervisor/deploy/records.h>
#include <supervisor/service/offline_page.h>

#include "service_world.h"
#include "suite.h"

#define ANNOUNCED TWO_SLOT "announce=say it\nannounce_timeout=3\n"

/* The answers to requests: "1 0; 2 -16 busy". */
static char answers[512];

static void decide(struct supervisor *sup, uint32_t id, int r, const char *text)
{
	const size_t used = strlen(answers);

	(void)sup;
	if (id) {
		(void)snprintf(answers + used, sizeof(answers) - used, "%s%u %d%s%s",
			       used ? "; " : "", (unsigned)id, r, text ? " " : "",
			       text ? text : "");
	}
}

typedef int ask_fn(struct supervisor *sup, const struct job_request *req, struct diag *diag);

static int ask(struct world *w, ask_fn *fn, uint32_t id, const char *why, struct diag *diag)
{
	const struct job_request req = {
		.service = "s", .who = "ana", .trusted = true, .arg = why, .id = id};
	int r;

	w->sup->decide = decide;
	if (id == 1) {
		answers[0] = '\0';
	}
	r = fn(w->sup, &req, diag);
	world_settle(w);
	return r;
}

static enum switch_mode mode(struct world *w)
{
	return service_word(the_service(w)).mode;
}

START_TEST(offline_is_recorded_and_online_ends_it)
{
	auto_world w = world_new(TWO_SLOT);
	struct diag diag = {0};
	const char *heard;

	world_advance(&w, SECONDS(2));
	(void)fake_relays_heard();
	ck_assert_int_eq(ask(&w, service_online, 1, NULL, &diag), -EINVAL);
	says(diag.text, "s is not offline");
	ck_assert_int_eq(ask(&w, service_offline, 1, "the move", &diag), 1);
	ck_assert_str_eq(answers, "1 0");
	ck_assert_int_eq(mode(&w), SWITCH_OFFLINE);
	heard = fake_relays_heard();
	says(heard, "page; flipped");
	logged("offline by ana: the move: requests are answered 503");
	says(content(&w, "state/state.json"), "\"why\": \"the move\"");
	says(content(&w, "state/history"), "\"kind\":\"offline\"");
	ck_assert_int_eq(ask(&w, service_online, 2, NULL, &diag), 1);
	ck_assert_str_eq(answers, "1 0; 2 0");
	ck_assert_int_eq(mode(&w), SWITCH_OPEN);
	ck_assert_ptr_null(strstr(content(&w, "state/state.json"), "offline"));
}
END_TEST

START_TEST(an_outage_that_a_killed_slotd_has_not_written_is_in_the_history_once)
{
	static const char line[] =
		"{\"service\":\"s\",\"kind\":\"offline\",\"who\":\"ana\",\"began\":17,"
		"\"text\":\"\"}\n";
	auto_world w = world_new(TWO_SLOT);
	const char *found;

	world_advance(&w, SECONDS(2));
	for (int i = 0; i < 2; i++) { /* the second time it was written */
		records_leave_line(w.sup, line);
		records_resume(w.sup);
		world_settle(&w);
	}
	found = strstr(content(&w, "state/history"), line);
	ck_assert_ptr_nonnull(found);
	ck_assert_ptr_null(strstr(found + 1, line));
}
END_TEST

START_TEST(a_reason_is_bounded_and_plain)
{
	auto_world w = world_new(TWO_SLOT);
	struct diag diag = {0};
	char why[200];

	world_advance(&w, SECONDS(2));
	memset(why, 'x', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	ck_assert_int_eq(ask(&w, service_offline, 1, why, &diag), -EINVAL);
	says(diag.text, "the reason has at most 127 bytes");
	ck_assert_int_eq(ask(&w, service_offline, 1, "a\nb", &diag), -EINVAL);
	ck_assert_int_eq(mode(&w), SWITCH_OPEN);
}
END_TEST

START_TEST(it_is_announced_first_and_has_an_effect_then)
{
	auto_world w = world_new(ANNOUNCED);
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	fake_shell = (struct fake_shell){.stays = true};
	ck_assert_int_eq(ask(&w, service_offline, 1, NULL, &diag), 1);
	ck_assert_uint_eq(fake_shell.runs, 1);
	ck_assert_int_eq(mode(&w), SWITCH_OPEN);
	ck_assert_str_eq(answers, "");
	ck_assert_int_eq(ask(&w, service_pause, 2, NULL, &diag), -EBUSY);
	says(diag.text, "s: the offline by ana is being announced");
	fake_process_exit(fake_process_find("sh"), 0);
	world_settle(&w);
	ck_assert_int_eq(mode(&w), SWITCH_OFFLINE);
	ck_assert_str_eq(answers, "1 0");
	/* What gives it back is announced when it is there. */
	ck_assert_int_eq(ask(&w, service_online, 3, NULL, &diag), 1);
	ck_assert_int_eq(mode(&w), SWITCH_OPEN);
	ck_assert_uint_eq(fake_shell.runs, 2);
	ck_assert_str_eq(answers, "1 0");
	world_advance(&w, SECONDS(4));
	logged("announce of online took longer than announce_timeout, 3.0 s");
	ck_assert_str_eq(answers, "1 0; 3 0");
}
END_TEST

START_TEST(an_announcement_that_fails_stops_nothing)
{
	auto_world w = world_new(ANNOUNCED "pause_timeout=10\n");
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	fake_shell = (struct fake_shell){.code = 3, .says = "no such room"};
	ck_assert_int_eq(ask(&w, service_pause, 1, NULL, &diag), 1);
	logged("announce of pause failed with exit status 3: no such room");
	ck_assert_int_eq(mode(&w), SWITCH_HOLD);
	ck_assert_int_eq(ask(&w, service_offline, 2, NULL, &diag), 1);
	logged("announce of offline failed with exit status 3: no such room");
	ck_assert_int_eq(mode(&w), SWITCH_OFFLINE);
	ck_assert_str_eq(answers, "1 0; 2 0");
	world_advance(&w, SECONDS(11));
	logged("the pause by ana took longer than pause_timeout, 10 s: resumed");
	ck_assert_int_eq(mode(&w), SWITCH_OFFLINE);
	ck_assert_uint_eq(the_service(&w)->upkeep.pause_end, 0);
}
END_TEST

START_TEST(who_waits_is_told_when_the_service_goes)
{
	auto_world w = world_new(ANNOUNCED);
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	fake_shell = (struct fake_shell){.stays = true};
	ck_assert_int_eq(ask(&w, service_offline, 1, NULL, &diag), 1);
	reload_with(&w, PROGRAMS);
	world_settle(&w);
	ck_assert_str_eq(answers, "1 -22 the service was removed");
}
END_TEST

START_TEST(a_page_that_cannot_be_read_in_time_is_the_one_that_is_built_in)
{
	auto_world w = world_new(TWO_SLOT "offline_page=@DIR@/page.txt\n");
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	fake_functions_hang = true;
	ck_assert_int_eq(ask(&w, service_offline, 1, NULL, &diag), 1);
	ck_assert_int_eq(mode(&w), SWITCH_OPEN);
	fake_functions_hang = false;
	world_advance(&w, SECONDS(6));
	logged("page.txt cannot be read: it takes longer than 5 s; the page that is built in is "
	       "used");
	ck_assert_int_eq(mode(&w), SWITCH_OFFLINE);
	ck_assert_str_eq(answers, "1 0");
}
END_TEST

START_TEST(the_end_of_a_name_tells_what_a_page_is)
{
	ck_assert_str_eq(offline_page_type("/x/a.html"), "text/html; charset=utf-8");
	ck_assert_str_eq(offline_page_type("/x.json/a"), "text/html; charset=utf-8");
	ck_assert_str_eq(offline_page_type("/x/a.JSON"), "application/json");
	ck_assert_str_eq(offline_page_type("a.txt"), "text/plain; charset=utf-8");
}
END_TEST

SUITE("maintenance", offline_is_recorded_and_online_ends_it,
      an_outage_that_a_killed_slotd_has_not_written_is_in_the_history_once,
      a_reason_is_bounded_and_plain, it_is_announced_first_and_has_an_effect_then,
      an_announcement_that_fails_stops_nothing, who_waits_is_told_when_the_service_goes,
      a_page_that_cannot_be_read_in_time_is_the_one_that_is_built_in,
      the_end_of_a_name_tells_what_a_page_is);
