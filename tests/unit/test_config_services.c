/* [service:x] in both its forms. */
#include <config/ports.h>
#include <slotd/strbuf.h>

#include "config_text.h"
#include "suite.h"

#define HEAD "[service:s]\nlisten=127.0.0.1:8000\nhealth=tcp\n" /* 3 lines */
#define A                                                                             \
	"[program:s-a]\ncommand=a %(process_num)d\nnumprocs=2\nnumprocs_start=8001\n" \
	"process_name=%(program_name)s_%(process_num)d\n"
#define B                                                                             \
	"[program:s-b]\ncommand=a %(process_num)d\nnumprocs=2\nnumprocs_start=8101\n" \
	"process_name=%(program_name)s_%(process_num)d\n"
#define SLOTS "slot_a=s-a\nslot_b=s-b\n"
#define PORTS "command=a %(port)d\nports_a=8001-8002\nports_b=8101,8102\n"

/* "s a: s-a s-a:s-a_8001@127.0.0.1:8001 ..." : all that the two forms must agree in. */
static void dump(const struct config *c, struct strbuf *out)
{
	vec_for_each (s, &c->services) {
		for (int slot = 0; slot < SLOT_MAX_; slot++) {
			const struct service_slot_config *sc = &(*s)->slots[slot];

			(void)strbuf_addf(out, "%s %s: %s", (*s)->name, slot_name(slot), sc->name);
			vec_for_each (p, &sc->programs) {
				vec_for_each (w, &(*p)->workers) {
					(void)strbuf_addf(out, " %s:%s@%s(%s)", w->group, w->name,
							  w->address ? w->address : "-",
							  w->command);
				}
			}
			(void)strbuf_addc(out, '\n');
		}
	}
}

START_TEST(both_forms_make_the_same_thing)
{
	auto_config struct config *first = load_good(HEAD SLOTS A B);
	auto_config struct config *second = load_good(HEAD PORTS);
	CLEANUP(strbuf_done) struct strbuf x = {0};
	CLEANUP(strbuf_done) struct strbuf y = {0};
	struct config_diff d;

	dump(first, &x);
	dump(second, &y);
	ck_assert_str_eq(strbuf_str(&x), strbuf_str(&y));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&x), "s-b:s-b_8102@127.0.0.1:8102(a 8102)"));
	ck_assert_int_eq(config_diff(first, second, &d), 0);
	ck_assert_uint_eq(d.groups.len + d.workers.len, 0);
	config_diff_done(&d);
}
END_TEST

START_TEST(two_services_agree_when_all_their_options_do)
{
	static const char *const others[] = {
		HEAD SLOTS A B "[service:s]\nlisten=127.0.0.1:8000, 127.0.0.1:9000\n",
		HEAD SLOTS A B "[service:s]\nhealth=http /x\n",
		HEAD SLOTS A B "[service:s]\nhealth=exec true\n",
		HEAD SLOTS A B "[service:s]\nslot_a=s-b\nslot_b=s-a\n",
		HEAD SLOTS A B "[service:s]\nworker_max=3\n",
		HEAD SLOTS A B "[service:s]\nprepare=echo\n",
		HEAD SLOTS A B "[service:s]\nallow_deploy=root\n",
		HEAD SLOTS A B "[service:s]\nhealth_header=A: b\n",
	};
	auto_config struct config *c = load_good(HEAD SLOTS A B);
	auto_config struct config *same = load_good(A B HEAD SLOTS);

	ck_assert(config_service_equal(c->services.at[0], same->services.at[0]));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		auto_config struct config *other = load_good(others[i]);

		ck_assert_msg(!config_service_equal(c->services.at[0], other->services.at[0]), "%s",
			      others[i]);
	}
}
END_TEST

START_TEST(drain_is_a_word_or_a_duration_of_stillness)
{
	auto_config struct config *c = load_good(HEAD "drain=idle:90s\n" SLOTS A B);
	auto_config struct config *w = load_good(HEAD "drain=worker\n" SLOTS A B);

	ck_assert_int_eq(config_service(c, "s")->drain.mode, DRAIN_IDLE);
	ck_assert_uint_eq(config_service(c, "s")->drain.idle, SECONDS(90));
	ck_assert_int_eq(config_service(w, "s")->drain.mode, DRAIN_WORKER);
	ck_assert(!config_service_equal(config_service(c, "s"), config_service(w, "s")));
}
END_TEST

