#include "fake.h"

#include <control/mirror.h>
#include <poll.h>
#include <slotd/channel.h>
#include <slotd/cleanup.h>
#include <slotd/spawnrequest.h>
#include <string.h>

#include "faults.h"

/* slotd-log's: pipes it reads until their end. */
enum {
	STREAMS_MAX = 256,
};
static struct {
	pid_t log;
	uint32_t id;
	int fd;	   /* 0: free place */
	bool done; /* it ends with what is in its pipe now */
} streams[STREAMS_MAX];

/* What slotd-spawn has made without saying so. */
enum {
	UNSAID_MAX = 8,
};
static struct unsaid {
	pid_t spawn;
	uint32_t id;
	pid_t pid;
	int pidfd;
} unsaid[UNSAID_MAX];
static unsigned n_unsaid;

bool fake_healthy = true, fake_probe_answers = true;
char fake_logged[4096];
int fake_refusal;
bool fake_spawn_is_silent, fake_helpers_stay, fake_log_answers = true;
const char *fake_helper_deaf;
static char answers[4096];
static struct mirror shown; /* by the newest slotd-control */
static pid_t shown_by;
uint64_t fake_listen_round;
unsigned fake_jobs_told;
unsigned fake_log_lost;

void fake_say(const struct fake_process *h, struct message *m)
{
	if (h->channel_fd >= 0) {
		(void)channel_send_wait(h->channel_fd, m); /* slotd may have closed it by now */
	}
}

static void done(const struct fake_process *h, uint32_t id)
{
	struct message m;

	message_init(&m, MSG_DONE, id);
	message_put_i64(&m, TAG_CODE, 0);
	fake_say(h, &m);
}

/* The place of that stream; a free one when it is new. */
static int place_of(const struct fake_process *h, uint32_t id)
{
	int free_place = -1;

	for (int i = 0; i < STREAMS_MAX; i++) {
		if (streams[i].fd && streams[i].log == h->pid && streams[i].id == id) {
			return i;
		}
		free_place = !streams[i].fd && free_place < 0 ? i : free_place;
	}
	must(free_place >= 0, "too many streams");
	return free_place;
}

static void take_stream(const struct fake_process *h, struct message *m)
{
	int i = place_of(h, (uint32_t)message_u64(m, TAG_STREAM));

	if (!streams[i].fd) {
		streams[i].log = h->pid;
		streams[i].id = (uint32_t)message_u64(m, TAG_STREAM);
		streams[i].fd = message_take_fd(m, 0);
	}
	streams[i].done = message_u64(m, TAG_DONE) != 0;
}

static void checked(const struct fake_process *h, const struct message *asked)
{
	struct message m;

	message_init(&m, MSG_PROBE_RESULT, asked->id);
	message_put_i64(&m, TAG_CODE, fake_healthy ? PROBE_PASSED : PROBE_FAILED);
	message_put_text(&m, TAG_TEXT, fake_healthy ? NULL : "answered 500 to GET /");
	fake_say(h, &m);
}

static void no_file(const struct fake_process *h, uint32_t id)
{
	struct message m;

	message_init(&m, MSG_LOG_OPENED, id);
	message_put_i64(&m, TAG_CODE, -ENOENT);
	fake_say(h, &m);
}

/* 0, or why slotd-spawn has no process: what it calls may fail as slotd's own calls. */
static int refusal(void)
{
	int r = fake_refusal;

	faults_pause(false);
	r = fault(FAULT_SPAWN, "slotd-spawn's clone3") ? -errno : r;
	faults_pause(true);
	return r;
}

static void made(const struct fake_process *h, uint32_t id, int code)
{
	struct message m;

	message_init(&m, MSG_SPAWNED, id);
	message_put_i64(&m, TAG_CODE, code);
	fake_say(h, &m);
}

static void say_made(const struct fake_process *h, uint32_t id, pid_t pid, int pidfd)
{
	struct message m;

	message_init(&m, MSG_SPAWNED, id);
	message_put_i64(&m, TAG_CODE, 0);
	message_put_i64(&m, TAG_PID, pid);
	message_put_u64(&m, TAG_TICKS, (uint64_t)pid);
	message_put_fd(&m, pidfd);
	fake_say(h, &m);
}

