#include <check.h>
#include <slotd/cleanup.h>
#include <slotd/notice.h>
#include <stdio.h>
#include <string.h>
#include <supervisor/show/notice_store.h>
#include <sys/mman.h>
#include <unistd.h>

#include "suite.h"

START_TEST(a_command_that_fails_is_run_again_after_growing_pauses)
{
	static const unsigned pauses[] = {1, 5, 30, 120, 600};
	struct notice_pace pace = {0};
	usec_t now = SECONDS(1000);

	for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
		ck_assert_int_eq(notice_ended(&pace, false, now), NOTICE_AGAIN);
		ck_assert_uint_eq(pace.next, now + SECONDS(pauses[i]));
		now = pace.next;
	}
	ck_assert_int_eq(notice_ended(&pace, false, now), NOTICE_GIVEN_UP);
	ck_assert_uint_eq(pace.next, 0);
	/* The next one begins anew; one that is delivered forgets what failed before. */
	ck_assert_int_eq(notice_ended(&pace, false, now), NOTICE_AGAIN);
	ck_assert_uint_eq(pace.next, now + SECONDS(1));
	ck_assert_int_eq(notice_ended(&pace, true, now), NOTICE_DELIVERED);
	ck_assert_uint_eq(pace.failures, 0);
}
END_TEST

START_TEST(every_event_has_a_name_and_is_found_by_it)
{
	char fatal[] = "fatal", done[] = "deploy-done", *list[] = {fatal, done, NULL};

	for (int event = 0; event < NOTICE_EVENT_MAX_; event++) {
		ck_assert_int_eq(notice_find(notice_name((enum notice_event)event)), event);
	}
	ck_assert_int_lt((int)notice_find("deploy"), 0);
	ck_assert_str_eq(notice_name(NOTICE_EVENT_MAX_), "?");
	ck_assert(notice_wanted(NOTICE_FATAL, list) && notice_wanted(NOTICE_TEST, list));
	ck_assert(!notice_wanted(NOTICE_DISK_FULL, list) && notice_wanted(NOTICE_DISK_FULL, NULL));
}
END_TEST

static char found[512];

static void find(void *data, struct notice *n)
{
	size_t used = strlen(found);

	(void)data;
	(void)snprintf(found + used, sizeof(found) - used, "%s %s %s; ", notice_name(n->event),
		       n->text, n->worker);
}

static const char *left(int fd)
{
	found[0] = '\0';
	notice_store_each(fd, find, NULL);
	return found;
}

static void put(int fd, uint64_t id, const char *text)
{
	CLEANUP(notice_done) struct notice n = {.id = id, .event = NOTICE_FATAL};
	json_t *body = json_pack("{s:s, s:s, s:s}", "event", "fatal", "text", text, "worker", "w");

	ck_assert_int_eq(notice_fill(&n, body), 0);
	notice_store_add(fd, &n);
	json_decref(body);
}

START_TEST(what_is_not_delivered_is_read_back_in_order)
{
	auto_close int fd = memfd_create("notices", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_str_eq(left(fd), "");
	put(fd, 11, "one");
	put(fd, 12, "two \"quoted\"\nline");
	put(fd, 1, "three");
	ck_assert_str_eq(left(fd), "fatal one w; fatal two \"quoted\"\nline w; fatal three w; ");
	notice_store_delivered(fd, 11);
	notice_store_delivered(fd, 1);
	ck_assert_str_eq(left(fd), "fatal two \"quoted\"\nline w; ");
	/* A line that a kill has cut, and nonsense, are no notices. */
	ck_assert_int_eq(pwrite(fd, "+13 {\"event\":\"fatal\"", 20, lseek(fd, 0, SEEK_END)), 20);
	ck_assert_str_eq(left(fd), "fatal two \"quoted\"\nline w; ");
	notice_store_clear(fd);
	ck_assert_str_eq(left(fd), "");
	ck_assert_uint_gt(notice_next_id(0), 0);
	ck_assert_uint_eq(notice_next_id(UINT64_MAX - 1), UINT64_MAX);
	put(-1, 1, "nowhere"); /* without a file nothing outlives slotd, and nothing else fails */
}
END_TEST

SUITE("notice", a_command_that_fails_is_run_again_after_growing_pauses,
      every_event_has_a_name_and_is_found_by_it, what_is_not_delivered_is_read_back_in_order);
