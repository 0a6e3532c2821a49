/* Any text as a configuration file: read it, compare it with itself, print what is wrong with it.
 * After a zero byte: any text as the answer of the child that looks users and hosts up. */
#include <config/load.h>
#include <config/resolved.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	INPUT_MAX = 64 << 10,
};

static FILE *nowhere(void)
{
	static FILE *f;

	if (!f) {
		f = fopen("/dev/null", "w");
	}
	return f;
}

static void compare_with_itself(const struct config *c)
{
	struct config_diff d;

	if (config_diff(c, c, &d) == 0) {
		if (d.groups.len || d.workers.len) {
			__builtin_trap(); /* nothing differs from itself */
		}
		config_diff_done(&d);
	}
}

static void check_messages(const struct config *c, int r)
{
	if ((r == 0) != (c->n_errors == 0)) {
		__builtin_trap(); /* what is refused says why */
	}
	vec_for_each (m, &c->messages) {
		if (!m->diag.file[0] || !m->diag.text[0]) {
			__builtin_trap(); /* every message has a place and a sentence */
		}
	}
	config_print_messages(c, nowhere());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero;
	struct config *c = NULL;
	struct diag diag = {0};
	size_t len;
	int r;

	if (size > INPUT_MAX) {
		return 0;
	}
	zero = memchr(data, 0, size);
	len = zero ? (size_t)(zero - data) : size;
	r = config_load_text("/srv/fuzz.conf", (const char *)data, len, NULL, &diag, &c);
	if (!c) {
		return 0;
	}
	check_messages(c, r);
	if (r == 0) { /* what is refused may have two workers of one name, which do differ */
		compare_with_itself(c);
	}
	if (zero) {
		(void)resolved_read(c, (const char *)zero + 1, size - len - 1, &diag);
	}
	c = config_free(c);
	return 0;
}
