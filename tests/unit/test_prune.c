/* deploy/prune.c, remove_tree.c, result.c: what a child does with directories of others. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <slotd/cleanup.h>
#include <stdio.h>
#include <string.h>
#include <supervisor/deploy/prune.h>
#include <supervisor/deploy/remove_tree.h>
#include <supervisor/deploy/result.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

static char dir[64];

static const char *path_of(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void make_dir(const char *name)
{
	ck_assert_int_eq(mkdir(path_of(name), 0755), 0);
}

static void make_file(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static bool exists(const char *name)
{
	struct stat st;

	return lstat(path_of(name), &st) == 0;
}

static void begin(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/slotd-prune-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void end(void)
{
	struct removal r = {.left = 10000};
	const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(remove_content(&r, fd), 0);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* What a function says on descriptor 1. */
static int said(int (*fn)(void *), void *data, char *buf, size_t size)
{
	int ends[2], status, saved = dup(STDOUT_FILENO);
	ssize_t n;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	(void)fflush(stdout);
	ck_assert_int_ge(dup2(ends[1], STDOUT_FILENO), 0);
	status = fn(data);
	ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);
	(void)close(saved);
	(void)close(ends[1]);
	n = read(ends[0], buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	(void)close(ends[0]);
	return status;
}

/* ---- releases ---- */

static void make_releases(void)
{
	static const char *const names[] = {"r1", "r2", "r3", "r4", "r5", "r6", "r7"};
	char name[64];

	make_dir("releases");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(name, sizeof(name), "releases/%s", names[i]);
		make_dir(name);
		(void)usleep(5000); /* their age is known by it; the clock of files is coarse */
	}
	make_file("releases/a-file", "stays");
	make_dir("releases/.git");
	make_dir("releases/.slotd-removes-r0");
	make_file("releases/.slotd-removes-r0/half", "goes");
	make_dir("releases/r1/deep");
	make_dir("releases/r1/deep/closed");
	make_file("releases/r1/deep/closed/file", "goes");
	ck_assert_int_eq(chmod(path_of("releases/r1/deep/closed"), 0500), 0);
	make_dir("outside");
	make_file("outside/file", "stays");
	ck_assert_int_eq(symlink(path_of("outside"), path_of("releases/r1/link")), 0);
	ck_assert_int_eq(symlink("r1", path_of("releases/a-link")), 0);
	ck_assert_int_eq(symlink("releases/r2", path_of("current")), 0);
}

