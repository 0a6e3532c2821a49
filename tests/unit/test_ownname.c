#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <slotd/cleanup.h>
#include <slotd/links.h>
#include <slotd/ownname.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

static char dir[64], path[96], other[96];

static void make_dir(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/slotd-name-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/name", dir);
	(void)snprintf(other, sizeof(other), "%s/other", dir);
}

static void remove_dir(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static int open_own(const char *name, struct diag *diag, int *ret_fd)
{
	return own_file_open(name, O_RDWR | O_CREAT, 0644, diag, ret_fd);
}

static void put(const char *name, const char *text)
{
	auto_fclose FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
}

static bool exists(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

START_TEST(a_file_is_opened_without_losing_what_it_has)
{
	auto_close int fd = -EBADF;
	char text[8] = "";

	make_dir();
	put(path, "text");
	ck_assert_int_eq(open_own(path, NULL, &fd), 0);
	ck_assert_int_eq(read(fd, text, sizeof(text)), 4);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	remove_dir();
}
END_TEST

START_TEST(what_is_no_file_is_neither_opened_nor_waited_for)
{
	struct diag diag = {0};
	int fd = -EBADF;

	make_dir();
	ck_assert_int_eq(mkfifo(path, 0644), 0);
	ck_assert_int_eq(open_own(path, &diag, &fd), -EINVAL);
	ck_assert_ptr_nonnull(strstr(diag.text, "is not a regular file"));
	ck_assert_int_eq(open_own("/dev/null", &diag, &fd), -EINVAL);
	ck_assert_int_eq(open_own(dir, &diag, &fd), -EINVAL);
	ck_assert_int_eq(fd, -EBADF);
	remove_dir();
}
END_TEST

/* Also where the descriptor is a file: its text is somebody's output. */
START_TEST(a_descriptors_name_is_no_file_of_ours)
{
	auto_close int file = -EBADF;
	struct diag diag = {0};
	char name[64];
	int fd = -EBADF;

	make_dir();
	file = open(other, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ge(file, 0);
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", file);
	ck_assert_int_eq(open_own(name, &diag, &fd), -ENXIO);
	(void)snprintf(name, sizeof(name), "/dev/fd/%d", file);
	ck_assert_int_eq(open_own(name, &diag, &fd), -ENXIO);
	ck_assert_int_eq(symlink(name, path), 0);
	ck_assert_int_eq(open_own(path, &diag, &fd), -ENXIO);
	ck_assert_ptr_nonnull(strstr(diag.text, path));
	remove_dir();
}
END_TEST

START_TEST(a_link_is_followed_to_what_it_names_also_when_that_is_missing)
{
	auto_close int fd = -EBADF;
	char real[PATH_MAX];

	make_dir();
	ck_assert_int_eq(symlink("other", path), 0);
	ck_assert_int_eq(own_name_resolve(path, real, sizeof(real), NULL), 0);
	ck_assert_str_eq(real, other);
	ck_assert_int_eq(open_own(path, NULL, &fd), 0);
	ck_assert(exists(other));
	(void)unlink(other);
	ck_assert_int_eq(symlink("name", other), 0);
	ck_assert_int_eq(own_name_resolve(path, real, sizeof(real), NULL), -ELOOP);
	remove_dir();
}
END_TEST

START_TEST(somebody_elses_link_is_followed_to_his_own_files_only)
{
	struct diag diag = {0};
	char real[PATH_MAX];

	if (geteuid() != 0) {
		return; /* cannot make one */
	}
	make_dir();
	put(other, "root's");
	ck_assert_int_eq(symlink(other, path), 0);
	ck_assert_int_eq(lchown(path, 65534, 65534), 0);
	ck_assert_int_eq(own_name_resolve(path, real, sizeof(real), &diag), -EPERM);
	ck_assert_ptr_nonnull(strstr(diag.text, "is a link of uid 65534"));
	ck_assert_int_eq(chown(other, 65534, 65534), 0);
	ck_assert_int_eq(own_name_resolve(path, real, sizeof(real), &diag), 0);
	remove_dir();
}
END_TEST

START_TEST(a_name_is_removed_only_while_it_names_what_we_made)
{
	struct own_name n = {0};

	make_dir();
	put(path, "ours");
	ck_assert_int_eq(own_name_note(&n, path), 0);
	ck_assert(own_name_stands(&n));
	ck_assert_int_eq(rename(path, other), 0); /* it stays, so its inode is not used again */
	ck_assert(!own_name_stands(&n));
	put(path, "another's");
	ck_assert(!own_name_stands(&n));
	own_name_remove(&n);
	ck_assert(exists(path));
	ck_assert_int_eq(own_name_note(&n, path), 0);
	own_name_remove(&n);
	ck_assert(!exists(path));
	ck_assert_ptr_null(n.path);
	own_name_remove(&n); /* an empty one */
	remove_dir();
}
END_TEST

START_TEST(behind_a_link_the_file_is_removed_and_the_link_stays)
{
	struct own_name n = {0};

	make_dir();
	put(other, "ours");
	ck_assert_int_eq(symlink(other, path), 0);
	ck_assert_int_eq(own_name_note(&n, path), 0);
	ck_assert(own_name_stands(&n));
	own_name_remove(&n);
	ck_assert(exists(path) && !exists(other));
	remove_dir();
}
END_TEST

static int directory_of(const char *name, const char **ret_last)
{
	auto_close int fd = links_open_directory(name, ret_last);

	return fd < 0 ? fd : 0;
}

START_TEST(a_directory_is_opened_behind_links_that_may_be_followed)
{
	char name[PATH_MAX], link[PATH_MAX], loop[PATH_MAX];
	const char *last;
	struct stat st, opened;
	int fd;

	make_dir();
	(void)snprintf(link, sizeof(link), "%s/to-root", dir);
	(void)snprintf(name, sizeof(name), "%s//../%s/to-root/./usr/x", dir, strrchr(dir, '/') + 1);
	(void)snprintf(loop, sizeof(loop), "%s/loop", dir);
	ck_assert_int_eq(symlink("/", link), 0);
	ck_assert_int_eq(symlink("loop", loop), 0);
	ck_assert_int_eq(stat("/usr", &st), 0);
	fd = links_open_directory(name, &last);
	ck_assert_int_ge(fd, 0);
	ck_assert(fstat(fd, &opened) == 0 && opened.st_ino == st.st_ino);
	(void)close(fd);
	ck_assert_str_eq(last, "x");
	ck_assert_int_eq(directory_of("x", &last), 0);
	ck_assert_int_eq(directory_of("/x", &last), 0);
	(void)snprintf(name, sizeof(name), "%s/loop/x", dir);
	ck_assert_int_eq(directory_of(name, &last), -ELOOP);
	(void)snprintf(name, sizeof(name), "%s/to-root/nothing/x", dir);
	ck_assert_int_eq(directory_of(name, &last), -ENOENT);
	(void)snprintf(name, sizeof(name), "%s/to-root/etc/passwd/x", dir);
	ck_assert_int_eq(directory_of(name, &last), -ENOTDIR);
	if (geteuid() == 0) {
		(void)snprintf(name, sizeof(name), "%s/to-root/x", dir);
		ck_assert_int_eq(lchown(link, 65534, 65534), 0);
		ck_assert_int_eq(directory_of(name, &last), -ELOOP);
	}
	(void)unlink(link);
	(void)unlink(loop);
	remove_dir();
}
END_TEST

START_TEST(a_link_is_followed_for_a_log_if_we_or_root_made_it)
{
	char real[PATH_MAX];

	if (geteuid() != 0) {
		return; /* cannot make one */
	}
	make_dir();
	put(other, "his");
	ck_assert_int_eq(symlink(other, path), 0);
	ck_assert_int_eq(links_resolve(path, LINKS_OURS, real, sizeof(real), NULL), 0);
	ck_assert_str_eq(real, other);
	ck_assert_int_eq(lchown(path, 65534, 65534), 0);
	ck_assert_int_eq(chown(other, 65534, 65534), 0);
	ck_assert_int_eq(links_resolve(path, LINKS_OURS, real, sizeof(real), NULL), -EPERM);
	ck_assert_str_eq(real, path);
	remove_dir();
}
END_TEST

START_TEST(names_of_descriptors_are_known)
{
	char mine[64];
	const struct {
		const char *name;
		int pid, fd; /* pid -1: it is none */
	} cases[] = {
		{"/dev/fd/7", 0, 7},
		{"/proc/self/fd/2", 0, 2},
		{"/proc/thread-self/fd/2", 0, 2},
		{"/proc/1/fd/1", 1, 1},
		{mine, 0, 5},
		{"/proc/self/fd/", -1, 0},
		{"/proc/self/fd/x", -1, 0},
		{"/proc/self/fd/+1", -1, 0},
		{"/proc/self/fd/1x", -1, 0},
		{"/proc/self/fd/99999999999", -1, 0},
		{"/proc/self/fdinfo/1", -1, 0},
		{"/proc/self/1", -1, 0},
		{"/tmp/1", -1, 0},
		{"1", -1, 0},
		{"", -1, 0},
	};

	(void)snprintf(mine, sizeof(mine), "/proc/%d/fd/5", (int)getpid());
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = -1;
		pid_t pid = -1;
		bool found = links_descriptor(cases[i].name, &pid, &fd);

		ck_assert_msg(found == (cases[i].pid >= 0), "%s", cases[i].name);
		if (found) {
			ck_assert_msg(pid == cases[i].pid && fd == cases[i].fd, "%s: %d %d",
				      cases[i].name, (int)pid, fd);
		}
	}
}
END_TEST

SUITE("ownname", a_file_is_opened_without_losing_what_it_has,
      what_is_no_file_is_neither_opened_nor_waited_for, a_descriptors_name_is_no_file_of_ours,
      a_link_is_followed_to_what_it_names_also_when_that_is_missing,
      somebody_elses_link_is_followed_to_his_own_files_only,
      a_name_is_removed_only_while_it_names_what_we_made,
      a_directory_is_opened_behind_links_that_may_be_followed,
      a_link_is_followed_for_a_log_if_we_or_root_made_it, names_of_descriptors_are_known,
      behind_a_link_the_file_is_removed_and_the_link_stays);
