#include <check.h>
#include <control/exposition.h>
#include <control/metrics_page.h>
#include <control/metrics_table.h>
#include <fcntl.h>
#include <slotd/cleanup.h>
#include <slotd/service_names.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "suite.h"

static struct message m;

/* ---- the format */

START_TEST(label_values_are_escaped_and_always_utf8)
{
	static const struct {
		const char *value, *text;
	} cases[] = {
		{"plain", "x{l=\"plain\"} 1\n"},
		{"a\"b\\c\nd", "x{l=\"a\\\"b\\\\c\\nd\"} 1\n"},
		{"\"", "x{l=\"\\\"\"} 1\n"},
		{"\xc3\xa4\xe2\x82\xac", "x{l=\"\xc3\xa4\xe2\x82\xac\"} 1\n"},
		{"a\xff\xc3", "x{l=\"a\xef\xbf\xbd\xef\xbf\xbd\"} 1\n"},
		{"{a=,}#\t", "x{l=\"{a=,}#\t\"} 1\n"},
		{"", "x 1\n"},
		{NULL, "x 1\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(strbuf_done) struct strbuf out = {0};

		exposition_begin(&out, "x");
		exposition_label(&out, "l", cases[i].value);
		exposition_end(&out, 1);
		ck_assert_str_eq(strbuf_str(&out), cases[i].text);
	}
}
END_TEST

START_TEST(samples_have_labels_and_numbers_times_and_ratios)
{
	CLEANUP(strbuf_done) struct strbuf out = {0};

	exposition_family(&out, "x", "gauge", "What it is.");
	exposition_begin(&out, "x");
	exposition_label(&out, "a", "1");
	exposition_label(&out, "none", "");
	exposition_label(&out, "b", "2\"");
	exposition_end(&out, -7);
	exposition_begin(&out, "x");
	exposition_end(&out, INT64_MAX);
	exposition_begin(&out, "x");
	exposition_end_time(&out, SECONDS(1795244280) + 42999);
	exposition_begin(&out, "x");
	exposition_end_ratio(&out, 1234, 10000);
	ck_assert_str_eq(strbuf_str(&out), "# HELP x What it is.\n"
					   "# TYPE x gauge\n"
					   "x{a=\"1\",b=\"2\\\"\"} -7\n"
					   "x 9223372036854775807\n"
					   "x 1795244280.042\n"
					   "x 0.1234\n");
}
END_TEST

START_TEST(every_row_has_a_name_a_sentence_and_one_function)
{
	const struct metric *row;

	for (size_t i = 0; (row = metric_at(i)); i++) {
		const size_t len = strlen(row->name);
		const bool total = len > 6 && strcmp(row->name + len - 6, "_total") == 0;

		ck_assert(strncmp(row->name, "slotd_", 6) == 0);
		ck_assert_int_eq(row->slotd != NULL,
				 !row->process && !row->worker && !row->service && !row->slot);
		ck_assert_int_eq((row->process != NULL) + (row->worker != NULL) +
					 (row->service != NULL) + (row->slot != NULL),
				 row->slotd ? 0 : 1);
		ck_assert_str_eq(row->type, total ? "counter" : "gauge");
		ck_assert(!strpbrk(row->help, "\\\n"));
		ck_assert_int_eq(row->help[strlen(row->help) - 1], '.');
		for (size_t j = 0; j < i; j++) {
			ck_assert_str_ne(metric_at(j)->name, row->name);
		}
	}
	ck_assert_uint_gt(strlen(metric_at(0)->name), 0);
}
END_TEST

/* ---- a page */

struct world {
	struct mirror mirror;
	struct counts counts;
	struct jobs jobs;
	struct access access;
	struct peer peer;
	struct metrics_source from;
	struct metrics_place at;
	struct strbuf page;
};

static struct relay_page *new_page(void)
{
	struct relay_page *page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(page, MAP_FAILED);
	return page;
}

static void world_init(struct world *w)
{
	*w = (struct world){0};
	w->from = (struct metrics_source){.mirror = &w->mirror,
					  .counts = &w->counts,
					  .jobs = &w->jobs,
					  .access = &w->access,
					  .peer = &w->peer,
					  .alive = true};
}

static void world_done(struct world *w)
{
	mirror_done(&w->mirror);
	counts_done(&w->counts);
	jobs_done(&w->jobs);
	access_done(&w->access);
	metrics_place_done(&w->at);
	strbuf_done(&w->page);
}

static void apply(struct world *w)
{
	ck_assert_int_eq(message_seal(&m), 0);
	ck_assert_int_eq(message_decode(&m, m.len, NULL), 0);
	ck_assert_int_ge(mirror_apply(&w->mirror, &m), 0);
}

static void put_worker(struct world *w, unsigned index, const char *group, const char *name,
		       const char *service, int slot)
{
	message_init(&m, MSG_STATE_WORKER, 0);
	message_put_u64(&m, TAG_WORKER, index);
	message_put_text(&m, TAG_GROUP, group);
	message_put_text(&m, TAG_NAME, name);
	message_put_i64(&m, TAG_STATE, 20);
	message_put_u64(&m, TAG_GENERATION, 1);
	if (service) {
		message_put_text(&m, TAG_SERVICE, service);
		message_put_u64(&m, TAG_SLOT, (uint64_t)slot);
		message_put_text(&m, TAG_ADDRESS, "127.0.0.1:1");
	}
	apply(w);
}

static void put_service(struct world *w, unsigned index, const char *name)
{
	message_init(&m, MSG_STATE_SERVICE, 0);
	message_put_text(&m, TAG_SERVICE, name);
	message_put_u64(&m, TAG_SERVICE_INDEX, index);
	message_put_u64(&m, TAG_LIVE, SLOT_B);
	message_put_u64(&m, TAG_GENERATION, 3);
	message_put_u64(&m, TAG_TROUBLES,
			trouble_bit(TROUBLE_PAUSED) | trouble_bit(TROUBLE_FROZEN));
	apply(w);
	message_init(&m, MSG_STATE_SLOT, 0);
	message_put_text(&m, TAG_SERVICE, name);
	message_put_u64(&m, TAG_SERVICE_INDEX, index);
	message_put_u64(&m, TAG_SLOT, SLOT_B);
	message_put_u64(&m, TAG_STATE, SLOT_LIVE);
	message_put_u64(&m, TAG_SHARE, 9000);
	message_put_text(&m, TAG_NAME, name);
	message_put_text(&m, TAG_RELEASE, "v\"1\"");
	apply(w);
}

/* All of it; between the pieces it calls, if there is something to call. */
static const char *page(struct world *w, void (*between)(struct world *w))
{
	int r;

	strbuf_reset(&w->page);
	metrics_place_done(&w->at);
	while ((r = metrics_next(&w->from, &w->at, &w->page)) > 0) {
		if (between) {
			between(w);
		}
	}
	ck_assert_int_eq(r, 0);
	return strbuf_str(&w->page);
}

static size_t count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)); p += strlen(part)) {
		n++;
	}
	return n;
}

