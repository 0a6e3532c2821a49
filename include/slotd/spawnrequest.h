#pragma once

/**
 * What slotd asks of slotd-spawn: one child. The request lies in a memfd, because an environment
 * may be larger than a message:
 *
 *	struct spawn_request, then groups (u32 each), then texts, each with its NUL: arguments,
 *	settings of the environment, and those of search, directory, user's name and address that
 *	flags name
 *
 * MSG_SPAWN carries it with descriptors: the memfd, the report pipe's write end, and those of 0, 1,
 * 2 and the cgroup that flags name. The kernel itself writes the child's pid into it when it makes
 * the child, so slotd knows of it even where slotd-spawn died before it could answer.
 */

#include <slotd/spawn.h>

enum spawn_request_flag {
	SPAWN_HAS_STDIO = 1 << 0, /* and the next two bits, for 1 and 2 */
	SPAWN_HAS_CGROUP = 1 << 3,
	SPAWN_HAS_SEARCH = 1 << 4,
	SPAWN_HAS_DIRECTORY = 1 << 5,
	SPAWN_HAS_USER = 1 << 6,
	SPAWN_HAS_USER_NAME = 1 << 7,
	SPAWN_HAS_ADDRESS = 1 << 8,
	SPAWN_RESETS_SIGNALS = 1 << 9,
	SPAWN_EXPLAINS = 1 << 10,
};

enum {
	SPAWN_LIMITS = 16, /* RLIM_NLIMITS */
	SPAWN_FDS_MAX = 6,
};

/** Fields are only ever appended: after an upgrade a new slotd-spawn reads an old slotd's. */
struct spawn_request {
	uint32_t size; /* of this, as the one who wrote it knows it */
	int32_t pid;   /* of the child; 0: none was made */
	uint32_t flags;
	uint32_t n_args, n_settings, n_groups;
	uint32_t uid, gid, umask;
	uint32_t n_limits;
	struct {
		uint64_t soft, hard;
	} limits[SPAWN_LIMITS];
};

/**
 * Writes one. spec has argv, and neither run nor channel_fd.
 *
 * @ret_fd  the memfd, the caller's.
 * Returns: 0, -E2BIG, -ENOMEM, -EMFILE, another -errno.
 */
int spawn_request_write(const struct spawn_spec *spec, int *ret_fd);
/** The child's pid that the kernel noted; 0: there is none. */
pid_t spawn_request_pid(int fd);

/** One that was read. */
struct spawn_reading {
	struct spawn_request *map; /* shared with slotd */
	size_t len;
	char **pointers; /* argv, envp */
	struct spawn_user user;
	struct rlimit limits[SPAWN_LIMITS];
	struct spawn_spec spec; /* points into all this */
	int report_fd;
};
/**
 * Reads the request in fds[0], with the descriptors that came along, in their order. All of them
 * are borrowed for as long as the reading is used.
 *
 * Returns: 0, -EBADMSG when it cannot be trusted, another -errno.
 */
int spawn_request_read(const int *fds, unsigned n_fds, struct spawn_reading *ret);
/** Harmless when zeroed. */
void spawn_reading_done(struct spawn_reading *r);
