#include "run.h"
#include "clock.h"
#include "deploy/jobs.h"
#include "deploy/records.h"
#include "handoff/relays.h"
#include "link/activity.h"
#include "link/daemon_row.h"
#include "link/directories.h"
#include "link/helpers.h"
#include "link/lookout.h"
#include "link/ownlog.h"
#include "link/servers.h"
#include "pidfile.h"
#include "predecessor.h"
#include "reload/reload.h"
#include "rival_check.h"
#include "service/gate.h"
#include "service/services.h"
#include "show/events.h"
#include "show/publish.h"
#include "show/requests.h"
#include "show/systemd.h"
#include "shutdown.h"
#include "wiring.h"
#include "worker/auto_logs.h"
#include "worker/fcgi.h"
#include "worker/groups.h"
#include "worker/names.h"
#include "worker/process.h"
#include "worker/processes.h"
#include "worker/starts.h"
#include "worker/streams.h"
#include "worker/waits.h"

#include <slotd/cleanup.h>
#include <slotd/os.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

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

static int make_switchboard(struct supervisor *sup)
{
	auto_close int fd = memfd_create("slotd-switchboard", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, sizeof(struct switchboard)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
		return -errno;
	}
	sup->switchboard =
		mmap(NULL, sizeof(struct switchboard), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (sup->switchboard == MAP_FAILED) {
		sup->switchboard = NULL;
		return -errno;
	}
	sup->switchboard->version = SWITCHBOARD_VERSION;
	sup->switchboard_fd = TAKE_FD(fd);
	return 0;
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

/* ---- signals */

static void on_quit_signal(struct loop_signal *s, int signo)
{
	struct supervisor *sup = container_of(s, struct supervisor, signals[signo]);
	char name[32];

	log_line(LOG_WARNING, "received %s indicating exit request",
		 worker_signal_name(signo, name, sizeof(name)));
	supervisor_shutdown(sup, MOOD_SHUTDOWN);
}

static void on_hangup(struct loop_signal *s, int signo)
{
	struct supervisor *sup = container_of(s, struct supervisor, signals[signo]);

	if (sup->mood != MOOD_RUNNING) {
		log_line(LOG_WARNING,
			 "ignored SIGHUP indicating reload request (shutdown in progress)");
		return;
	}
	log_line(LOG_WARNING, "received SIGHUP indicating reload request");
	reload_begin(sup, RELOAD_APPLY, 0, false);
}

static void on_reopen(struct loop_signal *s, int signo)
{
	struct supervisor *sup = container_of(s, struct supervisor, signals[signo]);

	log_line(LOG_INFO, "received SIGUSR2 indicating log reopen request");
	streams_reopen(sup);
}

/* Handled rather than ignored: workers would inherit that. */
static void on_user(struct loop_signal *s, int signo)
{
	(void)s, (void)signo;
}

static void on_child(struct loop_signal *s, int signo)
{
	struct supervisor *sup = container_of(s, struct supervisor, signals[signo]);

	loop_idle_queue(sup->loop, &sup->reap_idle);
}

/* At the end of the turn: those of ours that ended in it have been reaped by their own watchers. */
static void on_reap_idle(struct loop_idle *idle)
{
	struct supervisor *sup = container_of(idle, struct supervisor, reap_idle);

	log_line(LOG_DEBUG, "received SIGCHLD indicating a child quit");
	orphans_reap(sup);
	activity_child(sup);
}

static void watch_signals(struct supervisor *sup)
{
	static const struct {
		int signo;
		loop_signal_fn *fn;
	} all[] = {
		{SIGTERM, on_quit_signal}, {SIGINT, on_quit_signal}, {SIGQUIT, on_quit_signal},
		{SIGHUP, on_hangup},	   {SIGUSR2, on_reopen},     {SIGCHLD, on_child},
		{SIGUSR1, on_user},
	};

	/* Workers inherit these two, as from Supervisor. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		loop_signal_start(sup->loop, &sup->signals[all[i].signo], all[i].signo, all[i].fn);
	}
	os_hear_signals();
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
	int r = loop_new(&sup->loop);

	sup->children.loop = sup->loop;
	if (r == 0) {
		r = ledger_new(&sup->ledger);
	}
	if (r == 0) {
		supervisor_commit(sup);
		r = make_switchboard(sup);
	}
	if (r == 0) {
		r = os_become_subreaper();
	}
	if (r == 0) {
		loop_idle_init(&sup->reap_idle, on_reap_idle);
		shutdown_init(sup);
		systemd_init(sup);
		clock_init(sup);
		activity_init(sup);
		waits_init(sup);
		sup->process_memory.size = sizeof(struct process);
		starts_init(sup);
		watch_signals(sup);
		r = publish_init(sup);
	}
	if (r == 0) {
		r = ownlog_init(sup);
	}
	if (r == 0) {
		r = events_init(sup);
	}
	if (r == 0) {
		r = fcgi_init(sup);
	}
	if (r == 0) {
		r = lookout_init(sup);
	}
	return r < 0 ? diag_set_errno(diag, r, "cannot start") : 0;
}

static int report_config(struct supervisor *sup, struct diag *diag)
{
	(void)diag;
	reload_log_messages(sup->config);
	if (sup->directories_note[0]) {
		log_line(LOG_WARNING, "%s", sup->directories_note);
	}
	for (size_t i = 1; i < sup->config->files.len; i++) {
		log_line(LOG_INFO, "Included extra file \"%s\" during parsing",
			 sup->config->files.at[i]);
	}
	auto_logs_clean(sup->config);
	return 0;
}

/* In this order: what may be refused comes before anything runs. */
static start_fn *const start_steps[] = {
	directories_make, predecessor_lock, rivals_check,	 predecessor_check, raise_limits,
	make_tables,	  report_config,    streams_init,	 servers_init,	    records_init,
	services_init,	  drop_privileges,  predecessor_succeed, make_groups,	    helpers_start,
};

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
		.lock_fd = -EBADF,
		.activity.fd = -EBADF,
		.pidfile_fd = -EBADF,
		.keep_socket_fd = -EBADF,
	};
	wire(sup);
	log_set_level(config->supervisord.log_priority);
	for (size_t i = 0; i < ARRAY_SIZE(start_steps); i++) {
		int r = start_steps[i](sup, diag);

		if (r < 0) {
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

void supervisor_run(struct supervisor *sup)
{
	pidfile_write(sup);
	events_emit(sup, EVENT_SUPERVISOR_STATE_CHANGE_RUNNING, NULL, 0);
	vec_for_each (g, &sup->groups) {
		group_autostart(*g);
	}
	tell_ready(sup);
	loop_run(sup->loop);
	if (sup->mood == MOOD_RESTARTING) {
		os_defer_signals(); /* its successor in this process hears them */
	}
	abandon(sup);
}

/* ---- end */

static void end_loop(struct supervisor *sup)
{
	if (!sup->loop) {
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sup->signals); i++) {
		loop_signal_stop(sup->loop, &sup->signals[i]);
	}
	systemd_done(sup);
	clock_watch_done(&sup->clock);
	activity_done(sup);
	loop_idle_cancel(sup->loop, &sup->waits_idle);
	shutdown_done(sup);
	loop_idle_cancel(sup->loop, &sup->reap_idle);
	sup->loop = loop_free(sup->loop);
}

/* Frees a started, half-started or ended one. */
static void abandon(struct supervisor *sup)
{
	if (sup->loop) {
		lookout_done(sup);
		starts_done(sup);
		while (sup->groups.len) {
			group_remove(sup->groups.at[sup->groups.len - 1]);
		}
		events_done(sup);
		fcgi_done(sup);
		services_done(sup);
		gate_done(sup);
		jobs_done(sup);
		relays_done(sup);
		records_done(sup);
		reload_done(sup); /* what services and groups pointed into */
		requests_forget(sup, 0);
		helpers_done(sup);
		streams_done(sup);
		servers_done(sup);
		publish_done(sup);
	}
	ownlog_done(sup);
	end_loop(sup);
	vec_done(&sup->groups);
	vec_done(&sup->processes);
	slab_done(&sup->process_memory);
	sup->ledger = ledger_free(sup->ledger);
	if (sup->switchboard) {
		(void)munmap(sup->switchboard, sizeof(*sup->switchboard));
	}
	pidfile_remove(sup);
	cleanup_closep(&sup->switchboard_fd);
	predecessor_done(sup);
	cleanup_closep(&sup->lock_fd);
	sup->config = config_free(sup->config);
}
