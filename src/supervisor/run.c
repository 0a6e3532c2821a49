#include "run.h"
#include "clock.h"
#include "deploy/job_history.h"
#include "deploy/jobs.h"
#include "deploy/live_adopt.h"
#include "deploy/records.h"
#include "deploy/schedules.h"
#include "dry_run.h"
#include "handoff/relays.h"
#include "link/activity.h"
#include "link/daemon_row.h"
#include "link/directories.h"
#include "link/helper_set.h"
#include "link/helpers.h"
#include "link/inheritance.h"
#include "link/kept.h"
#include "link/lookout.h"
#include "link/ownlog.h"
#include "link/servers.h"
#include "pidfile.h"
#include "predecessor.h"
#include "reload/reload.h"
#include "rival_check.h"
#include "service/environment.h"
#include "service/gate.h"
#include "service/services.h"
#include "show/events.h"
#include "show/notice_queue.h"
#include "show/publish.h"
#include "show/requests.h"
#include "show/systemd.h"
#include "shutdown.h"
#include "signals.h"
#include "upgrade.h"
#include "wiring.h"
#include "worker/adopt.h"
#include "worker/auto_logs.h"
#include "worker/cgroups.h"
#include "worker/fcgi.h"
#include "worker/groups.h"
#include "worker/leftovers.h"
#include "worker/names.h"
#include "worker/orphans.h"
#include "worker/process.h"
#include "worker/sd_listener.h"
#include "worker/secrets.h"
#include "worker/starts.h"
#include "worker/streams.h"
#include "worker/waits.h"

#include <slotd/cleanup.h>
#include <slotd/os.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- what the run needs */

static int raise_limits(struct supervisor *sup, struct diag *diag)
{
	const struct supervisord_config *c = &sup->config->supervisord;
	const struct {
		int resource;
		unsigned min;
		bool all;
		const char *name, *what, *option;
	} limits[] = {
		{RLIMIT_NOFILE, c->minfds, true, "RLIMIT_NOFILE", "file descriptors required",
		 "minfds"},
		{RLIMIT_NPROC, c->minprocs, false, "RLIMIT_NPROC", "available processes required",
		 "minprocs"},
	};
	uint64_t now;

	os_come_first(); /* a busy machine must not delay a restart */
	os_note_limits(c->minfds);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		int r = os_raise_limit(limits[i].resource, limits[i].min, limits[i].all, &now);

		if (r < 0) {
			return diag_set(
				diag, r,
				"The minimum number of %s to run this process is %u as per "
				"the \"%s\" command-line argument or config file setting. "
				"The current environment will only allow you to open fewer: "
				"raise the limit or lower %s",
				limits[i].what, limits[i].min, limits[i].option, limits[i].option);
		}
		if (r > 0) {
			log_line(LOG_INFO, "Increased %s limit to %llu", limits[i].name,
				 (unsigned long long)now);
		}
	}
	return 0;
}

