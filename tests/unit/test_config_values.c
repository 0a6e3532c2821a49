/* Expansions, environment=, the types of values, and the option tables themselves. */
#include <config/endpoint.h>
#include <config/expand.h>
#include <config/help.h>
#include <config/keyvalues.h>
#include <config/options.h>
#include <config/sections.h>
#include <config/values.h>
#include <signal.h>

#include "config_text.h"
#include "suite.h"

/* ---- expansions ---------------------------------------------------------------------------- */

static int expand_text(const char *raw, char *buf, size_t size)
{
	CLEANUP(strbuf_done) struct strbuf out = {0};
	struct expansions names = {0};
	struct diag diag = {0};
	int r;

	expansions_text(&names, "here", "/srv");
	expansions_text(&names, "quoted", "it's");
	expansions_number(&names, "process_num", 7);
	expansions_number(&names, "minus", -7);
	r = expand(raw, "program:x.command", &names, &out, &diag);
	(void)snprintf(buf, size, "%s", r < 0 ? diag.text : strbuf_str(&out));
	return r;
}

static const struct {
	const char *raw, *result;
} expansions_table[] = {
	{"plain", "plain"},
	{"", ""},
	{"100%%", "100%"},
	{"%(here)s/x", "/srv/x"},
	{"%(process_num)d", "7"},
	{"%(process_num)02d", "07"},
	{"%(process_num)s", "7"},
	{"%(process_num)+d|% (process_num)d", NULL},
	{"%(process_num)+d", "+7"},
	{"%(process_num)-4d|", "7   |"},
	{"%(process_num)4d|", "   7|"},
	{"%(process_num).3d", "007"},
	{"%(minus)04d", "-007"},
	{"%(process_num)x", "7"},
	{"%(minus)#x", "-0x7"},
	{"%(process_num)#o", "0o7"},
	{"%(process_num).2f", "7.00"},
	{"%(process_num)c", "\a"},
	{"%(here)6s|%(here)-6s|%(here).2s", "  /srv|/srv  |/s"},
	{"%(here)r", "'/srv'"},
	{"%(quoted)r", "\"it's\""},
	{"%(here)ls", "/srv"},
};

START_TEST(names_expand_as_pythons_percent_does)
{
	char buf[256];

	for (size_t i = 0; i < ARRAY_SIZE(expansions_table); i++) {
		int r = expand_text(expansions_table[i].raw, buf, sizeof(buf));

		if (expansions_table[i].result) {
			ck_assert_msg(r == 0, "%s: %s", expansions_table[i].raw, buf);
			ck_assert_str_eq(buf, expansions_table[i].result);
		} else {
			ck_assert_int_lt(r, 0);
		}
	}
}
END_TEST

static const struct {
	const char *raw, *why;
} malformed[] = {
	{"%(nope)s",
	 "contains names ('nope') which cannot be expanded. Available names: here, minus, "
	 "process_num, quoted"},
	{"%(here", "incomplete format key"},
	{"%(here)", "incomplete format"},
	{"%", "incomplete format"},
	{"%(here)y", "unsupported format character 'y' (0x79) at index 7"},
	{"%(here)d", "%d format: a real number is required, not str"},
	{"%(here)x", "%x format: an integer is required, not str"},
	{"date +%s", "not enough arguments for format string"},
	{"%d", "not enough arguments for format string"},
	{"%(here)*s", "* wants int"},
	{"%(here)99999999999s", "width or precision too big"},
};

START_TEST(malformed_formats_are_refused_in_supervisors_words)
{
	char buf[1024];

	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		ck_assert_msg(expand_text(malformed[i].raw, buf, sizeof(buf)) < 0, "%s",
			      malformed[i].raw);
		ck_assert_msg(strstr(buf, malformed[i].why) != NULL, "%s: %s", malformed[i].raw,
			      buf);
	}
}
END_TEST

START_TEST(a_bare_percent_s_never_shows_the_environment)
{
	char buf[1024];

	ck_assert_int_eq(expand_text("%s", buf, sizeof(buf)), -EINVAL);
	ck_assert_ptr_null(strstr(buf, "/srv"));
}
END_TEST

START_TEST(an_expansion_cannot_grow_without_bound)
{
	CLEANUP(strbuf_done) struct strbuf raw = {0};
	char buf[1024];

	for (int i = 0; i < 1000; i++) {
		(void)strbuf_adds(&raw, "%(here)4000s");
	}
	ck_assert_int_eq(expand_text(strbuf_str(&raw), buf, sizeof(buf)), -E2BIG);
}
END_TEST

/* ---- environment= -------------------------------------------------------------------------- */

