#include "service/offline_page.h"
#include "service/handoff_ops.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_PATIENCE SECONDS(5)

const char *offline_page_type(const char *path)
{
	static const struct {
		const char *end, *type;
	} types[] = {
		{".txt", "text/plain; charset=utf-8"},
		{".json", "application/json"},
		{".xml", "application/xml"},
		{".svg", "image/svg+xml"},
	};
	const char *end = strrchr(path, '.');

	for (size_t i = 0; end && i < ARRAY_SIZE(types); i++) {
		if (strcasecmp(end, types[i].end) == 0) {
			return types[i].type;
		}
	}
	return "text/html; charset=utf-8";
}

/* ---- the child: stdout is the memfd, what it says on stderr is why it failed */

static int refuse(const char *why)
{
	(void)dprintf(STDERR_FILENO, "%s", why);
	return 1;
}

static int copy(int from)
{
	char buf[16 * 1024];
	size_t total = 0;
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return refuse(strerror(errno));
		}
		total += (size_t)n;
		if (total > OFFLINE_PAGE_MAX) {
			return refuse("it has more than 256 KiB");
		}
		if (io_write_all(STDOUT_FILENO, buf, (size_t)n) < 0) {
			return refuse("no memory for it");
		}
	}
	return 0;
}

static int read_page(void *data)
{
	const char *path = data;
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return refuse(strerror(errno));
	}
	return S_ISREG(st.st_mode) ? copy(fd) : refuse("it is not a file");
}

/* ---- slotd */

static void tell(struct service *s)
{
	offline_page_fn *then = TAKE_PTR(s->page.then);

	s->sup->handoff->page(s);
	if (then) {
		then(s);
	}
}

static void report(struct service *s, const char *why)
{
	if (strcmp(s->page.why, why) != 0) {
		service_say(s, LOG_WARNING,
			    "offline_page %s cannot be read: %s; the page %s is used",
			    s->config->offline_page, why,
			    s->page.fd < 0 ? "that is built in" : "of before");
		(void)snprintf(s->page.why, sizeof(s->page.why), "%s", why);
	}
}

/* Nothing that is read: what is built in. */
static void failed(struct service *s, const char *why)
{
	cleanup_closep(&s->page.fd);
	report(s, why);
	tell(s);
}

static void on_output(struct child *c, const char *data, size_t len)
{
	struct offline_page *p = container_of(c, struct offline_page, child);

	child_keep_output(p->said, sizeof(p->said), &p->n_said, data, len);
}

static void on_read(struct child *c, const struct child_result *result)
{
	struct service *s = container_of(c, struct service, page.child);
	auto_close int fd = TAKE_FD(s->page.next_fd);
	char text[sizeof(s->page.why)];

	if (s->page.again) {
		offline_page_read(s, s->page.then);
		return;
	}
	if (!s->config->offline_page) {
		return; /* a reload has taken the option away, and told */
	}
	if (result->timed_out) {
		failed(s, "it takes longer than 5 s");
		return;
	}
	if (result->report.stage != SPAWN_STAGE_NONE) {
		failed(s, spawn_report_text(&result->report, "who reads it", text, sizeof(text)));
		return;
	}
	if (!WIFEXITED(result->status) || WEXITSTATUS(result->status)) {
		failed(s, s->page.n_said ? s->page.said : "its reader was killed");
		return;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0) {
		failed(s, strerror(errno));
		return;
	}
	s->page.why[0] = '\0';
	cleanup_closep(&s->page.fd);
	s->page.fd = TAKE_FD(fd);
	tell(s);
}

static bool serves(const struct program_config *p)
{
	return p->workers.len && p->workers.at[0].address;
}

/* The user of the workers, who may own the directory: a link there must not show what root alone
 * may read. NULL: they run as slotd does. */
static const struct owner *find_reader(const struct service *s)
{
	const struct program_config *found = NULL;

	vec_for_each (p, &s->config->slots[service_live(s)].programs) {
		if (!found || (serves(*p) && !serves(found))) {
			found = *p;
		}
	}
	return found && found->user.uid != (uid_t)-1 ? &found->user : NULL;
}

static int start(struct service *s)
{
	const struct owner *reader = find_reader(s);
	struct child_spec spec = CHILD_SPEC_INIT;
	struct spawn_user user;
	int r;

	s->page.next_fd = memfd_create("offline page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->page.next_fd < 0) {
		return -errno;
	}
	s->page.n_said = 0;
	s->page.said[0] = '\0';
	spec.spawn.run = read_page;
	spec.spawn.data = s->config->offline_page;
	spec.spawn.stdio[1] = s->page.next_fd;
	if (reader) {
		user = (struct spawn_user){reader->uid, reader->gid, reader->groups,
					   reader->n_groups, reader->user};
		spec.spawn.user = &user;
	}
	spec.timeout = READ_PATIENCE;
	spec.output = on_output;
	spec.done = on_read;
	r = child_run(&s->sup->children, &s->page.child, &spec);
	if (r < 0) {
		cleanup_closep(&s->page.next_fd);
	}
	return r;
}

void offline_page_read(struct service *s, offline_page_fn *then)
{
	int r;

	s->page.then = then ? then : s->page.then;
	s->page.again = child_running(&s->page.child);
	if (!s->config->offline_page) {
		s->page.again = false;
		s->page.why[0] = '\0';
		cleanup_closep(&s->page.fd);
		tell(s);
		return;
	}
	if (s->page.again) {
		return;
	}
	r = start(s);
	if (r < 0) { /* for want of memory or descriptors: the file may be well */
		report(s, strerror(-r));
		tell(s);
	}
}

int offline_page_init(struct service *s)
{
	s->page.fd = s->page.next_fd = -EBADF;
	return 0;
}

void offline_page_open(struct service *s)
{
	if (s->config->offline_page || s->page.fd >= 0) {
		offline_page_read(s, NULL);
	}
}

void offline_page_done(struct service *s)
{
	child_abandon(&s->page.child);
	cleanup_closep(&s->page.next_fd);
	cleanup_closep(&s->page.fd);
}