/* Takes fd. */
static int map_switchboard(struct supervisor *sup, int fd)
{
	auto_close int owned = fd;
	struct stat st;
	void *board;

	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	if ((size_t)st.st_size < sizeof(struct switchboard)) {
		return -EPROTO;
	}
	board = mmap(NULL, sizeof(struct switchboard), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (board == MAP_FAILED) {
		return -errno;
	}
	sup->switchboard = board;
	sup->switchboard_fd = TAKE_FD(owned);
	return 0;
}

static int make_switchboard(struct supervisor *sup)
{
	int r;
	auto_close int fd = memfd_create("slotd-switchboard", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, sizeof(struct switchboard)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
		return -errno;
	}
	r = map_switchboard(sup, TAKE_FD(fd));
	if (r == 0) {
		sup->switchboard->version = SWITCHBOARD_VERSION;
	}
	return r;
}

/* That of a slotd that was killed: its relays look at it. */
static int take_switchboard(struct supervisor *sup)
{
	auto_close int fd = inherited_take_one(sup, KEEP_SWITCHBOARD);

	return fd < 0 ? make_switchboard(sup) : map_switchboard(sup, TAKE_FD(fd));
}

/* What a killed slotd's relays and streams know by number keeps that. */
static void keep_rows(struct supervisor *sup)
{
	const struct ledger_view *ledger = inherited_ledger(sup);

	if (ledger) {
		ledger_reserve(sup->ledger, LEDGER_TABLE_WORKER,
			       ledger_rows(ledger, LEDGER_TABLE_WORKER));
		ledger_reserve(sup->ledger, LEDGER_TABLE_SERVICE,
			       ledger_rows(ledger, LEDGER_TABLE_SERVICE));
	}
	sup->next_stream = inherited_daemon(sup).next_stream;
}

static int drop_privileges(struct supervisor *sup, struct diag *diag)
{
	const struct owner *user = &sup->config->supervisord.user;
	int r;

	if (user->uid == (uid_t)-1 || user->uid == geteuid()) {
		if (geteuid() == 0 && user->uid == (uid_t)-1 &&
		    !sup->config->supervisord.for_slotd) {
			log_line(LOG_CRIT,
				 "Supervisor is running as root.  Privileges were not dropped "
				 "because no user is specified in the config file.  If you intend "
				 "to run as root, you can set user=root in the config file to "
				 "avoid this message.");
		}
		return 0;
	}
	r = process_become(
		&(struct spawn_user){user->uid, user->gid, user->groups, user->n_groups});
	if (r == -EPERM) {
		return diag_set(diag, r, "Can't drop privilege as nonroot user");
	}
	if (r < 0) {
		return diag_set_errno(diag, r, "cannot become user %s", user->user);
	}
	log_line(LOG_INFO, "Set uid to user %u succeeded", (unsigned)user->uid);
	return 0;
}

/* ---- start */

static int make_groups(struct supervisor *sup, struct diag *diag)
{
	vec_for_each (g, &sup->config->groups) {
		struct group *group;
		int r = group_find(sup, (*g)->name) ? 0 /* two of one name: the first is used */
						    : group_add(sup, *g, sup->config, diag, &group);

		if (r < 0) {
			return r;
		}
	}
	return 0;
}

typedef int start_fn(struct supervisor *sup, struct diag *diag);
static void abandon(struct supervisor *sup);

static int make_tables(struct supervisor *sup, struct diag *diag)
{
	static int (*const inits[])(struct supervisor *) = {
		shutdown_init, systemd_init,	 clock_init,	   activity_init, keep_init,
		helpers_init,  waits_init,	 orphans_init,	   starts_init,	  signals_init,
		requests_init, publish_init,	 ownlog_init,	   events_init,	  fcgi_init,
		pidfile_init,  sd_listener_init, lookout_init,	   reload_init,	  upgrade_init,
		cgroups_init,  schedules_init,	 environment_init,
	};
	int r = loop_new(&sup->loop);

	sup->children.loop = sup->loop;
	if (r == 0) {
		r = ledger_new(&sup->ledger);
	}
	if (r == 0) {
		keep_rows(sup);
		supervisor_commit(sup);
		r = take_switchboard(sup);
	}
	if (r == 0) {
		r = os_become_subreaper();
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(inits); i++) {
		r = inits[i](sup);
	}
	return r < 0 ? diag_set_errno(diag, r, "cannot start") : 0;
}

static int report_config(struct supervisor *sup, struct diag *diag)
{
	(void)diag;
	reload_log_messages(sup->config);
	directories_report(sup);
	for (size_t i = 1; i < sup->config->files.len; i++) {
		log_line(LOG_INFO, "Included extra file \"%s\" during parsing",
			 sup->config->files.at[i]);
	}
	if (!inheritance_there(sup)) {
		auto_logs_clean(sup->config); /* else those of the former run are ours */
	}
	return 0;
}

/* In this order: what may be refused comes before anything runs. */
static start_fn *const start_steps[] = {
	directories_make, predecessor_lock,    raise_limits,	inheritance_ask, rivals_check,
	make_tables,	  report_config,       streams_init,	servers_init,	 records_init,
	job_history_load, services_init,       drop_privileges, make_groups,	 workers_adopt,
	secrets_sweep,	  predecessor_succeed, helpers_start,
};

/* What was to be taken over is the next slotd's. */
static void leave(struct supervisor *sup)
{
	sup->leaving = inheritance_there(sup);
	if (sup->leaving) {
		helpers_leave(sup);
	}
}

int supervisor_start(struct supervisor *sup, const struct supervisor_options *options,
		     struct config *config, struct diag *diag)
{
	*sup = (struct supervisor){
		.config = config,
		.services_config = config,
		.options = *options,
		.mood = MOOD_RUNNING,
		.started_wall = usec_wall(),
		.switchboard_fd = -EBADF,
	};
	wire(sup);
	log_set_level(config->supervisord.log_priority);
	for (size_t i = 0; i < ARRAY_SIZE(start_steps); i++) {
		int r = start_steps[i](sup, diag);

		if (r < 0) {
			leave(sup);
			abandon(sup);
			return r;
		}
	}
	return 0;
}

static void tell_ready(struct supervisor *sup)
{
	int ready = 0;

	if (sup->options.ready_fd >= 0) {
		ssize_t n = write(sup->options.ready_fd, &ready, sizeof(ready));

		(void)n; /* the one that waited may be gone */
		(void)close(sup->options.ready_fd);
		sup->options.ready_fd = -EBADF;
	}
	systemd_ready(sup);
}

void supervisor_begin(struct supervisor *sup)
{
	pidfile_write(sup);
	events_emit(sup, EVENT_SUPERVISOR_STATE_CHANGE_RUNNING, NULL, 0);
	workers_resume(sup);
	cgroups_sweep(sup);
	records_resume(sup);
	services_resume(sup);
	notice_queues_resume(sup);
	vec_for_each (g, &sup->groups) {
		group_autostart(*g);
	}
	schedules_begin(sup);
	keep_drop_unwanted(sup);
	upgrade_finish(sup);
	inheritance_done(sup);
	supervisor_commit(sup);
	tell_ready(sup);
}

void supervisor_end(struct supervisor *sup)
{
	abandon(sup);
}

void supervisor_run(struct supervisor *sup)
{
	supervisor_begin(sup);
	loop_run(sup->loop);
	supervisor_end(sup);
}
/* ---- end */

/* The other way round than they were made. */
static void end_parts(struct supervisor *sup)
{
	static void (*const ends[])(struct supervisor *) = {
		dry_runs_done, upgrade_done, events_done,   fcgi_done,		sd_listener_done,
		services_done, gate_done,    jobs_done,	    notice_queues_done, relays_done,
		records_done,  reload_done,  requests_done, helpers_done,	streams_done,
		servers_done,  publish_done, keep_done,
	};

	lookout_done(sup);
	starts_stop(sup);
	while (sup->groups.len) {
		group_remove(sup->groups.at[sup->groups.len - 1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		ends[i](sup);
	}
}

static void end_loop(struct supervisor *sup)
{
	static void (*const ends[])(struct supervisor *) = {
		signals_done, systemd_done,   clock_done,	activity_done,
		starts_done,  waits_done,     shutdown_done,	orphans_done,
		cgroups_done, schedules_done, environment_done,
	};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		ends[i](sup);
	}
	sup->loop = loop_free(sup->loop);
}

/* Frees a started, half-started or ended one. */
static void abandon(struct supervisor *sup)
{
	if (sup->loop) {
		end_parts(sup);
	}
	ownlog_done(sup);
	if (sup->loop) {
		end_loop(sup);
	}
	vec_done(&sup->groups);
	vec_done(&sup->processes);
	leftovers_done(sup);
	inheritance_done(sup);
	sup->ledger = ledger_free(sup->ledger);
	if (sup->switchboard) {
		(void)munmap(sup->switchboard, sizeof(*sup->switchboard));
	}
	pidfile_remove(sup);
	cleanup_closep(&sup->switchboard_fd);
	predecessor_done(sup);
	sup->config = config_free(sup->config);
	directories_done(sup);
}
