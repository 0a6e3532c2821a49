/* [supervisord], programs, groups, listeners, servers; what a reload changes. */
#include <signal.h>
#include <slotd/strbuf.h>
#include <syslog.h>

#include "config_text.h"
#include "suite.h"

/* ---- programs ------------------------------------------------------------------------------ */

START_TEST(a_program_has_supervisors_defaults)
{
	auto_config struct config *c = load_good("[program:x]\ncommand=sleep 1\n");
	struct program_config *p = config_program(c, "x");
	struct worker_config *w = worker(c, "x", "x");

	ck_assert_int_eq(p->priority, 999);
	ck_assert_int_eq(p->numprocs, 1);
	ck_assert(p->autostart);
	ck_assert_uint_eq(p->policy.startsecs, SECONDS(1));
	ck_assert_uint_eq(p->policy.startretries, 3);
	ck_assert_int_eq(p->policy.autorestart, AUTORESTART_UNEXPECTED);
	ck_assert_uint_eq(p->policy.exitcodes[0], 1);
	ck_assert_int_eq(p->policy.stopsignal, SIGTERM);
	ck_assert_uint_eq(p->policy.stopwaitsecs, SECONDS(10));
	ck_assert(!p->policy.stopasgroup && !p->policy.killasgroup);
	ck_assert_uint_eq(p->umask, (mode_t)-1);
	ck_assert_ptr_null(p->serverurl);
	ck_assert_ptr_null(p->user.user);
	ck_assert_int_eq(p->service, -1);
	ck_assert_str_eq(w->command, "sleep 1");
	ck_assert_ptr_null(w->directory);
	ck_assert_ptr_null(w->environment[0]);
	ck_assert_int_eq(w->logs[0].kind, LOG_KIND_AUTO);
	ck_assert_uint_eq(w->logs[0].maxbytes, 50 << 20);
	ck_assert_uint_eq(w->logs[1].backups, 10);
}
END_TEST

START_TEST(every_option_of_a_program_arrives)
{
	auto_config struct config *c =
		load_good("[program:x]\ncommand=a\nprocess_name=w%(process_num)02d\nnumprocs=2\n"
			  "numprocs_start=3\npriority=-5\nautostart=no\nstartsecs=2m\n"
			  "startretries=7\nautorestart=on\nexitcodes=0,2\nstopsignal=INT\n"
			  "stopwaitsecs=3\nstopasgroup=true\nuser=nobody\nredirect_stderr=true\n"
			  "stdout_logfile=/tmp/%(program_name)s-%(process_num)d\n"
			  "stdout_logfile_maxbytes=1KB\nstdout_logfile_backups=2\n"
			  "stdout_capture_maxbytes=3\nstdout_events_enabled=1\n"
			  "stdout_syslog=true\nenvironment=A=1\ndirectory=/tmp\numask=027\n"
			  "serverurl=http://x\n");
	struct program_config *p = config_program(c, "x");
	struct worker_config *w = worker(c, "x", "w04");

	ck_assert_int_eq(p->priority, -5);
	ck_assert(!p->autostart);
	ck_assert_uint_eq(p->policy.startsecs, SECONDS(120));
	ck_assert_uint_eq(p->policy.startretries, 7);
	ck_assert_int_eq(p->policy.autorestart, AUTORESTART_ALWAYS);
	ck_assert_uint_eq(p->policy.exitcodes[0], 5);
	ck_assert_int_eq(p->policy.stopsignal, SIGINT);
	ck_assert(p->policy.stopasgroup && p->policy.killasgroup);
	ck_assert_str_eq(p->user.user, "nobody");
	ck_assert_uint_eq(p->umask, 027);
	ck_assert_str_eq(p->serverurl, "http://x");
	ck_assert_uint_eq(w->process_num, 4);
	ck_assert_str_eq(w->logs[0].path, "/tmp/x-4");
	ck_assert_uint_eq(w->logs[0].maxbytes, 1024);
	ck_assert_uint_eq(w->logs[0].backups, 2);
	ck_assert_uint_eq(w->logs[0].capture_maxbytes, 3);
	ck_assert(w->logs[0].events_enabled && w->logs[0].syslog);
	ck_assert_int_eq(w->logs[1].kind, LOG_KIND_NONE); /* redirected */
	ck_assert_str_eq(w->environment[0], "A=1");
	ck_assert_str_eq(w->directory, "/tmp");
}
END_TEST