START_TEST(a_preview_has_addresses_of_its_own)
{
	auto_config struct config *c =
		load_good(HEAD "preview_listen=127.0.0.1:8009,unix:/run/p.sock\n" SLOTS A B);
	auto_config struct config *moved =
		load_good("[service:s]\nlisten=127.0.0.1:8000,127.0.0.1:8009\nhealth=tcp\n"
			  "preview_listen=unix:/run/p.sock\n" SLOTS A B);
	const struct service_config *s = config_service(c, "s");

	ck_assert_uint_eq(s->listen.len, 3);
	ck_assert_uint_eq(s->n_preview, 2);
	ck_assert(!service_is_preview(s, 0) && service_is_preview(s, 1));
	ck_assert_str_eq(s->listen.at[1], "127.0.0.1:8009");
	ck_assert(!config_service_equal(s, config_service(moved, "s")));
	expect_message(HEAD "preview_listen=nowhere at all\n" SLOTS A B, true, 4,
		       "preview_listen: ");
	expect_message(HEAD "preview_listen=127.0.0.1:8001\n" SLOTS A B, true, 10,
		       "overlaps 127.0.0.1:8001 of the preview of service s (/srv/t.conf:4)");
}
END_TEST

START_TEST(what_an_offline_service_answers_is_a_file_and_paths)
{
	auto_config struct config *c = load_good(HEAD "offline_page=%(here)s/p.html\nannounce=\n"
						      "  wall x\n  true\n" SLOTS A B);
	auto_config struct config *http = load_good(
		"[service:s]\nlisten=127.0.0.1:8000\nhealth=http /h/%(slot)s?x\n" SLOTS A B);
	auto_config struct config *one =
		load_good("[service:s]\nlisten=127.0.0.1:8000\nhealth=http /h\n" SLOTS A B);

	ck_assert_str_eq(config_service(c, "s")->offline_page, "/srv/p.html");
	ck_assert_uint_eq(config_service(c, "s")->offline_retry_after, SECONDS(60));
	ck_assert_ptr_null(config_service(c, "s")->offline_health);
	ck_assert_str_eq(config_service(c, "s")->announce, "wall x\ntrue");
	ck_assert_str_eq(config_service(http, "s")->offline_health, "/h/a /h/b");
	ck_assert_str_eq(config_service(one, "s")->offline_health, "/h");
	expect_message(HEAD "offline_page=p.html\n" SLOTS A B, true, 4, "offline_page: p.html");
	expect_message(HEAD "offline_health=/a b\n" SLOTS A B, true, 4,
		       "offline_health: 'b' is not a path");
	expect_message(HEAD "offline_health=/a?b\n" SLOTS A B, true, 4, "offline_health: '/a?b'");
}
END_TEST

START_TEST(a_service_has_its_defaults)
{
	auto_config struct config *c = load_good(HEAD SLOTS A B);
	struct service_config *s = config_service(c, "s");

	ck_assert_uint_eq(s->listen.len, 1);
	ck_assert_int_eq(s->backlog, 4096);
	ck_assert_int_eq(s->balance, BALANCE_ROUND_ROBIN);
	ck_assert_int_eq(s->connect, CONNECT_EARLY);
	ck_assert_int_eq(s->drain.mode, DRAIN_REQUESTS);
	ck_assert_int_eq(s->protocol, PROTOCOL_AUTO);
	ck_assert_int_eq(s->retry, RETRY_SAFE);
	ck_assert_uint_eq(s->client_timeout, SECONDS(60));
	ck_assert_uint_eq(s->idle_timeout, 0);
	ck_assert_uint_eq(s->half_close_timeout, SECONDS(60));
	ck_assert_uint_eq(s->drain_spread, SECONDS(5));
	ck_assert_uint_eq(s->drain_timeout, SECONDS(30));
	ck_assert_uint_eq(s->idle_keep, SECONDS(900));
	ck_assert_uint_eq(s->ready_timeout, SECONDS(60));
	ck_assert_str_eq(s->min_ready, "all");
	ck_assert_uint_eq(s->bake, 0);
	ck_assert_uint_eq(s->bake_crashes, 1);
	ck_assert_uint_eq(s->canary.n_steps, 0);
	ck_assert_int_eq(s->canary.by, CANARY_BY_CONNECTION);
	ck_assert_ptr_null(s->canary_from);
	ck_assert_uint_eq(s->canary_timeout, SECONDS(1800));
	ck_assert_uint_eq(s->canary.failures, 1000);
	ck_assert_uint_eq(s->proxy_protocol, 0);
	ck_assert_uint_eq(s->worker_max, 0);
	ck_assert_ptr_null(s->allow_deploy);
	ck_assert_ptr_null(s->slots[SLOT_A].hooks[HOOK_PREPARE]);
	ck_assert_int_eq(config_program(c, "s-b")->slot, SLOT_B);
	ck_assert_int_eq(config_program(c, "s-b")->service, 0);
}
END_TEST

