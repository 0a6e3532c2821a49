#include "mirror.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* ---- messages to structs: one row a field */

struct field {
	enum message_tag tag;
	size_t offset;
};

#define FIELD(type, tag, member)                   \
	{                                          \
		tag, offsetof(struct type, member) \
	}
#define END                 \
	{                   \
		TAG_NONE, 0 \
	}

static const struct field daemon_fields[] = {
	FIELD(mirror_daemon, TAG_STATE, state),
	FIELD(mirror_daemon, TAG_PID, pid),
	FIELD(mirror_daemon, TAG_SINCE, since),
	FIELD(mirror_daemon, TAG_IDENTIFIER, identifier),
	FIELD(mirror_daemon, TAG_VERSION, version),
	FIELD(mirror_daemon, TAG_COUNT, upgrades),
	FIELD(mirror_daemon, TAG_NOTE, note),
	END,
};

static const struct field group_fields[] = {
	FIELD(mirror_group, TAG_NAME, name),
	FIELD(mirror_group, TAG_PRIORITY, priority),
	END,
};

static const struct field worker_fields[] = {
	FIELD(mirror_worker, TAG_WORKER, index),
	FIELD(mirror_worker, TAG_NAME, name),
	FIELD(mirror_worker, TAG_GROUP, group),
	FIELD(mirror_worker, TAG_PROGRAM, program),
	FIELD(mirror_worker, TAG_STATE, state),
	FIELD(mirror_worker, TAG_PID, pid),
	FIELD(mirror_worker, TAG_STATUS, status),
	FIELD(mirror_worker, TAG_EXIT, exit),
	FIELD(mirror_worker, TAG_RESTARTS, restarts),
	FIELD(mirror_worker, TAG_SINCE, since),
	FIELD(mirror_worker, TAG_STARTED, started),
	FIELD(mirror_worker, TAG_STOPPED, stopped),
	FIELD(mirror_worker, TAG_SPAWNERR, spawnerr),
	FIELD(mirror_worker, TAG_STDOUT_PATH, stdout_path),
	FIELD(mirror_worker, TAG_STDERR_PATH, stderr_path),
	FIELD(mirror_worker, TAG_SERVICE, service),
	FIELD(mirror_worker, TAG_ADDRESS, address),
	FIELD(mirror_worker, TAG_NOTE, note),
	FIELD(mirror_worker, TAG_DEADLINE, next_run),
	FIELD(mirror_worker, TAG_TEXT, says),
	FIELD(mirror_worker, TAG_SLOT, slot),
	FIELD(mirror_worker, TAG_HEALTHY, healthy),
	FIELD(mirror_worker, TAG_PENDING, pending),
	FIELD(mirror_worker, TAG_LOST_LINES, lost_lines),
	END,
};

static const struct field service_fields[] = {
	FIELD(mirror_service, TAG_SERVICE_INDEX, index),
	FIELD(mirror_service, TAG_SERVICE, service),
	FIELD(mirror_service, TAG_LISTENS, listens),
	FIELD(mirror_service, TAG_NOTE, note),
	FIELD(mirror_service, TAG_WHO, who),
	FIELD(mirror_service, TAG_LIVE, live),
	FIELD(mirror_service, TAG_GENERATION, generation),
	FIELD(mirror_service, TAG_STEP, step),
	FIELD(mirror_service, TAG_JOB, job),
	FIELD(mirror_service, TAG_SINCE, since),
	FIELD(mirror_service, TAG_TROUBLES, troubles),
	END,
};

static const struct field slot_fields[] = {
	FIELD(mirror_slot, TAG_NAME, name),
	FIELD(mirror_slot, TAG_RELEASE, release),
	FIELD(mirror_slot, TAG_STATE, state),
	FIELD(mirror_slot, TAG_REMARK, remark),
	FIELD(mirror_slot, TAG_STEP, step),
	FIELD(mirror_slot, TAG_READY, ready),
	FIELD(mirror_slot, TAG_TOTAL, total),
	FIELD(mirror_slot, TAG_SHARE, share),
	FIELD(mirror_slot, TAG_SINCE, since),
	FIELD(mirror_slot, TAG_DEADLINE, deadline),
	END,
};

static const struct field config_fields[] = {
	FIELD(mirror_config, TAG_NAME, name),
	FIELD(mirror_config, TAG_GROUP, group),
	FIELD(mirror_config, TAG_JSON, json),
	END,
};