START_TEST(credentials_add_up_line_by_line_and_are_replaced_by_a_later_section)
{
	auto_config struct config *c = load_good(
		"[program:x]\ncommand=a\nnumprocs=2\nprocess_name=%(process_num)d\n"
		"credential=a:/etc/%(process_num)d\ncredential=\n  b:/etc/b\n  c:/c:d, e\n"
		"[program:y]\ncommand=a\ncredential=a:/a\n[program:y]\n"
		"credential=b:/b\n[program:z]\ncommand=a\ncredential=\n");
	char **list = worker(c, "x", "1")->credentials;

	ck_assert_str_eq(list[0], "a:/etc/1");
	ck_assert_str_eq(list[1], "b:/etc/b");
	ck_assert_str_eq(list[2], "c:/c:d, e");
	ck_assert_ptr_null(list[3]);
	list = worker(c, "y", "y")->credentials;
	ck_assert_str_eq(list[0], "b:/b");
	ck_assert_ptr_null(list[1]);
	ck_assert_ptr_null(worker(c, "z", "z")->credentials);
}
END_TEST

START_TEST(workers_are_numbered_and_know_each_others_names)
{
	auto_config struct config *c =
		load_good("[supervisord]\nenvironment=BASE=/b,X=1\n"
			  "[program:x]\nnumprocs=3\nnumprocs_start=8001\n"
			  "process_name=%(program_name)s_%(process_num)04d\n"
			  "environment=X=\"%(ENV_X)s-%(process_num)d\",HERE=%(here)s\n"
			  "command=%(ENV_BASE)s/%(group_name)s %(ENV_X)s %(numprocs)d of "
			  "%(host_node_name)s\n");
	struct worker_config *w = worker(c, "x", "x_8002");

	ck_assert_uint_eq(config_program(c, "x")->workers.len, 3);
	ck_assert_ptr_nonnull(strstr(w->command, "/b/x 1-8002 3 of "));
	ck_assert_str_eq(w->environment[0], "BASE=/b");
	ck_assert_str_eq(w->environment[1], "X=1-8002");
	ck_assert_str_eq(w->environment[2], "HERE=/srv");
	ck_assert_ptr_null(w->environment[3]);
}
END_TEST

START_TEST(the_common_environment_is_expanded_twice_as_under_supervisor)
{
	auto_config struct config *c = load_good("[supervisord]\n"
						 "environment=A=\"50%%%%\",H=\"%(here)s\"\n"
						 "[program:x]\ncommand=a %(ENV_A)s\n"
						 "environment=B=\"50%%\"\n");
	struct worker_config *w = worker(c, "x", "x");

	ck_assert_str_eq(w->environment[0], "A=50%");
	ck_assert_str_eq(w->environment[1], "H=/srv");
	ck_assert_str_eq(w->environment[2], "B=50%");
	ck_assert_str_eq(w->command, "a 50%");
}
END_TEST

START_TEST(what_cannot_be_expanded_twice_is_expanded_once)
{
	auto_config struct config *c = NULL;
	struct worker_config *w;

	setenv("PERCENT", "100%", 1);
	c = load("[supervisord]\nenvironment=A=\"50%%\",B=\"50%%%%\",P=\"%(ENV_PERCENT)s\"\n"
		 "[program:x]\ncommand=a\n");
	w = worker(c, "x", "x");
	ck_assert_str_eq(w->environment[0], "A=50%");
	ck_assert_str_eq(w->environment[1], "B=50%");
	ck_assert_str_eq(w->environment[2], "P=100%");
	expect_message("[supervisord]\nenvironment=P=\"%(ENV_PERCENT)s\"\n", false, 2,
		       "a % in the value of a variable stays as it is");
	unsetenv("PERCENT");
}
END_TEST

START_TEST(slotds_own_section_is_expanded_once_and_wins)
{
	auto_config struct config *c =
		load_good("[supervisord]\nenvironment=A=1\n[slotd]\nenvironment=A=\"50%%\"\n"
			  "[program:x]\ncommand=a\n");

	ck_assert_str_eq(worker(c, "x", "x")->environment[0], "A=50%");
	ck_assert_ptr_null(worker(c, "x", "x")->environment[1]);
}
END_TEST

/* slotd-log has one hand for all of them. */
START_TEST(workers_may_share_a_log_that_is_rotated)
{
	auto_config struct config *c =
		load_good("[program:x]\ncommand=a\nnumprocs=8\nprocess_name=%(process_num)d\n"
			  "stdout_logfile=/tmp/one\n");

	ck_assert_uint_eq(config_program(c, "x")->workers.len, 8);
}
END_TEST

