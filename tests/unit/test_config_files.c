/* Files, [include], what slotctl reads, and what is looked up in a child. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <config/resolved.h>

#include "config_text.h"
#include "suite.h"

/* A directory of its own for each test. */
static char dir[64];

static const char *path_of(const char *name)
{
	static char path[256];

	if (!dir[0]) {
		(void)snprintf(dir, sizeof(dir), "/tmp/test_config.XXXXXX");
		ck_assert_ptr_nonnull(mkdtemp(dir));
	}
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void make_directory(const char *name)
{
	ck_assert_int_eq(mkdir(path_of(name), 0700), 0);
}

static void remove_files(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void remove_all(void)
{
	remove_files();
	dir[0] = '\0';
}

static struct config *load_file_of(const char *name)
{
	struct config *c = NULL;
	struct diag diag = {0};

	(void)config_load(path_of(name), NULL, &diag, &c);
	ck_assert_msg(c != NULL, "%s", diag.text);
	return c;
}

START_TEST(included_files_are_read_in_order_and_override)
{
	auto_config struct config *c = NULL;
	char expected[128];

	(void)path_of("");
	make_directory("conf.d");
	put("main.conf", "[program:x]\ncommand=one\n[include]\nfiles=conf.d/*.conf none.conf\n");
	put("conf.d/b.conf", "[program:x]\ncommand=three %(here)s\n[include]\nfiles=nowhere\n");
	put("conf.d/a.conf", "[program:x]\ncommand=two\nstartsecs=oops\n");
	put("conf.d/.hidden.conf", "[program:x]\ncommand=hidden\n");
	c = load_file_of("main.conf");

	(void)snprintf(expected, sizeof(expected), "three %s/conf.d", dir);
	ck_assert_uint_eq(c->programs.len, 1);
	ck_assert_uint_eq(c->files.len, 3);
	ck_assert_uint_eq(c->n_errors, 1);
	ck_assert_str_eq(c->messages.at[1].diag.file, path_of("conf.d/a.conf"));
	ck_assert_uint_eq(c->messages.at[1].diag.line, 3);
	ck_assert_ptr_nonnull(message_with(c, "No file matches via include"));
	ck_assert_str_eq(c->programs.at[0]->workers.at[0].command, expected);
	remove_all();
}
END_TEST

START_TEST(an_include_without_files_is_refused)
{
	auto_config struct config *c = NULL;

	put("main.conf", "[include]\n");
	c = load_file_of("main.conf");
	ck_assert_ptr_nonnull(message_with(c, "has [include] section, but no files setting"));
	remove_all();
}
END_TEST

START_TEST(a_missing_file_is_told_in_supervisors_words)
{
	struct config *c = NULL;
	struct diag diag = {0};

	ck_assert_int_eq(config_load("/no/such/file", NULL, &diag, &c), -ENOENT);
	ck_assert_ptr_null(c);
	ck_assert_ptr_nonnull(strstr(diag.text, "could not find config file /no/such/file"));
}
END_TEST

START_TEST(a_directory_is_no_file)
{
	struct config *c = NULL;
	struct diag diag = {0};

	ck_assert_int_eq(config_load("/tmp", NULL, &diag, &c), -EISDIR);
	ck_assert_ptr_nonnull(strstr(diag.text, "could not read config file /tmp"));
}
END_TEST

START_TEST(the_file_that_debian_ships_loads)
{
	auto_config struct config *c = NULL;
	static const char text[] =
		"; supervisor config file\n\n[unix_http_server]\n"
		"file=/var/run/supervisor.sock   ; (the path to the socket file)\n"
		"chmod=0700                       ; sockef file mode (default 0700)\n\n"
		"[supervisord]\nlogfile=/var/log/supervisord.log ; (main log file)\n"
		"pidfile=/var/run/supervisord.pid ; (supervisord pidfile)\n"
		"childlogdir=/var/log            ; ('AUTO' child log dir, default $TEMP)\n\n"
		"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = "
		"supervisor.rpcinterface:make_main_rpcinterface\n\n[supervisorctl]\n"
		"serverurl=unix:///var/run/supervisor.sock ; use a unix:// URL  for a unix "
		"socket\n";

	c = load_good(text);
	ck_assert_uint_eq(c->servers.at[0].mode, 0700);
	ck_assert_str_eq(c->supervisord.log.path, "/var/log/supervisord.log");
	if (access("/etc/supervisor/supervisord.conf", R_OK) == 0) {
		struct config *real = NULL;

		ck_assert_int_eq(config_load("/etc/supervisor/supervisord.conf", NULL, NULL, &real),
				 0);
		real = config_free(real);
	}
}
END_TEST

/* ---- slotctl ------------------------------------------------------------------------------- */

START_TEST(slotctl_reads_its_section_and_nothing_else)
{
	struct ctl_config *ctl = NULL;

	put("main.conf", "[supervisorctl]\nserverurl=http://h:1\nusername=u\npassword=%%p\n"
			 "[slotd]\nrun_dir=/r\n[program:x]\nstartsecs=oops\nno delimiter\n");
	ck_assert_int_eq(config_load_ctl(path_of("main.conf"), NULL, &ctl), 0);
	ck_assert_str_eq(ctl->serverurl, "http://h:1");
	ck_assert_str_eq(ctl->password, "%p");
	ck_assert_str_eq(ctl->prompt, "supervisor");
	ck_assert_str_eq(ctl->run_dir, "/r");
	ck_assert_ptr_null(ctl->history_file);
	ctl = config_free_ctl(ctl);
	remove_all();
}
END_TEST

START_TEST(slotctl_is_told_of_a_mistake_in_its_own_section)
{
	struct ctl_config *ctl = NULL;
	struct diag diag = {0};

	put("main.conf", "[supervisorctl]\nserverurl=%(nope)s\n");
	ck_assert_int_eq(config_load_ctl(path_of("main.conf"), &diag, &ctl), -EINVAL);
	ck_assert_uint_eq(diag.line, 2);
	ck_assert_int_eq(config_load_ctl("/no/such/file", &diag, &ctl), -ENOENT);
	remove_all();
}
END_TEST

/* ---- users and hosts ----------------------------------------------------------------------- */

static const char resolvable[] =
	"[slotd]\nhelper_user=nobody\n[program:x]\ncommand=a\nuser=root\n"
	"stdout_logfile=/dev/stderr\nstderr_logfile=/proc/1/fd/2\n"
	"[service:s]\nlisten=localhost:8000\nhealth=tcp\ncommand=a\nports_a=8001\nports_b=8002\n"
	"worker=localhost:%(port)d\nallow_deploy=root,@root,daemon\n"
	"[inet_http_server]\nport=localhost:9001\n";

/* What a child wrote. Returns its length. */
static size_t resolve_in_child(struct config *c, char *buf, size_t size)
{
	CLEANUP(strbuf_done) struct strbuf out = {0};

	(void)config_resolve(c);
	ck_assert_int_eq(resolved_write(c, &out), 0);
	ck_assert_uint_lt(out.len, size);
	memcpy(buf, out.data, out.len);
	return out.len;
}

START_TEST(what_a_child_looked_up_arrives)
{
	auto_config struct config *child = load_good(resolvable);
	auto_config struct config *c = load_good(resolvable);
	struct service_config *s = config_service(c, "s");
	static char text[16384];
	size_t len = resolve_in_child(child, text, sizeof(text));
	int r = resolved_read(c, text, len, NULL);

	if (geteuid() == 0) { /* nobody else may use user= */
		ck_assert_int_eq(r, 0);
		ck_assert_uint_eq(c->supervisord.helper_user.uid,
				  child->supervisord.helper_user.uid);
		ck_assert_uint_ne(c->supervisord.helper_user.uid, (uid_t)-1);
	}
	ck_assert_uint_eq(config_program(c, "x")->user.uid, 0);
	ck_assert_uint_eq(config_program(c, "x")->user.gid, 0);
	ck_assert_uint_ge(config_program(c, "x")->user.n_groups, 1);
	ck_assert_str_eq(s->listen.at[0], "127.0.0.1:8000");
	ck_assert_str_eq(worker(c, "s-b", "s-b_8002")->address, "127.0.0.1:8002");
	ck_assert_str_eq(c->servers.at[0].address, "127.0.0.1:9001");
	ck_assert(worker(c, "x", "x")->logs[0].target.found);
	ck_assert_int_eq(worker(c, "x", "x")->logs[0].target.pid, 0);
	ck_assert_int_eq(worker(c, "x", "x")->logs[0].target.fd, 2);
	ck_assert_int_eq(worker(c, "x", "x")->logs[1].target.pid, 1);
	ck_assert_int_eq(worker(c, "x", "x")->logs[1].target.fd, 2);
	ck_assert(!worker(c, "s-b", "s-b_8002")->logs[0].target.found);
	ck_assert_uint_ge(s->n_allow_uids, 2);
	ck_assert_uint_ge(c->user_names.len, 2);
	ck_assert_str_eq(c->user_names.at[0].name, "root");
	ck_assert_uint_eq(s->n_allow_gids, 1);
	ck_assert_uint_eq(s->allow_gids[0], 0);
}
END_TEST

/* A service whose live_file holds that text; NULL: there is none. */
static struct live_found found_by_child(const char *text)
{
	auto_config struct config *child = NULL, *c = NULL;
	static char answers[16384], said[64];
	struct live_found found;
	char config[512];
	size_t len;

	(void)snprintf(config, sizeof(config),
		       "[service:s]\nlisten=127.0.0.1:8000\nhealth=tcp\ncommand=a\nports_a=8001\n"
		       "ports_b=8002\nlive_file=%s\n",
		       path_of("live"));
	if (text) {
		put("live", text);
	}
	child = load_good(config);
	c = load_good(config);
	len = resolve_in_child(child, answers, sizeof(answers));
	(void)resolved_read(c, answers, len, NULL);
	found = config_service(c, "s")->live_found;
	if (found.text) {
		(void)snprintf(said, sizeof(said), "%s", found.text);
		found.text = said;
	}
	return found;
}

START_TEST(what_live_file_says_is_told_by_the_child)
{
	struct live_found found = found_by_child(NULL);

	ck_assert_int_eq(found.code, -ENOENT);
	found = found_by_child("b\n");
	ck_assert_int_eq(found.code, 0);
	ck_assert_int_eq(found.live, SLOT_B);
	found = found_by_child("both\tof them\n");
	ck_assert_int_eq(found.code, -EINVAL);
	ck_assert_str_eq(found.text, "both\tof them");
	found = found_by_child("");
	ck_assert_int_eq(found.code, -EINVAL);
	ck_assert_ptr_null(found.text);
	remove_all();
}
END_TEST

/* No server is asked for it: a label has at most 63 bytes. */
#define LONG_LABEL "no-such-host-no-such-host-no-such-host-no-such-host-no-such-host-no-such-host"

START_TEST(what_does_not_exist_is_told_by_the_child)
{
	static const char bad[] =
		"[program:x]\ncommand=/no/such\tthing\nuser=no-such-user\ndirectory=/no/such/dir\n"
		"[service:s]\nlisten=127.0.0.1:8000\nhealth=tcp\ncommand=a\nports_a=8001\n"
		"ports_b=8002\nallow_deploy=@no-such-group\n"
		"preview_listen=" LONG_LABEL ":8003\nallow=read:no-such-one\n";
	auto_config struct config *child = load_good(bad);
	auto_config struct config *c = load_good(bad);
	static char text[16384];
	size_t len = resolve_in_child(child, text, sizeof(text));

	ck_assert_int_eq(resolved_read(c, text, len, NULL), -EINVAL);
	ck_assert_ptr_nonnull(message_with(c, "Invalid user name no-such-user"));
	ck_assert_uint_eq(message_with(c, "no-such-user")->diag.line, 3);
	ck_assert_ptr_nonnull(message_with(c, "there is no group no-such-group"));
	ck_assert_uint_eq(message_with(c, "preview_listen: cannot resolve")->diag.line, 12);
	ck_assert_uint_eq(message_with(c, "there is no user no-such-one")->diag.line, 13);
	ck_assert_ptr_nonnull(message_with(c, "there is no directory /no/such/dir"));
	ck_assert_ptr_nonnull(message_with(c, "there is no /no/such"));
	ck_assert_uint_eq(c->n_errors, child->n_errors);
	ck_assert_uint_eq(c->messages.len, child->messages.len);
}
END_TEST

START_TEST(every_cut_of_a_childs_answer_is_refused)
{
	auto_config struct config *child = load_good(resolvable);
	static char text[16384];
	size_t len = resolve_in_child(child, text, sizeof(text));

	for (size_t cut = 0; cut < len; cut++) {
		auto_config struct config *c = load_good(resolvable);
		struct diag diag = {0};

		ck_assert_msg(resolved_read(c, text, cut, &diag) == -EBADMSG, "cut at %zu", cut);
	}
}
END_TEST

START_TEST(an_answer_to_another_question_is_refused)
{
	static const char *const bad[] = {
		"",
		"\n",
		"end\t0\n",
		"slotd-resolved\t2\t0\t0\nend\t0\n",
		"slotd-resolved\t1\t9\t9\nend\t0\n",
		"slotd-resolved\t1\t1\t0\nowner\t7\t0\t0\troot\t/\t/\nend\t0\n",
		"slotd-resolved\t1\t1\t0\nowner\t0\t-1\t0\troot\t/\t/\nend\t0\n",
		"slotd-resolved\t1\t1\t0\nowner\t0\t0\t0\t\t/\t/\nend\t0\n",
		"slotd-resolved\t1\t1\t0\nhost\t0\t127.0.0.1:80\nend\t0\n",
		"slotd-resolved\t1\t1\t0\nuid\t0\t0\nend\t0\n",
		"slotd-resolved\t1\t1\t0\nnonsense\nend\t0\n",
		"slotd-resolved\t1\t1\t0\nend\t0\nend\t0\n",
		"slotd-resolved\t1\t1\t0\nend\t99999999999999999999999\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_config struct config *c = load_good("[program:x]\ncommand=a\n");

		ck_assert_msg(resolved_read(c, bad[i], strlen(bad[i]), NULL) == -EBADMSG, "%s",
			      bad[i]);
	}
}
END_TEST

/* ---- a reload: asked in a child, loaded by slotd ------------------------------------------- */

/* What config_ask answers about a file that includes others. Returns its length. */
static size_t ask_in_child(char *buf, size_t size)
{
	FILE *f = tmpfile();
	size_t n;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(config_ask(path_of("main.conf"), NULL, fileno(f)), 0);
	rewind(f);
	n = fread(buf, 1, size, f);
	ck_assert_uint_lt(n, size);
	ck_assert_int_eq(fclose(f), 0);
	return n;
}

static int load_answers(const char *text, size_t len, struct config **ret)
{
	struct diag diag = {0};
	int r = config_load_answers(path_of("main.conf"), NULL, text, len, &diag, ret);

	ck_assert(r == 0 || *ret || diag.text[0]);
	return r;
}

START_TEST(answers_make_the_configuration_when_the_files_are_gone)
{
	auto_config struct config *c = NULL;
	static char answers[16384];
	size_t len;

	make_directory("logs");
	make_directory("conf.d");
	put("main.conf", "[slotd]\nhelper_user=nobody\n"
			 "[include]\nfiles=conf.d/*.conf none/*\n[program:x]\ncommand=a\n"
			 "stdout_logfile=%(here)s/logs/x\n");
	put("conf.d/y.conf", "[program:y]\ncommand=b\n[supervisord]\nchildlogdir=%(here)s\n");
	len = ask_in_child(answers, sizeof(answers));
	remove_files();
	ck_assert_int_eq(load_answers(answers, len, &c), 0);
	ck_assert_str_eq(worker(c, "y", "y")->command, "b");
	ck_assert_str_eq(worker(c, "x", "x")->logs[0].path, path_of("logs/x"));
	ck_assert_uint_eq(c->messages.len, 1);
	ck_assert_ptr_nonnull(message_with(c, "No file matches via include"));
	dir[0] = '\0';
}
END_TEST

START_TEST(answers_carry_what_is_wrong_with_the_files)
{
	auto_config struct config *c = NULL;
	static char answers[16384];

	put("main.conf", "[include]\nfiles=sub.conf\n");
	make_directory("sub.conf");
	ck_assert_int_eq(load_answers(answers, ask_in_child(answers, sizeof(answers)), &c),
			 -EINVAL);
	ck_assert_ptr_nonnull(message_with(c, "could not read config file"));
	c = config_free(c);
	put("main.conf", "[program:x]\ncommand=a\nstdout_logfile=%(here)s/none/x\n");
	ck_assert_int_eq(load_answers(answers, ask_in_child(answers, sizeof(answers)), &c), 0);
	ck_assert_ptr_nonnull(message_with(c, "The directory named as part of the path"));
	c = config_free(c);
	ck_assert_int_eq(unlink(path_of("main.conf")), 0);
	ck_assert_int_eq(load_answers(answers, ask_in_child(answers, sizeof(answers)), &c),
			 -ENOENT);
	remove_all();
}
END_TEST

START_TEST(every_cut_of_the_answers_is_refused)
{
	static char answers[16384];
	size_t len;

	put("main.conf", "[slotd]\nhelper_user=nobody\n[program:x]\ncommand=a\n");
	len = ask_in_child(answers, sizeof(answers));
	for (size_t cut = 0; cut < len; cut++) {
		struct config *c = NULL;

		ck_assert_msg(load_answers(answers, cut, &c) == -EBADMSG, "cut at %zu", cut);
		ck_assert_ptr_null(c);
	}
	remove_all();
}
END_TEST

START_TEST(answers_that_are_none_are_refused)
{
	static const char *const bad[] = {
		"slotd-sources 2 0\n",
		"slotd-sources 1 0 0\n",
		"slotd-sources 1 1\nT 0 1 -1\nx",
		"slotd-sources 1 1\nT 0 99999999999999999999 0\nx",
		"slotd-sources 1 1\nT 1 1 0\nx",
		"slotd-sources 1 2\nT 0 1 0\nxT 0 1 0\nx",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct config *c = NULL;

		ck_assert_msg(load_answers(bad[i], strlen(bad[i]), &c) == -EBADMSG, "%s", bad[i]);
	}
	remove_all();
}
END_TEST

/* ---- slotd -t ------------------------------------------------------------------------------ */

START_TEST(checking_ends_with_0_or_2)
{
	put("good.conf", "[slotd]\nhelper_user=nobody\n[program:x]\ncommand=sleep 1\n");
	ck_assert_int_eq(config_check_main(path_of("good.conf"), true, NULL), 0);
	put("warns.conf", "[slotd]\nhelper_user=nobody\n[program:x]\ncommand=a\ncomand=b\n");
	ck_assert_int_eq(config_check_main(path_of("warns.conf"), false, NULL), 0);
	ck_assert_int_eq(config_check_main(path_of("warns.conf"), true, NULL), 2);
	put("bad.conf", "[slotd]\nx=y\n");
	ck_assert_int_eq(config_check_main(path_of("bad.conf"), false, NULL), 2);
	ck_assert_int_eq(config_check_main("/no/such/file", false, NULL), 2);
	remove_all();
}
END_TEST

static void write_down(void *data, const struct config_item *item)
{
	static const char *const known[CONFIG_KNOWN_MAX_] = {
		[CONFIG_KNOWN_SUPERVISOR] = "theirs",
		[CONFIG_KNOWN_OURS] = "ours",
		[CONFIG_KNOWN_NOBODY] = "nobody's",
	};

	(void)strbuf_addf(data, "%u [%s] %s: %s\n", item->place.line, item->section,
			  item->option ? item->option : "", known[item->known]);
}

START_TEST(a_walk_meets_everything_and_says_who_knows_it)
{
	CLEANUP(strbuf_done) struct strbuf seen = {0};
	struct diag diag = {0};

	put("main.conf", "[supervisord]\nrun_dir=/x\nlogfil=y\n[include]\nfiles=more.conf\n"
			 "[rpcinterface:z]\nanything=1\n");
	put("more.conf", "[service:s]\ncommand=%(nonsense)s\n[nothing]\na=b\n[program:p]\n"
			 "command=%s\n");
	ck_assert_int_eq(config_walk(path_of("main.conf"), write_down, &seen, &diag), 0);
	ck_assert_str_eq(strbuf_str(&seen), "1 [supervisord] : theirs\n"
					    "2 [supervisord] run_dir: ours\n"
					    "3 [supervisord] logfil: nobody's\n"
					    "4 [include] : theirs\n"
					    "5 [include] files: theirs\n"
					    "6 [rpcinterface:z] : theirs\n"
					    "7 [rpcinterface:z] anything: theirs\n"
					    "1 [service:s] : ours\n"
					    "2 [service:s] command: ours\n"
					    "3 [nothing] : nobody's\n"
					    "4 [nothing] a: nobody's\n"
					    "5 [program:p] : theirs\n"
					    "6 [program:p] command: theirs\n");
	ck_assert_int_eq(config_walk("/no/such/file", write_down, &seen, &diag), -ENOENT);
	remove_all();
}
END_TEST

START_TEST(another_user_than_root_has_run_dir_where_his_environment_says)
{
	char path[64];

	ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", "/run/user/7", 1), 0);
	ck_assert_int_eq(config_user_run_dir(path, sizeof(path)), 0);
	ck_assert_str_eq(path, "/run/user/7/slotd");
	ck_assert_int_eq(unsetenv("XDG_RUNTIME_DIR"), 0);
	ck_assert_int_eq(setenv("XDG_STATE_HOME", "not/absolute", 1), 0);
	ck_assert_int_eq(setenv("HOME", "/home/ana", 1), 0);
	ck_assert_int_eq(config_user_run_dir(path, sizeof(path)), 0);
	ck_assert_str_eq(path, "/home/ana/.local/state/slotd/run");
	ck_assert_int_eq(config_user_run_dir(path, 20), -ENOENT);
	ck_assert_int_eq(setenv("XDG_STATE_HOME", "/state", 1), 0);
	ck_assert_int_eq(config_user_run_dir(path, sizeof(path)), 0);
	ck_assert_str_eq(path, "/state/slotd/run");
	ck_assert_int_eq(unsetenv("XDG_STATE_HOME"), 0);
	ck_assert_int_eq(unsetenv("HOME"), 0);
	ck_assert_int_eq(setenv("TMPDIR", "/var/tmp", 1), 0);
	ck_assert_int_eq(config_user_run_dir(path, sizeof(path)), 0);
	ck_assert_int_eq(strncmp(path, "/var/tmp/slotd-", 15), 0);
	ck_assert_str_eq(strrchr(path, '/'), "/run");
}
END_TEST

SUITE("config_files", a_walk_meets_everything_and_says_who_knows_it,
      included_files_are_read_in_order_and_override, an_include_without_files_is_refused,
      a_missing_file_is_told_in_supervisors_words, a_directory_is_no_file,
      the_file_that_debian_ships_loads, slotctl_reads_its_section_and_nothing_else,
      slotctl_is_told_of_a_mistake_in_its_own_section, what_a_child_looked_up_arrives,
      what_live_file_says_is_told_by_the_child, what_does_not_exist_is_told_by_the_child,
      every_cut_of_a_childs_answer_is_refused, an_answer_to_another_question_is_refused,
      answers_make_the_configuration_when_the_files_are_gone,
      answers_carry_what_is_wrong_with_the_files, every_cut_of_the_answers_is_refused,
      answers_that_are_none_are_refused, checking_ends_with_0_or_2,
      another_user_than_root_has_run_dir_where_his_environment_says);
