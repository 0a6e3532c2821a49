#include <check.h>
#include <errno.h>
#include <slotd/command.h>
#include <slotd/message.h>
#include <string.h>

#include "suite.h"

static struct message sent, got;

static void transfer(void)
{
	ck_assert_int_eq(message_seal(&sent), 0);
	memcpy(got.buf, sent.buf, sent.len);
	got.n_fds = sent.n_fds;
	memcpy(got.fds, sent.fds, sizeof(sent.fds));
	ck_assert_int_eq(message_decode(&got, sent.len, NULL), 0);
}

START_TEST(what_is_put_in_comes_out)
{
	char dump[256];
	size_t len;

	message_init(&sent, MSG_LOG_EVENT, 7);
	message_put_u64(&sent, TAG_STREAM, 3);
	message_put_u64(&sent, TAG_CHANNEL, 1);
	message_put_i64(&sent, TAG_KIND, -5);
	message_put_bytes(&sent, TAG_BYTES, "a\0b", 3);
	transfer();
	ck_assert_int_eq(got.type, MSG_LOG_EVENT);
	ck_assert_uint_eq(got.id, 7);
	ck_assert_uint_eq(message_u64(&got, TAG_STREAM), 3);
	ck_assert_int_eq(message_i64(&got, TAG_KIND), -5);
	ck_assert_mem_eq(message_bytes(&got, TAG_BYTES, &len), "a\0b", 3);
	ck_assert_uint_eq(len, 3);
	ck_assert_ptr_null(message_text(&got, TAG_NAME));
	ck_assert_str_eq(message_dump(&got, dump, sizeof(dump)),
			 "log_event #7 stream=3 channel=1 bytes=[3 bytes] kind=-5");
}
END_TEST

START_TEST(a_missing_field_is_refused_on_both_sides)
{
	const char *why;

	message_init(&sent, MSG_KEEP_DROP, 0);
	ck_assert_int_eq(message_seal(&sent), -EINVAL);
	memcpy(got.buf, sent.buf, sent.len);
	got.n_fds = 0;
	ck_assert_int_eq(message_decode(&got, sent.len, &why), -EBADMSG);
	ck_assert_str_eq(why, "a required field is missing");
}
END_TEST

START_TEST(an_unknown_tag_is_skipped)
{
	const uint16_t tag = 60000;

	message_init(&sent, MSG_RELAY_WORKER, 0);
	message_put_text(&sent, TAG_NAME, "x");
	memcpy(sent.buf + 16, &tag, sizeof(tag)); /* the first field's tag */
	message_put_u64(&sent, TAG_SERVICE_INDEX, 0);
	message_put_u64(&sent, TAG_SLOT, 0);
	message_put_u64(&sent, TAG_WORKER, 1);
	message_put_text(&sent, TAG_ADDRESS, "127.0.0.1:1");
	message_put_u64(&sent, TAG_UP, 1);
	transfer();
	ck_assert_str_eq(message_text(&got, TAG_ADDRESS), "127.0.0.1:1");
	ck_assert(!message_has(&got, TAG_NAME));
}
END_TEST

START_TEST(a_put_that_does_not_fit_sticks)
{
	static char big[MESSAGE_MAX];

	message_init(&sent, MSG_STDIN, 0);
	message_put_text(&sent, TAG_NAME, "x");
	message_put_bytes(&sent, TAG_BYTES, big, sizeof(big));
	ck_assert_int_eq(message_seal(&sent), -EMSGSIZE);
	message_init(&sent, MSG_STDIN, 0);
	message_put_text(&sent, TAG_NAME, "x");
	message_put_text(&sent, TAG_NAME, "y");
	ck_assert_int_eq(message_seal(&sent), -EINVAL);
}
END_TEST

START_TEST(a_tag_that_the_table_does_not_give_the_message_is_not_sent)
{
	message_init(&sent, MSG_KEEP_DROP, 0);
	message_put_text(&sent, TAG_NAME, "x");
	message_put_u64(&sent, TAG_COUNT, 1);
	ck_assert_int_eq(message_seal(&sent), -EINVAL);
}
END_TEST

START_TEST(every_truncation_of_a_message_is_refused)
{
	message_init(&sent, MSG_KEEP_DROP, 1);
	message_put_text(&sent, TAG_NAME, "listen payinv 127.0.0.1:8000");
	ck_assert_int_eq(message_seal(&sent), 0);
	for (uint32_t len = 0; len < sent.len; len++) {
		memcpy(got.buf, sent.buf, sent.len);
		got.n_fds = 0;
		ck_assert_int_eq(message_decode(&got, len, NULL), -EBADMSG);
	}
}
END_TEST

START_TEST(every_row_and_tag_has_a_name)
{
	for (int t = MSG_NONE + 1; t < MSG_TYPE_MAX_; t++) {
		ck_assert_str_ne(message_type_name((enum message_type)t), "?");
	}
	for (int t = TAG_NONE + 1; t < TAG_MAX_; t++) {
		ck_assert_ptr_nonnull(message_tag_name((enum message_tag)t));
	}
	for (int c = COMMAND_NONE + 1; c < COMMAND_MAX_; c++) {
		ck_assert_ptr_nonnull(command_name((enum command)c));
	}
}
END_TEST

SUITE("message", what_is_put_in_comes_out, a_missing_field_is_refused_on_both_sides,
      an_unknown_tag_is_skipped, a_put_that_does_not_fit_sticks,
      a_tag_that_the_table_does_not_give_the_message_is_not_sent,
      every_truncation_of_a_message_is_refused, every_row_and_tag_has_a_name);