START_TEST(every_option_of_a_service_arrives)
{
	auto_config struct config *c = load_good(
		"[service:s]\nlisten=127.0.0.1:8000, [::]:8000\n  unix:/tmp/s.sock\n"
		"health=http /healthz?x=%(slot)s\nhealth_host=h\nhealth_status=200,300-301\n"
		"health_header=A: b\n C: d\nhealth_timeout=2\nhealth_interval=500ms\n"
		"health_rise=2\nhealth_fall=4\nhealth_start_period=30\nhealth_restart=yes\n"
		"min_ready=50%%\nready_timeout=2m\n"
		"balance=source\nworker_max=9\nproxy_protocol=v2\nconnect_timeout=1\n"
		"hold_timeout=3\ndrain=connections\ndrain_timeout=4\nidle_keep=0\n"
		"protocol=http\nretry=idempotent\nclient_timeout=5\nidle_timeout=6\n"
		"half_close_timeout=7\ndrain_spread=8\nbake=1m\nbake_crashes=3\n"
		"verify=true\nverify_interval=9\n"
		"live_file=/tmp/live\nlive_link=/tmp/link\nprepare_directory=/apps/s-%(slot)s\n"
		"prepare=\n  git pull\n\n  make %(slot)s\nprepare_timeout=0\n"
		"canary_steps=5%:60s, 2.5%%:1m\ncanary_by=cookie:ab\n"
		"canary_from=10.0.0.0/8, ::1\ncanary_timeout=9\ncanary_crashes=7\n"
		"canary_failures=12.5%\ncanary_requests=77\nrolling_max=25%\n"
		"allow_deploy=ana, @dev\nbacklog=10\nsocket_mode=0660\nsocket_owner=nobody\n" SLOTS
			A B);
	struct service_config *s = config_service(c, "s");

	ck_assert_uint_eq(s->listen.len, 3);
	ck_assert_str_eq(s->listen.at[1], "[::]:8000");
	ck_assert_str_eq(s->listen.at[2], "unix:/tmp/s.sock");
	ck_assert_int_eq(s->health, HEALTH_HTTP);
	ck_assert_int_eq(s->connect, CONNECT_LATE);
	ck_assert_str_eq(s->slots[SLOT_A].health_arg, "/healthz?x=a");
	ck_assert_str_eq(s->slots[SLOT_B].health_arg, "/healthz?x=b");
	ck_assert_str_eq(s->health_header[1], "C: d");
	ck_assert_uint_eq(s->health_interval, MSECONDS(500));
	ck_assert_uint_eq(s->health_start_period, SECONDS(30));
	ck_assert(s->health_restart);
	ck_assert_uint_eq(s->health_watchdog, 0);
	ck_assert_uint_eq(s->verify_interval, SECONDS(9));
	ck_assert_str_eq(s->min_ready, "50%");
	ck_assert_int_eq(s->balance, BALANCE_SOURCE);
	ck_assert_uint_eq(s->proxy_protocol, 2);
	ck_assert_int_eq(s->drain.mode, DRAIN_CONNECTIONS);
	ck_assert_int_eq(s->protocol, PROTOCOL_HTTP);
	ck_assert_int_eq(s->retry, RETRY_IDEMPOTENT);
	ck_assert_uint_eq(s->client_timeout, SECONDS(5));
	ck_assert_uint_eq(s->idle_timeout, SECONDS(6));
	ck_assert_uint_eq(s->half_close_timeout, SECONDS(7));
	ck_assert_uint_eq(s->drain_spread, SECONDS(8));
	ck_assert_uint_eq(s->idle_keep, 0);
	ck_assert_uint_eq(s->bake, SECONDS(60));
	ck_assert_uint_eq(s->canary.n_steps, 2);
	ck_assert_uint_eq(s->canary.steps[1].weight, 250);
	ck_assert_uint_eq(s->canary.steps[1].time, SECONDS(60));
	ck_assert_int_eq(s->canary.by, CANARY_BY_COOKIE);
	ck_assert_str_eq(s->canary.cookie, "ab");
	ck_assert_str_eq(s->canary_from[1], "::1");
	ck_assert_uint_eq(s->canary_timeout, SECONDS(9));
	ck_assert_uint_eq(s->canary_crashes, 7);
	ck_assert_uint_eq(s->canary.failures, 1250);
	ck_assert_uint_eq(s->canary_requests, 77);
	ck_assert_str_eq(s->rolling_max, "25%");
	ck_assert_uint_eq(s->bake_crashes, 3);
	ck_assert_str_eq(s->slots[SLOT_B].hooks[HOOK_PREPARE], "git pull\n\nmake b");
	ck_assert_str_eq(s->slots[SLOT_B].prepare_directory, "/apps/s-b");
	ck_assert_uint_eq(s->hook_timeout[HOOK_PREPARE], USEC_NEVER);
	ck_assert_str_eq(s->allow_deploy[1], "@dev");
	ck_assert_uint_eq(s->socket_mode, 0660);
	ck_assert_str_eq(s->socket_owner.user, "nobody");
}
END_TEST