static void clear(void *object, const struct field *fields)
{
	for (const struct field *f = fields; f->tag != TAG_NONE; f++) {
		if (message_tag_type(f->tag) == TAG_STRING) {
			char **text = (char **)((char *)object + f->offset);

			free(*text);
			*text = NULL;
		}
	}
}

static void *free_object(void *object, const struct field *fields)
{
	if (object) {
		clear(object, fields);
		free(object);
	}
	return NULL;
}

/* Into a zeroed object. All texts are set afterwards, absent ones to "". */
static int load(void *object, const struct field *fields, const struct message *msg)
{
	for (const struct field *f = fields; f->tag != TAG_NONE; f++) {
		void *at = (char *)object + f->offset;

		if (message_tag_type(f->tag) == TAG_STRING) {
			*(char **)at = strdup(message_str(msg, f->tag));
			if (!*(char **)at) {
				return -ENOMEM;
			}
		} else {
			*(uint64_t *)at = message_u64(msg, f->tag);
		}
	}
	return 0;
}

/* ---- sorted vectors of pointers */

typedef int compare_fn(const void *a, const void *b);

static int by_names(const char *a1, const char *b1, const char *a2, const char *b2)
{
	int c = strcmp(a1, b1);

	return c ? c : strcmp(a2, b2);
}

static int compare_workers(const void *a, const void *b)
{
	const struct mirror_worker *x = a, *y = b;

	return by_names(x->group, y->group, x->name, y->name);
}

static int compare_groups(const void *a, const void *b)
{
	return strcmp(((const struct mirror_group *)a)->name,
		      ((const struct mirror_group *)b)->name);
}

static int compare_services(const void *a, const void *b)
{
	uint64_t x = ((const struct mirror_service *)a)->index,
		 y = ((const struct mirror_service *)b)->index;

	return x < y ? -1 : x > y;
}

static int compare_configs(const void *a, const void *b)
{
	const struct mirror_config *x = a, *y = b;

	return by_names(x->name, y->name, x->group, y->group);
}

