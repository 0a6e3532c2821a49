/* deploy/: which slot is live, as files say it. */
#include <slotd/strbuf.h>

#include <errno.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/record_text.h"
#include "deploy/records.h"
#include "service_world.h"
#include "suite.h"
#include "supervisor/deploy/records.h"

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void make_directory(const char *dir, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static const char *before_start[2]; /* name, text of a file that is there; NULL: a directory */

static void lay(const char *dir)
{
	if (strncmp(before_start[0], "state/", 6) == 0) {
		make_directory(dir, "state");
	}
	if (before_start[1]) {
		write_file(dir, before_start[0], before_start[1]);
	} else {
		make_directory(dir, before_start[0]);
	}
}

/* A world that finds a file of a former slotd, or of its owner. */
static struct world find_in(const char *name, const char *text, const char *config)
{
	before_start[0] = name;
	before_start[1] = text;
	world_before = lay;
	return world_new(config);
}

/* ---- live.c */

START_TEST(without_any_record_it_is_a_and_that_is_written)
{
	auto_world w = world_new(TWO_SLOT);

	ck_assert_int_eq(service_live(the_service(&w)), SLOT_A);
	ck_assert(the_service(&w)->slots[SLOT_A].proven);
	ck_assert(!the_service(&w)->slots[SLOT_B].proven);
	ck_assert_str_eq(content(&w, "live"), "a\n");
	says(content(&w, "state/state.json"), "\"live\": \"a\"");
}
END_TEST

START_TEST(at_the_first_start_live_file_says_which)
{
	auto_world w = find_in("live", "b\n", TWO_SLOT);

	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
	ck_assert_str_eq(world_plan(&w), "spawn web_b");
	says(content(&w, "state/state.json"), "\"live\": \"b\"");
}
END_TEST

START_TEST(rubbish_in_live_file_keeps_that_service_down_alone)
{
	auto_world w = find_in("live", "c\n", "[program:cron]\ncommand=cron\n" TWO_SLOT);
	struct diag diag = {0};

	ck_assert(the_service(&w)->down);
	ck_assert_str_eq(world_plan(&w), "spawn cron");
	logged("s: not started: ");
	logged("says \"c");
	ck_assert_int_eq(begin(&w, SWAP_KIND_SWAP, &diag), -EINVAL);
	says(diag.text, "says \"c");
	ck_assert_str_eq(content(&w, "live"), "c\n"); /* left as it is */
}
END_TEST

START_TEST(once_it_is_mended_a_reload_starts_it)
{
	auto_world w = find_in("live", "c\n", TWO_SLOT);

	write_file(w.dir, "live", "b\n");
	reload_with(&w, TWO_SLOT);
	world_settle(&w);
	ck_assert(!the_service(&w)->down);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
	logged("s: listening on ");
}
END_TEST

static const char record[] =
	"{\"next_job\": 41, \"services\": {\"s\": {\"live\": \"b\", \"since\": 1600000000, "
	"\"releases\": {\"a\": \"v1\", \"b\": \"v2\"}, \"rollback\": false}}}";

START_TEST(the_record_decides_and_keeps_releases_and_numbers)
{
	auto_world w = find_in("state/state.json", record, TWO_SLOT);
	const struct service *s = the_service(&w);
	struct diag diag = {0};

	ck_assert_int_eq(service_live(s), SLOT_B);
	ck_assert_str_eq(s->slots[SLOT_A].release, "v1");
	ck_assert_uint_eq(s->slots[SLOT_B].since, SECONDS(1600000000));
	ck_assert(s->slots[SLOT_B].proven && !s->slots[SLOT_A].proven);
	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(begin(&w, SWAP_KIND_SWAP, &diag), 41);
	finish(&w);
	ck_assert_int_eq(begin(&w, SWAP_KIND_ROLLBACK, &diag), 42);
	finish(&w);
}
END_TEST

/* The disk may have had room for the history alone. */
START_TEST(numbers_go_on_after_the_last_one_of_the_history)
{
	auto_world w = find_in("state/history", "{\"job\":6,\"service\":\"s\"}\n{\"jo", TWO_SLOT);

	ck_assert_uint_eq(records_next_job(w.sup), 7);
}
END_TEST

START_TEST(a_damaged_record_is_neither_used_nor_written)
{
	auto_world w = find_in("state/state.json", "{\"services\": ", TWO_SLOT);

	ck_assert(the_service(&w)->down);
	logged("the record of which slot is live, is damaged (line 1");
	world_advance(&w, SECONDS(60));
	ck_assert_str_eq(content(&w, "state/state.json"), "{\"services\": ");
}
END_TEST

/* It is read in large pieces, and only up to a limit. */
START_TEST(a_record_that_somebody_has_blown_up_holds_up_no_start)
{
	const size_t size = STRBUF_MAX + 1;
	auto_free char *text = malloc(size + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', size);
	text[0] = '{';
	text[size] = '\0';
	{
		auto_world w = find_in("state/state.json", text, TWO_SLOT);

		ck_assert(the_service(&w)->down);
		logged("is damaged (it is too large)");
	}
}
END_TEST

START_TEST(no_memory_to_read_it_is_no_damage)
{
	static const char text[] = "{\"services\":{\"s\":{\"live\":\"b\",\"since\":1,"
				   "\"releases\":{\"a\":\"v1\",\"b\":\"v2\"},\"rollback\":true}},"
				   "\"next_job\":7}";
	char dir[] = "/tmp/slotd-record-XXXXXX", path[64], damage[512] = "";
	struct json_t *state = NULL;
	unsigned n = 0;
	int r;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	write_file(dir, "state.json", text);
	(void)snprintf(path, sizeof(path), "%s/state.json", dir);
	do {
		struct diag diag = {0};

		faults_arm(++n, ENOMEM);
		faults_pause(false);
		r = record_text_read(path, damage, sizeof(damage), &diag, &state);
		faults_pause(true);
		ck_assert_msg(!*damage, "call %u: %s", n, damage);
		ck_assert_int_eq(r, faults_fired() ? -ENOMEM : 0);
		ck_assert(!state == !!faults_fired());
	} while (faults_fired());
	faults_disarm();
	ck_assert_uint_gt(n, 10);
	json_decref(state);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(what_is_no_file_is_a_damaged_record)
{
	auto_world w = find_in("state/state.json", NULL, TWO_SLOT);

	ck_assert(the_service(&w)->down);
	logged("is damaged (it is not a regular file)");
}
END_TEST

/* ---- live_watch.c */

START_TEST(an_edit_by_hand_is_put_right)
{
	auto_world w = world_new(TWO_SLOT);

	write_file(w.dir, "live", "b\n");
	world_settle(&w);
	ck_assert_str_eq(content(&w, "live"), "a\n");
	logged("was changed by hand and has been corrected: a stays live");
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_A);
}
END_TEST

START_TEST(other_files_beside_it_are_nobodys_business)
{
	auto_world w = world_new(TWO_SLOT);

	(void)world_plan(&w);
	write_file(w.dir, "other", "b\n");
	world_settle(&w);
	not_logged("by hand");
}
END_TEST

/* ---- records.c */

static const char linked[] = TWO_SLOT "live_link=@DIR@/link\nprepare_directory=@DIR@/%(slot)s\n";

START_TEST(the_link_follows_the_live_slot)
{
	auto_world w = world_new(linked);
	char path[128], target[128], want[128];
	ssize_t n;

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	finish(&w);
	(void)snprintf(path, sizeof(path), "%s/link", w.dir);
	(void)snprintf(want, sizeof(want), "%s/b", w.dir);
	n = readlink(path, target, sizeof(target) - 1);
	ck_assert_int_gt(n, 0);
	target[n] = '\0';
	ck_assert_str_eq(target, want);
}
END_TEST

START_TEST(a_record_that_cannot_be_written_is_found_before_the_flip)
{
	auto_world w = world_new(TWO_SLOT);
	char path[128];

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	(void)snprintf(path, sizeof(path), "%s/live", w.dir);
	ck_assert_int_eq(unlink(path), 0);
	make_directory(w.dir, "live");
	finish(&w);
	logged("the record cannot be written: cannot replace ");
	logged("NOTHING SWAPPED: a is live.");
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_A);
}
END_TEST

START_TEST(a_disk_that_stops_after_the_flip_is_told_and_tried_again)
{
	auto_world w = world_new(TWO_SLOT);
	struct service *s = the_service(&w);

	world_advance(&w, SECONDS(2));
	fake_relays_answer = false;
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, MSECONDS(1500));
	ck_assert_int_eq(s->swap.step, SWAP_FLIP);
	fake_functions_hang = true;
	fake_relays_answer = true;
	fake_relays_pay();
	world_settle(&w);
	ck_assert_int_eq(s->swap.step, SWAP_RECORD);
	world_advance(&w, SECONDS(31));
	logged("the disk did not answer within 30 s");
	ck_assert(s->unrecorded && s->troubles & trouble_bit(TROUBLE_RECORD));
	ck_assert_str_eq(content(&w, "live"), "a\n");
	fake_functions_hang = false;
	world_advance(&w, SECONDS(60));
	logged("s: it is recorded now that b is live");
	ck_assert(!s->unrecorded && !(s->troubles & trouble_bit(TROUBLE_RECORD)));
	ck_assert_str_eq(content(&w, "live"), "b\n");
	finish(&w);
}
END_TEST