static const struct {
	const char *text, *result; /* NULL: refused */
} environments[] = {
	{"", ""},
	{"A=b", "A=b "},
	{"A=b,C=d,", "A=b C=d "},
	{"A='b,c',D=\"e f\"", "A=b,c D=e f "},
	{"A=\"\"", "A= "},
	{"A=1,A=2", "A=2 "},
	{"A=b\nC=d", NULL},
	{"A=b,\nC=d", "A=b C=d "},
	{"A=x # c\n,B=y", "A=x B=y "},
	{"A=http://h/?q=1", "A=http://h/ q=1 "},
	{"A=x y", "A=x "},
	{"A=foo\"bar\"", "A=foo\"bar "},
	{"A=", NULL},
	{",A=b", NULL},
	{"A=b,,C=d", NULL},
	{"A='b", NULL},
	{"A", NULL},
};

START_TEST(environments_are_read_as_supervisor_reads_them)
{
	for (size_t i = 0; i < ARRAY_SIZE(environments); i++) {
		struct arena *memory = arena_new();
		struct keyvalues kv = {0};
		char buf[256] = "";
		int r = keyvalues_parse(environments[i].text, memory, &kv, NULL);

		vec_for_each (p, &kv.pairs) {
			size_t len = strlen(buf);

			(void)snprintf(buf + len, sizeof(buf) - len, "%s=%s ", p->key, p->value);
		}
		ck_assert_msg((r == 0) == (environments[i].result != NULL), "%s",
			      environments[i].text);
		if (environments[i].result) {
			ck_assert_str_eq(buf, environments[i].result);
		}
		keyvalues_done(&kv);
		memory = arena_free(memory);
	}
}
END_TEST

/* ---- types --------------------------------------------------------------------------------- */

START_TEST(booleans_take_supervisors_words_and_no_others)
{
	static const char *const yes[] = {"true", "YES", " On ", "1"};
	static const char *const no[] = {"false", "No", "off", "0"};
	static const char *const bad[] = {"", "2", "truee", "y", "none"};
	bool b;

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		ck_assert(value_bool(yes[i], &b, NULL) == 0 && b);
	}
	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		ck_assert(value_bool(no[i], &b, NULL) == 0 && !b);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_int_eq(value_bool(bad[i], &b, NULL), -EINVAL);
	}
}
END_TEST

START_TEST(numbers_are_whole_and_bounded)
{
	static const char *const bad[] = {"",	"x",	"1.5", "1__0", "_1",
					  "1_", "0x10", "--1", "+",    "9999999999999999999999"};
	long n;

	ck_assert(value_integer(" -12 ", &n, NULL) == 0 && n == -12);
	ck_assert(value_integer("1_000", &n, NULL) == 0 && n == 1000);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_msg(value_integer(bad[i], &n, NULL) == -EINVAL, "%s", bad[i]);
	}
}
END_TEST

START_TEST(sizes_have_suffixes_of_two_letters_and_those_of_slotd_of_one)
{
	static const char *const bad[] = {"", "K", "5M", "5XB", "MB", "99999999999999GB"};
	uint64_t n;

	ck_assert(value_size("50MB", &n, NULL) == 0 && n == 50 << 20);
	ck_assert(value_size("1 kb", &n, NULL) == 0 && n == 1024);
	ck_assert(value_size("2gb", &n, NULL) == 0 && n == 2ull << 30);
	ck_assert(value_size("77", &n, NULL) == 0 && n == 77);
	ck_assert(value_size("-1", &n, NULL) == 0 && n == 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_msg(value_size(bad[i], &n, NULL) == -EINVAL, "%s", bad[i]);
	}
	ck_assert(value_space("1G", &n, NULL) == 0 && n == 1 << 30);
	ck_assert(value_space("5 m", &n, NULL) == 0 && n == 5 << 20);
	ck_assert(value_space("2KB", &n, NULL) == 0 && n == 2048);
	ck_assert(value_space("-1", &n, NULL) == 0 && n == 0);
	ck_assert_int_eq(value_space("G", &n, NULL), -EINVAL);
	ck_assert_int_eq(value_space("5T", &n, NULL), -EINVAL);
}
END_TEST