START_TEST(the_second_form_takes_every_option_of_a_program)
{
	auto_config struct config *c =
		load_good(HEAD PORTS "user=nobody\nenvironment=P=%(port)d,S=%(slot)s\n"
				     "directory=/apps/%(service_name)s-%(slot)s\nstartsecs=0\n"
				     "stdout_logfile=/tmp/%(program_name)s-%(process_num)d.log\n");
	struct worker_config *w = worker(c, "s-b", "s-b_8101");

	ck_assert_str_eq(w->environment[0], "P=8101");
	ck_assert_str_eq(w->environment[1], "S=b");
	ck_assert_str_eq(w->directory, "/apps/s-b");
	ck_assert_str_eq(w->logs[0].path, "/tmp/s-b-8101.log");
	ck_assert_uint_eq(w->program->policy.startsecs, 0);
	ck_assert_str_eq(config_service(c, "s")->slots[SLOT_A].prepare_directory, "/apps/s-a");
}
END_TEST

START_TEST(worker_templates_give_other_addresses)
{
	auto_config struct config *c = load_good(
		HEAD
		"slot_a=x\nslot_b=y\nworker=127.0.0.1:80%(process_num)02d\n"
		"[program:x]\ncommand=a\nnumprocs=2\nnumprocs_start=1\n"
		"process_name=%(process_num)d\n"
		"[program:y]\ncommand=a\nnumprocs=2\nnumprocs_start=11\n"
		"process_name=%(process_num)d\n"
		"[service:t]\nlisten=127.0.0.1:9000\nhealth=tcp\ncommand=a\nports_a=1\n"
		"ports_b=2\nworker=unix:/tmp/%(service_name)s-%(slot)s-%(process_num)d.sock\n");

	ck_assert_str_eq(worker(c, "x", "2")->address, "127.0.0.1:8002");
	ck_assert_str_eq(worker(c, "y", "12")->address, "127.0.0.1:8012");
	ck_assert_str_eq(worker(c, "t-b", "t-b_2")->address, "unix:/tmp/t-b-2.sock");
}
END_TEST