/* Is this a line of the page, which begins with another? */
static bool has_line(const char *text, const char *line)
{
	char whole[256];

	(void)snprintf(whole, sizeof(whole), "\n%s\n", line);
	return strstr(text, whole) != NULL;
}

/* Each family has its two lines once, and all of its samples behind them. */
static void check_families(const char *text)
{
	char name[128] = "", help[160], type[160];

	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		if (sscanf(line, "# HELP %127s", name) == 1) {
			(void)snprintf(help, sizeof(help), "# HELP %s ", name);
			(void)snprintf(type, sizeof(type), "# TYPE %s ", name);
			ck_assert_uint_eq(count_of(text, help), 1);
			ck_assert_uint_eq(count_of(text, type), 1);
			ck_assert(strncmp(strchr(line, '\n') + 1, type, strlen(type)) == 0);
		} else if (line[0] != '#') {
			ck_assert(strncmp(line, name, strlen(name)) == 0);
			ck_assert(line[strlen(name)] == '{' || line[strlen(name)] == ' ');
		}
	}
}

START_TEST(a_page_says_what_the_mirror_knows)
{
	CLEANUP(world_done) struct world w;
	const char *text;

	world_init(&w);
	put_worker(&w, 0, "cron", "cron", NULL, -1);
	text = page(&w, NULL);
	check_families(text);
	ck_assert(has_line(text, "slotd_up 1"));
	ck_assert(has_line(text, "slotd_process_state{group=\"cron\",process=\"cron\"} 20"));
	ck_assert_uint_eq(count_of(text, "slotd_worker_"), 0); /* nor of services: there are none */
	ck_assert_uint_eq(count_of(text, "slotd_slot_"), 0);
	put_worker(&w, 1, "pay", "pay_1", "pay", SLOT_B);
	put_service(&w, 0, "pay");
	w.from.alive = false;
	text = page(&w, NULL);
	check_families(text);
	ck_assert(has_line(text, "slotd_up 0"));
	ck_assert(has_line(text, "slotd_worker_healthy{group=\"pay\",process=\"pay_1\","
				 "service=\"pay\",slot=\"b\"} 0"));
	ck_assert(has_line(text, "slotd_service_trouble{service=\"pay\",trouble=\"paused\"} 1"));
	ck_assert(has_line(text, "slotd_service_trouble{service=\"pay\",trouble=\"offline\"} 0"));
	ck_assert(has_line(text, "slotd_slot_live{service=\"pay\",slot=\"b\"} 1"));
	ck_assert(has_line(text, "slotd_slot_state{service=\"pay\",slot=\"b\",state=\"live\"} 1"));
	ck_assert(has_line(text, "slotd_slot_share_ratio{service=\"pay\",slot=\"b\"} 0.9000"));
	ck_assert(has_line(text, "slotd_slot_info{service=\"pay\",slot=\"b\",name=\"pay\","
				 "release=\"v\\\"1\\\"\"} 1"));
}
END_TEST

