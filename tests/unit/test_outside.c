/* What slotd has to do with the world outside: control sockets, directories, descriptors that logs
 * are written to, systemd, a worker's stdin and its words. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <slotd/keep.h>
#include <supervisor/link/directories.h>
#include <supervisor/link/helpers.h>
#include <supervisor/link/servers.h>
#include <supervisor/link/targets.h>
#include <supervisor/worker/stdin.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "asking.h"
#include "service_world.h"
#include "suite.h"

#define WEB "[program:web]\ncommand=web\n"

/* ---- targets.c */

static int target(pid_t pid, int fd, struct diag *diag)
{
	const struct log_target t = {.found = true, .pid = pid, .fd = fd};

	*diag = (struct diag){0};
	return target_open(&t, diag);
}

START_TEST(a_log_to_slotds_own_output_is_a_duplicate_of_it)
{
	struct stat ours, its;
	struct diag diag;
	int fd = target(0, STDOUT_FILENO, &diag);

	ck_assert_msg(fd > STDERR_FILENO, "%s", diag.text);
	ck_assert_int_eq(fstat(STDOUT_FILENO, &ours), 0);
	ck_assert_int_eq(fstat(fd, &its), 0);
	ck_assert_uint_eq(its.st_ino, ours.st_ino);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	(void)close(fd);
	fd = target(getpid(), STDERR_FILENO, &diag); /* by its number */
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
}
END_TEST

START_TEST(a_descriptor_that_is_none_or_not_for_writing_is_refused)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct diag diag;

	ck_assert_int_lt(target(0, 777, &diag), 0);
	says(diag.text, "slotd was not started with a descriptor 777");
	ck_assert_int_eq(dup2(null, STDIN_FILENO), STDIN_FILENO);
	ck_assert_int_lt(target(0, STDIN_FILENO, &diag), 0);
	says(diag.text, "descriptor 0 of slotd is not open for writing");
	ck_assert_int_lt(target(INT32_MAX, 1, &diag), 0);
	says(diag.text, "descriptor 1 of process 2147483647");
	(void)close(null);
}
END_TEST

START_TEST(another_processs_output_may_be_taken)
{
	struct diag diag;
	int fd = target(getppid(), STDERR_FILENO, &diag);

	/* ENOSYS: under valgrind, which does not know the call. */
	ck_assert_msg(fd >= 0 || fd == -ENOSYS ||
			      strstr(diag.text, "cannot be taken without CAP_SYS_PTRACE"),
		      "%s", diag.text);
	if (fd >= 0) {
		ck_assert_int_ne(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
		(void)close(fd);
		ck_assert_int_lt(target(getppid(), 777, &diag), 0);
		says(diag.text, "descriptor 777 of process ");
	}
}
END_TEST

START_TEST(only_ones_own_three_are_standard)
{
	ck_assert(target_is_standard(&(struct log_target){.found = true, .fd = 1}));
	ck_assert(!target_is_standard(&(struct log_target){.found = true, .fd = 3}));
	ck_assert(!target_is_standard(&(struct log_target){.found = true, .pid = 1, .fd = 1}));
	ck_assert(!target_is_standard(&(struct log_target){.fd = 1}));
}
END_TEST

/* ---- directories.c */

static void open_to_all(const char *dir)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/state", dir);
	ck_assert_int_eq(mkdir(path, 0777), 0);
	ck_assert_int_eq(chmod(path, 0777), 0);
}

START_TEST(a_state_that_anybody_may_write_is_not_believed)
{
	struct world w;

	if (geteuid() != 0) {
		return; /* others may write only what is theirs */
	}
	world_before = open_to_all;
	world_try(&w, WEB);
	ck_assert_int_eq(w.error, -EPERM);
	says(w.diag.text, "somebody else could tell root what was live");
	world_done(&w);
}
END_TEST

static void a_link_to_nothing_is_there(const char *dir)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/run", dir);
	ck_assert_int_eq(symlink("/proc/none/run", path), 0);
}

START_TEST(a_directory_that_cannot_be_made_is_said_with_what_to_set)
{
	struct world w;

	world_before = a_link_to_nothing_is_there;
	world_try(&w, WEB);
	ck_assert_int_lt(w.error, 0);
	says(w.diag.text, "/run; set state_dir=, run_dir= and log_dir= in [slotd]");
	world_done(&w);
}
END_TEST