START_TEST(queue_workers_have_no_address)
{
	auto_config struct config *c =
		load_good(HEAD "slot_a=g,qa\nslot_b=s-b,qb\n" A B
			       "[program:qa]\ncommand=q\n[program:qb]\ncommand=q\n"
			       "[group:g]\nprograms=s-a\n");
	auto_config struct config *named = load_good(
		HEAD PORTS "slot_a=qa\nslot_b=qb\nqueue=qa,qb\nworker=127.0.0.1:%(port)d\n"
			   "[program:qa]\ncommand=q\n[program:qb]\ncommand=q\n");

	ck_assert_ptr_null(worker(c, "qa", "qa")->address);
	ck_assert_str_eq(worker(c, "g", "s-a_8001")->address, "127.0.0.1:8001");
	ck_assert_str_eq(config_service(c, "s")->slots[SLOT_A].name, "g");
	ck_assert_uint_eq(config_service(c, "s")->slots[SLOT_A].programs.len, 2);
	ck_assert_ptr_null(worker(named, "qb", "qb")->address);
	ck_assert_str_eq(config_service(named, "s")->slots[SLOT_B].name, "s-b");
}
END_TEST

static const struct {
	const char *text;
	bool error;
	unsigned line;
	const char *part;
} mistakes[] = {
	{"[service:s]\nhealth=tcp\n" PORTS, true, 1, "has no listen="},
	{"[service:s]\nlisten=:8000\n" PORTS, true, 1, "has no health="},
	{"[service:s]\nlisten=x\nhealth=tcp\n" PORTS, true, 2, "not a valid port number: 'x'"},
	{HEAD, true, 1, "has no slot_a="},
	{HEAD "drain=idle\n" PORTS, true, 4,
	 "invalid 'drain' value 'idle'; use one of: requests, connections, worker, "
	 "idle:DURATION"},
	{HEAD "drain=idle:soon\n" PORTS, true, 4, "soon"},
	{HEAD "drain_spread=2d\n" PORTS, true, 4, "too long"},
	{HEAD "slot_a=s-a\n" A, true, 1, "has no slot_b="},
	{HEAD "slot_a=\nslot_b=\n", true, 4, "slot a is empty"},
	{HEAD "slot_a=s-c\nslot_b=s-b\n" A B, true, 4,
	 "there is no program or group named s-c; did you mean s-a?"},
	{HEAD "slot_a=s-a\nslot_b=s-b\n" A, true, 5,
	 "there is no program or group named s-b; add [program:s-b]"},
	{HEAD "slot_a=zebra\nslot_b=s-b\n" A B, true, 4, "named zebra; add [program:zebra]"},
	{HEAD "slot_a=s-a\nslot_b=s-a\n" A, true, 5,
	 "program s-a is in slot a of service s already; a program can be in one slot only"},
	{HEAD "slot_a=l\nslot_b=s-b\n" B "[eventlistener:l]\ncommand=a\nevents=EVENT\n", true, 4,
	 "a slot can contain plain programs only"},
	{HEAD "slot_a=q\nslot_b=s-b\n" B "[program:q]\ncommand=a\n", true, 4,
	 "no worker of slot a has an address"},
	{HEAD SLOTS "queue=q\n" A B, true, 6, "program q is in neither slot_a= nor slot_b="},
	{HEAD "slot_a=s-a,x\nslot_b=s-b\nworker=127.0.0.1:%(process_num)d\n" A B
	      "[program:x]\ncommand=x\nexclusive=true\nnumprocs_start=8009\n",
	 true, 4, "program x has exclusive= and an address"},
	{HEAD "consumers=always\n" SLOTS A B, true, 4, "use one of: after_flip, with_slot"},
	{HEAD SLOTS A B "[program:x]\ncommand=x\nexclusive=true\n", false, 16,
	 "program x: exclusive=true: it is in no slot"},
	{HEAD SLOTS A B "[program:x]\ncommand=x\nexclusive=true\nnumprocs=2\n"
			"process_name=%(process_num)d\n",
	 true, 18, "an exclusive program has one worker"},
	{HEAD SLOTS A B "[program:s]\ncommand=a\n", true, 1, "has the same name as a program"},
	{HEAD SLOTS A B "[group:s]\n", true, 1, "has the same name as a group"},
	{HEAD SLOTS "ports_a=1\n" A B, true, 6, "needs command="},
	{HEAD SLOTS "startsecs=1\n" A B, true, 6, "belongs in the programs of the slots"},
	{HEAD PORTS "numprocs=3\n", true, 7, "come from ports_a and ports_b"},
	{HEAD "command=a\nports_a=1025\n", true, 1, "has command= but no ports_b="},
	{HEAD "command=a\nports_a=8001-\nports_b=9000\n", true, 5, "is not a list of ports"},
	{HEAD "command=a\nports_a=8002-8001\nports_b=9000\n", true, 5, "is not a list of ports"},
	{HEAD "command=a\nports_a=70000\nports_b=9000\n", true, 5, "not between 1 and 65535"},
	{HEAD "command=a\nports_a=8001,8001\nports_b=9000\n", true, 5, "has port 8001 twice"},
	{HEAD "command=a\nports_a=2000-9000\nports_b=9000\n", true, 5, "more than 1024 ports"},
	{HEAD PORTS "[program:s-a]\ncommand=a\n", true, 1,
	 "makes a program named s-a, but there is one already at /srv/t.conf:7"},
	{HEAD "command=a\nports_a=8001-8005\nports_b=8005-8009\n", true, 6,
	 "127.0.0.1:8005 of worker s-b_8005 overlaps 127.0.0.1:8005 of worker s-a_8005"},
	{HEAD "command=a\nports_a=8000-8002\nports_b=8101\n", true, 5,
	 "overlaps 127.0.0.1:8000 of the public socket of service s"},
	{"[service:s]\nlisten=:8101\nhealth=tcp\n" PORTS, true, 6, "overlaps 0.0.0.0:8101"},
	{HEAD PORTS "[service:t]\nlisten=127.0.0.1:9000\nhealth=tcp\ncommand=a\nports_a=8002\n"
		    "ports_b=9001\n",
	 true, 11, "overlaps"},
	{HEAD PORTS "[service:t]\nlisten=127.0.0.1:8000\nhealth=tcp\ncommand=a\nports_a=9002\n"
		    "ports_b=9001\n",
	 true, 8, "the public socket of service t overlaps"},
	{"[service:s]\nlisten=127.0.0.1:8000,127.0.0.1:8000\nhealth=tcp\n" PORTS, true, 2,
	 "overlaps"},
	{HEAD PORTS "[inet_http_server]\nport=127.0.0.1:8000\n", true, 8, "overlaps"},
	{HEAD SLOTS "worker=127.0.0.1:99%(process_num)d\n" A B, true, 6,
	 "port 998001 is not between 1 and 65535, which would be the address of s-a_8001"},
	{"[service:s]\nlisten=:8000\nhealth=http\n" PORTS, true, 3, "write health=http /healthz"},
	{"[service:s]\nlisten=:8000\nhealth=http healthz\n" PORTS, true, 3, "is not a path"},
	{"[service:s]\nlisten=:8000\nhealth=ping\n" PORTS, true, 3,
	 "use tcp, http PATH, exec COMMAND or notify"},
	{"[service:s]\nlisten=:8000\nhealth=notify READY\n" PORTS, true, 3, "write health=notify"},
	{HEAD PORTS "health_watchdog=5\n", true, 7, "only workers with health=notify"},
	{"[service:s]\nlisten=:8000\nhealth=notify\nhealth_watchdog=50ms\n" PORTS, true, 4,
	 "100ms or more"},
	{HEAD PORTS "verify_interval=5\n", false, 7, "without verify="},
	{HEAD PORTS "verify_interval=5\nverify=true\n", false, 7, "without bake="},
	{"[service:s]\nlisten=:8000\nhealth=tcp 8000\n" PORTS, true, 3, "write health=tcp"},
	{HEAD PORTS "health_status=99\n", true, 7, "is not a list of statuses"},
	{HEAD PORTS "health_header=x\n", true, 7, "is not a header"},
	{HEAD PORTS "min_ready=most\n", true, 7, "is not all, a number or N%"},
	{HEAD PORTS "min_ready=3\n", true, 7, "3, but slot a has 2 workers"},
	{HEAD PORTS "canary_steps=5%\n", true, 7, "'5%' is not a step"},
	{HEAD PORTS "canary_steps=0%:1s\n", true, 7, "a share of 0"},
	{HEAD PORTS "canary_by=dice\n", true, 7, "is none of connection, source and cookie:NAME"},
	{HEAD PORTS "canary_by=cookie:a b\n", true, 7, "is none of connection"},
	{HEAD PORTS "canary_by=cookie:ab\n", true, 7, "set connect=late as well"},
	{HEAD PORTS "connect=late\nprotocol=tcp\ncanary_by=cookie:ab\n", true, 9,
	 "with protocol=tcp no request is read"},
	{HEAD PORTS "canary_by=source\n", false, 7, "is on this machine alone"},
	{HEAD PORTS "canary_from=10.0.0.0/8, x\n", true, 7, "'x' is not a network"},
	{HEAD PORTS "canary_failures=lots\n", true, 7, "'lots' is not a share"},
	{HEAD PORTS "heath=tcp\n", true, 7, "unknown option \"heath\"; did you mean \"health\"?"},
	{HEAD PORTS "balance=random\n", true, 7, "use one of: round_robin, least_conn, source"},
	{HEAD PORTS "drain_timeout=soon\n", true, 7, "is not a duration"},
	{HEAD PORTS "health_timeout=0\n", true, 7, "is too short"},
	{HEAD PORTS "live_link=/tmp/l\n", true, 7,
	 "slot a has no directory that the link could point to"},
	{HEAD PORTS "live_file=/no/such/dir/x\n", true, 7, "does not exist; create it"},
	{HEAD PORTS "live_file=live\n", true, 7, "write %(here)s/live"},
	{HEAD PORTS "prepare_directory=x\n", true, 7, "is not an absolute path"},
	{HEAD PORTS "releases_directory=x\n", true, 7, "is not an absolute path"},
	{HEAD PORTS "keep_releases=3\n", true, 7, "it is not known where the releases are"},
	{HEAD PORTS "prepare=  ; in the idle slot\n  cd src ; make\n", true, 8,
	 "[service:s] prepare: \";\" after a blank begins a comment, so the command would end"},
	{HEAD PORTS "verify=sh -c 'a # b'\n", true, 7,
	 "[service:s] verify: \"#\" after a blank begins a comment"},
	{HEAD PORTS "prepare=echo %(port)d\n", true, 7, "cannot be expanded"},
	{"[service:a b]\n", true, 1, "because of character: ' '"},
	{"[service:]\n", true, 1, "has no name"},
	{HEAD PORTS "live_file=/tmp/x\n[service:t]\nlisten=:9000\nhealth=tcp\ncommand=a\n"
		    "ports_a=9001\nports_b=9002\nlive_file=/tmp/x\n",
	 true, 14, "is that of service s"},
};

