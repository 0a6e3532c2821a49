#include "link/helpers.h"
#include "link/former.h"
#include "link/helper_process.h"
#include "link/inheritance.h"
#include "link/kept.h"
#include "supervisor.h"

#include <slotd/cleanup.h>
#include <slotd/exhaustion.h>
#include <slotd/keep.h>
#include <slotd/os.h>

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum {
	FREE_RESTARTS = 3, /* at once; then paced */
};

#define STALL_AFTER   SECONDS(4)
#define QUICK_DEATH   SECONDS(1)
#define RESTART_PACE  SECONDS(1)
#define QUIT_PATIENCE SECONDS(5)

/* What is not one helper's. */
struct helpers {
	char dirs[2][PATH_MAX]; /* where they are looked for; build tree first */
	uint32_t last_request;
	struct log_once exhausted; /* EMFILE, ENOMEM, EAGAIN from fork */
};

static const struct kind {
	const char *folder;
	bool unprivileged; /* runs as helper_user when slotd is root */
	bool stays;	   /* a former slotd's goes on with the next one */
} kinds[HELPER_MAX_] = {
	[HELPER_SPAWN] = {"spawn"},
	[HELPER_KEEP] = {"keep", .stays = true},
	[HELPER_LOG] = {"log", .stays = true},
	[HELPER_RELAY] = {"relay", .unprivileged = true, .stays = true},
	[HELPER_PROBE] = {"probe", .unprivileged = true},
	[HELPER_CONTROL] = {"control", .unprivileged = true},
};

static const struct helper_ops *ops_of(const struct helper *h)
{
	return h->sup->helper_ops[h->kind];
}

static const char *helper_name(const struct helper *h, char *buf, size_t size)
{
	if (h->kind == HELPER_RELAY) {
		(void)snprintf(buf, size, "%s%s %u", h->retiring ? HELPER_RETIRING : "",
			       ops_of(h)->name, h->index);
	} else {
		(void)snprintf(buf, size, "%s", ops_of(h)->name);
	}
	return buf;
}

/* ---- one helper process */

static const struct channel_ops channel_ops;

static const char *label_of(const struct helper *h, char *buf, size_t size)
{
	char name[64];

	(void)snprintf(buf, size, KEEP_HELPER_PREFIX "%s", helper_name(h, name, sizeof(name)));
	return buf;
}

/* Of slotd-keep and slotd-spawn only that they live: the one is asked at its socket, the other is
 * to see slotd's end. */
void helper_keep(struct helper *h)
{
	bool alone = h->kind == HELPER_KEEP || h->kind == HELPER_SPAWN;
	const struct kept_fd fds[] = {{alone ? -EBADF : h->channel.fd, KEEP_TAG_CHANNEL},
				      {h->child.pidfd, KEEP_TAG_PIDFD}};
	char label[96];

	if (h->kind == HELPER_KEEP && h != helper_of(h->sup, HELPER_KEEP)) {
		return; /* another has its place, or still has it */
	}
	(void)label_of(h, label, sizeof(label));
	if (child_running(&h->child)) {
		keep_put(h->sup, label, fds, ARRAY_SIZE(fds));
	} else {
		keep_drop(h->sup, label);
	}
}

static void kill_helper(struct helper *h, const char *why)
{
	char name[64];

	log_line(LOG_ERR, "%s (pid %d) %s: ending it", helper_name(h, name, sizeof(name)),
		 (int)h->child.pid, why);
	child_kill(&h->child, SIGKILL);
}

static void received(struct channel *ch, struct message *m)
{
	struct helper *h = ch->owner;
	char name[64];

	switch (m->type) {
	case MSG_READY:
		h->ready = true;
		h->channel.packs = message_u64(m, TAG_PACKS) != 0;
		log_line(LOG_DEBUG, "%s is ready (pid %d, version %s)",
			 helper_name(h, name, sizeof(name)), (int)h->child.pid,
			 message_str(m, TAG_VERSION));
		if (ops_of(h)->ready) {
			ops_of(h)->ready(h);
		}
		break;
	case MSG_REPORT:
		log_line((int)message_u64(m, TAG_LEVEL) & LOG_PRIMASK, "%s: %s",
			 helper_name(h, name, sizeof(name)), message_str(m, TAG_TEXT));
		break;
	default:
		ops_of(h)->received(h, m);
	}
}