static void make(const struct fake_process *h, struct message *asked)
{
	struct spawn_reading reading = {0};
	struct fake_process *p;
	const char *slash;
	int pidfd, r = refusal();

	if (r < 0) {
		made(h, asked->id, r);
		return;
	}
	must(spawn_request_read(asked->fds, asked->n_fds, &reading) == 0, "a bad request");
	slash = strrchr(reading.spec.argv[0], '/');
	p = fake_process_new(slash ? slash + 1 : reading.spec.argv[0], &pidfd);
	spawn_reading_note(&reading, (uint64_t)p->pid);
	reading.map->pid = p->pid; /* as the kernel does */
	fake_process_begin(p, reading.spec.stdio, reading.report_fd);
	spawn_reading_done(&reading);
	if (fake_spawn_is_silent) {
		must(n_unsaid < UNSAID_MAX, "too many unsaid");
		unsaid[n_unsaid++] = (struct unsaid){h->pid, asked->id, p->pid, pidfd};
		return;
	}
	say_made(h, asked->id, p->pid, pidfd);
	(void)close(pidfd);
}

void fake_spawn_says(void)
{
	for (unsigned i = 0; i < n_unsaid; i++) {
		const struct fake_process *h = fake_process_of(unsaid[i].spawn);

		if (h && !h->ended) {
			say_made(h, unsaid[i].id, unsaid[i].pid, unsaid[i].pidfd);
		}
		(void)close(unsaid[i].pidfd);
	}
	n_unsaid = 0;
	fake_spawn_is_silent = false;
}

const char *fake_answers(void)
{
	static char copy[sizeof(answers)];

	memcpy(copy, answers, sizeof(copy));
	answers[0] = '\0';
	return copy;
}

static void note_answer(const struct message *m)
{
	const bool item = m->type == MSG_ANSWER_ITEM;
	const int code = (int)message_u64(m, TAG_CODE);
	const char *text = message_str(m, TAG_TEXT);
	size_t used = strlen(answers);
	char number[16];

	(void)snprintf(number, sizeof(number), "#%u", m->id);
	(void)snprintf(answers + used, sizeof(answers) - used, "%s%s %d%s%s", used ? "; " : "",
		       item ? message_str(m, TAG_NAME) : number, code, *text ? " " : "", text);
}

static void show(const struct fake_process *h, const struct message *m)
{
	if (shown_by != h->pid) {
		mirror_done(&shown);
		shown = (struct mirror){0};
		shown_by = h->pid;
	}
	(void)mirror_apply(&shown, m);
}

struct mirror *fake_shown(void)
{
	return &shown;
}

static void answer(struct fake_process *h, struct message *m)
{
	if (mirror_takes(m->type)) {
		show(h, m);
		return;
	}
	switch (m->type) {
	case MSG_QUIT:
		if (!fake_helpers_stay) {
			fake_process_exit(h, 0);
		}
		break;
	case MSG_LOG_CLEAR:
	case MSG_LOG_REOPEN:
		if (m->id && fake_log_answers) {
			done(h, m->id);
		}
		break;
	case MSG_RELAY_SETUP:
	case MSG_RELAY_SERVICE:
	case MSG_RELAY_SERVICE_GONE:
	case MSG_RELAY_LISTEN:
	case MSG_RELAY_LISTEN_GONE:
	case MSG_RELAY_WORKER:
	case MSG_RELAY_WORKER_GONE:
	case MSG_RELAY_TABLE:
	case MSG_RELAY_FLIPPED:
	case MSG_RELAY_DRAIN:
	case MSG_RELAY_CUT:
	case MSG_RELAY_PAGE:
	case MSG_RELAY_RETIRE:
		fake_relay_told(h, m);
		break;
	case MSG_KEEP_PUT:
	case MSG_KEEP_DROP:
	case MSG_KEEP_LIST:
		fake_keep_told(h, m);
		break;
	case MSG_SPAWN:
		make(h, m);
		break;
	case MSG_PROBE:
		if (fake_probe_answers) {
			checked(h, m);
		}
		break;
	case MSG_LOG_STREAM:
		take_stream(h, m);
		break;
	case MSG_LOG_LINE:
		fake_log_lost += (unsigned)message_u64(m, TAG_COUNT);
		break;
	case MSG_LOG_OPEN:
		if (fake_log_answers) {
			no_file(h, m->id);
		}
		break;
	case MSG_JOB:
		fake_jobs_told++;
		break;
	case MSG_CONTROL_LISTEN:
		fake_listen_round = shown.round;
		break;
	case MSG_ANSWER:
	case MSG_ANSWER_ITEM:
		note_answer(m);
		break;
	default:
		break;
	}
}

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return fd >= 0 && poll(&p, 1, 0) > 0;
}