START_TEST(each_mistake_is_told_with_its_line)
{
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		expect_message(mistakes[i].text, mistakes[i].error, mistakes[i].line,
			       mistakes[i].part);
	}
}
END_TEST

START_TEST(all_mistakes_are_told_in_one_run)
{
	auto_config struct config *c =
		load("[service:s]\nlisten=x\nhealth=ping\nslot_a=nope\nslot_b=nix\nheath=1\n"
		     "balance=random\n[program:p]\nstartsecs=x\n");

	ck_assert_uint_eq(c->n_errors, 8);
}
END_TEST

START_TEST(overlapping_ranges_are_told_once_a_pair)
{
	auto_config struct config *c =
		load(HEAD "command=a\nports_a=8001-8100\nports_b=8001-8100\n");

	ck_assert_uint_eq(c->n_errors, 1);
}
END_TEST

/* That nothing checks the workers is no second mistake: the first stands alone. */
START_TEST(a_missing_option_that_was_mistyped_is_told_once)
{
	static const struct {
		const char *option;
		unsigned line;
	} typos[] = {{"heath=tcp", 5}, {"lisen=127.0.0.1:8000", 5}, {"slota=p", 5}};
	static const char *const kept[] = {"health=tcp", "listen=127.0.0.1:8000", "slot_a=p"};

	for (size_t i = 0; i < ARRAY_SIZE(typos); i++) {
		char text[512];
		auto_config struct config *c = NULL;

		(void)snprintf(
			text, sizeof(text),
			"[program:p]\ncommand=a\nnumprocs_start=8001\n[service:s]\n%s\n%s\n%s\n"
			"slot_b=q\n[program:q]\ncommand=a\nnumprocs_start=8101\n",
			typos[i].option, kept[(i + 1) % 3], kept[(i + 2) % 3]);
		c = load(text);
		ck_assert_msg(c->n_errors == 1, "%s: %u errors", typos[i].option, c->n_errors);
		ck_assert_uint_eq(c->messages.at[0].diag.line, typos[i].line);
		ck_assert_ptr_nonnull(strstr(c->messages.at[0].diag.text, "did you mean"));
	}
}
END_TEST