START_TEST(modes_signals_and_exit_codes_are_read)
{
	uint32_t codes[8];
	mode_t mode;
	int s;

	ck_assert(value_octal("0700", &mode, NULL) == 0 && mode == 0700);
	ck_assert(value_octal("0o22", &mode, NULL) == 0 && mode == 022);
	ck_assert_int_eq(value_octal("888", &mode, NULL), -EINVAL);
	ck_assert(value_signal("TERM", &s, NULL) == 0 && s == SIGTERM);
	ck_assert(value_signal("sigusr2", &s, NULL) == 0 && s == SIGUSR2);
	ck_assert(value_signal("9", &s, NULL) == 0 && s == SIGKILL);
	ck_assert_int_eq(value_signal("NOPE", &s, NULL), -EINVAL);
	ck_assert_int_eq(value_signal("300", &s, NULL), -EINVAL);
	ck_assert(value_exitcodes("0, 2,255", codes, NULL) == 0 && codes[0] == 5 &&
		  codes[7] == 1u << 31);
	ck_assert(value_exitcodes("", codes, NULL) == 0 && codes[0] == 0);
	ck_assert_int_eq(value_exitcodes("256", codes, NULL), -EINVAL);
	ck_assert_int_eq(value_exitcodes("0,", codes, NULL), -EINVAL);
}
END_TEST

static const struct {
	const char *text, *canonical; /* NULL: refused */
} addresses[] = {
	{"8000", "0.0.0.0:8000"},
	{":8000", "0.0.0.0:8000"},
	{"*:8000", "0.0.0.0:8000"},
	{"127.0.0.1:8000", "127.0.0.1:8000"},
	{"LocalHost:80", "localhost:80"},
	{"[::]:8000", "[::]:8000"},
	{"[0:0::1]:8000", "[::1]:8000"},
	{"unix:/run/x.sock", "unix:/run/x.sock"},
	{"unix:///run/x.sock", "unix:/run/x.sock"},
	{"unix:x.sock", NULL},
	{"127.0.0.1", NULL},
	{"127.0.0.1:", NULL},
	{"127.0.0.1:0", NULL},
	{"127.0.0.1:65536", NULL},
	{"127.1:80", NULL},
	{"::1:80", NULL},
	{"[::1]", NULL},
	{"a b:80", NULL},
	{"", NULL},
};

START_TEST(addresses_are_made_canonical)
{
	struct arena *memory = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		char *text = NULL;
		int r = endpoint_parse(addresses[i].text, memory, &text, NULL);

		ck_assert_msg((r == 0) == (addresses[i].canonical != NULL), "%s",
			      addresses[i].text);
		if (r == 0) {
			ck_assert_str_eq(text, addresses[i].canonical);
		}
	}
	memory = arena_free(memory);
}
END_TEST

/* ---- the tables ---------------------------------------------------------------------------- */

typedef void row_fn(const struct section_kind *kind, const struct option_def *def);

static void each_row(row_fn *fn)
{
	for (const struct section_kind *k = section_kinds; k->name; k++) {
		for (size_t t = 0; t < ARRAY_SIZE(k->options) && k->options[t]; t++) {
			for (const struct option_def *def = k->options[t]; def->name; def++) {
				fn(k, def);
			}
		}
	}
}

static void name_is_unique(const struct section_kind *kind, const struct option_def *def)
{
	ck_assert_msg(option_find(kind, def->name) == def, "[%s] %s twice", kind->name, def->name);
}

static void has_help(const struct section_kind *kind, const struct option_def *def)
{
	ck_assert_msg(def->help && strlen(def->help) > 5, "[%s] %s", kind->name, def->name);
	ck_assert(def->help[strlen(def->help) - 1] == '.');
}

static void default_parses(const struct section_kind *kind, const struct option_def *def)
{
	static union {
		struct supervisord_config supervisord;
		struct program_config program;
		struct worker_config worker;
		struct group_config group;
		struct service_config service;
		struct service_slot_config slot;
		struct server_config server;
		struct ctl_config ctl;
	} object;
	struct arena *memory = arena_new();
	struct diag diag = {0};

	memset(&object, 0, sizeof(object));
	if (def->def && !strchr(def->def, '%')) {
		ck_assert_msg(option_parse(def, def->def, &object, memory, &diag) == 0,
			      "[%s] %s=%s: %s", kind->name, def->name, def->def, diag.text);
		ck_assert(option_equal(def, &object, &object));
	}
	memory = arena_free(memory);
}

START_TEST(names_of_options_are_unique_in_their_sections)
{
	each_row(name_is_unique);
}
END_TEST

START_TEST(every_default_parses_and_is_in_range)
{
	each_row(default_parses);
}
END_TEST

