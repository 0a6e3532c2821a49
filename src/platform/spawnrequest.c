#include <slotd/cleanup.h>
#include <slotd/io.h>
#include <slotd/os.h>
#include <slotd/spawnrequest.h>
#include <slotd/strbuf.h>

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert((int)SPAWN_LIMITS == (int)RLIM_NLIMITS, "a request holds all limits");
_Static_assert(sizeof(gid_t) == sizeof(uint32_t), "groups are read where they lie");

enum {
	REQUEST_MAX = 64 << 20, /* execve(2) takes a quarter of the stack's limit at the most */
};

/* ---- writing */

static uint32_t flags_of(const struct spawn_spec *spec)
{
	uint32_t flags = 0;

	for (unsigned i = 0; i < 3; i++) {
		flags |= spec->stdio[i] >= 0 ? (uint32_t)SPAWN_HAS_STDIO << i : 0;
	}
	flags |= spec->cgroup_fd >= 0 ? SPAWN_HAS_CGROUP : 0;
	flags |= spec->search ? SPAWN_HAS_SEARCH : 0;
	flags |= spec->directory ? SPAWN_HAS_DIRECTORY : 0;
	flags |= spec->user ? SPAWN_HAS_USER : 0;
	flags |= spec->user && spec->user->name ? SPAWN_HAS_USER_NAME : 0;
	flags |= spec->address ? SPAWN_HAS_ADDRESS : 0;
	flags |= spec->credentials ? SPAWN_HAS_CREDENTIALS : 0;
	flags |= spec->reset_signals ? SPAWN_RESETS_SIGNALS : 0;
	flags |= spec->explain ? SPAWN_EXPLAINS : 0;
	return flags;
}

static void put_text(struct strbuf *sb, const char *text)
{
	if (text) {
		(void)strbuf_add(sb, text, strlen(text) + 1); /* failures stick */
	}
}

static uint32_t put_texts(struct strbuf *sb, char *const *texts)
{
	uint32_t n = 0;

	for (; texts && texts[n]; n++) {
		put_text(sb, texts[n]);
	}
	return n;
}

static int put_request(struct strbuf *sb, const struct spawn_spec *spec)
{
	const struct spawn_user *user = spec->user;
	struct spawn_request r = {
		.size = sizeof(r),
		.flags = flags_of(spec),
		.n_groups = user ? user->n_groups : 0,
		.uid = user ? user->uid : 0,
		.gid = user ? user->gid : 0,
		.umask = spec->umask,
		.n_limits = spec->n_limits,
	};

	for (unsigned i = 0; i < spec->n_limits; i++) {
		r.limits[i].soft = spec->limits[i].rlim_cur;
		r.limits[i].hard = spec->limits[i].rlim_max;
	}
	(void)strbuf_add(sb, &r, sizeof(r));
	if (r.n_groups) {
		(void)strbuf_add(sb, user->groups, r.n_groups * sizeof(gid_t));
	}
	r.n_args = put_texts(sb, spec->argv);
	r.n_settings = put_texts(sb, spec->envp);
	put_text(sb, spec->search);
	put_text(sb, spec->directory);
	put_text(sb, user ? user->name : NULL);
	put_text(sb, spec->address);
	put_text(sb, spec->credentials ? spec->credentials_dir : NULL);
	r.n_credentials = put_texts(sb, spec->credentials);
	if (sb->error == 0) {
		memcpy(sb->data, &r, sizeof(r));
	}
	return sb->error;
}