static unsigned turns;

/* The last that was written goes away, and others come before and behind it. */
static void change(struct world *w)
{
	char name[32];

	if (w->at.name && turns < 40) {
		struct mirror_worker *last = mirror_worker(&w->mirror, w->at.group, w->at.name);

		turns++;
		if (last) {
			message_init(&m, MSG_STATE_WORKER_GONE, 0);
			message_put_u64(&m, TAG_WORKER, last->index);
			apply(w);
		}
		(void)snprintf(name, sizeof(name), "a%04u", turns);
		put_worker(w, 1000 + 2 * turns, "g", name, NULL, -1);
		(void)snprintf(name, sizeof(name), "z%04u", turns);
		put_worker(w, 1001 + 2 * turns, "g", name, NULL, -1);
	}
}

START_TEST(no_sample_appears_twice_while_processes_come_and_go)
{
	CLEANUP(world_done) struct world w;
	const char *text;
	char name[32], sample[128];

	world_init(&w);
	for (unsigned i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "w%04u", i);
		put_worker(&w, i, "g", name, NULL, -1);
	}
	turns = 0;
	text = page(&w, change);
	ck_assert_uint_eq(turns, 40);
	check_families(text);
	for (unsigned i = 0; i < 300; i++) {
		(void)snprintf(sample, sizeof(sample),
			       "slotd_process_up{group=\"g\",process=\"w%04u\"} 1\n", i);
		ck_assert_uint_eq(count_of(text, sample), 1);
		(void)snprintf(sample, sizeof(sample),
			       "slotd_process_state{group=\"g\",process=\"w%04u\"}", i);
		ck_assert_uint_le(count_of(text, sample), 1);
	}
}
END_TEST

static size_t longest;

static void measure(struct world *w)
{
	longest = w->page.len > longest ? w->page.len : longest;
	strbuf_reset(&w->page);
}

START_TEST(a_piece_is_small_however_many_workers_there_are)
{
	CLEANUP(world_done) struct world w;
	char name[32];

	world_init(&w);
	put_service(&w, 0, "pay");
	for (unsigned i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "w%04u", i);
		put_worker(&w, i, "g", name, "pay", SLOT_B);
	}
	longest = 0;
	(void)page(&w, measure);
	ck_assert_uint_gt(longest, 0);
	ck_assert_uint_lt(longest, 64 * 1024);
}
END_TEST

START_TEST(who_has_the_role_for_a_service_sees_that_one_alone)
{
	CLEANUP(world_done) struct world w;
	const char *text;

	world_init(&w);
	put_worker(&w, 0, "cron", "cron", NULL, -1);
	put_worker(&w, 1, "pay", "pay_1", "pay", SLOT_A);
	put_worker(&w, 2, "shop", "shop_1", "shop", SLOT_A);
	put_service(&w, 0, "pay");
	put_service(&w, 1, "shop");
	message_init(&m, MSG_CONTROL_ACCESS, 0);
	message_put_u64(&m, TAG_STATE, 1);
	message_put_u64(&m, TAG_UID, 500);
	message_put_text(&m, TAG_TEXT, "1 u 40 pay\n1 u 41 *\n");
	ck_assert_int_eq(message_seal(&m), 0);
	ck_assert_int_eq(message_decode(&m, m.len, NULL), 0);
	ck_assert_int_eq(access_apply(&w.access, &m), 0);
	w.peer = (struct peer){.has_credentials = true, .credentials = {.uid = 40, .gid = 1}};
	text = page(&w, NULL);
	check_families(text);
	ck_assert(count_of(text, "\"pay\"") > 10 && has_line(text, "slotd_up 1"));
	ck_assert_uint_eq(count_of(text, "\"shop\"") + count_of(text, "\"cron\""), 0);
	w.peer.credentials.uid = 41;
	text = page(&w, NULL);
	ck_assert(count_of(text, "\"shop\"") > 10 && count_of(text, "\"cron\"") > 1);
	w.peer.credentials.uid = 42;
	text = page(&w, NULL);
	ck_assert_uint_eq(count_of(text, "\"pay\"") + count_of(text, "\"shop\""), 0);
}
END_TEST

/* ---- what relays count */