START_TEST(a_child_that_is_killed_is_no_record)
{
	auto_world w = world_new(TWO_SLOT);
	struct service *s = the_service(&w);

	fake_functions_hang = true;
	write_file(w.dir, "live", "b\n");
	world_settle(&w);
	fake_functions_hang = false;
	fake_process_exit(fake_process_find("function"), 9);
	world_settle(&w);
	logged("the writing process was killed");
	ck_assert(s->unrecorded);
	world_advance(&w, SECONDS(11));
	ck_assert(!s->unrecorded);
	ck_assert_str_eq(content(&w, "live"), "a\n");
}
END_TEST

START_TEST(what_a_service_that_goes_had_asked_for_is_forgotten)
{
	auto_world w = world_new(TWO_SLOT);

	fake_functions_hang = true;
	write_file(w.dir, "live", "b\n");
	world_settle(&w);
	service_remove(the_service(&w));
	fake_functions_hang = false;
	fake_process_exit(fake_process_find("function"), 0);
	world_advance(&w, SECONDS(60));
	ck_assert_str_eq(content(&w, "live"), "b\n");
}
END_TEST

/* The first hangs, the second waits behind it. */
static void ask_for_two(struct world *w)
{
	fake_functions_hang = true;
	records_write_state(w->sup);
	world_settle(w);
	records_history(w->sup, strdup("{\"job\":7,\"why\":\"slotd ended\"}\n"), NULL);
	world_settle(w);
}