START_TEST(a_wrong_value_names_the_variable_that_has_it)
{
	setenv("N", "none", 1);
	expect_message("[program:x]\ncommand=a\nnumprocs=%(ENV_N)s\n", true, 3,
		       "'none'; give a whole number (the value comes from %(ENV_N)s)");
	expect_message("[inet_http_server]\nport=127.0.0.1:%(ENV_N)s\n", true, 2,
		       "(the value comes from %(ENV_N)s)");
	expect_message("[eventlistener:x]\ncommand=a\nevents=%(ENV_N)s\n", true, 3,
		       "(the value comes from %(ENV_N)s)");
	expect_message("[supervisord]\nenvironment=A=%(ENV_N)s%(ENV_N)s\nloglevel=%(ENV_N)s\n",
		       true, 3, "(the value comes from %(ENV_N)s)");
	expect_message("[service:x]\nlisten=1\nhealth=%(ENV_N)s\n", true, 3,
		       "(the value comes from %(ENV_N)s)");
	unsetenv("N");
}
END_TEST

START_TEST(log_names_take_one_percent_however_it_is_written)
{
	auto_config struct config *c = load_good("[program:x]\ncommand=a\n"
						 "stdout_logfile=/tmp/a%%b\n"
						 "stderr_logfile=/tmp/a%%%%b\n");
	struct worker_config *w = worker(c, "x", "x");

	ck_assert_str_eq(w->logs[0].path, "/tmp/a%b");
	ck_assert_str_eq(w->logs[1].path, "/tmp/a%b");
}
END_TEST

START_TEST(logs_can_be_none_auto_or_syslog)
{
	auto_config struct config *c = load("[program:x]\ncommand=a\nstdout_logfile=None\n"
					    "stderr_logfile=syslog\n[program:y]\ncommand=a\n"
					    "stdout_logfile=\n");

	ck_assert_uint_eq(c->n_errors, 0);
	ck_assert_int_eq(worker(c, "x", "x")->logs[0].kind, LOG_KIND_NONE);
	ck_assert_int_eq(worker(c, "x", "x")->logs[1].kind, LOG_KIND_NONE);
	ck_assert(worker(c, "x", "x")->logs[1].syslog);
	ck_assert_int_eq(worker(c, "y", "y")->logs[0].kind, LOG_KIND_NONE);
	ck_assert_ptr_nonnull(message_with(c, "stderr_logfile=syslog but this is deprecated"));
}
END_TEST