/* A file that was written for Supervisor names no directories. */
static struct config *supervisors(const struct world *w, const char *state_dir)
{
	struct config *config;
	struct diag diag = {0};
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/s.conf", w->dir);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "[supervisord]\npidfile=%s/s.pid\n" WEB, w->dir);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_msg(config_load(path, NULL, &diag, &config) == 0, "%s", diag.text);
	ck_assert_int_eq(config_resolve(config), 0);
	config->supervisord.state_dir = (char *)state_dir;
	return config;
}

START_TEST(beside_the_pid_file_of_a_file_for_supervisor_there_is_a_place)
{
	auto_world w = world_new(WEB);
	struct supervisor other = {.config = supervisors(&w, "/proc/none/state")};
	struct diag diag = {0};
	char want[128];

	ck_assert_msg(directories_make(&other, &diag) == 0, "%s", diag.text);
	(void)snprintf(want, sizeof(want), "%s/s.pid.d", w.dir);
	ck_assert_str_eq(other.config->supervisord.state_dir, want);
	ck_assert_str_eq(other.config->supervisord.run_dir, want);
	ck_assert_str_eq(other.config->supervisord.log_dir, want);
	ck_assert_int_eq(access(want, W_OK), 0);
	directories_report(&other);
	logged("/proc/none/state cannot be used (");
	logged("Clients find it by -s unix://");
	other.config = config_free(other.config);
	directories_done(&other);
}
END_TEST

START_TEST(where_somebody_was_first_another_place_is_taken)
{
	auto_world w = world_new(WEB);
	struct supervisor other = {.config = supervisors(&w, "/proc/none/state")};
	struct diag diag = {0};
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/s.pid.d", w.dir);
	ck_assert_int_eq(mkdir(path, 0777), 0);
	ck_assert_int_eq(chmod(path, 0777), 0);
	ck_assert_int_eq(setenv("TMPDIR", w.dir, 1), 0);
	ck_assert_msg(directories_make(&other, &diag) == 0, "%s", diag.text);
	ck_assert_str_ne(other.config->supervisord.run_dir, path);
	(void)snprintf(path, sizeof(path), "%s/slotd-%u-", w.dir, (unsigned)geteuid());
	says(other.config->supervisord.run_dir, path);
	ck_assert_int_eq(unsetenv("TMPDIR"), 0);
	other.config = config_free(other.config);
	directories_done(&other);
}
END_TEST

/* ---- servers.c */

#define UNIX_SERVER "[unix_http_server]\nfile=@DIR@/sup.sock\n"

static int listen_at(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static int listener = -EBADF;

static void listen_first(const char *dir)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/sup.sock", dir);
	listener = listen_at(path);
}

static ino_t inode_of(const struct world *w, const char *name)
{
	struct stat st;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

START_TEST(an_address_that_somebody_serves_is_no_start)
{
	struct world w;

	world_before = listen_first;
	world_try(&w, UNIX_SERVER WEB);
	(void)close(listener);
	ck_assert_int_lt(w.error, 0);
	says(w.diag.text, "sup.sock");
	says(w.diag.text, "Another program is already listening on a port");
	world_done(&w);
}
END_TEST

START_TEST(a_port_that_somebody_serves_is_no_start)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char config[128];
	struct world w;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	(void)snprintf(config, sizeof(config), "[inet_http_server]\nport=127.0.0.1:%d\n" WEB,
		       (int)ntohs(in.sin_port));
	world_try(&w, config);
	ck_assert_int_eq(w.error, -EADDRINUSE);
	says(w.diag.text, "Another program is already listening on a port");
	world_done(&w);
	(void)close(fd);
	w = world_new(config); /* now it is free */
	(void)snprintf(config, sizeof(config), KEEP_SERVER_PREFIX "127.0.0.1:%d",
		       (int)ntohs(in.sin_port));
	ck_assert_int_ge(fake_kept(config, KEEP_TAG_SELF), 0);
	world_done(&w);
}
END_TEST

START_TEST(the_next_slotd_has_the_same_control_sockets)
{
	auto_world w = world_new(UNIX_SERVER WEB);
	const ino_t own = inode_of(&w, "run/slotd.sock"), other = inode_of(&w, "sup.sock");

	ck_assert_uint_ne(own, 0);
	ck_assert_uint_ne(other, 0);
	world_kill(&w);
	world_again(&w);
	ck_assert_uint_eq(inode_of(&w, "run/slotd.sock"), own);
	ck_assert_uint_eq(inode_of(&w, "sup.sock"), other);
}
END_TEST