START_TEST(a_mistyped_command_is_not_taken_for_the_other_form)
{
	auto_config struct config *c =
		load(HEAD "comand=x %(port)d\ndirectory=/\nports_a=8001\nports_b=8101\n");

	ck_assert_uint_eq(c->n_errors, 1);
	ck_assert_str_eq(c->messages.at[0].diag.text,
			 "[service:s] unknown option \"comand\"; did you mean \"command\"?");
}
END_TEST

START_TEST(ports_that_the_kernel_may_give_away_are_named_with_what_reserves_them)
{
	auto_config struct config *c =
		load("[service:s]\nlisten=127.0.0.1:8000,[::]:33000\nhealth=tcp\ncommand=x\n"
		     "ports_a=8001,40001-40003\nports_b=50001-50002\n[inet_http_server]\nport=127."
		     "0.0.1:9001\n"
		     "[program:r]\ncommand=x\nnumprocs_start=40009\n");
	struct port_set local = {0}, reserved = {0};
	const struct config_message *a, *s;

	port_set_parse(&local, "32768\t60999\n");
	port_set_parse(&reserved, "80,40002,50000-50001\n");
	config_check_ports(c, &local, &reserved);
	ck_assert_uint_eq(c->messages.len, 3);
	a = message_with(c, "program s-a");
	ck_assert_ptr_nonnull(strstr(a->diag.text, ": ports 40001,40003: "));
	ck_assert_ptr_nonnull(strstr(
		a->diag.text, "ip_local_reserved_ports=80,33000,40001-40003,50000-50002 into"));
	ck_assert_ptr_nonnull(message_with(c, "program s-b: port 50002: "));
	s = message_with(c, "service s: port 33000: ");
	ck_assert(s && !s->error);
}
END_TEST