static const struct {
	const char *text;
	bool error;
	unsigned line;
	const char *part;
} program_mistakes[] = {
	{"[program:x]\n", true, 1, "program section program:x does not specify a command"},
	{"[program:x]\ncommand=a\nnumprocs=1.5\n", true, 3,
	 "invalid literal for int() with base 10: '1.5'"},
	{"[program:x]\ncommand=a\nnumprocs=1.5\nstdout_logfile_maxbytes=x\n", true, 4,
	 "invalid literal for int() with base 10: 'x'"},
	{"[program:x]\ncommand=a\n[program:y\n", false, 3, "; a section ends with ]"},
	{"[program:x]\ncommand=a\nstopsignal=\033[2J\n", true, 3, "value '?[2J' is not"},
	{"[program:x]\ncommand=a\nschedule=\n", true, 3, "has 0 of the five fields"},
	{"[program:x]\ncommand=a\nschedule=0 0 31 2 *\n", true, 3, "'0 0 31 2 *' never comes"},
	{"[program:x]\ncommand=a\nschedule=@daily\nautostart=true\n", true, 4,
	 "a program with a schedule starts at its times"},
	{"[program:x]\ncommand=a\nschedule=@daily\nautorestart=true\n", true, 4,
	 "not repeated before the next time"},
	{"[program:x]\ncommand=a\nschedule=@daily\nstartsecs=1\n", true, 4,
	 "a run may end as soon as its work is done"},
	{"[program:x]\ncommand=a\nschedule=@daily\nschedule_zone=Mars/Olympus\n", true, 4,
	 "there is no time zone Mars/Olympus"},
	{"[program:x]\ncommand=a\nschedule=@daily\nschedule_zone=../../etc/passwd\n", true, 4,
	 "is not the name of a time zone"},
	{"[program:x]\ncommand=a\nschedule=@daily\nschedule_zone=zone.tab\n", true, 4,
	 "is not the name of a time zone"},
	{"[program:x]\ncommand=a\nschedule=@daily\nschedule_zone=tzdata\n", true, 4,
	 "there is no time zone tzdata"},
	{"[program:x]\ncommand=a\nschedule=@daily\nschedule_zone=Europe\n", true, 4,
	 "the time zone Europe cannot be read"},
	{"[program:x]\ncommand=a\nschedule_zone=UTC\n", false, 3,
	 "has no effect without schedule="},
	{"[eventlistener:x]\ncommand=a\nevents=TICK_5\nschedule=@daily\n", true, 4,
	 "only a [program:x] can have a schedule"},
	{"[program:x]\ncommand=a\nautostart=maybe\n", true, 3,
	 "not a valid boolean value: 'maybe'"},
	{"[program:x]\ncommand=a\nautorestart=maybe\n", true, 3,
	 "invalid 'autorestart' value 'maybe'"},
	{"[program:x]\ncommand=a\nstopsignal=NO\n", true, 3,
	 "value 'NO' is not a valid signal name"},
	{"[program:x]\ncommand=a\nexitcodes=300\n", true, 3,
	 "not a valid list of exit codes: '300'"},
	{"[program:x]\ncommand=a\numask=9\n", true, 3, "9 can not be converted to an octal type"},
	{"[program:x]\ncommand=a\nstartsecs=-1\n", true, 3, "'-1' is not a duration"},
	{"[program:x]\ncommand=a\nnumprocs=2\n", true, 3,
	 "%(process_num) must be present within process_name when numprocs > 1"},
	{"[program:x]\ncommand=a\nnumprocs=9000\n", true, 3,
	 "9000 is above the upper bound (8192)"},
	{"[program:x]\ncommand=a\nprocess_name=a b\n", true, 3,
	 "Invalid name: 'a b' because of character: ' '"},
	{"[program:x]\ncommand=a\nprocess_name=y%(process_num)0200d\n", true, 3,
	 "makes a name of 201 characters; the limit is 200"},
	{"[program:x y]\ncommand=a\n", true, 1, "because of character: ' '"},
	{"[program:]\ncommand=a\n", true, 1, "has no name"},
	{"[program:x]\ncommand=a\nstopasgroup=true\nkillasgroup=false\n", true, 4,
	 "Cannot set stopasgroup=true and killasgroup=false"},
	{"[program:x]\ncommand=a\nstdout_logfile=/no/such/dir/x\n", false, 3,
	 "The directory named as part of the path /no/such/dir/x does not exist"},
	{"[program:x]\ncommand=a\nenvironment=A\n", true, 3,
	 "environment: Unexpected end of key/value pairs; write"},
	{"[program:x]\ncommand=a\nenvironment=A=\"s3cret\",B s3cret\n", true, 3,
	 "Unexpected end of key/value pairs after A; write"},
	{"[program:x]\ncommand=a\nenvironment=A=\"s3cret\"\"s3cret\"\n", false, 3,
	 "environment: a text stands where a comma belongs"},
	{"[program:x]\ncommand=a\nenvironment=A=\"s3cret\",B=%(nope)s\n", true, 3,
	 "Format string for 'environment' contains names ('nope')"},
	{"[inet_http_server]\nport=127.0.0.1:9\nusername=u\npassword=s3cret%\n", true, 4,
	 "Format string for 'inet_http_server.password' is badly formatted"},
	{"[program:x]\ncommand=a\nenvironment=A=http://h/?q=1\n", false, 3,
	 "\"?\" stands where a comma belongs"},
	{"[program:x]\ncommand=a\nenvironment=A=pa#ss,B=1\n", false, 3,
	 "\"#\" starts a comment after A: the rest of its line is ignored"},
	{"[program:x]\ncommand=a\nenvironment=A=x\",\n", false, 3,
	 "quotes at the ends of the value of A are dropped"},
	{"[program:x]\ncommand=a\nenvironment=A=\"'x'\"\n", false, 3,
	 "quotes at the ends of the value of A are dropped"},
	{"[program:x]\ncommand=a\nenvironment=A=,\n", false, 3,
	 "the value of A is a comma; write A=\"\" for an empty value"},
	{"[program:x]\ncommand=a\nenvironment=A=1,B=2,A=3\n", false, 3,
	 "A is given twice; the last value counts"},
	{"[program:x]\ncommand=a\nenvironment=\"A\"=1\n", false, 3,
	 "the quotes are part of the name \"A\""},
	{"[supervisord]\nenvironment=A=pa#ss,B=1\n", false, 2, "\"#\" starts a comment after A"},
	{"[supervisord]\nenvironment=A=1;B=2\n", false, 2, "\";\" stands where a comma belongs"},
	{"[slotd]\nenvironment=A=1;B=2\n", false, 2, "\";\" stands where a comma belongs"},
	{"[supervisord]\nenvironment=A=\"50%%\"\n", false, 2, "write one % as %%%%"},
	{"[supervisord]\nenvironment=A=%(nope)s\n", true, 2, "contains names ('nope')"},
	{"[program:x]\ncomand=a\n", true, 2,
	 "does not specify a command; add command=; did you mean \"command\" by \"comand\"?"},
	{"[eventlistener:x]\ncommand=a\nevent=TICK_5\n", true, 3,
	 "did you mean \"events\" by \"event\"?"},
	{"[unix_http_server]\nfiel=/tmp/x\n", true, 2, "did you mean \"file\" by \"fiel\"?"},
	{"[program:x] command=a\ncommand=b\n", false, 1,
	 "\"command=a\" after the name of the section is ignored"},
	{"[program:x]\ncommand=a\npriority=1\n\ncommand=b\n", false, 5,
	 "[program:x] command is given twice: this value counts, the one in line 2 does not"},
	{"[program:x]\ncommand=a\ncredential=a:b\n", true, 3,
	 "\"a:b\" is not a credential; write NAME:/PATH"},
	{"[program:x]\ncommand=a\ncredential=../a:/b\n", true, 3, "is not a credential"},
	{"[program:x]\ncommand=a\ncredential=..:/b\n", true, 3, "is not a credential"},
	{"[program:x]\ncommand=a\ncredential=:/b\n", true, 3, "is not a credential"},
	{"[program:x]\ncommand=a\ncredential=/etc/shadow\n", true, 3, "is not a credential"},
	{"[program:x]\ncommand=a\ncredential=a:/b\ncredential=a:/c\n", true, 4,
	 "there are two credentials named a"},
	{"[program:x]\ncommand=a\nuser=\n", true, 3, "Invalid user name"},
	{"[program:x]\ncommand=%(nope)s\n", true, 2,
	 "Format string '%(nope)s' for 'program:x.command' contains names ('nope') which cannot be "
	 "expanded."},
	{"[program:x]\ncommand=date +%s\n", true, 2, "is badly formatted: not enough arguments"},
	{"[program:x]\ncommand=a\npriority=%(process_num)d\n", true, 3, "contains names"},
	{"[program:x]\ncommand=a\nstdout_logfile_maxbytes=0\n", false, 1,
	 "AUTO logging used for stdout_logfile without rollover"},
	{"[program:x]\ncommand=a\nredirect_stderr=true\nstderr_logfile=/tmp/x\n", false, 4,
	 "redirect_stderr=true but stderr_logfile has also been set"},
	{"[program:x]\ncommand=a\nautostrat=true\n", false, 3,
	 "unknown option \"autostrat\" is ignored; did you mean \"autostart\"?"},
	{"[progam:x]\ncommand=a\n", false, 1,
	 "unknown section [progam:x] is ignored; did you mean [program:x]?"},
	{"[zebra]\nk=v\n", false, 1, "unknown section [zebra] is ignored"},
	{"[group:g]\nprograms=x\n", true, 2, "[group:g] names unknown program or fcgi-program x"},
	{"[group:g]\nprograms=wbe\n[program:web]\ncommand=a\n", true, 2, "did you mean web?"},
	{"[group:g]\nprograms=x\n[program:x]\ncommand=a\n[fcgi-program:x]\ncommand=a\n"
	 "socket=tcp://h:1\n",
	 true, 2, "[group:g] name x is ambiguous (exists as program and fcgi-program)"},
	{"[group:g]\nprograms=x,y\n[program:x]\ncommand=a\nprocess_name=p\n[program:y]\n"
	 "command=a\nprocess_name=p\n",
	 true, 6, "a second worker named p in group g"},
	{"[group:x]\n[program:x]\ncommand=a\n", false, 2, "a second group named x"},
	{"[eventlistener:l]\ncommand=a\n", true, 1, "section requires an \"events\" line"},
	{"[eventlistener:l]\ncommand=a\nevents=TICK_6\n", true, 3,
	 "Unknown event type TICK_6 in [eventlistener:l] events; did you mean TICK_5?"},
	{"[eventlistener:l]\ncommand=a\nevents=TICK_5\nbuffer_size=0\n", true, 4, "below"},
	{"[eventlistener:l]\ncommand=a\nevents=TICK_5\nredirect_stderr=true\n", true, 4,
	 "will interfere with the eventlistener protocol"},
	{"[eventlistener:l]\ncommand=a\nevents=TICK_5\nresult_handler=my:own\n", false, 4,
	 "my:own is Python, which slotd does not run"},
	{"[fcgi-program:f]\ncommand=a\n", true, 1, "section requires a \"socket\" line"},
	{"[fcgi-program:f]\ncommand=a\nsocket=x\n", true, 3, "Bad socket format x"},
	{"[fcgi-program:f]\ncommand=a\nsocket=unix://x\n", true, 3,
	 "Unix socket path x is not an absolute path"},
	{"[fcgi-program:f]\ncommand=a\nsocket=tcp://h:1\nsocket_mode=0700\n", true, 3,
	 "should only be used with a Unix domain socket"},
	{"[fcgi-program:f]\ncommand=a\nsocket=tcp://h:1\nsocket_backlog=0\n", true, 4, "below"},
	{"[unix_http_server]\n", true, 1, "section [unix_http_server] has no file value"},
	{"[unix_http_server]\nfile=/x\nchmod=9\n", true, 3, "octal"},
	{"[unix_http_server]\nfile=/x\nchown=a:b:c\n", true, 3,
	 "Invalid user:group definition a:b:c"},
	{"[unix_http_server]\nfile=/x\nusername=u\n", true, 1,
	 "Section [unix_http_server] contains incomplete authentication"},
	{"[inet_http_server]\n", true, 1, "section [inet_http_server] has no port value"},
	{"[inet_http_server]\nport=x\n", true, 2, "not a valid port number: 'x'"},
	{"[inet_http_server]\nport=:9001\nusername=u\npassword=p\n"
	 "[inet_http_server:2]\nport=127.0.0.1:9001\n",
	 true, 6, "overlaps"},
	{"[inet_http_server]\nport=*:9001\n", true, 2,
	 "other machines reach 0.0.0.0:9001, and no password is asked for"},
	{"[inet_http_server]\nport=example.org:9001\n", true, 2, "or use port=127.0.0.1:9001"},
	{"[rpcinterface:x]\n", true, 1, "does not specify a supervisor.rpcinterface_factory"},
	{"[rpcinterface:x]\nsupervisor.rpcinterface_factory=my:own\nkey=1\n", false, 2,
	 "my:own cannot be resolved within [rpcinterface:x]"},
	{"[supervisord]\nloglevel=loud\n", true, 2, "bad logging level name 'loud'"},
	{"[supervisord]\nchildlogdir=/no/such/dir\n", true, 2, "is not an existing directory"},
	{"[supervisord]\nlogfile=/no/such/dir/x\n", true, 2, "does not exist"},
	{"[slotd]\nrealys=2\n", true, 2,
	 "[slotd] unknown option \"realys\"; did you mean \"relays\"?"},
	{"[supervisord]\nrealys=2\n", false, 2, "did you mean \"relays\"?"},
	{"[slotd]\nrelays=65\n", true, 2, "above the upper bound (64)"},
};