static void stalled(struct channel *ch)
{
	struct helper *h = ch->owner;

	if (process_state(h->child.pid) == 'D') {
		channel_stall_again(ch); /* it waits for a disk: a signal would wait, too */
		return;
	}
	h->hung = true; /* told when it has ended: it may be slotd-log */
	child_kill(&h->child, SIGKILL);
}

static void drained(struct channel *ch)
{
	struct helper *h = ch->owner;

	if (ops_of(h)->drained) {
		ops_of(h)->drained(h);
	}
}

static void refused(struct channel *ch)
{
	const struct helper *h = ch->owner;
	char name[64];

	log_line(
		LOG_ERR,
		"refused a message from %s (pid %d) that is damaged or of another version (%" PRIu64
		" so far)",
		helper_name(h, name, sizeof(name)), (int)h->child.pid, ch->bad);
}

static const struct channel_ops channel_ops = {
	.received = received,
	.refused = refused,
	.stalled = stalled,
	.drained = drained,
};

static usec_t restart_at(struct helper *h, usec_t now)
{
	if (usec_sub(now, h->started) >= QUICK_DEATH) {
		h->quick_deaths = 0;
		return now;
	}
	h->quick_deaths++;
	return h->quick_deaths <= FREE_RESTARTS ? now : usec_add(now, RESTART_PACE);
}

static void explain_end(struct helper *h, const struct child_result *result)
{
	char name[64], why[512];

	(void)helper_name(h, name, sizeof(name));
	if (h->sup->quitting) {
		return;
	}
	if (result->status == 0 && h->retiring) {
		log_line(LOG_INFO, "%s has ended, as it should", name);
		return;
	}
	if (result->report.stage != SPAWN_STAGE_NONE) {
		(void)spawn_report_text(&result->report, ops_of(h)->name, why, sizeof(why));
	} else {
		(void)worker_status_text(result->status, why, sizeof(why));
	}
	log_line(LOG_ERR, "%s ended: %s%s%s", name,
		 h->hung ? "it had read nothing for 4 s, so it was ended, " : "", why,
		 h->wanted ? "; starting it again" : "");
	h->hung = false;
}

static void ended(struct helper *h)
{
	h->ready = false;
	helper_keep(h);
	if (ops_of(h)->last_words) {
		channel_receive_rest(&h->channel);
	}
	channel_done(&h->channel);
	if (ops_of(h)->lost) {
		ops_of(h)->lost(h);
	}
}

static bool any_alive(const struct supervisor *sup, bool but_keep)
{
	vec_for_each (h, &sup->helpers) {
		if (child_running(&(*h)->child) && !(but_keep && (*h)->kind == HELPER_KEEP)) {
			return true;
		}
	}
	return false;
}

void helper_quit(struct helper *h)
{
	struct message m;

	h->wanted = false;
	loop_timer_stop(h->sup->loop, &h->timer);
	if (!child_running(&h->child)) {
		return;
	}
	message_init(&m, MSG_QUIT, 0);
	(void)helper_send(h, &m);
	loop_timer_set(h->sup->loop, &h->timer, usec_add(usec_monotonic(), QUIT_PATIENCE));
}

/* After an upgrade there may be two for a moment. */
static void quit_keep(struct supervisor *sup)
{
	vec_for_each (h, &sup->helpers) {
		if ((*h)->kind == HELPER_KEEP) {
			helper_quit(*h);
		}
	}
}

static void one_less(struct supervisor *sup)
{
	if (!sup->quitting) {
		return;
	}
	if (!any_alive(sup, false)) {
		loop_stop(sup->loop);
	} else if (!any_alive(sup, true)) {
		quit_keep(sup); /* last: what it holds outlives the others */
	}
}

static void on_end(struct child *c, const struct child_result *result)
{
	struct helper *h = c->owner;
	usec_t now = usec_monotonic(), at;

	explain_end(h, result);
	ended(h);
	loop_timer_stop(h->sup->loop, &h->timer);
	if (!h->wanted) {
		one_less(h->sup);
		return;
	}
	at = restart_at(h, now);
	if (at == now) {
		helper_start(h);
	} else {
		loop_timer_set(h->sup->loop, &h->timer, at);
	}
}

/* Either it is time to start again, or it did not end after QUIT. */
static void on_timer(struct loop_timer *t)
{
	struct helper *h = container_of(t, struct helper, timer);

	if (child_running(&h->child)) {
		kill_helper(h, "did not end when asked to");
	} else if (h->wanted) {
		helper_start(h);
	}
}

