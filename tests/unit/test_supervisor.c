#include <check.h>
#include <slotd/cleanup.h>
#include <string.h>

#include "suite.h"
#include "supervisor/commands.h"
#include "supervisor/options.h"
#include "supervisor/worker/names.h"

/* ---- names */

static struct worker_config configs[] = {
	{.name = (char *)"web"}, {.name = (char *)"web_1"}, {.name = (char *)"cron"}};
static struct process processes[3];
static struct process *of_web[] = {&processes[0], &processes[1]}, *of_cron[] = {&processes[2]};
static struct group groups[] = {
	{.name = (char *)"web", .priority = 1, .processes = {of_web, 2, 2}},
	{.name = (char *)"cron", .priority = 2, .processes = {of_cron, 1, 1}},
};
static struct group *both[] = {&groups[0], &groups[1]};
static struct supervisor sup = {.groups = {both, 2, 2}};

static void set_up_names(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(processes); i++) {
		processes[i].config = &configs[i];
	}
}

static const char *selected(const char *name)
{
	static char text[128];
	struct selection s;
	int r = selection_make(&sup, name, &s);

	if (r < 0) {
		return strerrorname_np(-r);
	}
	(void)strcpy(text, s.many ? "many" : "one");
	vec_for_each (p, &s.processes) {
		(void)strcat(strcat(text, " "), (*p)->config->name);
	}
	selection_done(&s);
	return text;
}

START_TEST(a_name_stands_for_one_worker)
{
	set_up_names();
	ck_assert_str_eq(selected("web:web_1"), "one web_1");
	ck_assert_str_eq(selected("cron"), "one cron");
	ck_assert_str_eq(selected("cron:cron"), "one cron");
	ck_assert_str_eq(selected("web"), "one web");
}
END_TEST

START_TEST(a_star_or_nothing_stands_for_the_group)
{
	set_up_names();
	ck_assert_str_eq(selected("web:*"), "many web web_1");
	ck_assert_str_eq(selected("web:"), "many web web_1");
	ck_assert_str_eq(selected("all"), "many web web_1 cron");
}
END_TEST

START_TEST(an_unknown_name_is_refused)
{
	set_up_names();
	ck_assert_str_eq(selected("web_1"), "ENOENT");
	ck_assert_str_eq(selected("web:web_2"), "ENOENT");
	ck_assert_str_eq(selected("nobody:*"), "ENOENT");
	ck_assert_str_eq(selected(":*"), "ENOENT");
	ck_assert_str_eq(selected(""), "ENOENT");
}
END_TEST

/* ---- the command line */

static struct options options;

static int read_line(const char *a, const char *b, const char *c)
{
	char *argv[] = {(char *)"slotd", (char *)a, (char *)b, (char *)c, NULL};
	int argc = 1;

	while (argv[argc]) {
		argc++;
	}
	return options_read(argc, argv, &options);
}

START_TEST(options_override_the_configuration)
{
	ck_assert_int_eq(read_line("-n", "--loglevel=debug", "-c/etc/x.conf"), -1);
	ck_assert(options.foreground);
	ck_assert_str_eq(options.config_path, "/etc/x.conf");
	ck_assert_str_eq(options.overrides.section_option[0][0], "nodaemon");
	ck_assert_str_eq(options.overrides.section_option[0][1], "true");
	ck_assert_str_eq(options.overrides.section_option[1][0], "loglevel");
	ck_assert_str_eq(options.overrides.section_option[1][1], "debug");
	ck_assert_ptr_null(options.overrides.section_option[2][0]);
	ck_assert_int_eq(read_line("-u", "nobody", "-s"), -1);
	ck_assert_str_eq(options.overrides.section_option[0][1], "nobody");
}
END_TEST

START_TEST(a_wrong_command_line_ends_with_2)
{
	ck_assert_int_eq(read_line("--nonsense", NULL, NULL), 2);
	ck_assert_int_eq(read_line("-x", NULL, NULL), 2);
	ck_assert_int_eq(read_line("foo", NULL, NULL), 2);
	ck_assert_int_eq(read_line("-n", "-n", NULL), 2);
	ck_assert_int_eq(read_line("-c", NULL, NULL), 2);
}
END_TEST

START_TEST(checking_is_asked_for_with_t)
{
	ck_assert_int_eq(read_line("-t", "--strict", NULL), -1);
	ck_assert(options.test && options.strict);
	ck_assert_int_eq(read_line("--help-config", NULL, NULL), -1);
	ck_assert(options.help_config);
}
END_TEST

START_TEST(every_command_that_slotd_is_asked_for_has_a_function)
{
	for (int i = COMMAND_NONE + 1; i < COMMAND_MAX_; i++) {
		const struct command_row *row = command_row((enum command)i);

		ck_assert_msg(command_asks_slotd(row) == commands_have((enum command)i),
			      "%s: methods and function go together", row->name);
	}
	ck_assert(!commands_have(COMMAND_NONE));
	ck_assert(!commands_have(COMMAND_MAX_));
}
END_TEST

SUITE("supervisor", a_name_stands_for_one_worker, a_star_or_nothing_stands_for_the_group,
      an_unknown_name_is_refused, options_override_the_configuration,
      a_wrong_command_line_ends_with_2, checking_is_asked_for_with_t,
      every_command_that_slotd_is_asked_for_has_a_function);