START_TEST(each_mistake_is_told_with_its_line)
{
	for (size_t i = 0; i < ARRAY_SIZE(program_mistakes); i++) {
		expect_message(program_mistakes[i].text, program_mistakes[i].error,
			       program_mistakes[i].line, program_mistakes[i].part);
	}
}
END_TEST

START_TEST(a_mistake_that_is_in_every_worker_is_told_once)
{
	auto_config struct config *c =
		load("[program:x]\nnumprocs=50\nprocess_name=%(process_num)d\ncommand=%(nope)s\n");

	ck_assert_uint_eq(c->n_errors, 1);
}
END_TEST

START_TEST(all_programs_together_are_bounded)
{
	auto_config struct config *c =
		load("[program:x]\nnumprocs=8000\nprocess_name=%(process_num)d\ncommand=a\n"
		     "[program:y]\nnumprocs=8000\nprocess_name=%(process_num)d\ncommand=a\n");

	ck_assert_ptr_nonnull(message_with(c, "exceeds the limit of 8192 workers in all"));
}
END_TEST

START_TEST(numprocs_0_is_a_group_without_workers)
{
	auto_config struct config *c = load_good("[program:x]\nnumprocs=0\ncommand=a\n");

	ck_assert_uint_eq(config_group(c, "x")->workers.len, 0);
}
END_TEST