static void retry_later(struct helper *h, int error, const char *what)
{
	char name[64];
	unsigned left_out;

	if (log_once(&h->sup->helpers_own->exhausted, usec_monotonic(), &left_out)) {
		log_line(LOG_ERR, "cannot start %s: %s: %s; trying again every second",
			 helper_name(h, name, sizeof(name)), what, strerror(-error));
	}
	loop_timer_set(h->sup->loop, &h->timer, usec_add(usec_monotonic(), RESTART_PACE));
}

static int find_program(const struct helper *h, char *buf, size_t size)
{
	const struct supervisor *sup = h->sup;
	const char *name = ops_of(h)->name;

	(void)snprintf(buf, size, "%s/../%s/%s", sup->helpers_own->dirs[0], kinds[h->kind].folder,
		       name);
	if (access(buf, X_OK) == 0) {
		return 0;
	}
	(void)snprintf(buf, size, "%s/%s", sup->helpers_own->dirs[1], name);
	return access(buf, X_OK) == 0 ? 0 : -errno;
}

static void started(struct helper *h, int channel_fd)
{
	struct supervisor *sup = h->sup;

	h->started = usec_monotonic();
	channel_init(&h->channel, sup->loop, channel_fd, &channel_ops, h);
	channel_first(&h->channel); /* however many workers end in the same turn */
	h->channel.stall_after = STALL_AFTER;
	h->channel.prompt = true;
	h->channel.patient = h->kind == HELPER_LOG; /* a line can wait, a restart cannot */
	helper_keep(h);
	ops_of(h)->refill(h);
}

void helper_start(struct helper *h)
{
	struct supervisor *sup = h->sup;
	const struct owner *user = &sup->config->supervisord.helper_user;
	auto_close int ours = -EBADF, theirs = -EBADF;
	CLEANUP(env_done) struct env env = {0};
	struct child_spec spec = CHILD_SPEC_INIT;
	char path[PATH_MAX * 2], ids[32];
	char *argv[4] = {path};
	int r;

	if (kinds[h->kind].unprivileged && geteuid() == 0 && user->uid != (uid_t)-1) {
		(void)snprintf(ids, sizeof(ids), "%u:%u", (unsigned)user->uid, (unsigned)user->gid);
		argv[1] = (char *)"--user";
		argv[2] = ids;
	}
	r = find_program(h, path, sizeof(path));
	if (r < 0) {
		retry_later(h, r, path);
		return;
	}
	r = env_for_helper(&env);
	if (r == 0) {
		r = channel_pair(&ours, &theirs);
	}
	if (r < 0) {
		retry_later(h, r, "no channel");
		return;
	}
	spec.spawn.argv = argv;
	spec.spawn.envp = env.at;
	spec.spawn.stdio[2] = STDERR_FILENO;
	spec.spawn.channel_fd = theirs;
	spec.done = on_end;
	spec.owner = h;
	r = child_run(&sup->children, &h->child, &spec);
	if (r < 0) {
		retry_later(h, r, "no process");
		return;
	}
	started(h, TAKE_FD(ours));
}

/* ---- those that a former slotd left */

bool helper_adopt(struct helper *h)
{
	struct former former;
	char label[96], name[64];

	if (!former_take(h->sup, label_of(h, label, sizeof(label)), &former)) {
		return false;
	}
	if (h->kind == HELPER_KEEP) {
		former.channel_fd = inherited_take_keep(h->sup);
	}
	if (former.channel_fd < 0) {
		cleanup_closep(&former.pidfd);
		return false;
	}
	child_adopt(&h->sup->children, &h->child, former.pid, former.pidfd, on_end, h);
	h->ready = true;
	log_line(LOG_DEBUG, "%s goes on (pid %d)", helper_name(h, name, sizeof(name)),
		 (int)former.pid);
	started(h, former.channel_fd);
	return true;
}

/* After an upgrade the program is another; relays then end with their last connection. */
static bool stays(const struct helper *h)
{
	return kinds[h->kind].stays && !(h->kind == HELPER_LOG && h->sup->options.upgraded);
}

void helper_begin(struct helper *h)
{
	char label[96];

	if (stays(h) && helper_adopt(h)) {
		return;
	}
	former_end(h->sup, label_of(h, label, sizeof(label)));
	helper_start(h);
}

/* ---- all of them */