int spawn_request_write(const struct spawn_spec *spec, int *ret_fd)
{
	CLEANUP(strbuf_done) struct strbuf sb = {.max = REQUEST_MAX};
	auto_close int fd = -EBADF;
	int r = put_request(&sb, spec);

	if (r < 0) {
		return r;
	}
	fd = memfd_create("slotd-spawn", MFD_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	r = io_write_all(fd, sb.data, sb.len);
	if (r < 0) {
		return r;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

pid_t spawn_request_pid(int fd)
{
	int32_t pid = 0;
	ssize_t n = pread(fd, &pid, sizeof(pid), offsetof(struct spawn_request, pid));

	return n == (ssize_t)sizeof(pid) ? pid : 0;
}

pid_t spawn_request_child(int fd, uint64_t *ret_ticks)
{
	const uint64_t second = (uint64_t)sysconf(_SC_CLK_TCK);
	pid_t pid = spawn_request_pid(fd);
	uint64_t asked = 0, started = pid ? process_start_ticks(pid) : 0;
	ssize_t n = pread(fd, &asked, sizeof(asked), offsetof(struct spawn_request, ticks));

	/* All numbers are not given away within some seconds. */
	if (n != (ssize_t)sizeof(asked) || started < asked || started > asked + 5 * second) {
		return 0;
	}
	*ret_ticks = started;
	return pid;
}

/* ---- reading */

struct texts {
	char *at, *end; /* the last byte before end is a NUL */
};

static char *next_text(struct texts *t)
{
	char *text = t->at;

	if (text >= t->end) {
		return NULL;
	}
	t->at += strlen(text) + 1;
	return text;
}

/* True when they are all there. */
static bool take_texts(struct texts *t, uint32_t n, char **ret)
{
	for (uint32_t i = 0; i < n; i++) {
		ret[i] = next_text(t);
		if (!ret[i]) {
			return false;
		}
	}
	ret[n] = NULL;
	return true;
}

static bool take_text(struct texts *t, uint32_t flags, uint32_t flag, const char **ret)
{
	*ret = flags & flag ? next_text(t) : NULL;
	return *ret || !(flags & flag);
}

/* A shorter one was written by an older slotd: what it does not know is zero. */
static int take_head(const struct spawn_reading *r, struct spawn_request *ret)
{
	uint32_t size = r->map->size;

	*ret = (struct spawn_request){0};
	if (size < offsetof(struct spawn_request, limits) || size > r->len ||
	    size % _Alignof(struct spawn_request)) {
		return -EBADMSG;
	}
	memcpy(ret, r->map, size < sizeof(*ret) ? size : sizeof(*ret));
	if (ret->n_limits > SPAWN_LIMITS || ret->n_args == 0 || ret->n_args > r->len ||
	    ret->n_settings > r->len || ret->n_credentials > r->len ||
	    ret->n_groups > (r->len - size) / sizeof(gid_t)) {
		return -EBADMSG;
	}
	return 0;
}

static void take_numbers(struct spawn_reading *r, const struct spawn_request *head)
{
	r->user.uid = head->uid;
	r->user.gid = head->gid;
	r->user.groups = (const gid_t *)(const void *)((const char *)r->map + head->size);
	r->user.n_groups = head->n_groups;
	for (unsigned i = 0; i < head->n_limits; i++) {
		r->limits[i] = (struct rlimit){head->limits[i].soft, head->limits[i].hard};
	}
	r->spec.limits = r->limits;
	r->spec.n_limits = head->n_limits;
	r->spec.umask = head->umask;
	r->spec.user = head->flags & SPAWN_HAS_USER ? &r->user : NULL;
	r->spec.reset_signals = head->flags & SPAWN_RESETS_SIGNALS;
	r->spec.explain = head->flags & SPAWN_EXPLAINS;
}

static int take_all_texts(struct spawn_reading *r, const struct spawn_request *head)
{
	char *begin = (char *)r->map;
	struct texts t = {begin + head->size + head->n_groups * sizeof(gid_t), begin + r->len};
	char **envp, **credentials;

	r->pointers = calloc((size_t)head->n_args + head->n_settings + head->n_credentials + 3,
			     sizeof(char *));
	if (!r->pointers) {
		return -ENOMEM;
	}
	envp = r->pointers + head->n_args + 1;
	credentials = envp + head->n_settings + 1;
	if (!take_texts(&t, head->n_args, r->pointers) || !take_texts(&t, head->n_settings, envp) ||
	    !take_text(&t, head->flags, SPAWN_HAS_SEARCH, &r->spec.search) ||
	    !take_text(&t, head->flags, SPAWN_HAS_DIRECTORY, &r->spec.directory) ||
	    !take_text(&t, head->flags, SPAWN_HAS_USER_NAME, &r->user.name) ||
	    !take_text(&t, head->flags, SPAWN_HAS_ADDRESS, &r->spec.address) ||
	    !take_text(&t, head->flags, SPAWN_HAS_CREDENTIALS, &r->spec.credentials_dir) ||
	    !take_texts(&t, head->n_credentials, credentials)) {
		return -EBADMSG;
	}
	r->spec.argv = r->pointers;
	r->spec.envp = envp;
	r->spec.credentials = r->spec.credentials_dir ? credentials : NULL;
	return 0;
}

static int take_fds(struct spawn_reading *r, uint32_t flags, const int *fds, unsigned n)
{
	unsigned used = 1;

	if (used == n) {
		return -EBADMSG;
	}
	r->report_fd = fds[used++];
	for (unsigned i = 0; i < 3; i++) {
		if (flags & (uint32_t)SPAWN_HAS_STDIO << i) {
			r->spec.stdio[i] = used < n ? fds[used] : -EBADF;
			used++;
		}
	}
	if (flags & SPAWN_HAS_CGROUP) {
		r->spec.cgroup_fd = used < n ? fds[used] : -EBADF;
		used++;
	}
	return used == n ? 0 : -EBADMSG;
}

static int map_request(int fd, struct spawn_reading *r)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	if (st.st_size < (off_t)offsetof(struct spawn_request, limits)) {
		return -EBADMSG;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		return -errno;
	}
	r->map = map;
	r->len = (size_t)st.st_size;
	return ((const char *)map)[r->len - 1] == '\0' ? 0 : -EBADMSG;
}

int spawn_request_read(const int *fds, unsigned n_fds, struct spawn_reading *ret)
{
	struct spawn_request head;
	int r;

	*ret = (struct spawn_reading){.spec = SPAWN_SPEC_INIT, .report_fd = -EBADF};
	r = n_fds ? map_request(fds[0], ret) : -EBADMSG;
	if (r == 0) {
		r = take_head(ret, &head);
	}
	if (r == 0) {
		take_numbers(ret, &head);
		r = take_all_texts(ret, &head);
	}
	if (r == 0) {
		r = take_fds(ret, head.flags, fds, n_fds);
	}
	if (r < 0) {
		spawn_reading_done(ret);
	}
	return r;
}

void spawn_reading_note(const struct spawn_reading *r, uint64_t ticks)
{
	if (r->map->size >= sizeof(*r->map)) { /* an older slotd's has no room for it */
		r->map->ticks = ticks;
	}
}

void spawn_reading_done(struct spawn_reading *r)
{
	if (r->map) {
		(void)munmap(r->map, r->len);
	}
	free(r->pointers);
	*r = (struct spawn_reading){0};
}