START_TEST(ports_of_another_machine_are_not_this_kernels)
{
	auto_config struct config *c =
		load(HEAD "command=x\nports_a=40001\nports_b=50001\nworker=10.0.0.1:%(port)d\n");
	struct port_set local = {0}, reserved = {0};

	port_set_add(&local, 32768, 60999);
	config_check_ports(c, &local, &reserved);
	ck_assert_uint_eq(c->messages.len, 0);
}
END_TEST

SUITE("config_services", both_forms_make_the_same_thing,
      two_services_agree_when_all_their_options_do, drain_is_a_word_or_a_duration_of_stillness,
      a_preview_has_addresses_of_its_own, what_an_offline_service_answers_is_a_file_and_paths,
      a_service_has_its_defaults, every_option_of_a_service_arrives,
      the_second_form_takes_every_option_of_a_program, worker_templates_give_other_addresses,
      queue_workers_have_no_address, each_mistake_is_told_with_its_line,
      all_mistakes_are_told_in_one_run, overlapping_ranges_are_told_once_a_pair,
      a_missing_option_that_was_mistyped_is_told_once,
      a_mistyped_command_is_not_taken_for_the_other_form,
      ports_that_the_kernel_may_give_away_are_named_with_what_reserves_them,
      ports_of_another_machine_are_not_this_kernels);