START_TEST(one_whose_name_went_away_meanwhile_is_made_again)
{
	auto_world w = world_new(UNIX_SERVER WEB);
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/sup.sock", w.dir);
	world_kill(&w);
	ck_assert_int_eq(unlink(path), 0); /* nobody can find the one that was kept */
	world_again(&w);
	ck_assert_uint_ne(inode_of(&w, "sup.sock"), 0);
	ck_assert_int_eq(unlink(path), 0); /* and while slotd runs */
	world_advance(&w, SECONDS(10));
	ck_assert_uint_ne(inode_of(&w, "sup.sock"), 0);
	logged("sup.sock");
}
END_TEST

START_TEST(a_reload_says_what_of_the_servers_waits_for_a_restart)
{
	static const struct {
		const char *before, *after, *said;
	} cases[] = {
		{UNIX_SERVER, UNIX_SERVER "username=u\npassword=p\n",
		 "[unix_http_server] has changed"},
		{UNIX_SERVER, UNIX_SERVER "chmod=0777\n", "[unix_http_server] has changed"},
		{UNIX_SERVER, "", "[unix_http_server] was removed or has another address"},
		{"", UNIX_SERVER, "[unix_http_server] was added or has another address"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char config[256];
		struct world w;

		(void)snprintf(config, sizeof(config), "%s" WEB, cases[i].before);
		w = world_new(config);
		(void)snprintf(config, sizeof(config), "%s" WEB, cases[i].after);
		world_configure(&w, config);
		says(ask(&w, COMMAND_RELOAD), cases[i].said);
		world_done(&w);
	}
}
END_TEST

START_TEST(slotds_own_socket_lets_others_in_where_rules_judge_them)
{
	auto_world w = world_new(TWO_SLOT);
	struct stat st;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/run/slotd.sock", w.dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	reload_with(&w, TWO_SLOT "allow_deploy=root\n");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0666);
	reload_with(&w, TWO_SLOT);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

/* ---- show/systemd.c */

static int systemd = -EBADF;

static void systemd_listens(const char *dir)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char pid[16];

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/systemd", dir);
	systemd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(systemd, (struct sockaddr *)&un, sizeof(un)), 0);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", un.sun_path, 1), 0);
	ck_assert_int_eq(setenv("WATCHDOG_USEC", "20000000", 1), 0);
	ck_assert_int_eq(setenv("WATCHDOG_PID", pid, 1), 0);
}

/* All that it was sent since the last call. Borrowed until then. */
static const char *told(void)
{
	static char text[8192];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(systemd, text + len, sizeof(text) - len - 1, 0)) >= 0) {
		len += (size_t)n;
		text[len++] = ';';
	}
	text[len] = '\0';
	return text;
}

START_TEST(systemd_is_told_that_slotd_is_ready_and_lives_and_ends)
{
	world_before = systemd_listens;
	struct world w = world_new(TWO_SLOT);
	const char *text;

	text = told();
	says(text, "READY=1");
	says(text, "STATUS=live: s a");
	world_advance(&w, SECONDS(60));
	says(told(), "WATCHDOG=1;WATCHDOG=1");
	go(&w, SWAP_KIND_SWAP);
	finish(&w);
	says(told(), "STATUS=live: s b");
	fake_obedient = false;
	fake_loop_signal(SIGTERM);
	world_settle(&w);
	text = told();
	says(text, "STOPPING=1");
	says(text, "EXTEND_TIMEOUT_USEC=");
	world_advance(&w, SECONDS(9));
	says(told(), "EXTEND_TIMEOUT_USEC="); /* a worker still has its time */
	(void)close(systemd);
	world_done(&w);
}
END_TEST

/* ---- worker/stdin.c */

START_TEST(what_a_pipe_does_not_take_follows_when_it_is_read)
{
	auto_world w = world_new(WEB);
	static char block[200000], got[sizeof(block)];
	size_t len = 0;
	ssize_t n;
	int fd;

	for (size_t i = 0; i < sizeof(block); i++) {
		block[i] = (char)('a' + i % 23);
	}
	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(stdin_write(world_process(&w, "web"), block, sizeof(block)), 0);
	fd = fake_process_find("web")->stdio[0];
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (len < sizeof(got) && (n = read(fd, got + len, sizeof(got) - len)) > 0) {
		len += (size_t)n;
		world_settle(&w);
	}
	ck_assert_uint_eq(len, sizeof(block));
	ck_assert_int_eq(memcmp(got, block, sizeof(got)), 0);
	ck_assert_ptr_null(world_process(&w, "web")->input);
}
END_TEST