/* slotd-keep waits for the next one. */
static void slotd_has_gone(struct fake_process *h)
{
	if (strcmp(h->name, "slotd-keep") == 0) {
		cleanup_closep(&h->channel_fd);
	} else {
		fake_process_exit(h, 1 << 8);
	}
}

static bool listen_to(struct fake_process *h)
{
	static struct message m;
	bool any = false;

	if (fake_helper_deaf && strcmp(fake_helper_deaf, h->name) == 0) {
		return false;
	}
	while (h->pid && readable(h->channel_fd)) {
		if (channel_receive_wait(h->channel_fd, &m, SECONDS(1)) < 0) {
			slotd_has_gone(h);
			return true;
		}
		any = true;
		answer(h, &m);
		message_done(&m);
	}
	return any;
}

static void drop_stream(int i)
{
	(void)close(streams[i].fd);
	streams[i].fd = 0;
}

/* Reads pipes to their end, and says so. */
/* False: there is nothing now, or never again. */
static bool read_some(int fd)
{
	char buf[4096];
	ssize_t n = readable(fd) ? read(fd, buf, sizeof(buf)) : 0;
	size_t len = strlen(fake_logged);

	if (n > 0 && len + (size_t)n < sizeof(fake_logged)) {
		memcpy(fake_logged + len, buf, (size_t)n);
		fake_logged[len + (size_t)n] = '\0';
	}
	return n > 0;
}

static bool read_streams(void)
{
	bool any = false;

	for (int i = 0; i < STREAMS_MAX; i++) {
		const struct fake_process *log =
			streams[i].fd ? fake_process_of(streams[i].log) : NULL;
		struct message m;

		if (!streams[i].fd ||
		    (log && !log->ended && !streams[i].done && !readable(streams[i].fd))) {
			continue;
		}
		if (log && !log->ended && read_some(streams[i].fd)) {
			any = any || streams[i].done;
			continue;
		}
		any = true;
		if (log && !log->ended) {
			message_init(&m, MSG_LOG_CLOSED, 0);
			message_put_u64(&m, TAG_STREAM, streams[i].id);
			fake_say(log, &m);
		}
		drop_stream(i);
	}
	return any;
}

unsigned fake_streams(void)
{
	const struct fake_process *log = fake_process_find("slotd-log");
	unsigned n = 0;

	for (int i = 0; log && i < STREAMS_MAX; i++) {
		n += streams[i].fd && streams[i].log == log->pid;
	}
	return n;
}

bool fake_helpers_turn(void)
{
	bool any = fake_keep_turn();

	for (int i = 0; i < FAKE_PROCESSES_MAX; i++) {
		struct fake_process *p = &fake_processes[i];

		if (p->pid && !p->ended && p->channel_fd >= 0) {
			any = listen_to(p) || any;
		}
	}
	any = read_streams() || any;
	return any;
}

void fake_helper_send(const char *name, struct message *m)
{
	const struct fake_process *h = fake_process_find(name);

	must(h != NULL, "no %s", name);
	fake_say(h, m);
}

/* ---- slotd waits for an answer: helpers get their turn, and time passes */

int __real_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	static bool nested;
	int r;

	if (timeout == 0 || nested) {
		return __real_poll(fds, n, timeout);
	}
	faults_pause(true);
	nested = true;
	while (fake_helpers_turn()) {
	}
	nested = false;
	faults_pause(false);
	r = __real_poll(fds, n, 0);
	must(r != 0 || timeout > 0, "slotd waits for ever");
	fake_now += r == 0 ? MSECONDS(timeout) : 0;
	return r;
}

bool fake_helpers_hold(int fd)
{
	for (int i = 0; i < STREAMS_MAX; i++) {
		if (streams[i].fd && streams[i].fd == fd) {
			return true;
		}
	}
	for (unsigned i = 0; i < n_unsaid; i++) {
		if (unsaid[i].pidfd == fd) {
			return true;
		}
	}
	return fake_keep_holds(fd);
}

void fake_helpers_done(void)
{
	fake_spawn_says();
	fake_keep_done();
	fake_relay_done();
	mirror_done(&shown);
	shown = (struct mirror){0};
	for (int i = 0; i < STREAMS_MAX; i++) {
		if (streams[i].fd) {
			drop_stream(i);
		}
	}
}