START_TEST(totals_do_not_fall_when_a_relay_has_died)
{
	struct counts c = {0};
	struct relay_page *one = new_page(), *two = new_page();

	c.pages[0] = one;
	c.pages[1] = two;
	c.answers[0] = c.answers[1] = true;
	one->workers[7].total = 100;
	two->workers[7].total = 50;
	two->answers[7].lost = 5;
	one->services[3].accepted = 70;
	two->services[3].accepted = 7;
	ck_assert_uint_eq(counts_total(&c, 7, TOTAL_CONNECTIONS), 150);
	ck_assert_uint_eq(counts_total(&c, 7, TOTAL_LOST), 5);
	ck_assert_uint_eq(counts_accepted(&c, 3), 77);
	memset(one, 0, sizeof(*one)); /* as slotd does */
	two->workers[7].total = 51;
	ck_assert_uint_eq(counts_total(&c, 7, TOTAL_CONNECTIONS), 150);
	ck_assert_uint_eq(counts_accepted(&c, 3), 77);
	one->workers[7].total = 2;
	one->services[3].accepted = 3;
	ck_assert_uint_eq(counts_total(&c, 7, TOTAL_CONNECTIONS), 152);
	ck_assert_uint_eq(counts_total(&c, 7, TOTAL_LOST), 5);
	ck_assert_uint_eq(counts_accepted(&c, 3), 80);
	ck_assert_uint_eq(counts_total(&c, SWITCHBOARD_WORKERS, TOTAL_LOST), 0);
	counts_done(&c);
}
END_TEST

static void send_page(struct counts *c, unsigned index, int fd)
{
	message_init(&m, MSG_STATE_COUNTS, 0);
	message_put_u64(&m, TAG_INDEX, index);
	message_put_fd(&m, fcntl(fd, F_DUPFD_CLOEXEC, 0));
	ck_assert_int_eq(message_seal(&m), 0);
	ck_assert_int_eq(message_decode(&m, m.len, NULL), 0);
	ck_assert_int_eq(counts_apply(c, &m), 0);
	message_done(&m);
}

START_TEST(a_relay_that_gets_another_number_is_counted_once)
{
	struct counts c = {0};
	auto_close int old = memfd_create("old", MFD_CLOEXEC);
	auto_close int fresh = memfd_create("fresh", MFD_CLOEXEC);
	struct relay_counts row = {.total = 100};

	ck_assert_int_eq(ftruncate(old, sizeof(struct relay_page)), 0);
	ck_assert_int_eq(ftruncate(fresh, sizeof(struct relay_page)), 0);
	ck_assert_int_eq(pwrite(old, &row, sizeof(row), offsetof(struct relay_page, workers)),
			 sizeof(row));
	send_page(&c, 0, old);
	ck_assert_uint_eq(counts_total(&c, 0, TOTAL_CONNECTIONS), 100);
	send_page(&c, 1, old);
	ck_assert_uint_eq(counts_total(&c, 0, TOTAL_CONNECTIONS), 100);
	send_page(&c, 0, fresh);
	ck_assert_uint_eq(counts_total(&c, 0, TOTAL_CONNECTIONS), 100);
	row.total = 101;
	ck_assert_int_eq(pwrite(old, &row, sizeof(row), offsetof(struct relay_page, workers)),
			 sizeof(row));
	ck_assert_uint_eq(counts_total(&c, 0, TOTAL_CONNECTIONS), 101);
	ck_assert_uint_eq(counts_total(&c, 0, TOTAL_LOST), 0);
	counts_done(&c);
}
END_TEST

START_TEST(the_page_of_an_older_slotd_is_read_as_far_as_it_goes)
{
	struct counts c = {0};
	struct relay_page *old = new_page();
	const size_t page_size = 4096, end = (RELAY_PAGE_LEAST + page_size - 1) & ~(page_size - 1);

	c.pages[0] = old;
	old->workers[8191].total = 4;
	/* Beyond its end a read would be a SIGBUS. */
	ck_assert_int_eq(mprotect((char *)old + end, sizeof(*old) - end, PROT_NONE), 0);
	ck_assert_uint_eq(counts_total(&c, 8191, TOTAL_CONNECTIONS), 4);
	ck_assert_uint_eq(counts_total(&c, 8191, TOTAL_ANSWERED), 0);
	counts_done(&c);
}
END_TEST

SUITE("metrics", label_values_are_escaped_and_always_utf8,
      samples_have_labels_and_numbers_times_and_ratios,
      every_row_has_a_name_a_sentence_and_one_function, a_page_says_what_the_mirror_knows,
      no_sample_appears_twice_while_processes_come_and_go,
      a_piece_is_small_however_many_workers_there_are,
      who_has_the_role_for_a_service_sees_that_one_alone, totals_do_not_fall_when_a_relay_has_died,
      a_relay_that_gets_another_number_is_counted_once,
      the_page_of_an_older_slotd_is_read_as_far_as_it_goes);
