#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <slotd/child.h>
#include <slotd/cleanup.h>
#include <slotd/loop.h>
#include <slotd/os.h>
#include <slotd/spawn.h>
#include <slotd/spawner.h>
#include <slotd/spawnrequest.h>
#include <slotd/worker.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static const char *split(const char *text)
{
	static char joined[256];
	CLEANUP(words_freep) char **words = NULL;
	struct diag diag = {0};
	int n = words_split(text, &diag, &words);

	if (n < 0) {
		(void)snprintf(joined, sizeof(joined), "! %s", diag.text);
		return joined;
	}
	joined[0] = '\0';
	for (int i = 0; i < n; i++) {
		(void)strcat(strcat(strcat(joined, "<"), words[i]), ">");
	}
	ck_assert_ptr_null(words[n]);
	return joined;
}

START_TEST(a_command_is_split_as_a_shell_would)
{
	ck_assert_str_eq(split("gunicorn app:wsgi  --bind\t127.0.0.1:80\n"),
			 "<gunicorn><app:wsgi><--bind><127.0.0.1:80>");
	ck_assert_str_eq(split("bash -c 'a ; b' \"c d\"'e'f"), "<bash><-c><a ; b><c def>");
	ck_assert_str_eq(split("a\\ b \"x\\\"y\\\\z\\n\" '' '\\'"), "<a b><x\"y\\z\\n><><\\>");
	ck_assert_str_eq(split("echo $HOME * # no comment | x"),
			 "<echo><$HOME><*><#><no><comment><|><x>");
	ck_assert_str_eq(split("  "), "");
}
END_TEST

START_TEST(an_open_quote_is_refused_in_supervisors_words)
{
	ck_assert_str_eq(split("a 'b"), "! No closing quotation");
	ck_assert_str_eq(split("a \"b"), "! No closing quotation");
	ck_assert_str_eq(split("a \\"), "! No escaped character");
}
END_TEST

START_TEST(later_settings_of_an_environment_win)
{
	CLEANUP(env_done) struct env e = {0};
	char *more[] = {(char *)"B=2", (char *)"A=3", NULL};

	ck_assert_int_eq(env_set(&e, "A=1"), 0);
	ck_assert_int_eq(env_set(&e, "AB=x"), 0);
	ck_assert_int_eq(env_set(&e, "no setting"), 0);
	ck_assert_int_eq(env_add(&e, more), 0);
	ck_assert_int_eq(env_setf(&e, "C=%d", 7), 0);
	ck_assert_str_eq(env_get(&e, "A"), "3");
	env_unset(&e, "AB");
	env_unset(&e, "nothing");
	ck_assert_ptr_null(env_get(&e, "AB"));
	ck_assert_uint_eq(e.len, 3);
	ck_assert_str_eq(e.at[0], "A=3");
	ck_assert_str_eq(e.at[2], "C=7");
	ck_assert_ptr_null(e.at[3]);
}
END_TEST

START_TEST(a_failed_start_is_told_in_supervisors_words)
{
	struct spawn_report r = {.stage = SPAWN_STAGE_LOOKUP, .error = -ENOENT};
	char buf[256];

	ck_assert_str_eq(spawn_report_text(&r, "no'ne", buf, sizeof(buf)),
			 "can't find command \"no'ne\"");
	r = (struct spawn_report){SPAWN_STAGE_LOOKUP, -ENOEXEC, "/etc/passwd"};
	ck_assert_str_eq(spawn_report_text(&r, "x", buf, sizeof(buf)),
			 "command at '/etc/passwd' is not executable");
	r = (struct spawn_report){SPAWN_STAGE_DIRECTORY, -ENOENT, "/x"};
	ck_assert_str_eq(spawn_report_text(&r, "x", buf, sizeof(buf)),
			 "couldn't chdir to /x: ENOENT");
	r = (struct spawn_report){SPAWN_STAGE_CREDENTIALS, -ENOENT, "credential a from /x"};
	ck_assert_str_eq(spawn_report_text(&r, "y", buf, sizeof(buf)),
			 "couldn't provide credential a from /x: ENOENT");
	r = (struct spawn_report){SPAWN_STAGE_EXEC, -ENOEXEC, "/x"};
	ck_assert_str_eq(spawn_report_text(&r, "/x", buf, sizeof(buf)),
			 "couldn't exec /x: ENOEXEC");
}
END_TEST