/* ---- groups -------------------------------------------------------------------------------- */

START_TEST(groups_and_workers_are_in_supervisors_order)
{
	auto_config struct config *c =
		load_good("[program:z]\ncommand=a\npriority=1\n[program:b]\ncommand=a\n[program:a]"
			  "\ncommand=a\n"
			  "[eventlistener:l]\ncommand=a\nevents=tick_5, TICK_5,EVENT\n"
			  "[program:m]\ncommand=a\npriority=5\n[program:n]\ncommand=a\npriority=2\n"
			  "[group:g]\nprograms=m,n\n");

	ck_assert_uint_eq(c->groups.len, 5);
	ck_assert_str_eq(c->groups.at[0]->name, "l");
	ck_assert_str_eq(c->groups.at[1]->name, "z");
	ck_assert_str_eq(c->groups.at[2]->name, "a");
	ck_assert_str_eq(c->groups.at[3]->name, "b");
	ck_assert_str_eq(c->groups.at[4]->name, "g");
	ck_assert_str_eq(c->groups.at[4]->workers.at[0]->name, "n");
	ck_assert_str_eq(c->groups.at[4]->workers.at[1]->name, "m");
	ck_assert_int_eq(config_program(c, "l")->priority, 999);
	ck_assert_str_eq(config_program(c, "l")->events[0], "EVENT");
	ck_assert_str_eq(config_program(c, "l")->events[1], "TICK_5");
	ck_assert_ptr_null(config_program(c, "l")->events[2]);
}
END_TEST