/* Enough to be accepted, before the option in question. */
static const char *section_text(const struct section_kind *kind)
{
	static const struct {
		const char *kind, *text;
	} texts[] = {
		{"program", "command=a\n"},
		{"eventlistener", "command=a\nevents=TICK_5\n"},
		{"fcgi-program", "command=a\nsocket=tcp://127.0.0.1:9\n"},
		{"group", "programs=p\n"},
		{"service",
		 "listen=127.0.0.1:8000\ncommand=a %(port)d\nports_a=8001\nports_b=8101\n"},
		{"inet_http_server", "port=127.0.0.1:9001\n"},
		{"unix_http_server", "file=/tmp/s\n"},
		{"rpcinterface", "supervisor.rpcinterface_factory=a\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const size_t n = strlen(texts[i].kind);

		if (strncmp(kind->name, texts[i].kind, n) == 0 &&
		    strchr(":", kind->name[n])) { /* or at its end */
			return texts[i].text;
		}
	}
	return "";
}

/* Whatever is wrong with it, what looks at it later finds it as safe as where it is missing. */
static void takes_garbage(const struct section_kind *kind, const struct option_def *def)
{
	static const char *const garbage[] = {
		"%s", "%(nope)s", "\"", "x y", "-1", "99999999999999999999", "", ",", "%(port)d:",
	};
	static unsigned count;

	for (size_t i = count++ % suite_stride(4); i < ARRAY_SIZE(garbage); i += suite_stride(4)) {
		auto_config struct config *c = NULL;
		char text[1024];

		(void)snprintf(text, sizeof(text), "[program:p]\ncommand=a\n[%s%s]\n%s%s=%s\n",
			       kind->name, kind->named ? "x" : "", section_text(kind), def->name,
			       garbage[i]);
		c = load(text);
	}
}

START_TEST(every_option_may_be_garbage)
{
	each_row(takes_garbage);
}
END_TEST

START_TEST(every_option_has_a_sentence_of_help)
{
	each_row(has_help);
}
END_TEST

static char *help_text(const char *section)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	config_help(f, section);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

static const char *all_help;

static void is_in_help(const struct section_kind *kind, const struct option_def *def)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "\n    %s=", def->name);
	ck_assert_msg(strstr(all_help, line) != NULL, "[%s] %s", kind->name, def->name);
}

START_TEST(help_shows_every_option)
{
	auto_free char *text = help_text(NULL), *group = help_text("group:");

	all_help = text;
	each_row(is_in_help);
	ck_assert_ptr_nonnull(strstr(group, "[group:x]"));
	ck_assert_ptr_null(strstr(group, "[program:x]"));
}
END_TEST

static const char *all_man;

static void is_in_man(const struct section_kind *kind, const struct option_def *def)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "\n.It Ic %s\n", def->name);
	ck_assert_msg(strstr(all_man, line) != NULL, "[%s] %s", kind->name, def->name);
}

static bool is_option(const char *name)
{
	for (const struct section_kind *k = section_kinds; k->name; k++) {
		if (option_find(k, name)) {
			return true;
		}
	}
	return false;
}

START_TEST(the_manual_page_has_every_option_and_no_other)
{
	auto_free char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	char name[64];

	config_man(f);
	ck_assert_int_eq(fclose(f), 0);
	all_man = text;
	each_row(is_in_man);
	for (const char *p = strstr(text, "\n.It Ic "); p; p = strstr(p + 1, "\n.It Ic ")) {
		ck_assert_int_eq(sscanf(p, "\n.It Ic %63[^\n]", name), 1);
		ck_assert_msg(is_option(name), "%s", name);
	}
}
END_TEST

START_TEST(near_names_are_found_and_far_ones_are_not)
{
	static const char *const names[] = {"health", "health_host", "listen", "user"};

	ck_assert_str_eq(nearest_name("heath", names, 4), "health");
	ck_assert_str_eq(nearest_name("helath", names, 4), "health");
	ck_assert_str_eq(nearest_name("health_hots", names, 4), "health_host");
	ck_assert_str_eq(nearest_name("usr", names, 4), "user");
	ck_assert_ptr_null(nearest_name("zebra", names, 4));
	ck_assert_ptr_null(nearest_name("x", names, 4));
	ck_assert_ptr_null(nearest_name("", names, 4));
	ck_assert_ptr_null(nearest_name("heath", names, 0));
}
END_TEST

SUITE("config_values", names_expand_as_pythons_percent_does,
      malformed_formats_are_refused_in_supervisors_words,
      a_bare_percent_s_never_shows_the_environment, an_expansion_cannot_grow_without_bound,
      environments_are_read_as_supervisor_reads_them, booleans_take_supervisors_words_and_no_others,
      numbers_are_whole_and_bounded, sizes_have_suffixes_of_two_letters_and_those_of_slotd_of_one,
      modes_signals_and_exit_codes_are_read, addresses_are_made_canonical,
      names_of_options_are_unique_in_their_sections, every_default_parses_and_is_in_range,
      every_option_may_be_garbage, every_option_has_a_sentence_of_help, help_shows_every_option,
      the_manual_page_has_every_option_and_no_other, near_names_are_found_and_far_ones_are_not);
