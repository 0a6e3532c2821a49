#include <check.h>
#include <slotd/cleanup.h>
#include <slotd/spawn.h>
#include <string.h>

#include "suite.h"

static const char *split(const char *text)
{
	static char joined[256];
	CLEANUP(words_freep) char **words = NULL;
	struct diag diag = {0};
	int n = words_split(text, &diag, &words);

	if (n < 0) {
		(void)snprintf(joined, sizeof(joined), "! %s", diag.text);
		return joined;
	}
	joined[0] = '\0';
	for (int i = 0; i < n; i++) {
		(void)strcat(strcat(strcat(joined, "<"), words[i]), ">");
	}
	ck_assert_ptr_null(words[n]);
	return joined;
}

START_TEST(a_command_is_split_as_a_shell_would)
{
	ck_assert_str_eq(split("gunicorn app:wsgi  --bind\t127.0.0.1:80\n"),
			 "<gunicorn><app:wsgi><--bind><127.0.0.1:80>");
	ck_assert_str_eq(split("bash -c 'a ; b' \"c d\"'e'f"), "<bash><-c><a ; b><c def>");
	ck_assert_str_eq(split("a\\ b \"x\\\"y\\\\z\\n\" '' '\\'"), "<a b><x\"y\\z\\n><><\\>");
	ck_assert_str_eq(split("echo $HOME * # no comment | x"),
			 "<echo><$HOME><*><#><no><comment><|><x>");
	ck_assert_str_eq(split("  "), "");
}
END_TEST

START_TEST(an_open_quote_is_refused_in_supervisors_words)
{
	ck_assert_str_eq(split("a 'b"), "! No closing quotation");
	ck_assert_str_eq(split("a \"b"), "! No closing quotation");
	ck_assert_str_eq(split("a \\"), "! No escaped character");
}
END_TEST

START_TEST(later_settings_of_an_environment_win)
{
	CLEANUP(env_done) struct env e = {0};
	char *more[] = {(char *)"B=2", (char *)"A=3", NULL};

	ck_assert_int_eq(env_set(&e, "A=1"), 0);
	ck_assert_int_eq(env_set(&e, "AB=x"), 0);
	ck_assert_int_eq(env_set(&e, "no setting"), 0);
	ck_assert_int_eq(env_add(&e, more), 0);
	ck_assert_int_eq(env_setf(&e, "C=%d", 7), 0);
	ck_assert_str_eq(env_get(&e, "A"), "3");
	env_unset(&e, "AB");
	env_unset(&e, "nothing");
	ck_assert_ptr_null(env_get(&e, "AB"));
	ck_assert_uint_eq(e.len, 3);
	ck_assert_str_eq(e.at[0], "A=3");
	ck_assert_str_eq(e.at[2], "C=7");
	ck_assert_ptr_null(e.at[3]);
}
END_TEST

START_TEST(a_failed_start_is_told_in_supervisors_words)
{
	struct spawn_report r = {.stage = SPAWN_STAGE_LOOKUP, .error = -ENOENT};
	char buf[256];

	ck_assert_str_eq(spawn_report_text(&r, "no'ne", buf, sizeof(buf)),
			 "can't find command \"no'ne\"");
	r = (struct spawn_report){SPAWN_STAGE_LOOKUP, -ENOEXEC, "/etc/passwd"};
	ck_assert_str_eq(spawn_report_text(&r, "x", buf, sizeof(buf)),
			 "command at '/etc/passwd' is not executable");
	r = (struct spawn_report){SPAWN_STAGE_DIRECTORY, -ENOENT, "/x"};
	ck_assert_str_eq(spawn_report_text(&r, "x", buf, sizeof(buf)),
			 "couldn't chdir to /x: ENOENT");
	r = (struct spawn_report){SPAWN_STAGE_EXEC, -ENOEXEC, "/x"};
	ck_assert_str_eq(spawn_report_text(&r, "/x", buf, sizeof(buf)),
			 "couldn't exec /x: ENOEXEC");
}
END_TEST

int main(void)
{
	return suite_run("spawn", a_command_is_split_as_a_shell_would,
			 an_open_quote_is_refused_in_supervisors_words,
			 later_settings_of_an_environment_win,
			 a_failed_start_is_told_in_supervisors_words);
}