START_TEST(an_end_waits_for_what_is_to_be_written)
{
	auto_world w = world_new(TWO_SLOT);

	world_advance(&w, SECONDS(2));
	ask_for_two(&w);
	fake_loop_signal(SIGTERM);
	world_advance(&w, SECONDS(4));
	ck_assert(!fake_loop_stopped());
	fake_functions_hang = false;
	fake_process_exit(fake_process_find("function"), 0);
	world_settle(&w);
	ck_assert(fake_loop_stopped());
	ck_assert_ptr_nonnull(strstr(content(&w, "state/history"), "\"job\":7,"));
}
END_TEST

/* A directory stands where a file should be written. */
static void spoil(struct world *w, const char *name, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%s", w->dir, name);
	(void)unlink(path);
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

START_TEST(an_end_tries_once_more_what_could_not_be_written)
{
	auto_world w = world_new(TWO_SLOT);
	char history[128], live[128];

	world_advance(&w, SECONDS(2));
	spoil(&w, "state/history", history, sizeof(history));
	spoil(&w, "live", live, sizeof(live));
	records_history(w.sup, strdup("{\"job\":7,\"why\":\"no room\"}\n"), NULL);
	records_write(the_service(&w));
	world_settle(&w);
	ck_assert(the_service(&w)->unrecorded);
	logged("lines of the history wait until they can be written");
	ck_assert_int_eq(rmdir(history), 0);
	ck_assert_int_eq(rmdir(live), 0);
	fake_loop_signal(SIGTERM);
	world_settle(&w);
	ck_assert(fake_loop_stopped());
	ck_assert_str_eq(content(&w, "state/history"), "{\"job\":7,\"why\":\"no room\"}\n");
	ck_assert_str_eq(content(&w, "live"), "a\n");
}
END_TEST

START_TEST(a_disk_that_stays_full_does_not_hold_up_an_end)
{
	auto_world w = world_new(TWO_SLOT);
	char history[128];

	world_advance(&w, SECONDS(2));
	spoil(&w, "state/history", history, sizeof(history));
	records_history(w.sup, strdup("{\"job\":7}\n"), NULL);
	world_settle(&w);
	fake_loop_signal(SIGTERM);
	world_settle(&w);
	ck_assert(fake_loop_stopped());
	ck_assert_int_eq(rmdir(history), 0);
}
END_TEST

START_TEST(a_dead_disk_does_not_hold_up_an_end)
{
	auto_world w = world_new(TWO_SLOT);

	world_advance(&w, SECONDS(2));
	ask_for_two(&w);
	fake_loop_signal(SIGTERM);
	world_advance(&w, SECONDS(6));
	ck_assert(fake_loop_stopped());
	logged("the last records are not written yet: giving them up");
	fake_functions_hang = false;
	fake_process_exit(fake_process_find("function"), 9);
	fake_processes_inherit();
}
END_TEST

/* Nothing is behind a disk that is slow to write down the number of a job. */
START_TEST(a_flip_waits_only_for_its_check)
{
	auto_world w = world_new(TWO_SLOT);
	struct service *s = the_service(&w);

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, SECONDS(5));
	ck_assert_int_eq(service_live(s), SLOT_B);
	finish(&w);
	fake_functions_hang = true;
	go(&w, SWAP_KIND_SWAP);
	world_settle(&w);
	ck_assert_int_eq(s->swap.step, SWAP_CHECK_RECORD);
	fake_functions_hang = false;
	fake_process_exit(fake_process_find("function"), 0);
	fake_functions_hang = true;
	world_settle(&w);
	ck_assert_int_eq(service_live(s), SLOT_A);
	fake_functions_hang = false;
	world_advance(&w, SECONDS(60));
	finish(&w);
}
END_TEST

SUITE("records", without_any_record_it_is_a_and_that_is_written,
      at_the_first_start_live_file_says_which, rubbish_in_live_file_keeps_that_service_down_alone,
      once_it_is_mended_a_reload_starts_it, the_record_decides_and_keeps_releases_and_numbers,
      numbers_go_on_after_the_last_one_of_the_history, a_damaged_record_is_neither_used_nor_written,
      a_record_that_somebody_has_blown_up_holds_up_no_start, what_is_no_file_is_a_damaged_record,
      no_memory_to_read_it_is_no_damage, an_edit_by_hand_is_put_right,
      other_files_beside_it_are_nobodys_business, the_link_follows_the_live_slot,
      a_record_that_cannot_be_written_is_found_before_the_flip,
      a_disk_that_stops_after_the_flip_is_told_and_tried_again, a_child_that_is_killed_is_no_record,
      what_a_service_that_goes_had_asked_for_is_forgotten, an_end_waits_for_what_is_to_be_written,
      an_end_tries_once_more_what_could_not_be_written,
      a_disk_that_stays_full_does_not_hold_up_an_end, a_dead_disk_does_not_hold_up_an_end,
      a_flip_waits_only_for_its_check);