START_TEST(a_program_of_two_groups_is_there_twice)
{
	auto_config struct config *c =
		load_good("[program:x]\ncommand=%(group_name)s\n[group:g]\nprograms=x\n"
			  "[group:h]\nprograms=x\n");

	ck_assert_uint_eq(c->groups.len, 2);
	ck_assert_str_eq(worker(c, "g", "x")->command, "g");
	ck_assert_str_eq(worker(c, "h", "x")->command, "h");
}
END_TEST

/* ---- the daemon ---------------------------------------------------------------------------- */

START_TEST(slotd_wins_over_supervisord_and_the_command_line_over_both)
{
	const struct config_overrides overrides = {
		.section_option = {{"loglevel", "debug"}, {"identifier", "cli"}}};
	auto_config struct config *c =
		load_with("[supervisord]\nloglevel=error\nidentifier=a\nminfds=2000\nrelays=1\n"
			  "[slotd]\nidentifier=b\nrelays=3\n",
			  &overrides);

	ck_assert_uint_eq(c->n_errors, 0);
	ck_assert_int_eq(c->supervisord.log_priority, LOG_DEBUG);
	ck_assert_str_eq(c->supervisord.identifier, "cli");
	ck_assert_uint_eq(c->supervisord.minfds, 2000);
	ck_assert_uint_eq(c->supervisord.relays, 3);
}
END_TEST

START_TEST(a_bad_value_on_the_command_line_is_told_as_such)
{
	const struct config_overrides overrides = {.section_option = {{"minfds", "many"}}};
	auto_config struct config *c = load_with("[supervisord]\n", &overrides);

	ck_assert_str_eq(c->messages.at[0].diag.file, "command line");
}
END_TEST

START_TEST(servers_are_read)
{
	auto_config struct config *c = load_good(
		"[unix_http_server]\nfile=/tmp/x.sock\nchmod=0770\nchown=nobody:nogroup\n"
		"username=u\npassword={SHA}x\n[inet_http_server]\nport=*:9001\nusername=u\n"
		"password=p\n[rpcinterface:supervisor]\n"
		"supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
		"[supervisorctl]\nserverurl=unix:///tmp/x.sock\n");

	ck_assert_uint_eq(c->servers.len, 2);
	ck_assert_str_eq(c->servers.at[0].address, "0.0.0.0:9001");
	ck_assert(!c->servers.at[0].unix_socket);
	ck_assert_str_eq(c->servers.at[1].address, "unix:/tmp/x.sock");
	ck_assert_uint_eq(c->servers.at[1].mode, 0770);
	ck_assert_str_eq(c->servers.at[1].owner.user, "nobody");
	ck_assert_str_eq(c->servers.at[1].owner.group, "nogroup");
	ck_assert_str_eq(c->servers.at[1].password, "{SHA}x");
}
END_TEST

START_TEST(a_file_without_supervisord_writes_nothing_into_the_current_directory)
{
	auto_config struct config *c = load_good("[slotd]\nrun_dir=/r\nlog_dir=/l\n");

	ck_assert_str_eq(c->supervisord.pidfile, "/r/slotd.pid");
	ck_assert_str_eq(c->supervisord.log.path, "/l/slotd.log");
	ck_assert_str_eq(c->supervisord.childlogdir, "/l");
}
END_TEST

/* ---- what a reload changes ----------------------------------------------------------------- */

/* "groups: NEW g; workers: DIFFERENT g:w" */
static const char *diff(const char *old, const char *new_)
{
	static const char *const names[CHANGE_MAX_] = {"KEEP", "NEW", "DROP", "DIFFERENT"};
	static char buf[1024];
	auto_config struct config *a = load_good(old);
	auto_config struct config *b = load_good(new_);
	CLEANUP(strbuf_done) struct strbuf out = {0};
	struct config_diff d;

	ck_assert_int_eq(config_diff(a, b, &d), 0);
	vec_for_each (g, &d.groups) {
		(void)strbuf_addf(&out, "%s %s;", names[g->change], g->group);
	}
	vec_for_each (w, &d.workers) {
		(void)strbuf_addf(&out, " %s %s:%s", names[w->change], w->group, w->worker);
	}
	config_diff_done(&d);
	(void)snprintf(buf, sizeof(buf), "%s", strbuf_str(&out));
	return buf;
}

#define X3 "[program:x]\nprocess_name=%(process_num)d\ncommand=a\nnumprocs="

