#include "deploy/result.h"
#include "deploy/remove_tree.h"
#include "supervisor.h"

#include <slotd/cleanup.h>
#include <slotd/config.h>
#include <slotd/io.h>
#include <slotd/utf8.h>

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "result"

/* ---- the directory ---- */

const char *result_directory(const struct supervisor *sup, const char *service, unsigned number,
			     char path[static PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "%s/results/%s-%u", sup->config->supervisord.run_dir,
		       service, number);
	return path;
}

/* Every user finds its own, and nobody lists them; umask may have closed it. */
static int make_above(const struct supervisor *sup)
{
	char above[PATH_MAX];

	(void)snprintf(above, sizeof(above), "%s/results", sup->config->supervisord.run_dir);
	if (mkdir(above, 0711) < 0 && errno != EEXIST) {
		return -errno;
	}
	return chmod(above, 0711) < 0 ? -errno : 0;
}

int result_make(const struct supervisor *sup, const char *service, unsigned number, uid_t uid,
		gid_t gid, char path[static PATH_MAX])
{
	char dir[PATH_MAX];
	int r = make_above(sup);

	(void)result_directory(sup, service, number, dir);
	if (r < 0 || mkdir(dir, 0700) < 0) {
		return r < 0 ? r : -errno;
	}
	if (uid != (uid_t)-1 && uid != geteuid() && lchown(dir, uid, gid) < 0) {
		r = -errno;
		(void)rmdir(dir);
		return r;
	}
	return snprintf(path, PATH_MAX, "%s/" FILE_NAME, dir) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

void result_remove(const struct supervisor *sup, const char *service, unsigned number)
{
	char dir[PATH_MAX];

	/* What is left in it goes with the next job of the service (job_tidy). */
	(void)rmdir(result_directory(sup, service, number, dir));
}

/* ---- in the child ---- */

static int refuse(const char *why)
{
	(void)dprintf(STDOUT_FILENO, "%s", why);
	return 1;
}

static int print_file(int dir)
{
	auto_close int fd =
		openat(dir, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char text[RESULT_SIZE_MAX];
	struct stat st;
	ssize_t n;

	if (fd < 0) {
		return errno == ENOENT	? 0
		       : errno == ELOOP ? refuse("it is a symbolic link")
					: refuse(strerrordesc_np(errno));
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		return refuse("it is not a regular file");
	}
	if (st.st_uid != geteuid() || st.st_nlink != 1) {
		return refuse("it is somebody else's file");
	}
	if (st.st_size > RESULT_SIZE_MAX) {
		return refuse("it is longer than 4096 bytes");
	}
	n = pread(fd, text, sizeof(text), 0);
	return n < 0 ? refuse(strerrordesc_np(errno))
		     : io_write_all(STDOUT_FILENO, text, (size_t)n) < 0;
}

int result_print(void *data)
{
	auto_close int dir = open(data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct removal removal = {.left = REMOVAL_FILES_MAX};
	struct stat st;
	int r;

	if (dir < 0) {
		return errno == ENOENT ? 0 : refuse(strerrordesc_np(errno));
	}
	if (fstat(dir, &st) < 0 || st.st_uid != geteuid()) {
		return refuse("its directory is somebody else's");
	}
	r = print_file(dir);
	(void)remove_content(&removal, dir);
	return r;
}

/* ---- what it says ---- */

/* One that is not valid, or means something to a terminal, becomes '?'. */
static size_t copy_character(const char *text, size_t len, char *to)
{
	const int n = utf8_char((const unsigned char *)text, len);
	const bool c1 = n == 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0;

	if (n <= 0 || c1 || (n == 1 && iscntrl((unsigned char)*text))) {
		*to = '?';
		return n == 2 ? 2 : 1;
	}
	memcpy(to, text, (size_t)n);
	return (size_t)n;
}

const char *result_line(const char *text, char *buf, size_t size)
{
	size_t len = strcspn(text, "\n"), used = 0;
	char one[4];

	while (len && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	while (len && isspace((unsigned char)text[len - 1])) {
		len--;
	}
	while (len) {
		const size_t n = copy_character(text, len, one), written = one[0] == '?' ? 1 : n;

		if (used + written >= size) {
			break;
		}
		memcpy(buf + used, one, written);
		used += written;
		text += n;
		len -= n;
	}
	buf[used] = '\0';
	return buf;
}

bool result_is_one_way(const char *text, char *why, size_t why_size, char *unknown,
		       size_t unknown_size)
{
	static const char no[] = "rollback=no", yes[] = "rollback=yes";
	bool one_way = false;
	char line[RESULT_SIZE_MAX];

	*unknown = '\0';
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		const char *rest = result_line(text, line, sizeof(line)) + strlen(no);

		if (!*line || strcmp(line, yes) == 0) {
			continue;
		}
		if (strncmp(line, no, strlen(no)) == 0 && (!*rest || isblank(*rest))) {
			one_way = true;
			(void)result_line(rest, why, why_size);
		} else if (!*unknown) {
			(void)result_line(line, unknown, unknown_size);
		}
	}
	if (one_way && !*why) {
		(void)snprintf(why, why_size, "its prepare commands gave no reason");
	}
	return one_way;
}
