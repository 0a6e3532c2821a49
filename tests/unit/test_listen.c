#include <check.h>
#include <errno.h>
#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/listen.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "suite.h"

static const struct listen_options defaults = {
	.backlog = 16, .mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};

/* A port that is free, by asking for any. */
static const char *free_address(const char *host, char *buf, size_t size)
{
	char any[64];
	struct address a = {.len = sizeof(a.sa)};
	auto_close int fd = -EBADF;

	(void)snprintf(any, sizeof(any), "%s:0", host);
	ck_assert_int_eq(listen_open(any, &defaults, NULL, &fd, NULL), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a.sa, &a.len), 0);
	return address_format(&a, buf, size);
}

START_TEST(a_free_address_is_bound_for_sharing_later)
{
	auto_close int fd = -EBADF;
	char address[64];
	int on = 0;
	socklen_t len = sizeof(on);

	free_address("127.0.0.1", address, sizeof(address));
	ck_assert_int_eq(listen_open(address, &defaults, NULL, &fd, NULL), 0);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, &len), 0);
	ck_assert_int_eq(on, 1);
}
END_TEST

START_TEST(another_owner_is_found_and_named_though_it_would_share)
{
	auto_close int fd = -EBADF, second = -EBADF;
	struct listen_options nameless = defaults;
	char address[64], name[16], want[128];
	struct diag diag = {0};

	free_address("127.0.0.1", address, sizeof(address));
	ck_assert_int_eq(listen_open(address, &defaults, NULL, &fd, NULL), 0);
	nameless.nameless = true;
	ck_assert_int_eq(listen_open(address, &nameless, &diag, &second, NULL), -EADDRINUSE);
	(void)snprintf(want, sizeof(want), "%s is held by another process", address);
	ck_assert_str_eq(diag.text, want);
	ck_assert_int_eq(listen_open(address, &defaults, &diag, &second, NULL), -EADDRINUSE);
	ck_assert_int_eq(prctl(PR_GET_NAME, name), 0); /* valgrind's, under valgrind */
	(void)snprintf(want, sizeof(want), "%s is held by %s (pid ", address, name);
	ck_assert_msg(strncmp(diag.text, want, strlen(want)) == 0, "%s", diag.text);
}
END_TEST

START_TEST(both_families_may_have_the_same_port)
{
	auto_close int four = -EBADF, six = -EBADF;
	char address[64], other[64];

	free_address("0.0.0.0", address, sizeof(address));
	(void)snprintf(other, sizeof(other), "[::]%s", strchr(address, ':'));
	ck_assert_int_eq(listen_open(address, &defaults, NULL, &four, NULL), 0);
	if (listen_open(other, &defaults, NULL, &six, NULL) == -EAFNOSUPPORT) {
		return;
	}
	ck_assert_int_ge(six, 0);
}
END_TEST

START_TEST(a_stale_unix_socket_is_replaced_and_a_live_one_is_not)
{
	char dir[] = "/tmp/slotd-listen-XXXXXX", address[64];
	auto_close int fd = -EBADF, second = -EBADF;
	struct diag diag = {0};
	struct sockaddr_un name;
	socklen_t len = sizeof(name);
	struct stat st;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(address, sizeof(address), "unix:%s/s", dir);
	ck_assert_int_eq(listen_open(address, &defaults, NULL, &fd, NULL), 0);
	ck_assert_int_eq(stat(address + 5, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	ck_assert_str_eq(name.sun_path, address + 5);
	ck_assert_int_eq(listen_open(address, &defaults, &diag, &second, NULL), -EADDRINUSE);
	cleanup_closep(&fd);
	ck_assert_int_eq(listen_open(address, &defaults, &diag, &second, NULL), 0);
	(void)unlink(address + 5);
	(void)rmdir(dir);
}
END_TEST

START_TEST(a_file_in_the_place_of_a_socket_is_left_alone)
{
	char dir[] = "/tmp/slotd-listen-XXXXXX", address[64];
	struct diag diag = {0};
	int fd = -EBADF;
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(address, sizeof(address), "unix:%s/s", dir);
	f = fopen(address + 5, "w");
	ck_assert_ptr_nonnull(f);
	(void)fclose(f);
	ck_assert_int_eq(listen_open(address, &defaults, &diag, &fd, NULL), -EEXIST);
	(void)unlink(address + 5);
	(void)rmdir(dir);
}
END_TEST

START_TEST(a_link_to_a_socket_stays_and_its_target_is_bound)
{
	char dir[] = "/tmp/slotd-listen-XXXXXX", address[64], target[64];
	CLEANUP(own_name_done) struct own_name name = {0};
	auto_close int fd = -EBADF;
	struct stat st;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(address, sizeof(address), "unix:%s/link", dir);
	(void)snprintf(target, sizeof(target), "%s/s", dir);
	ck_assert_int_eq(symlink("s", address + 5), 0);
	ck_assert_int_eq(listen_open(address, &defaults, NULL, &fd, &name), 0);
	ck_assert(lstat(address + 5, &st) == 0 && S_ISLNK(st.st_mode));
	ck_assert(lstat(target, &st) == 0 && S_ISSOCK(st.st_mode));
	ck_assert(own_name_stands(&name));
	own_name_remove(&name);
	ck_assert_int_lt(lstat(target, &st), 0);
	(void)unlink(address + 5);
	ck_assert_int_eq(rmdir(dir), 0); /* nothing beside it is left */
}
END_TEST

START_TEST(a_path_of_full_length_is_bound)
{
	char dir[] = "/tmp/slotd-listen-XXXXXX", address[128];
	CLEANUP(own_name_done) struct own_name name = {0};
	auto_close int fd = -EBADF;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(address, sizeof(address), "unix:%s/%0*d", dir, (int)(107 - strlen(dir) - 1),
		       7);
	ck_assert_int_eq(listen_open(address, &defaults, NULL, &fd, &name), 0);
	own_name_remove(&name);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

SUITE("listen", a_free_address_is_bound_for_sharing_later,
      another_owner_is_found_and_named_though_it_would_share, both_families_may_have_the_same_port,
      a_stale_unix_socket_is_replaced_and_a_live_one_is_not,
      a_file_in_the_place_of_a_socket_is_left_alone,
      a_link_to_a_socket_stays_and_its_target_is_bound, a_path_of_full_length_is_bound);