static char *const arguments[] = {(char *)"cat", (char *)"-", (char *)"", NULL};
static char *const settings[] = {(char *)"A=1", (char *)"EMPTY=", NULL};
static const gid_t groups[] = {4, 24};
static const struct spawn_user somebody = {
	.uid = 5, .gid = 6, .groups = groups, .n_groups = 2, .name = "somebody"};

static char *const secrets[] = {(char *)"a:/a", (char *)"b:/b:c", NULL};

static struct spawn_spec everything(void)
{
	struct spawn_spec spec = SPAWN_SPEC_INIT;

	spec.argv = arguments;
	spec.envp = settings;
	spec.search = "/bin";
	spec.directory = "/tmp";
	spec.user = &somebody;
	spec.address = "127.0.0.1:1";
	spec.credentials = secrets;
	spec.credentials_dir = "/run/secrets";
	spec.umask = 027;
	spec.explain = true;
	return spec;
}

START_TEST(a_request_is_read_as_it_was_written)
{
	const struct spawn_spec spec = everything();
	struct spawn_reading r;
	int fds[2] = {-EBADF, STDERR_FILENO};

	ck_assert_int_eq(spawn_request_write(&spec, &fds[0]), 0);
	ck_assert_int_eq(spawn_request_read(fds, 2, &r), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_pstr_eq(r.spec.argv[i], arguments[i]);
	}
	for (int i = 0; i < 3; i++) {
		ck_assert_pstr_eq(r.spec.envp[i], settings[i]);
	}
	ck_assert_str_eq(r.spec.search, "/bin");
	ck_assert_str_eq(r.spec.directory, "/tmp");
	ck_assert_str_eq(r.spec.address, "127.0.0.1:1");
	ck_assert_str_eq(r.spec.credentials_dir, "/run/secrets");
	for (int i = 0; i < 3; i++) {
		ck_assert_pstr_eq(r.spec.credentials[i], secrets[i]);
	}
	ck_assert_str_eq(r.spec.user->name, "somebody");
	ck_assert(r.spec.user->uid == 5 && r.spec.user->gid == 6 && r.spec.user->n_groups == 2);
	ck_assert(r.spec.user->groups[0] == 4 && r.spec.user->groups[1] == 24);
	ck_assert(r.spec.umask == 027 && r.spec.explain && !r.spec.reset_signals);
	ck_assert_int_eq(r.report_fd, STDERR_FILENO);
	spawn_reading_done(&r);
	ck_assert_int_eq(spawn_request_pid(fds[0]), 0);
	(void)close(fds[0]);
}
END_TEST

START_TEST(a_request_that_is_cut_short_is_refused)
{
	const struct spawn_spec spec = everything();
	struct spawn_reading r;
	int fds[3] = {-EBADF, STDERR_FILENO, STDERR_FILENO};
	struct stat st;

	ck_assert_int_eq(spawn_request_write(&spec, &fds[0]), 0);
	ck_assert_int_eq(fstat(fds[0], &st), 0);
	ck_assert_int_eq(spawn_request_read(fds, 1, &r), -EBADMSG);
	ck_assert_int_eq(spawn_request_read(fds, 3, &r), -EBADMSG); /* one that nothing names */
	while (st.st_size > 0) {
		ck_assert_int_eq(ftruncate(fds[0], --st.st_size), 0);
		ck_assert_int_eq(spawn_request_read(fds, 2, &r), -EBADMSG);
	}
	(void)close(fds[0]);
}
END_TEST

/* ---- slotd's end, with the test in slotd-spawn's place */

struct ends {
	struct loop *loop;
	struct channel channel;
	struct spawner spawner;
	int theirs;
};

static void answered(struct channel *ch, struct message *m)
{
	spawner_answered(ch->owner, m);
}

static const struct channel_ops ops = {.received = answered};

static void connect_ends(struct ends *e)
{
	int ours;

	ck_assert_int_eq(channel_pair(&ours, &e->theirs), 0);
	channel_init(&e->channel, e->loop, ours, &ops, &e->spawner);
	spawner_connected(&e->spawner, &e->channel);
}

static void die(struct ends *e)
{
	(void)close(e->theirs);
	channel_done(&e->channel);
	spawner_lost(&e->spawner);
}

