/*
 * Every allocation of a load fails once, in turn. Linked with --wrap, so that only the calls of the
 * code under test can fail.
 */
#include <stdlib.h>

#include "config_text.h"
#include "suite.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

enum {
	NEVER = -1,
	FAILED = -2,
};

static long until_failure = NEVER;

static bool fails(void)
{
	if (until_failure < 0) {
		return false;
	}
	if (until_failure == 0) {
		until_failure = FAILED;
		return true;
	}
	until_failure--;
	return false;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

static const char text[] =
	"[supervisord]\nenvironment=A=\"b c\"\n"
	"[unix_http_server]\nfile=/tmp/x.sock\nchown=nobody:nogroup\n"
	"[inet_http_server]\nport=*:9001\nusername=u\npassword=p\n"
	"[program:web]\ncommand=%(here)s/web %(process_num)02d %(ENV_A)r\nnumprocs=2\n"
	"process_name=%(program_name)s_%(process_num)d\nenvironment=N=\"%(process_num)d\"\n"
	"stdout_logfile=/tmp/%%%%%(process_num)d\n"
	"[program:other]\ncommand=a\nuser=nobody\n[group:g]\nprograms=web,other\n"
	"[eventlistener:l]\ncommand=l\nevents=TICK_5,EVENT\n"
	"[service:s]\nlisten=127.0.0.1:8000,unix:/tmp/s.sock\nhealth=http /%(slot)s\n"
	"health_header=A: b\ncommand=a\nports_a=8001-8002\nports_b=8003\nallow_deploy=ana\n"
	"prepare=make\n";

/* 0: nothing failed any more. */
static int load_failing_at(long n, struct config **ret, struct diag *diag)
{
	int r;

	until_failure = n;
	r = config_load_text("/srv/t.conf", text, strlen(text), NULL, diag, ret);
	r = until_failure == FAILED ? r : 1;
	until_failure = NEVER;
	return r;
}

START_TEST(a_load_out_of_memory_says_so_and_leaves_nothing)
{
	long n = 0;

	for (;; n++) {
		auto_config struct config *c = NULL;
		struct diag diag = {0};
		int r = load_failing_at(n, &c, &diag);

		if (r > 0) {
			break;
		}
		ck_assert_msg(r == -ENOMEM, "allocation %ld: %d", n, r);
		ck_assert_ptr_null(c);
		ck_assert_int_eq(diag.code, -ENOMEM);
	}
	ck_assert_int_gt(n, 100);
}
END_TEST

START_TEST(a_comparison_out_of_memory_says_so)
{
	auto_config struct config *old = load_good("[program:x]\ncommand=a\n");
	auto_config struct config *c = load_good(text);

	for (long n = 0;; n++) {
		struct config_diff d = {0};
		int r;

		until_failure = n;
		r = config_diff(old, c, &d);
		if (until_failure != FAILED) {
			until_failure = NEVER;
			ck_assert_int_eq(r, 0);
			ck_assert_uint_eq(d.workers.len, 8);
			config_diff_done(&d);
			break;
		}
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(d.workers.at);
	}
	until_failure = NEVER;
}
END_TEST

SUITE("config_memory", a_load_out_of_memory_says_so_and_leaves_nothing,
      a_comparison_out_of_memory_says_so);