int helper_add(struct supervisor *sup, enum helper_kind kind, unsigned index, bool wanted)
{
	struct helper *h = calloc(1, sizeof(*h));

	if (!h || vec_push(&sup->helpers, h) < 0) {
		free(h);
		return -ENOMEM;
	}
	h->sup = sup;
	h->kind = kind;
	h->index = index;
	h->wanted = wanted;
	loop_timer_init(&h->timer, on_timer);
	return 0;
}

static void find_directories(struct supervisor *sup)
{
	char *slash;
	ssize_t n = readlink("/proc/self/exe", sup->helpers_own->dirs[0],
			     sizeof(sup->helpers_own->dirs[0]) - 1);

	sup->helpers_own->dirs[0][n > 0 ? n : 0] = '\0';
	slash = strrchr(sup->helpers_own->dirs[0], '/');
	if (slash) {
		*slash = '\0';
	}
	(void)snprintf(sup->helpers_own->dirs[1], sizeof(sup->helpers_own->dirs[1]), "%s",
		       SLOTD_HELPER_DIR);
}

int helpers_find_programs(struct supervisor *sup, struct diag *diag)
{
	const struct helper keep = {.sup = sup, .kind = HELPER_KEEP};
	char path[PATH_MAX * 2];
	int r;

	find_directories(sup);
	r = find_program(&keep, path, sizeof(path));
	return r < 0 ? diag_set_errno(diag, r,
				      "slotd's helper programs are neither beside slotd nor in %s: "
				      "install all of slotd",
				      SLOTD_HELPER_DIR)
		     : 0;
}

void helpers_quit(struct supervisor *sup)
{
	sup->quitting = true;
	vec_for_each (h, &sup->helpers) {
		if ((*h)->kind != HELPER_KEEP) {
			helper_quit(*h);
		}
	}
	one_less(sup);
}

int helpers_init(struct supervisor *sup)
{
	sup->helpers_own = calloc(1, sizeof(*sup->helpers_own));
	if (sup->helpers_own && inheritance_there(sup)) {
		/* What a former slotd asked may still be answered. */
		sup->helpers_own->last_request = (uint32_t)(usec_monotonic() / 1000);
	}
	return sup->helpers_own ? 0 : -ENOMEM;
}

void helpers_leave(struct supervisor *sup)
{
	vec_for_each (h, &sup->helpers) {
		if ((*h)->child.adopted) {
			channel_done(&(*h)->channel);
		}
	}
}

void helpers_done(struct supervisor *sup)
{
	if (!sup->helpers_own) {
		return;
	}
	vec_for_each (h, &sup->helpers) {
		child_leave(&(*h)->child);
		child_abandon(&(*h)->child);
		loop_timer_stop(sup->loop, &(*h)->timer);
		channel_done(&(*h)->channel);
		free(*h);
	}
	vec_done(&sup->helpers);
	free(sup->helpers_own);
	sup->helpers_own = NULL;
}

struct helper *helper_of(struct supervisor *sup, enum helper_kind kind)
{
	vec_for_each (h, &sup->helpers) {
		if ((*h)->kind == kind && !(*h)->retiring) {
			return *h;
		}
	}
	return NULL;
}

void helper_want(struct supervisor *sup, enum helper_kind kind, bool wanted)
{
	struct helper *h = helper_of(sup, kind);

	if (!h || h->wanted == wanted || sup->quitting) {
		return;
	}
	if (!wanted) {
		helper_quit(h);
		return;
	}
	h->wanted = true;
	if (!child_running(&h->child)) {
		helper_start(h);
	}
}

int helper_send(struct helper *h, struct message *m)
{
	int r = channel_send(&h->channel, m);
	char name[64];
	unsigned left_out;

	if (r < 0 && r != -ENOTCONN &&
	    log_once(&h->sup->helpers_own->exhausted, usec_monotonic(), &left_out)) {
		log_line(LOG_ERR, "%s: %s not sent: %s", helper_name(h, name, sizeof(name)),
			 message_type_name(m->type), strerror(-r));
	}
	return r;
}

void helper_missed(struct helper *h, int error, bool vital)
{
	if (error_is_exhaustion(error) && ops_of(h)->missed) {
		ops_of(h)->missed(h, vital);
	}
}

void helper_tell(struct helper *h, struct message *m)
{
	helper_missed(h, helper_send(h, m), true);
}

uint32_t helper_request_id(struct supervisor *sup)
{
	struct helpers *own = sup->helpers_own;

	if (++own->last_request == 0) {
		own->last_request = 1;
	}
	return own->last_request;
}
