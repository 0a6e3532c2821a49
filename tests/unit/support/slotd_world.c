#include "slotd_world.h"

#include <check.h>
#include <control/mirror.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <slotd/channel.h>
#include <slotd/cleanup.h>
#include <string.h>
#include <supervisor/deploy/job.h>
#include <supervisor/service/service.h>
#include <supervisor/successor.h>
#include <supervisor/worker/groups.h>
#include <supervisor/worker/names.h>
#include <supervisor/worker/process.h>

#include "fake.h"
#include "faults.h"
#include "suite.h"

enum {
	TURNS_MAX = 5000,
	KILLS_MAX = 256, /* in one process */
	FDS_MAX = 4096,
};

unsigned world_relays = 1;
void (*world_before)(const char *dir);
static struct supervisor the_slotd;
static char log_text[256 * 1024];
static size_t log_len;

/* ---- its log */

static log_sink_fn *next_sink;
static void *next_data;

void __real_log_set_sink(log_sink_fn *sink, void *data);
void __wrap_log_set_sink(log_sink_fn *sink, void *data);

static void write_down(void *data, int priority, const char *text, const struct log_field *fields,
		       unsigned n_fields)
{
	(void)data;
	if (log_len < sizeof(log_text)) {
		log_len += (size_t)snprintf(log_text + log_len, sizeof(log_text) - log_len,
					    "%d %s\n", priority, text);
	}
	if (next_sink && !the_slotd.quitting) {
		next_sink(next_data, priority, text, fields, n_fields);
	}
}

void __wrap_log_set_sink(log_sink_fn *sink, void *data)
{
	next_sink = sink;
	next_data = data;
	__real_log_set_sink(write_down, NULL);
}

const char *world_log(void)
{
	return log_text;
}

const char *world_log_end(void)
{
	size_t len = strlen(log_text);

	return len > 2500 ? log_text + len - 2500 : log_text;
}

/* ---- what a unit test does not do for real */

int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);
int __wrap_rivals_check(struct supervisor *sup, struct diag *diag);
void __wrap_os_come_first(void);
void __wrap_os_note_limits(uint64_t min);
int __wrap_os_raise_limit(int resource, uint64_t min, bool all, uint64_t *ret);
int __wrap_os_become_subreaper(void);

int __wrap_access(const char *path, int mode)
{
	const char *name = strrchr(path, '/');

	/* The helpers are there. */
	return name && strncmp(name, "/slotd-", 7) == 0 ? 0 : __real_access(path, mode);
}

int __wrap_rivals_check(struct supervisor *sup, struct diag *diag)
{
	(void)sup, (void)diag;
	return 0;
}

void __wrap_os_come_first(void)
{
}

void __wrap_os_note_limits(uint64_t min)
{
	(void)min;
}

int __wrap_os_raise_limit(int resource, uint64_t min, bool all, uint64_t *ret)
{
	(void)resource, (void)all;
	*ret = min;
	return 0;
}

int __wrap_os_become_subreaper(void)
{
	return 0;
}

/* ---- the world's own things */

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir)) {
		n++;
	}
	(void)closedir(dir);
	return n;
}

/* Descriptors that the channels of a process hold for good. */
static void warm_up(void)
{
	static const struct channel_ops ops;
	struct channel ch;
	struct loop *loop;
	int ours, theirs;

	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(channel_pair(&ours, &theirs), 0);
	channel_init(&ch, loop, ours, &ops, NULL);
	channel_done(&ch);
	(void)close(theirs);
	loop_free(loop);
}

static void substitute(FILE *f, const char *text, const char *dir)
{
	for (const char *at; (at = strstr(text, "@DIR@")); text = at + strlen("@DIR@")) {
		(void)fprintf(f, "%.*s%s", (int)(at - text), text, dir);
	}
	(void)fputs(text, f);
}

void world_configure(struct world *w, const char *config)
{
	static const char head[] =
		"state_dir=@DIR@/state\nrun_dir=@DIR@/run\nlog_dir=@DIR@/log\n"
		"[supervisord]\nnodaemon=true\nlogfile=@DIR@/slotd.log\npidfile=@DIR@/pid\n"
		"childlogdir=@DIR@\nuser=root\nloglevel=debug\n";
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/t.conf", w->dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "[slotd]\nrelays=%u\n", world_relays);
	substitute(f, head, w->dir);
	substitute(f, config, w->dir);
	ck_assert_int_eq(fclose(f), 0);
}

