#include <slotd/cleanup.h>
#include <slotd/ledger.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int ledger_create(int *ret_fd, struct ledger **ret)
{
	auto_close int fd = memfd_create("slotd-ledger", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct ledger *l;

	if (fd < 0) {
		return -errno;
	}
	if (ftruncate(fd, sizeof(struct ledger)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
		return -errno;
	}
	l = mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (l == MAP_FAILED) {
		return -errno;
	}
	l->magic = LEDGER_MAGIC;
	l->version = LEDGER_VERSION;
	l->workers_size = sizeof(struct ledger_worker);
	l->services_size = sizeof(struct ledger_service);
	l->pid = getpid();
	*ret_fd = TAKE_FD(fd);
	*ret = l;
	return 0;
}

int ledger_attach(int fd, bool writable, struct ledger **ret)
{
	struct ledger *l;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	if (st.st_size != (off_t)sizeof(struct ledger)) {
		return -EPROTO;
	}
	l = mmap(NULL, sizeof(*l), PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	if (l == MAP_FAILED) {
		return -errno;
	}
	if (l->magic != LEDGER_MAGIC || l->version != LEDGER_VERSION ||
	    l->workers_size != sizeof(struct ledger_worker) ||
	    l->services_size != sizeof(struct ledger_service)) {
		ledger_unmap(l);
		return -EPROTO;
	}
	*ret = l;
	return 0;
}

void ledger_unmap(struct ledger *l)
{
	if (l) {
		(void)munmap(l, sizeof(*l));
	}
}

static void set_name(char *to, const char *name)
{
	(void)snprintf(to, LEDGER_NAME_MAX, "%s", name);
}

int ledger_worker_take(struct ledger *l, const char *name)
{
	int free_one = -ENOSPC;

	for (int i = 0; i < LEDGER_WORKERS; i++) {
		struct ledger_worker *w = &l->workers[i];

		if (w->name[0] && strncmp(w->name, name, LEDGER_NAME_MAX - 1) == 0) {
			return i;
		}
		if (!w->name[0]) {
			if (free_one < 0) {
				free_one = i;
			}
			if (i >= (int)l->workers_used) {
				break; /* never used from here on: untouched, so without memory */
			}
		}
	}
	if (free_one >= 0) {
		struct ledger_worker *w = &l->workers[free_one];

		ledger_begin(&w->seq);
		memset((char *)w + sizeof(w->seq), 0, sizeof(*w) - sizeof(w->seq));
		set_name(w->name, name);
		w->exit = -1;
		w->service = UINT32_MAX;
		ledger_end(&w->seq);
		if ((uint32_t)free_one >= l->workers_used) {
			l->workers_used = (uint32_t)free_one + 1;
		}
	}
	return free_one;
}

void ledger_worker_drop(struct ledger *l, unsigned index)
{
	struct ledger_worker *w = &l->workers[index];

	ledger_begin(&w->seq);
	memset((char *)w + sizeof(w->seq), 0, sizeof(*w) - sizeof(w->seq));
	ledger_end(&w->seq);
}

int ledger_service_take(struct ledger *l, const char *name)
{
	int free_one = -ENOSPC;

	for (int i = 0; i < LEDGER_SERVICES; i++) {
		struct ledger_service *s = &l->services[i];

		if (s->name[0] && strncmp(s->name, name, LEDGER_NAME_MAX - 1) == 0) {
			return i;
		}
		if (!s->name[0] && free_one < 0) {
			free_one = i;
		}
	}
	if (free_one >= 0) {
		struct ledger_service *s = &l->services[free_one];

		ledger_begin(&s->seq);
		memset((char *)s + sizeof(s->seq), 0, sizeof(*s) - sizeof(s->seq));
		set_name(s->name, name);
		ledger_end(&s->seq);
	}
	return free_one;
}

void ledger_service_drop(struct ledger *l, unsigned index)
{
	struct ledger_service *s = &l->services[index];

	ledger_begin(&s->seq);
	memset((char *)s + sizeof(s->seq), 0, sizeof(*s) - sizeof(s->seq));
	ledger_end(&s->seq);
}
