/* From bytes to sections and options: the rules of Python's ConfigParser as Supervisor uses it. */
#include <config/document.h>
#include <slotd/strbuf.h>

#include "config_text.h"
#include "suite.h"

/* "[s] k=v|k=v [t]" of what was read. */
static const char *dump(const char *text, size_t len, unsigned *ret_errors)
{
	static char buf[4096];
	CLEANUP(config_freep) struct config *c = calloc(1, sizeof(*c));
	CLEANUP(document_done) struct document d;
	CLEANUP(strbuf_done) struct strbuf out = {0};

	ck_assert_int_eq(document_init(&d), 0);
	ck_assert_int_eq(ini_read(&d, c, "t.conf", text, len), 0);
	vec_for_each (s, &d.sections) {
		(void)strbuf_addf(&out, "%s[%s]", out.len ? " " : "", (*s)->name);
		vec_for_each (o, &(*s)->options) {
			(void)strbuf_addf(&out, " %s=%s|", (*o)->name, (*o)->value);
		}
	}
	*ret_errors = c->n_errors;
	(void)snprintf(buf, sizeof(buf), "%s", strbuf_str(&out));
	return buf;
}

static const struct {
	const char *text, *result;
} grammar[] = {
	{"[s]\nk=v\n", "[s] k=v|"},
	{"[s]\nk:v", "[s] k=v|"},
	{"[s]\nk = v : w = x\n", "[s] k=v : w = x|"},
	{"[s]\nKey Two=v\n", "[s] key two=v|"},
	{"[s]\nk=\n", "[s] k=|"},
	{"[s]\r\nk=v\r\n", "[s] k=v|"},
	{"\xef\xbb\xbf[s]\nk=v\n", "[s] k=v|"},
	{"[s]x\nk=v\n", "[s] k=v|"},
	{"[a]b]\nk=v\n", "[a]b] k=v|"},
	{"[ s ]\n", "[ s ]"},
	{"[s]\n[t]\n", "[s] [t]"},
	{"; c\n# c\n[s]\n  ; c\nk=v ; c\n", "[s] k=v|"},
	{"[s]\nk=v # c\n", "[s] k=v|"},
	{"[s]\nk=a;b#c\n", "[s] k=a;b#c|"},
	{"[s]\nk=bash -c 'a ; b'\n", "[s] k=bash -c 'a|"},
	{"[s]\nk=a;b ; c # d\n", "[s] k=a;b ; c|"},
	{"[s]\nk=;c\n", "[s] k=;c|"},
	{"[s]\nk= ;c\n", "[s] k=|"},
	{"[s]\nk=a\n b\n\tc\n", "[s] k=a\nb\nc|"},
	{"[s]\nk=a\n\n b\n\n\nj=c\n", "[s] k=a\n\nb| j=c|"},
	{"[s]\nk=a\n; c\n b ; d\n # e\n c\n", "[s] k=a\nb\nc|"},
	{"[s]\n  k=a\n  j=b\n", "[s] k=a| j=b|"},
	{"[s]\n  k=a\n   b=c\n", "[s] k=a\nb=c|"},
	{"[s]\nk=a\n[t]\nj=b\n[s]\nk=c\nl=d\n", "[s] k=c| l=d| [t] j=b|"},
	{"[s]\nk=a\nk=b\n", "[s] k=b|"},
	{"[s]\n[t]", "[s] [t]"},
	{"", ""},
};

START_TEST(lines_are_read_as_pythons_config_parser_reads_them)
{
	for (size_t i = 0; i < ARRAY_SIZE(grammar); i++) {
		unsigned errors;

		ck_assert_str_eq(dump(grammar[i].text, strlen(grammar[i].text), &errors),
				 grammar[i].result);
		ck_assert_msg(errors == 0, "refused: %s", grammar[i].text);
	}
}
END_TEST

START_TEST(lines_that_are_nothing_are_refused_where_they_stand)
{
	expect_message("[supervisord]\nlogfile\n", true, 2, "parsing error: \"logfile\"");
	expect_message("[supervisord]\n=x\n", true, 2, "parsing error");
	expect_message("logfile=x\n", true, 1, "File contains no section headers.");
	expect_message("[]\n", true, 1, "File contains no section headers.");
	expect_message("[DEFAULT]\nuser=x\n", true, 1, "[DEFAULT] is not supported");
}
END_TEST

START_TEST(a_zero_byte_is_refused)
{
	unsigned errors;

	(void)dump("[s]\nk=a\0b\n", 10, &errors);
	ck_assert_uint_eq(errors, 1);
}
END_TEST

START_TEST(long_lines_and_names_work_up_to_their_limits)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	auto_config struct config *c = NULL;
	char name[DOCUMENT_NAME_MAX];

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - strlen("program:") - 1] = '\0';
	(void)strbuf_addf(&text, "[program:%s]\ncommand=", name);
	for (int i = 0; i < 60000; i++) {
		(void)strbuf_addc(&text, 'x');
	}
	(void)strbuf_addc(&text, '\n');
	c = load_good(strbuf_str(&text));
	ck_assert_uint_eq(strlen(worker(c, name, name)->command), 60000);
}
END_TEST

START_TEST(beyond_the_limits_is_an_error_not_a_cut)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};

	(void)strbuf_adds(&text, "[program:x]\ncommand=");
	for (int i = 0; i < DOCUMENT_LINE_MAX; i++) {
		(void)strbuf_addc(&text, 'x');
	}
	expect_message(strbuf_str(&text), true, 2, "bytes is too long: the limit is 65536");

	strbuf_reset(&text);
	(void)strbuf_adds(&text, "[supervisord]\n");
	for (int i = 0; i <= DOCUMENT_NAME_MAX; i++) {
		(void)strbuf_addc(&text, 'x');
	}
	(void)strbuf_adds(&text, "=1\n");
	expect_message(strbuf_str(&text), true, 2, "too long: the limit is 200");
}
END_TEST

START_TEST(a_comment_inside_quotes_is_told)
{
	expect_message("[program:x]\ncommand=bash -c 'a ; b'\n", false, 2,
		       "\";\" after a blank starts a comment even inside quotes");
}
END_TEST

START_TEST(messages_come_in_the_order_of_the_file)
{
	auto_config struct config *c = load("[program:x]\nstartsecs=x\ncomand=y\nstopsignal=z\n");
	unsigned line = 0;

	vec_for_each (m, &c->messages) {
		ck_assert_uint_ge(m->diag.line, line);
		line = m->diag.line;
	}
	ck_assert_uint_eq(c->n_errors, 3);
	ck_assert_uint_eq(c->messages.len, 4);
}
END_TEST

SUITE("config_syntax", lines_are_read_as_pythons_config_parser_reads_them,
      lines_that_are_nothing_are_refused_where_they_stand, a_zero_byte_is_refused,
      long_lines_and_names_work_up_to_their_limits, beyond_the_limits_is_an_error_not_a_cut,
      a_comment_inside_quotes_is_told, messages_come_in_the_order_of_the_file);