static struct config *read_config(const struct world *w)
{
	struct config *config = NULL;
	struct diag diag = {0};
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/t.conf", w->dir);
	ck_assert_msg(config_load(path, NULL, &diag, &config) == 0, "%s", diag.text);
	ck_assert_int_eq(config_resolve(config), 0);
	return config;
}

/* ---- its life */

void world_enter(struct world *w)
{
	(void)w;
	faults_pause(false);
}

void world_leave(struct world *w)
{
	(void)w;
	faults_pause(true);
}

/* Its own descriptors: what was not open before the world, and is no helper's or worker's. */
static bool was_open[FDS_MAX];

static void note_open(void)
{
	for (int fd = 0; fd < FDS_MAX; fd++) {
		was_open[fd] = fcntl(fd, F_GETFD) >= 0;
	}
}

static void close_own(void)
{
	for (int fd = 0; fd < FDS_MAX; fd++) {
		if (!was_open[fd] && !fake_process_holds(fd) && !fake_helpers_hold(fd)) {
			(void)close(fd);
		}
	}
}

static void start(struct world *w, struct upgraded *upgraded)
{
	static char path[128]; /* kept by slotd */
	struct supervisor_options options = {.config_path = path,
					     .ready_fd = -EBADF,
					     .upgraded = upgraded,
					     .upgrades = upgraded ? 1 : 0};
	struct config *config = read_config(w);

	(void)snprintf(path, sizeof(path), "%s/t.conf", w->dir);
	w->diag = (struct diag){0};
	log_set_sink(NULL, NULL);
	world_enter(w);
	w->error = supervisor_start(&the_slotd, &options, config, &w->diag);
	world_leave(w);
	if (w->error == 0) {
		w->sup = &the_slotd;
		world_enter(w);
		supervisor_begin(w->sup);
		world_leave(w);
		world_settle(w);
	}
}

static void start_anew(void)
{
	fake_obedient = fake_prompt = fake_healthy = fake_relays_answer = true;
	fake_probe_answers = fake_relays_drain = true;
	fake_functions_hang = fake_ends_unseen = fake_spawn_is_silent = false;
	fake_log_answers = true;
	fake_helpers_stay = false;
	fake_helper_deaf = NULL;
	fake_relays_cut = 0;
	(void)fake_answers();
	fake_shell = (struct fake_shell){0};
	(void)fake_relays_heard();
	fake_refusal = 0;
	fake_log_lost = 0;
	fake_story[0] = '\0';
	log_text[log_len = 0] = '\0';
}

/* What a test may set before it makes a world. */
void suite_test_begins(void)
{
	world_relays = 1;
	world_before = NULL;
	fake_now = SECONDS(1000);
	fake_wall_step = 0;
	fake_keep_answers = true;
	fake_cgroups_below(NULL);
	fake_logged[0] = '\0';
}

