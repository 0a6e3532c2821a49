#include <check.h>
#include <fcntl.h>
#include <keep/store.h>
#include <slotd/cleanup.h>
#include <slotd/keep.h>
#include <slotd/message.h>
#include <string.h>

#include "suite.h"

static int open_null(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void put(struct store *s, const char *name, unsigned n)
{
	struct message m;

	message_init(&m, MSG_KEEP_PUT, 0);
	message_put_text(&m, TAG_NAME, name);
	message_put_text(&m, TAG_DESCRIPTORS, "pidfd\nstream 17\n");
	for (unsigned i = 0; i < n; i++) {
		message_put_fd(&m, open_null());
	}
	ck_assert_int_eq(store_put(s, &m), 0);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_int_lt(m.fds[i], 0); /* taken */
	}
}

START_TEST(what_is_put_is_found_until_it_is_dropped)
{
	CLEANUP(store_done) struct store s = {0};
	const struct store_item *item;
	const char *name;
	size_t pos = 0;

	put(&s, "worker web", 4);
	item = store_next(&s, &pos, &name);
	ck_assert_str_eq(name, "worker web");
	ck_assert_uint_eq(item->n, 4);
	ck_assert_str_eq(item->tags, "pidfd\nstream 17\n");
	ck_assert_ptr_null(store_next(&s, &pos, &name));
	store_drop(&s, "worker web");
	pos = 0;
	ck_assert_ptr_null(store_next(&s, &pos, &name));
	ck_assert_uint_eq(s.n_fds, 0);
}
END_TEST

START_TEST(a_second_put_closes_what_it_replaces)
{
	CLEANUP(store_done) struct store s = {0};
	const char *name;
	size_t pos = 0;
	int first;

	put(&s, "ledger", 1);
	first = store_next(&s, &pos, &name)->fds[0];
	put(&s, "ledger", 2);
	ck_assert_uint_eq(s.n_fds, 2);
	ck_assert_int_eq(fcntl(first, F_GETFD), -1);
}
END_TEST

START_TEST(dropping_what_is_not_there_is_harmless)
{
	CLEANUP(store_done) struct store s = {0};

	store_drop(&s, "nothing");
	ck_assert_uint_eq(s.n_fds, 0);
}
END_TEST

START_TEST(each_descriptor_has_a_tag)
{
	char tags[KEEP_TAGS_MAX] = "";

	ck_assert_int_eq(keep_tags_add(tags, KEEP_TAG_PIDFD), 0);
	ck_assert_int_eq(keep_tags_add(tags, KEEP_TAG_STREAM "17"), 0);
	ck_assert_int_eq(keep_tags_add(tags, KEEP_TAG_STREAM "1"), 0);
	ck_assert_str_eq(tags, "pidfd\nstream 17\nstream 1\n");
	ck_assert_int_eq(keep_tags_find(tags, "pidfd"), 0);
	ck_assert_int_eq(keep_tags_find(tags, "stream 17"), 1);
	ck_assert_int_eq(keep_tags_find(tags, "stream 1"), 2);
	ck_assert_int_eq(keep_tags_find(tags, "stdin"), -ENOENT);
	ck_assert_int_eq(keep_tags_find("", "stdin"), -ENOENT);
	ck_assert_int_eq(keep_tags_find("pidfd", "pidfd"), 0);
	while (keep_tags_add(tags, KEEP_TAG_STAGING) == 0) {
		ck_assert_uint_lt(strlen(tags), sizeof(tags));
	}
	ck_assert_int_eq(keep_tags_find(tags, "stream 1"), 2);
}
END_TEST

START_TEST(a_tag_may_have_a_number)
{
	ck_assert_int_eq(keep_tags_number("stream 17\nsocket 3\n", 0, KEEP_TAG_STREAM), 17);
	ck_assert_int_eq(keep_tags_number("stream 17\nsocket 3\n", 1, KEEP_TAG_SOCKET), 3);
	ck_assert_int_eq(keep_tags_number("stream 17\nsocket 3\n", 1, KEEP_TAG_STREAM), -ENOENT);
	ck_assert_int_eq(keep_tags_number("socket 3\n", 1, KEEP_TAG_SOCKET), -ENOENT);
	ck_assert_int_eq(keep_tags_number("socket x\n", 0, KEEP_TAG_SOCKET), -ENOENT);
	ck_assert_int_eq(keep_tags_number("", 0, KEEP_TAG_SOCKET), -ENOENT);
}
END_TEST

SUITE("keep", what_is_put_is_found_until_it_is_dropped, a_second_put_closes_what_it_replaces,
      dropping_what_is_not_there_is_harmless, each_descriptor_has_a_tag, a_tag_may_have_a_number);
