#include <check.h>
#include <control/readers.h>
#include <errno.h>
#include <slotd/access.h>
#include <slotd/cleanup.h>
#include <slotd/message.h>
#include <string.h>

#include "suite.h"

static const struct grant grants[] = {
	{ROLE_ADMIN, false, 10, NULL},	    {ROLE_READ, true, 20, NULL},
	{ROLE_DEPLOY, false, 30, "payinv"}, {ROLE_METRICS, false, 40, NULL},
	{ROLE_READ, false, 30, "shop"},
};
#define N ARRAY_SIZE(grants)

START_TEST(a_role_is_for_all_services_or_for_one)
{
	ck_assert_int_eq(grants_level(grants, N, 10, 1, NULL), ROLE_ADMIN);
	ck_assert_int_eq(grants_level(grants, N, 10, 1, "shop"), ROLE_ADMIN);
	ck_assert_int_eq(grants_level(grants, N, 99, 20, "shop"), ROLE_READ);
	ck_assert_int_eq(grants_level(grants, N, 30, 1, NULL), ROLE_NONE);
	ck_assert_int_eq(grants_level(grants, N, 30, 1, "payinv"), ROLE_DEPLOY);
	ck_assert_int_eq(grants_level(grants, N, 30, 1, "shop"), ROLE_READ);
	ck_assert_int_eq(grants_level(grants, N, 30, 1, "chat"), ROLE_NONE);
	ck_assert_int_eq(grants_best(grants, N, 30, 1), ROLE_DEPLOY);
	ck_assert_int_eq(grants_best(grants, N, 40, 1), ROLE_METRICS);
	/* A uid is no gid, and nobody known is nobody at all. */
	ck_assert_int_eq(grants_level(grants, N, 20, 10, NULL), ROLE_NONE);
	ck_assert_int_eq(grants_level(grants, N, (uid_t)-1, (gid_t)-1, NULL), ROLE_NONE);
}
END_TEST

START_TEST(a_role_is_written_with_a_colon)
{
	static const char *const wrong[] = {"",	       "deploy",   "deploy:", ":ci",
					    "boss:ci", "none:ci",  "read:@",  "Deploy:ci",
					    "dep:ci",  "deploy ci"};
	const char *name = NULL;

	ck_assert_int_eq(role_parse("deploy:ci", &name), ROLE_DEPLOY);
	ck_assert_str_eq(name, "ci");
	ck_assert_int_eq(role_parse("read:@staff", &name), ROLE_READ);
	ck_assert_str_eq(name, "@staff");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ck_assert_msg((int)role_parse(wrong[i], &name) < 0, "%s", wrong[i]);
	}
}
END_TEST

START_TEST(a_line_of_a_role_is_read_as_it_was_written)
{
	static const char *const wrong[] = {"",	   "1",	    "9 u 1 x", "2 x 1 *",
					    "2 u", "2 u 1", "2 u 1 ",  "-1 u 1 *"};
	char line[GRANT_TEXT_MAX];
	struct grant g;
	size_t n = 0, len;

	for (size_t i = 0; i < N; i++) {
		len = grant_format(&grants[i], line, sizeof(line));
		ck_assert_uint_gt(len, 0);
		ck_assert(grant_read(line, len - 1, &g, &n));
		ck_assert_int_eq(g.role, grants[i].role);
		ck_assert_int_eq(g.group, grants[i].group);
		ck_assert_uint_eq(g.id, grants[i].id);
		ck_assert_uint_eq(n, grants[i].service ? strlen(grants[i].service) : 0);
		ck_assert(!g.service == !grants[i].service);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ck_assert_msg(!grant_read(wrong[i], strlen(wrong[i]), &g, &n), "%s", wrong[i]);
	}
}
END_TEST

static int apply(struct access *a, bool strict, const char *text)
{
	static struct message m;

	message_init(&m, MSG_CONTROL_ACCESS, 0);
	message_put_u64(&m, TAG_UID, 500);
	message_put_u64(&m, TAG_STATE, strict);
	message_put_text(&m, TAG_TEXT, text);
	return access_apply(a, &m);
}

START_TEST(slotd_control_lets_read_whom_slotd_names)
{
	CLEANUP(access_done) struct access a = {0};
	struct peer p = {.has_credentials = true, .credentials = {.uid = 30, .gid = 1}};
	const struct peer root = {.has_credentials = true};
	const struct peer own = {.has_credentials = true, .credentials = {.uid = 500}};
	const struct peer unknown = {0}, other = {.server = 1};

	ck_assert_int_eq(apply(&a, false, "3 u 30 payinv\n"), 0);
	ck_assert(access_reads(&a, &unknown, NULL)); /* without roles as ever */
	ck_assert_int_eq(apply(&a, true, "3 u 30 payinv\n2 g 20 *\n1 u 40 *\n"), 0);
	ck_assert(access_reads(&a, &p, "payinv"));
	ck_assert(!access_reads(&a, &p, "shop") && !access_reads(&a, &p, NULL));
	ck_assert(!access_reads(&a, &p, "")); /* a worker of no service */
	ck_assert(access_has(&a, &p, ROLE_READ));
	p.credentials.gid = 20;
	ck_assert(access_reads(&a, &p, "shop") && access_reads(&a, &p, NULL));
	p.credentials = (struct ucred){.uid = 40, .gid = 1};
	ck_assert(access_has(&a, &p, ROLE_METRICS) && !access_has(&a, &p, ROLE_READ));
	ck_assert(access_reads(&a, &root, NULL) && access_reads(&a, &own, NULL));
	ck_assert(access_reads(&a, &other, NULL)); /* a server with rules of its own */
	ck_assert(!access_reads(&a, &unknown, NULL) && !access_has(&a, &unknown, ROLE_METRICS));
	/* Nonsense changes nothing. */
	ck_assert_int_eq(apply(&a, false, "x\n"), -EPROTO);
	ck_assert(!access_reads(&a, &unknown, NULL));
	ck_assert_int_eq(apply(&a, true, ""), 0);
	p.credentials.uid = 30;
	ck_assert(!access_reads(&a, &p, "payinv"));
}
END_TEST

SUITE("access", a_role_is_for_all_services_or_for_one, a_role_is_written_with_a_colon,
      a_line_of_a_role_is_read_as_it_was_written, slotd_control_lets_read_whom_slotd_names);