START_TEST(a_reload_changes_only_what_differs)
{
	ck_assert_str_eq(diff(X3 "2\n", X3 "2\n"), "");
	ck_assert_str_eq(diff(X3 "2\n", X3 "3\n"), "DIFFERENT x; NEW x:2");
	ck_assert_str_eq(diff(X3 "3\n", X3 "2\n"), "DIFFERENT x; DROP x:2");
	ck_assert_str_eq(diff("[program:x]\ncommand=a\n", "[program:y]\ncommand=a\n"),
			 "NEW y;DROP x; NEW y:y DROP x:x");
	ck_assert_str_eq(diff("[program:x]\ncommand=a\n", "[program:x]\ncommand=b\n"),
			 "DIFFERENT x; DIFFERENT x:x");
	ck_assert_str_eq(diff("[program:x]\ncommand=a\n", "[program:x]\ncommand=a\nuser=nobody\n"),
			 "DIFFERENT x; DIFFERENT x:x");
	ck_assert_str_eq(diff("[program:x]\ncommand=a\ncredential=a:/b\n",
			      "[program:x]\ncommand=a\ncredential=a:/c\n"),
			 "DIFFERENT x; DIFFERENT x:x");
	ck_assert_str_eq(diff("[program:x]\ncommand=a\n",
			      "[supervisord]\nenvironment=A=1\n[program:x]\ncommand=a\n"),
			 "DIFFERENT x; DIFFERENT x:x");
}
END_TEST

START_TEST(policy_changes_without_a_restart)
{
	ck_assert_str_eq(diff("[program:x]\ncommand=a\n",
			      "[program:x]\ncommand=a\nstopwaitsecs=60\nautorestart=true\n"),
			 "DIFFERENT x;");
	ck_assert_str_eq(diff("[program:x]\ncommand=a\n",
			      "[program:x]\n; moved down\n\ncommand=a ; the same\n"),
			 "");
}
END_TEST

START_TEST(a_listener_that_listens_to_something_else_differs)
{
	ck_assert_str_eq(diff("[eventlistener:l]\ncommand=a\nevents=TICK_5,TICK_60\n",
			      "[eventlistener:l]\ncommand=a\nevents=TICK_60,TICK_5\n"),
			 "");
	ck_assert_str_eq(diff("[eventlistener:l]\ncommand=a\nevents=TICK_5\n",
			      "[eventlistener:l]\ncommand=a\nevents=TICK_60\n"),
			 "DIFFERENT l; DIFFERENT l:l");
}
END_TEST

START_TEST(a_schedule_sets_how_a_program_starts)
{
	auto_config struct config *c = load_good(
		"[program:x]\ncommand=a\nschedule=30 4 * * mon-fri\nschedule_zone=Europe/Berlin\n"
		"autostart=false\nautorestart=false\nstartsecs=0\n"
		"[program:y]\ncommand=a\nschedule=@reboot\nschedule_zone=Europe/Berlin\n"
		"[program:z]\ncommand=a\nschedule=@daily\n[program:plain]\ncommand=a\n");
	const struct program_config *x = config_program(c, "x"), *y = config_program(c, "y");

	ck_assert(!y->autostart && y->policy.autorestart == AUTORESTART_NEVER);
	ck_assert_uint_eq(y->policy.startsecs, 0);
	ck_assert(y->times->at_start && !x->times->at_start);
	ck_assert_uint_eq(x->times->weekdays, 0x3e);
	ck_assert_ptr_eq(x->zone, y->zone);
	ck_assert_ptr_ne(x->zone, config_program(c, "z")->zone);
	ck_assert_uint_gt(x->zone->n_times, 0);
	ck_assert_ptr_null(config_program(c, "plain")->times);
	ck_assert(config_program(c, "plain")->autostart);
}
END_TEST

SUITE("config_programs", a_program_has_supervisors_defaults, every_option_of_a_program_arrives,
      credentials_add_up_line_by_line_and_are_replaced_by_a_later_section,
      workers_are_numbered_and_know_each_others_names,
      the_common_environment_is_expanded_twice_as_under_supervisor,
      what_cannot_be_expanded_twice_is_expanded_once, slotds_own_section_is_expanded_once_and_wins,
      workers_may_share_a_log_that_is_rotated, a_wrong_value_names_the_variable_that_has_it,
      log_names_take_one_percent_however_it_is_written, logs_can_be_none_auto_or_syslog,
      each_mistake_is_told_with_its_line, a_mistake_that_is_in_every_worker_is_told_once,
      all_programs_together_are_bounded, numprocs_0_is_a_group_without_workers,
      groups_and_workers_are_in_supervisors_order, a_program_of_two_groups_is_there_twice,
      slotd_wins_over_supervisord_and_the_command_line_over_both,
      a_bad_value_on_the_command_line_is_told_as_such, servers_are_read,
      a_file_without_supervisord_writes_nothing_into_the_current_directory,
      a_reload_changes_only_what_differs, policy_changes_without_a_restart,
      a_schedule_sets_how_a_program_starts, a_listener_that_listens_to_something_else_differs);