/* The id of the next request; a pid is noted in it, as the kernel would. */
static uint32_t next_request(struct ends *e, int32_t pid)
{
	static struct message m;

	ck_assert_int_eq(channel_receive_wait(e->theirs, &m, 0), 0);
	ck_assert_int_eq(m.type, MSG_SPAWN);
	if (pid) {
		ck_assert_int_eq(
			pwrite(m.fds[0], &pid, sizeof(pid), offsetof(struct spawn_request, pid)),
			sizeof(pid));
	}
	message_done(&m);
	return m.id;
}

static void refuse(struct ends *e, uint32_t id, int error)
{
	static struct message m;

	message_init(&m, MSG_SPAWNED, id);
	message_put_i64(&m, TAG_CODE, error);
	ck_assert_int_eq(channel_send_wait(e->theirs, &m), 0);
	loop_turn(e->loop, false);
}

static void note(void *owner, int error, const struct spawned *spawned)
{
	int pidfd = spawned->pidfd, report_fd = spawned->report_fd;

	*(int *)owner = error < 0 ? error : spawned->pid;
	if (error == 0) {
		cleanup_closep(&pidfd);
		cleanup_closep(&report_fd);
	}
}

static struct spawn_call *ask(struct ends *e, int *result)
{
	const struct spawn_spec spec = everything();
	struct spawn_call *call;

	*result = 0;
	ck_assert_int_eq(spawner_ask(&e->spawner, &spec, note, result, &call), 0);
	return call;
}

static void begin_ends(struct ends *e)
{
	*e = (struct ends){0};
	ck_assert_int_eq(loop_new(&e->loop), 0);
}

static void end_ends(struct ends *e)
{
	die(e);
	spawner_done(&e->spawner);
	loop_free(e->loop);
}

START_TEST(what_was_not_made_is_asked_of_the_next_one_and_given_up_at_last)
{
	struct ends e;
	int result;

	begin_ends(&e);
	(void)ask(&e, &result);
	ck_assert(spawner_busy(&e.spawner));
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(result, 0);
		connect_ends(&e);
		(void)next_request(&e, 0);
		die(&e);
	}
	ck_assert_int_eq(result, -EAGAIN);
	connect_ends(&e);
	end_ends(&e);
}
END_TEST

START_TEST(what_was_made_is_found_though_nobody_answered)
{
	auto_close int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct ends e;
	int result;

	if (pidfd < 0) {
		return; /* valgrind 3.19: what cannot be watched would be killed, and that is us */
	}
	begin_ends(&e);
	connect_ends(&e);
	(void)ask(&e, &result);
	(void)next_request(&e, getpid());
	die(&e);
	ck_assert_int_eq(result, getpid());
	connect_ends(&e);
	end_ends(&e);
}
END_TEST

START_TEST(only_what_was_not_sent_can_be_taken_back)
{
	struct ends e;
	int first, second;
	struct spawn_call *call;
	uint32_t before;

	begin_ends(&e);
	call = ask(&e, &first);
	ck_assert(spawn_call_cancel(call));
	connect_ends(&e);
	call = ask(&e, &second);
	before = spawner_note(&e.spawner);
	ck_assert(!spawn_call_cancel(call) && !spawner_past(&e.spawner, before));
	refuse(&e, next_request(&e, 0), -ENOMEM);
	ck_assert(first == 0 && second == -ENOMEM && spawner_past(&e.spawner, before));
	end_ends(&e);
}
END_TEST

/* ---- processes that are no children of ours: here it is one, and nobody has reaped it */

/* valgrind of Debian 12 does not know the call. */
static bool has_pidfds(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	bool has = fd >= 0;

	cleanup_closep(&fd);
	return has;
}

static int gate[2];

static int hangs(void *data)
{
	char c;

	(void)data;
	(void)close(gate[1]);
	return read(gate[0], &c, 1) < 0;
}

static void note_end(struct child *c, const struct child_result *result)
{
	*(int *)c->owner = result->status;
}

