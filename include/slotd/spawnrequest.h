#pragma once

/**
 * A request from slotd to slotd-spawn for a child. It lies in a memfd, because an environment may
 * be larger than a message:
 *
 *	struct spawn_request, then groups (u32 each), then texts, each with its NUL: arguments,
 *	settings of the environment, and those of search, directory, user name, address and
 *	directory of credentials for which a flag is set; then credentials
 *
 * MSG_SPAWN has these descriptors: the memfd, the write end of the report pipe, and those of
 * 0, 1, 2 and the cgroup for which a flag is set. The kernel itself writes the child's pid
 * into the memfd when it creates the child, so slotd knows of the child even if slotd-spawn
 * dies before it can answer.
 */

#include <slotd/spawn.h>

enum spawn_request_flag {
	SPAWN_HAS_STDIO = 1 << 0, /* descriptor 0; the next two bits are for 1 and 2 */
	SPAWN_HAS_CGROUP = 1 << 3,
	SPAWN_HAS_SEARCH = 1 << 4,
	SPAWN_HAS_DIRECTORY = 1 << 5,
	SPAWN_HAS_USER = 1 << 6,
	SPAWN_HAS_USER_NAME = 1 << 7,
	SPAWN_HAS_ADDRESS = 1 << 8,
	SPAWN_RESETS_SIGNALS = 1 << 9,
	SPAWN_EXPLAINS = 1 << 10,
	SPAWN_HAS_CREDENTIALS = 1 << 11,
};

enum {
	SPAWN_LIMITS = 16, /* RLIM_NLIMITS */
};

/** Fields are only ever appended: after an upgrade a new slotd-spawn reads requests of an old
 * slotd. */
struct spawn_request {
	uint32_t size; /* of this struct in the program that wrote it */
	int32_t pid;   /* of the child; 0: none was created */
	uint32_t flags;
	uint32_t n_args, n_settings, n_groups;
	uint32_t uid, gid, umask;
	uint32_t n_limits;
	struct {
		uint64_t soft, hard;
	} limits[SPAWN_LIMITS];
	uint64_t ticks; /* slotd-spawn: when it began to make the child, as process_ticks_now */
	uint32_t n_credentials, unused;
};

/**
 * Writes a request. spec must have argv, and neither run nor channel_fd.
 *
 * @ret_fd  the memfd, which the caller owns.
 * Returns: 0, -E2BIG, -ENOMEM, -EMFILE or another -errno.
 */
int spawn_request_write(const struct spawn_spec *spec, int *ret_fd);
/** Returns the pid of the child that the kernel has written; 0 if there is none. */
pid_t spawn_request_pid(int fd);
/**
 * The child that was made by it, for a slotd that did not ask for it itself: the number may have
 * been given to another process since.
 *
 * Returns: its pid with *ret_ticks its start, 0: none was made, or it has ended.
 */
pid_t spawn_request_child(int fd, uint64_t *ret_ticks);

/** A request that was read. */
struct spawn_reading {
	struct spawn_request *map; /* shared with slotd */
	size_t len;
	char **pointers; /* argv, envp, credentials */
	struct spawn_user user;
	struct rlimit limits[SPAWN_LIMITS];
	struct spawn_spec spec; /* points into all this */
	int report_fd;
};
/**
 * Reads the request in fds[0]; the other descriptors of the message follow in their order. All of
 * them are borrowed as long as the reading is used.
 *
 * Returns: 0; -EBADMSG if the request is not valid; another -errno.
 */
int spawn_request_read(const int *fds, unsigned n_fds, struct spawn_reading *ret);
/** Notes in the request when its child is about to be made. */
void spawn_reading_note(const struct spawn_reading *r, uint64_t ticks);
/** Frees a reading. Accepts a zeroed one. */
void spawn_reading_done(struct spawn_reading *r);