START_TEST(one_that_has_closed_its_stdin_is_sent_no_more)
{
	auto_world w = world_new(WEB);
	static char block[200000];
	struct process *p = world_process(&w, "web");
	struct fake_process *f;

	world_advance(&w, SECONDS(2));
	f = fake_process_find("web");
	ck_assert_int_eq(stdin_write(p, block, sizeof(block)), 0);
	(void)close(TAKE_FD(f->stdio[0]));
	world_settle(&w);
	ck_assert_int_eq(stdin_write(p, "x", 1), -EPIPE);
	ck_assert_int_eq(p->stdin_fd, -EBADF);
	ck_assert_int_eq(fake_kept(KEEP_WORKER_PREFIX "web", KEEP_TAG_STDIN), -EBADF);
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
}
END_TEST

/* ---- worker/sd_listener.c: words that come before slotd knows of the process */

#define NOTIFY                                                                      \
	PROGRAMS "[service:s]\nlisten=unix:@DIR@/public.sock\nslot_a=a\nslot_b=b\n" \
		 "worker=unix:@DIR@/%(program_name)s.sock\nhealth=notify\n"

static void say_as(struct world *w, pid_t group, const char *text)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	fake_group = group;
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/run/notify.sock", w->dir);
	ck_assert_int_eq(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&un, sizeof(un)),
			 strlen(text));
	(void)close(fd);
	world_settle(w);
	fake_group = 0;
}

/* b is made, and slotd does not know yet. */
static pid_t start_unheard(struct world *w)
{
	fake_spawn_is_silent = true;
	process_start(world_process(w, "b"));
	world_settle(w);
	ck_assert_int_eq(world_process(w, "b")->pid, 0);
	return fake_process_find("web_b")->pid;
}

static void hear(struct world *w)
{
	fake_spawn_says();
	world_settle(w);
}

START_TEST(a_word_that_comes_early_is_heard_when_its_worker_is_known)
{
	auto_world w = world_new(NOTIFY);
	pid_t pid;

	world_advance(&w, SECONDS(2));
	pid = start_unheard(&w);
	say_as(&w, pid, "STATUS=warm\nREADY=1");
	not_logged("ignoring what process");
	hear(&w);
	ck_assert_int_eq(world_process(&w, "b")->pid, pid);
	ck_assert(world_process(&w, "b")->health.healthy);
	ck_assert_str_eq(world_process(&w, "b")->health.status, "warm");
}
END_TEST

START_TEST(an_early_word_of_a_stranger_is_told_when_nobody_starts_any_more)
{
	auto_world w = world_new(NOTIFY);
	pid_t pid;

	world_advance(&w, SECONDS(2));
	pid = start_unheard(&w);
	for (int i = 0; i < 70; i++) { /* more than there is room for */
		say_as(&w, 1, "READY=1");
	}
	logged("ignoring what process");
	say_as(&w, pid, "READY=1"); /* the last one of all */
	hear(&w);
	ck_assert_int_eq(world_process(&w, "b")->pid, pid);
}
END_TEST

START_TEST(a_killed_slotds_socket_for_words_is_the_next_ones)
{
	auto_world w = world_new(NOTIFY);
	const struct fake_process *a;

	world_advance(&w, SECONDS(2));
	a = fake_process_find("web_a");
	ck_assert(!world_process(&w, "a")->health.healthy);
	world_kill(&w);
	world_again(&w);
	say_as(&w, a->pid, "READY=1");
	ck_assert(world_process(&w, "a")->health.healthy);
}
END_TEST

SUITE("outside", a_log_to_slotds_own_output_is_a_duplicate_of_it,
      a_descriptor_that_is_none_or_not_for_writing_is_refused, another_processs_output_may_be_taken,
      only_ones_own_three_are_standard, a_state_that_anybody_may_write_is_not_believed,
      a_directory_that_cannot_be_made_is_said_with_what_to_set,
      beside_the_pid_file_of_a_file_for_supervisor_there_is_a_place,
      where_somebody_was_first_another_place_is_taken, an_address_that_somebody_serves_is_no_start,
      a_port_that_somebody_serves_is_no_start, the_next_slotd_has_the_same_control_sockets,
      one_whose_name_went_away_meanwhile_is_made_again,
      a_reload_says_what_of_the_servers_waits_for_a_restart,
      slotds_own_socket_lets_others_in_where_rules_judge_them,
      systemd_is_told_that_slotd_is_ready_and_lives_and_ends,
      what_a_pipe_does_not_take_follows_when_it_is_read,
      one_that_has_closed_its_stdin_is_sent_no_more,
      a_word_that_comes_early_is_heard_when_its_worker_is_known,
      an_early_word_of_a_stranger_is_told_when_nobody_starts_any_more,
      a_killed_slotds_socket_for_words_is_the_next_ones);