/* Its disk, say, does not answer: who is started meanwhile is seen to start, and to end. */
START_TEST(a_child_that_hangs_holds_nothing_of_what_is_being_created)
{
	struct ends e;
	struct children all = {0};
	struct child child = {0};
	struct child_spec spec = CHILD_SPEC_INIT;
	struct spawn_spec asked = everything();
	struct spawn_call *call;
	struct pollfd end = {.events = POLLIN};
	int output[2], result = 0, status = -1;

	if (!has_pidfds()) {
		return;
	}
	begin_ends(&e);
	ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(output, O_CLOEXEC), 0);
	asked.stdio[1] = output[1];
	ck_assert_int_eq(spawner_ask(&e.spawner, &asked, note, &result, &call), 0);
	all.loop = e.loop;
	all.spawner = &e.spawner;
	spec.spawn.run = hangs;
	spec.done = note_end;
	spec.owner = &status;
	ck_assert_int_eq(child_run(&all, &child, &spec), 0);
	ck_assert(spawn_call_cancel(call)); /* closes ours */
	end.fd = output[0];
	ck_assert_int_eq(poll(&end, 1, 10000), 1);
	ck_assert(end.revents & POLLHUP);
	ck_assert(child_running(&child));
	(void)close(gate[1]);
	while (child_running(&child)) {
		loop_turn(e.loop, true);
	}
	ck_assert_int_eq(status, 0);
	(void)close(gate[0]);
	(void)close(output[0]);
	spawner_done(&e.spawner);
	loop_free(e.loop);
}
END_TEST

START_TEST(a_process_is_the_one_that_started_then)
{
	pid_t pid = fork();
	uint64_t ticks;
	siginfo_t si;

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	ticks = process_start_ticks(pid);
	{
		auto_close int pidfd = process_handle_open(pid, ticks);

		if (pidfd >= 0) { /* valgrind 3.19 knows none */
			ck_assert_int_eq(process_handle_open(pid, ticks + 1), -ESRCH);
			ck_assert_int_eq(process_handle_open(pid, 0), -ESRCH);
			ck_assert_int_eq(process_handle_pid(pidfd), pid);
			ck_assert_int_eq(process_handle_status(pidfd, pid, ticks),
					 WORKER_STATUS_UNKNOWN);
		}
		ck_assert_int_eq(kill(pid, SIGUSR1), 0);
		ck_assert_int_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
		/* as if it were somebody else's, who has not reaped it yet */
		ck_assert_int_eq(process_handle_status(-EBADF, pid, ticks), SIGUSR1);
		ck_assert_int_eq(process_handle_status(-EBADF, pid, ticks + 1),
				 WORKER_STATUS_UNKNOWN);
		if (pidfd >= 0) {
			ck_assert_int_eq(process_handle_status(pidfd, pid, ticks), SIGUSR1);
		}
		ck_assert_int_eq(waitid(P_PID, (id_t)pid, &si, WEXITED), pidfd >= 0 ? -1 : 0);
		ck_assert_int_eq(process_handle_pid(pidfd), 0);
	}
	ck_assert_int_eq(process_handle_pid(STDIN_FILENO), 0);
}
END_TEST

/* ---- their ends */

static unsigned n_told;

static void count(struct loop_signal *s, int signo)
{
	(void)s;
	ck_assert_int_eq(signo, SIGCHLD);
	n_told++;
}

START_TEST(ends_of_many_children_are_told_once_a_turn_also_to_one_who_ignored_them)
{
	struct loop_signal watcher = {0};
	struct sigaction sa;
	struct loop *loop;
	sigset_t blocked;

	n_told = 0;
	(void)signal(SIGCHLD, SIG_IGN);
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(loop_signal_start(loop, &watcher, SIGCHLD, count), 0);
	ck_assert_int_eq(sigaction(SIGCHLD, NULL, &sa), 0);
	ck_assert(sa.sa_handler != SIG_IGN); /* or there would be nobody to wait for */
	for (unsigned turn = 1; turn <= 2; turn++) {
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(kill(getpid(), SIGCHLD), 0);
		}
		loop_turn(loop, false);
		loop_turn(loop, false);
		ck_assert_uint_eq(n_told, turn);
	}
	loop_signal_stop(loop, &watcher);
	loop_signal_stop(loop, &watcher);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
	ck_assert(sigismember(&blocked, SIGCHLD)); /* a late SIGTERM must not end what still runs */
	loop_free(loop);
}
END_TEST

SUITE("spawn", a_command_is_split_as_a_shell_would, an_open_quote_is_refused_in_supervisors_words,
      later_settings_of_an_environment_win, a_failed_start_is_told_in_supervisors_words,
      a_request_is_read_as_it_was_written, a_request_that_is_cut_short_is_refused,
      what_was_not_made_is_asked_of_the_next_one_and_given_up_at_last,
      what_was_made_is_found_though_nobody_answered, only_what_was_not_sent_can_be_taken_back,
      a_child_that_hangs_holds_nothing_of_what_is_being_created,
      a_process_is_the_one_that_started_then,
      ends_of_many_children_are_told_once_a_turn_also_to_one_who_ignored_them);