/* Where key is (*ret_found) or would have to be. */
static size_t place_of(void *const *at, size_t len, const void *key, compare_fn *compare,
		       bool *ret_found)
{
	size_t low = 0, high = len;

	*ret_found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = compare(key, at[middle]);

		if (c == 0) {
			*ret_found = true;
			return middle;
		}
		if (c < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return low;
}

#define FIND(v, key, compare, found) place_of((void *const *)(v)->at, (v)->len, key, compare, found)

/* Puts object where it belongs; the place must be free. 0 or -ENOMEM. */
#define INSERT(v, object, compare)                                           \
	({                                                                   \
		bool found_;                                                 \
		size_t place_ = FIND(v, object, compare, &found_);           \
		int inserted_ = vec_push(v, object);                         \
		if (inserted_ == 0) {                                        \
			memmove(&(v)->at[place_ + 1], &(v)->at[place_],      \
				((v)->len - 1 - place_) * sizeof(*(v)->at)); \
			(v)->at[place_] = (object);                          \
		}                                                            \
		inserted_;                                                   \
	})

/* Takes the object equal to key out of v and frees it. */
#define REMOVE(v, key, compare, fields)                         \
	do {                                                    \
		bool found_;                                    \
		size_t place_ = FIND(v, key, compare, &found_); \
		if (found_) {                                   \
			void *object_ = (v)->at[place_];        \
			vec_remove(v, place_);                  \
			free_object(object_, fields);           \
		}                                               \
	} while (0)

/* Replaces what is equal to a fresh object, or adds it. Takes the object. */
#define STORE(v, object, compare, fields)             \
	({                                            \
		int stored_;                          \
		REMOVE(v, object, compare, fields);   \
		stored_ = INSERT(v, object, compare); \
		if (stored_ < 0) {                    \
			free_object(object, fields);  \
		}                                     \
		stored_;                              \
	})

/* A fresh object from a message; NULL when out of memory. */
static void *make(size_t size, const struct field *fields, const struct message *msg)
{
	void *object = calloc(1, size);

	if (object && load(object, fields, msg) < 0) {
		object = free_object(object, fields);
	}
	return object;
}

/* An object that has its place for good. */
static int replace(void *object, size_t size, const struct field *fields, const struct message *msg)
{
	void *fresh = make(size, fields, msg);

	if (!fresh) {
		return -ENOMEM;
	}
	clear(object, fields);
	memcpy(object, fresh, size);
	free(fresh);
	return 0;
}

/* ---- workers: also found by their place in the ledger */

static void drop_worker(struct mirror *m, uint64_t index)
{
	struct mirror_worker *w = index < m->by_index.len ? m->by_index.at[index] : NULL;

	if (w) {
		m->by_index.at[index] = NULL;
		REMOVE(&m->workers, w, compare_workers, worker_fields);
	}
}

static int apply_worker(struct mirror *m, const struct message *msg)
{
	uint64_t index = message_u64(msg, TAG_WORKER);
	struct mirror_worker *w;
	bool found;
	size_t i;

	if (index >= SWITCHBOARD_WORKERS) {
		return -EINVAL;
	}
	while (m->by_index.len <= index) {
		if (vec_push(&m->by_index, NULL) < 0) {
			return -ENOMEM;
		}
	}
	w = make(sizeof(*w), worker_fields, msg);
	if (!w) {
		return -ENOMEM;
	}
	drop_worker(m, index);
	w->round = m->round;
	w->slot = message_has(msg, TAG_SLOT) ? w->slot : -1;
	w->exit = message_has(msg, TAG_EXIT) ? w->exit : -1;
	i = FIND(&m->workers, w, compare_workers, &found);
	if (found) { /* the name moved to another place */
		drop_worker(m, m->workers.at[i]->index);
	}
	if (INSERT(&m->workers, w, compare_workers) < 0) {
		free_object(w, worker_fields);
		return -ENOMEM;
	}
	m->by_index.at[index] = w;
	return 0;
}

static int apply_worker_gone(struct mirror *m, const struct message *msg)
{
	drop_worker(m, message_u64(msg, TAG_WORKER));
	return 0;
}

/* ---- the others */

static int apply_all(struct mirror *m, const struct message *msg)
{
	(void)msg;
	m->round++;
	m->incomplete = false;
	return 0;
}

static int apply_daemon(struct mirror *m, const struct message *msg)
{
	int64_t before = m->daemon.pid;
	int r = replace(&m->daemon, sizeof(m->daemon), daemon_fields, msg);

	if (r < 0) {
		return r;
	}
	if (before && before != m->daemon.pid) {
		(void)apply_all(m, msg);
		return 1;
	}
	return 0;
}

static int apply_group(struct mirror *m, const struct message *msg)
{
	struct mirror_group *g = make(sizeof(*g), group_fields, msg);

	if (!g) {
		return -ENOMEM;
	}
	g->round = m->round;
	return STORE(&m->groups, g, compare_groups, group_fields);
}

static int apply_group_gone(struct mirror *m, const struct message *msg)
{
	struct mirror_group key = {.name = (char *)message_str(msg, TAG_NAME)};

	REMOVE(&m->groups, &key, compare_groups, group_fields);
	return 0;
}

static int apply_service(struct mirror *m, const struct message *msg)
{
	struct mirror_service *s = make(sizeof(*s), service_fields, msg);

	if (!s) {
		return -ENOMEM;
	}
	if (s->index >= SWITCHBOARD_SERVICES) {
		free_object(s, service_fields);
		return -EINVAL;
	}
	s->round = m->round;
	return STORE(&m->services, s, compare_services, service_fields);
}

static int apply_service_gone(struct mirror *m, const struct message *msg)
{
	struct mirror_service key = {.index = message_u64(msg, TAG_SERVICE_INDEX)};

	REMOVE(&m->services, &key, compare_services, service_fields);
	return 0;
}

static int apply_slot(struct mirror *m, const struct message *msg)
{
	uint64_t index = message_u64(msg, TAG_SERVICE_INDEX), slot = message_u64(msg, TAG_SLOT);

	if (index >= SWITCHBOARD_SERVICES || slot >= SLOT_MAX_) {
		return -EINVAL;
	}
	return replace(&m->slots[index][slot], sizeof(struct mirror_slot), slot_fields, msg);
}

static int apply_config(struct mirror *m, const struct message *msg)
{
	struct mirror_config *c = make(sizeof(*c), config_fields, msg);

	if (!c) {
		return -ENOMEM;
	}
	c->round = m->round;
	return STORE(&m->configs, c, compare_configs, config_fields);
}

/* Without a name: all, before a newly read configuration is sent. */
static int apply_config_gone(struct mirror *m, const struct message *msg)
{
	struct mirror_config key = {.name = (char *)message_str(msg, TAG_NAME),
				    .group = (char *)message_str(msg, TAG_GROUP)};

	if (message_has(msg, TAG_NAME)) {
		REMOVE(&m->configs, &key, compare_configs, config_fields);
		return 0;
	}
	while (m->configs.len) {
		free_object(m->configs.at[--m->configs.len], config_fields);
	}
	return 0;
}

/* Removes what the slotd of this round has not named. */
#define SWEEP(m, v, fields)                             \
	for (size_t n_ = (v)->len; n_-- > 0;) {         \
		if ((v)->at[n_]->round != (m)->round) { \
			void *object_ = (v)->at[n_];    \
			vec_remove(v, n_);              \
			free_object(object_, fields);   \
		}                                       \
	}

static int apply_synced(struct mirror *m, const struct message *msg)
{
	(void)msg;
	if (m->incomplete) {
		return 0; /* what is not named may only have been lost */
	}
	for (size_t i = 0; i < m->by_index.len; i++) {
		if (m->by_index.at[i] && m->by_index.at[i]->round != m->round) {
			drop_worker(m, i);
		}
	}
	SWEEP(m, &m->groups, group_fields);
	SWEEP(m, &m->services, service_fields);
	SWEEP(m, &m->configs, config_fields);
	m->synced = true;
	return 0;
}

typedef int apply_fn(struct mirror *m, const struct message *msg);

static apply_fn *const appliers[MSG_TYPE_MAX_] = {
	[MSG_STATE_DAEMON] = apply_daemon,
	[MSG_STATE_GROUP] = apply_group,
	[MSG_STATE_GROUP_GONE] = apply_group_gone,
	[MSG_STATE_WORKER] = apply_worker,
	[MSG_STATE_WORKER_GONE] = apply_worker_gone,
	[MSG_STATE_SERVICE] = apply_service,
	[MSG_STATE_SERVICE_GONE] = apply_service_gone,
	[MSG_STATE_SLOT] = apply_slot,
	[MSG_STATE_CONFIG] = apply_config,
	[MSG_STATE_CONFIG_GONE] = apply_config_gone,
	[MSG_STATE_SYNCED] = apply_synced,
	[MSG_STATE_ALL] = apply_all,
};

bool mirror_takes(enum message_type type)
{
	return type >= 0 && type < MSG_TYPE_MAX_ && appliers[type];
}

int mirror_apply(struct mirror *m, const struct message *msg)
{
	int r = appliers[msg->type](m, msg);

	m->incomplete = m->incomplete || r == -ENOMEM;
	return r;
}

/* ---- */

void mirror_done(struct mirror *m)
{
	vec_for_each (w, &m->workers) {
		free_object(*w, worker_fields);
	}
	vec_for_each (g, &m->groups) {
		free_object(*g, group_fields);
	}
	vec_for_each (s, &m->services) {
		free_object(*s, service_fields);
	}
	vec_for_each (c, &m->configs) {
		free_object(*c, config_fields);
	}
	for (size_t i = 0; i < SWITCHBOARD_SERVICES; i++) {
		for (int slot = 0; slot < SLOT_MAX_; slot++) {
			clear(&m->slots[i][slot], slot_fields);
		}
	}
	clear(&m->daemon, daemon_fields);
	vec_done(&m->workers);
	vec_done(&m->by_index);
	vec_done(&m->groups);
	vec_done(&m->services);
	vec_done(&m->configs);
}

struct mirror_worker *mirror_worker(const struct mirror *m, const char *group, const char *name)
{
	struct mirror_worker key = {.group = (char *)group, .name = (char *)name};
	bool found;
	size_t i = FIND(&m->workers, &key, compare_workers, &found);

	return found ? m->workers.at[i] : NULL;
}

struct mirror_worker *mirror_worker_after(const struct mirror *m, const char *group,
					  const char *name)
{
	struct mirror_worker key = {.group = (char *)group, .name = (char *)name};
	bool found = false;
	size_t i = group ? FIND(&m->workers, &key, compare_workers, &found) : 0;

	i += found;
	return i < m->workers.len ? m->workers.at[i] : NULL;
}

struct mirror_group *mirror_group(const struct mirror *m, const char *name)
{
	struct mirror_group key = {.name = (char *)name};
	bool found;
	size_t i = FIND(&m->groups, &key, compare_groups, &found);

	return found ? m->groups.at[i] : NULL;
}