void world_try(struct world *w, const char *text)
{
	*w = (struct world){0};
	/* Of memory, where there is such: thousands of worlds are made. */
	(void)snprintf(w->dir, sizeof(w->dir), "%s/slotd-world-XXXXXX",
		       __real_access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	warm_up();
	w->fds = count_fds();
	note_open();
	ck_assert_ptr_nonnull(mkdtemp(w->dir));
	world_configure(w, text);
	if (world_before) {
		world_before(w->dir);
	}
	start_anew();
	start(w, NULL);
}

/* What they had in memory stays reachable: a process that is killed leaks nothing. */
static struct supervisor killed[KILLS_MAX];
static unsigned n_killed;

static void forget(struct world *w)
{
	ck_assert_uint_lt(n_killed, KILLS_MAX);
	killed[n_killed++] = the_slotd;
	fake_loop_kill();
	close_own();
	__real_log_set_sink(NULL, NULL);
	log_text[log_len = 0] = '\0';
	w->sup = NULL;
}

void world_kill(struct world *w)
{
	forget(w);
	fake_processes_orphan();
}

void world_try_again(struct world *w)
{
	ck_assert_ptr_null(w->sup);
	start(w, NULL);
}

void world_again(struct world *w)
{
	world_try_again(w);
	ck_assert_msg(w->error == 0, "%s", w->diag.text);
}

void world_upgrade(struct world *w)
{
	static struct upgraded upgraded;

	upgraded = (struct upgraded){.count = 1, .lock_fd = -EBADF, .former_fd = -EBADF};
	forget(w);
	start(w, &upgraded);
	ck_assert_msg(w->error == 0, "%s", w->diag.text);
}

struct world world_new(const char *config)
{
	struct world w;

	faults_arm(0, 0);
	world_try(&w, config);
	ck_assert_msg(w.error == 0, "%s", w.diag.text);
	return w;
}

bool world_stop(struct world *w)
{
	fake_loop_signal(SIGTERM);
	for (int i = 0; i < 100 && !fake_loop_stopped(); i++) {
		world_advance(w, SECONDS(1));
	}
	return fake_loop_stopped();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void world_done(struct world *w)
{
	faults_disarm();
	fake_obedient = fake_relays_answer = true;
	fake_helpers_stay = false;
	fake_helper_deaf = NULL;
	if (w->sup) {
		ck_assert_msg(fake_loop_stopped() || world_stop(w), "slotd does not end:\n%s",
			      world_log_end());
		supervisor_end(w->sup);
		w->sup = NULL;
	} else {
		fake_processes_inherit();
	}
	fake_helpers_done();
	fake_processes_inherit();
	log_set_sink(NULL, NULL);
	__real_log_set_sink(NULL, NULL);
	ck_assert_msg(fake_processes_left() == 0, "%u children are left:\n%s",
		      fake_processes_left(), world_log_end());
	ck_assert_msg(count_fds() == w->fds, "%u descriptors are open, %u were:\n%s", count_fds(),
		      w->fds, world_log_end());
	ck_assert_int_eq(nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- what slotd-control knows */

static size_t insist_workers(const struct world *w, const struct mirror *shown)
{
	size_t n = 0;

	vec_for_each (p, &w->sup->processes) {
		const struct mirror_worker *v =
			*p ? mirror_worker(shown, (*p)->group->name, (*p)->config->name) : NULL;

		n += *p != NULL;
		ck_assert_msg(!*p || (v && v->pid == (*p)->pid &&
				      v->state == worker_state_info((*p)->worker.state)->code),
			      "%s is not shown as it is: %s failed\n%s", (*p)->namespec,
			      faults_fired(), world_log_end());
	}
	return n;
}

static void insist_services(const struct world *w)
{
	vec_for_each (s, &w->sup->services) {
		const struct mirror_service *v = NULL;

		vec_for_each (other, &fake_shown()->services) {
			v = (*other)->index == (*s)->index ? *other : v;
		}
		ck_assert_msg(v && v->live == service_live(*s) &&
				      v->job == ((*s)->job ? (int64_t)(*s)->job->number : 0),
			      "%s is not shown as it is: %s failed\n%s", (*s)->name, faults_fired(),
			      world_log_end());
	}
}

void world_insist_shown(const struct world *w)
{
	const struct mirror *shown = fake_shown();

	ck_assert_msg(shown->synced, "nothing is shown: %s failed", faults_fired());
	ck_assert_uint_eq(insist_workers(w, shown), shown->workers.len);
	insist_services(w);
	ck_assert_uint_eq(w->sup->groups.len, shown->groups.len);
	ck_assert_uint_eq(w->sup->services.len, shown->services.len);
}

/* ---- time */

void world_settle(struct world *w)
{
	bool any = true;

	for (int i = 0; any && !fake_loop_stopped(); i++) {
		ck_assert_msg(i < TURNS_MAX, "it does not come to rest:\n%s", world_log_end());
		any = fake_helpers_turn();
		world_enter(w);
		any = fake_loop_fire() || any;
		any = fake_loop_turn() || any;
		world_leave(w);
		any = any || fake_loop_next_timer() <= fake_now;
	}
}

void world_advance(struct world *w, usec_t span)
{
	usec_t until = usec_add(fake_now, span), next;

	world_settle(w);
	while (!fake_loop_stopped() && (next = fake_loop_next_timer()) <= until) {
		fake_now = next > fake_now ? next : fake_now;
		world_settle(w);
	}
	fake_now = until;
	world_settle(w);
}

void world_exit(struct world *w, const char *name, int code)
{
	struct fake_process *p = fake_process_find(name);

	ck_assert_msg(p != NULL, "no process %s", name);
	fake_process_exit(p, code << 8);
	world_settle(w);
}

/* ---- what is seen */

const char *world_plan(struct world *w)
{
	(void)snprintf(w->plan, sizeof(w->plan), "%s", fake_story);
	fake_story[0] = '\0';
	return w->plan;
}

struct process *world_process(struct world *w, const char *namespec)
{
	return w->sup ? process_find(w->sup, namespec) : NULL;
}

const char *world_state(struct world *w, const char *namespec)
{
	const struct process *p = world_process(w, namespec);

	return p ? worker_state_info(p->worker.state)->name : "none";
}