START_TEST(old_releases_go_and_what_is_used_stays)
{
	const char *names[] = {"r3", "", NULL};
	const char *paths[4] = {NULL};
	char directory[128], current[128], deep[128], text[512];
	struct prune p = {.directory = directory, .keep = 2, .names = names, .paths = paths};

	begin();
	make_releases();
	(void)snprintf(directory, sizeof(directory), "%s", path_of("releases"));
	(void)snprintf(current, sizeof(current), "%s", path_of("current"));
	(void)snprintf(deep, sizeof(deep), "%s", path_of("releases/r4/src/gone"));
	paths[0] = current;
	paths[1] = deep; /* of a worker, as the kernel says it; it has been removed below it */
	ck_assert_msg(said(prune_releases, &p, text, sizeof(text)) == 0, "%s", text);
	ck_assert_str_eq(text, "removed 2 releases: r5, r1");
	ck_assert(exists("releases/r7") && exists("releases/r6"));
	ck_assert(exists("releases/r2") && exists("releases/r3") && exists("releases/r4"));
	ck_assert(!exists("releases/r5") && !exists("releases/r1"));
	ck_assert(!exists("releases/.slotd-removes-r0") && !exists("releases/.slotd-removes-r1"));
	ck_assert(exists("releases/a-file") && exists("releases/a-link") &&
		  exists("releases/.git"));
	ck_assert(exists("outside/file"));
	ck_assert_int_eq(said(prune_releases, &p, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "");
	end();
}
END_TEST

START_TEST(where_it_is_not_known_what_is_used_nothing_goes)
{
	const char *names[] = {NULL}, *paths[] = {NULL, NULL};
	char directory[128], loop[128], text[512];
	struct prune p = {.directory = directory, .keep = 1, .names = names, .paths = paths};

	begin();
	make_releases();
	(void)snprintf(directory, sizeof(directory), "%s", path_of("releases"));
	p.unknown = "nothing is removed: who knows";
	ck_assert_int_eq(said(prune_releases, &p, text, sizeof(text)), 1);
	ck_assert_str_eq(text, p.unknown);
	p.unknown = NULL;
	ck_assert_int_eq(symlink("loop", path_of("loop")), 0);
	(void)snprintf(loop, sizeof(loop), "%s", path_of("loop"));
	paths[0] = loop;
	ck_assert_int_eq(said(prune_releases, &p, text, sizeof(text)), 1);
	ck_assert(exists("releases/r1") && exists("releases/.slotd-removes-r0"));
	p.directory = path_of("nowhere");
	ck_assert_int_eq(said(prune_releases, &p, text, sizeof(text)), 1);
	end();
}
END_TEST

START_TEST(a_run_is_bounded_and_the_next_goes_on)
{
	const char *names[] = {NULL}, *paths[] = {NULL};
	char directory[128], text[1024];
	struct prune p = {.directory = directory, .keep = 1, .names = names, .paths = paths};
	unsigned left = 0;

	begin();
	make_dir("releases");
	(void)snprintf(directory, sizeof(directory), "%s", path_of("releases"));
	for (int i = 0; i < PRUNE_RELEASES_MAX + 5; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "releases/%02d", i);
		make_dir(name);
	}
	ck_assert_int_eq(said(prune_releases, &p, text, sizeof(text)), 0);
	ck_assert_msg(strncmp(text, "removed 20 releases: ", 21) == 0, "%s", text);
	ck_assert_int_eq(said(prune_releases, &p, text, sizeof(text)), 0);
	ck_assert_msg(strncmp(text, "removed 4 releases: ", 20) == 0, "%s", text);
	for (int i = 0; i < PRUNE_RELEASES_MAX + 5; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "releases/%02d", i);
		left += exists(name);
	}
	ck_assert_uint_eq(left, 1);
	end();
}
END_TEST

START_TEST(a_removal_has_limits)
{
	struct removal few = {.left = 3}, deep = {.left = 10000};
	char name[4096] = "d";
	int fd, at, next;

	begin();
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_dir("some");
	for (int i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof(name), "some/%d", i);
		make_file(name, "");
	}
	ck_assert_int_eq(remove_tree(&few, fd, "some"), -E2BIG);
	ck_assert(exists("some"));
	make_dir("deep");
	at = openat(fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < REMOVAL_DEPTH_MAX + 5; i++) {
		ck_assert_int_eq(mkdirat(at, "d", 0755), 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(at);
		at = next;
	}
	(void)close(at);
	ck_assert_int_eq(remove_tree(&deep, fd, "deep"), -E2BIG);
	ck_assert_int_eq(renameat(fd, "deep/d/d/d/d/d/d/d/d", fd, "rest"), 0);
	(void)close(fd);
	end();
}
END_TEST

/* In mounts of its own, where that is allowed. */
static bool bind(const char *from, const char *to)
{
	return unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) == 0 &&
	       mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount(from, to, "none", MS_BIND, NULL) == 0;
}

START_TEST(what_is_bound_into_a_release_from_elsewhere_stays)
{
	struct removal r = {.left = 100};
	int fd;

	begin();
	make_dir("uploads");
	make_file("uploads/picture", "");
	make_dir("old");
	make_dir("old/uploads");
	make_file("old/code", "");
	if (bind(path_of("uploads"), path_of("old/uploads"))) {
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_eq(remove_tree(&r, fd, "old"), -EXDEV);
		ck_assert(exists("uploads/picture") && !exists("old/code"));
		ck_assert_int_eq(umount(path_of("old/uploads")), 0);
		(void)close(fd);
	}
	end();
}
END_TEST

/* ---- what prepare says ---- */

static const char *line_of(const char *text)
{
	static char buf[16];

	return result_line(text, buf, sizeof(buf));
}

START_TEST(a_line_of_somebody_else_is_plain)
{
	ck_assert_str_eq(line_of("4f2c91e\n"), "4f2c91e");
	ck_assert_str_eq(line_of("  v 1.2 \t\r\nnext"), "v 1.2");
	ck_assert_str_eq(line_of("\n4f2c91e"), "");
	ck_assert_str_eq(line_of(""), "");
	ck_assert_str_eq(line_of("a\033[31mb\x7f"), "a?[31mb?");
	ck_assert_str_eq(line_of("\xff\xc2\x9b\xc3\xa9"), "??\xc3\xa9");
	ck_assert_str_eq(line_of("what?"), "what?");
	ck_assert_str_eq(line_of("12345678901234567"), "123456789012345");
	ck_assert_str_eq(line_of("12345678901234\xc3\xa9"), "12345678901234");
}
END_TEST

START_TEST(a_way_back_is_ruled_out_by_a_line)
{
	char why[32] = "before", unknown[32];

	ck_assert(!result_is_one_way("", why, sizeof(why), unknown, sizeof(unknown)));
	ck_assert(
		!result_is_one_way("rollback=yes\n\n", why, sizeof(why), unknown, sizeof(unknown)));
	ck_assert_str_eq(unknown, "");
	ck_assert_str_eq(why, "before");
	ck_assert(result_is_one_way("rollback=yes\n rollback=no  drops x \n", why, sizeof(why),
				    unknown, sizeof(unknown)));
	ck_assert_str_eq(why, "drops x");
	ck_assert(result_is_one_way("rollback=no", why, sizeof(why), unknown, sizeof(unknown)));
	ck_assert_str_eq(why, "its prepare commands gave no re");
	ck_assert(!result_is_one_way("rollback=nope\nother=1\n", why, sizeof(why), unknown,
				     sizeof(unknown)));
	ck_assert_str_eq(unknown, "rollback=nope");
}
END_TEST

static void refused(const char *why)
{
	char text[128], of[128];

	(void)snprintf(of, sizeof(of), "%s", path_of("mine"));
	ck_assert_int_eq(said(result_print, of, text, sizeof(text)), 1);
	ck_assert_str_eq(text, why);
	ck_assert(!exists("mine/result")); /* it is emptied all the same */
}

START_TEST(a_result_is_a_file_of_its_user_and_no_link)
{
	char text[128], of[128];

	begin();
	make_dir("mine");
	(void)snprintf(of, sizeof(of), "%s", path_of("mine"));
	ck_assert_int_eq(said(result_print, of, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "");
	make_file("mine/result", "rollback=no\n");
	make_dir("mine/more");
	ck_assert_int_eq(said(result_print, of, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "rollback=no\n");
	ck_assert(!exists("mine/result") && !exists("mine/more"));
	make_file("other", "rollback=no\n");
	ck_assert_int_eq(symlink(path_of("other"), path_of("mine/result")), 0);
	refused("it is a symbolic link");
	ck_assert_int_eq(link(path_of("other"), path_of("mine/result")), 0);
	refused("it is somebody else's file");
	ck_assert_int_eq(mkfifo(path_of("mine/result"), 0600), 0);
	refused("it is not a regular file");
	make_file("mine/result", "");
	ck_assert_int_eq(truncate(path_of("mine/result"), RESULT_SIZE_MAX + 1), 0);
	refused("it is longer than 4096 bytes");
	ck_assert(exists("other"));
	(void)snprintf(of, sizeof(of), "%s", path_of("nowhere"));
	ck_assert_int_eq(said(result_print, of, text, sizeof(text)), 0);
	end();
}
END_TEST

SUITE("prune", old_releases_go_and_what_is_used_stays,
      where_it_is_not_known_what_is_used_nothing_goes, a_run_is_bounded_and_the_next_goes_on,
      a_removal_has_limits, what_is_bound_into_a_release_from_elsewhere_stays,
      a_line_of_somebody_else_is_plain, a_way_back_is_ruled_out_by_a_line,
      a_result_is_a_file_of_its_user_and_no_link);
