#include <check.h>
#include <signal.h>
#include <slotd/cleanup.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"
#include "supervisor/deploy/record_files.h"

static char dir[64], state[96], live[96], link_path[96], history[96];

static void make_dir(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/slotd-record-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(state, sizeof(state), "%s/state.json", dir);
	(void)snprintf(live, sizeof(live), "%s/live", dir);
	(void)snprintf(link_path, sizeof(link_path), "%s/current", dir);
	(void)snprintf(history, sizeof(history), "%s/history", dir);
}

static void remove_dir(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static const char *content(const char *path)
{
	static char buf[256];
	auto_fclose FILE *f = fopen(path, "r");
	size_t n = f ? fread(buf, 1, sizeof(buf) - 1, f) : 0;

	buf[n] = '\0';
	return f ? buf : "(none)";
}

static struct record_files files(bool commit, const char *text, char slot)
{
	return (struct record_files){
		.commit = commit,
		.state_path = state,
		.state_text = (char *)text,
		.live_path = live,
		.live_text = {slot, '\n'},
		.link_path = link_path,
		.link_target = slot == 'a' ? (char *)"/srv/a" : (char *)"/srv/b",
	};
}

static const char *linked(void)
{
	static char buf[96];
	ssize_t n = readlink(link_path, buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

START_TEST(a_record_replaces_all_three)
{
	struct record_files f;

	make_dir();
	f = files(true, "{1}", 'a');
	ck_assert_int_eq(record_files_write(&f), 0);
	f = files(true, "{2, longer}", 'b');
	ck_assert_int_eq(record_files_write(&f), 0);
	ck_assert_str_eq(content(state), "{2, longer}");
	ck_assert_str_eq(content(live), "b\n");
	ck_assert_str_eq(linked(), "/srv/b");
	f = files(true, "{3}", 'b');
	ck_assert_int_eq(record_files_write(&f), 0);
	ck_assert_str_eq(content(state), "{3}");
	remove_dir();
}
END_TEST

START_TEST(a_check_changes_none_of_them)
{
	struct record_files f;

	make_dir();
	f = files(true, "{1}", 'a');
	ck_assert_int_eq(record_files_write(&f), 0);
	f = files(false, "{2}", 'b');
	ck_assert_int_eq(record_files_write(&f), 0);
	ck_assert_str_eq(content(state), "{1}");
	ck_assert_str_eq(content(live), "a\n");
	ck_assert_str_eq(linked(), "/srv/a");
	remove_dir();
}
END_TEST

START_TEST(mode_and_owner_of_the_live_file_stay)
{
	struct record_files f;
	struct stat st;

	make_dir();
	f = files(true, "{1}", 'a');
	ck_assert_int_eq(record_files_write(&f), 0);
	ck_assert_int_eq(chmod(live, 0640), 0);
	f = files(true, "{1}", 'b');
	ck_assert_int_eq(record_files_write(&f), 0);
	ck_assert_int_eq(stat(live, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	remove_dir();
}
END_TEST

START_TEST(what_is_no_link_is_not_replaced_by_one)
{
	struct record_files f;

	make_dir();
	ck_assert_int_eq(mkdir(link_path, 0755), 0);
	f = files(true, "{1}", 'a');
	ck_assert_int_ne(record_files_write(&f), 0);
	remove_dir();
}
END_TEST

START_TEST(a_long_history_loses_its_older_half)
{
	struct record_files f = {.commit = true, .history_path = history};
	static char line[4096];
	struct stat st;

	make_dir();
	f.history_line = line;
	for (int i = 0; i < 300; i++) {
		memset(line, '.', sizeof(line) - 2);
		line[sizeof(line) - 2] = '\n';
		(void)snprintf(line, sizeof(line), "{%d}", i);
		line[strlen(line)] = ' ';
		ck_assert_int_eq(record_files_write(&f), 0);
	}
	ck_assert_int_eq(stat(history, &st), 0);
	ck_assert_int_lt(st.st_size, 1 << 20);
	ck_assert_int_gt(st.st_size, 512 << 10);
	ck_assert_str_ne(content(history), "");
	ck_assert_int_eq(content(history)[0], '{');
	remove_dir();
}
END_TEST

START_TEST(the_history_grows)
{
	struct record_files f = {.commit = true, .history_path = history};

	make_dir();
	f.history_line = (char *)"{1}\n";
	ck_assert_int_eq(record_files_write(&f), 0);
	f.history_line = (char *)"{2}\n";
	ck_assert_int_eq(record_files_write(&f), 0);
	ck_assert_str_eq(content(history), "{1}\n{2}\n");
	ck_assert_int_eq(truncate(history, 6), 0); /* as a power cut may leave it */
	f.history_line = (char *)"{3}\n";
	ck_assert_int_eq(record_files_write(&f), 0);
	ck_assert_str_eq(content(history), "{1}\n{2\n{3}\n");
	remove_dir();
}
END_TEST

START_TEST(a_line_for_which_there_is_no_room_leaves_no_part_and_is_there_once_when_there_is)
{
	struct record_files f = {.commit = true, .history_path = history};
	struct rlimit whole, small = {.rlim_cur = 6};

	make_dir();
	f.history_line = (char *)"{1}\n";
	ck_assert_int_eq(record_files_write(&f), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &whole), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	small.rlim_max = whole.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	f.history_line = (char *)"{22}\n";
	ck_assert_int_eq(record_files_write(&f), 1);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &whole), 0);
	ck_assert_str_eq(content(history), "{1}\n");
	f.history_again = true;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(record_files_write(&f), 0);
	}
	ck_assert_str_eq(content(history), "{1}\n{22}\n");
	ck_assert(!record_files_have_line(history, "{3}"));
	remove_dir();
}
END_TEST

START_TEST(a_directory_that_is_gone_fails_the_check)
{
	struct record_files f;

	make_dir();
	remove_dir();
	f = files(false, "{1}", 'a');
	ck_assert_int_ne(record_files_write(&f), 0);
}
END_TEST

START_TEST(behind_a_link_the_live_file_is_replaced_and_the_link_stays)
{
	struct record_files f;
	struct stat st;
	char target[96];

	make_dir();
	(void)snprintf(target, sizeof(target), "%s/target", dir);
	ck_assert_int_eq(symlink("target", live), 0);
	f = files(true, "{1}", 'b');
	ck_assert_int_eq(record_files_write(&f), 0);
	ck_assert(lstat(live, &st) == 0 && S_ISLNK(st.st_mode));
	ck_assert_str_eq(content(target), "b\n");
	remove_dir();
}
END_TEST

/* A check says so too, before anything has flipped. */
START_TEST(what_is_no_regular_file_is_never_replaced)
{
	struct record_files f;
	struct stat st;

	make_dir();
	ck_assert_int_eq(mkfifo(live, 0644), 0);
	for (int commit = 0; commit < 2; commit++) {
		f = files(commit, "{1}", 'b');
		ck_assert_int_eq(record_files_write(&f), 1);
		ck_assert(lstat(live, &st) == 0 && S_ISFIFO(st.st_mode));
	}
	f = (struct record_files){
		.commit = true, .history_path = live, .history_line = (char *)"x\n"};
	ck_assert_int_eq(record_files_write(&f), 1);
	remove_dir();
}
END_TEST

/* What a repair says; the child that runs it says it on descriptor 1. */
static const char *said_by_repair(void)
{
	char path[96];
	struct record_files f = files(true, "{1}", 'a');
	int stdout_fd = dup(STDOUT_FILENO);

	(void)snprintf(path, sizeof(path), "%s/said", dir);
	f.repair = true;
	ck_assert(stdout_fd >= 0 && freopen(path, "w", stdout) != NULL);
	(void)record_files_write(&f);
	ck_assert_int_ge(dup2(stdout_fd, STDOUT_FILENO), 0);
	(void)close(stdout_fd);
	return content(path);
}

static void edit_live(void)
{
	auto_fclose FILE *f = fopen(live, "w");

	ck_assert(f && fputs("b\n", f) > 0);
}

START_TEST(an_edit_is_corrected_and_said_beside_what_failed)
{
	char sentence[256], failed[512];

	make_dir();
	(void)snprintf(sentence, sizeof(sentence),
		       "%s was changed by hand and has been corrected: a stays live (slotctl swap "
		       "changes the live slot)",
		       live);
	edit_live();
	ck_assert_str_eq(said_by_repair(), sentence);
	ck_assert_str_eq(content(live), "a\n");
	ck_assert_str_eq(said_by_repair(), "");

	edit_live();
	ck_assert(unlink(link_path) == 0 && mkdir(link_path, 0755) == 0);
	(void)snprintf(failed, sizeof(failed), "%s is not a symbolic link: remove it; %s",
		       link_path, sentence);
	ck_assert_str_eq(said_by_repair(), failed);

	ck_assert(unlink(live) == 0 && mkdir(live, 0755) == 0);
	(void)snprintf(failed, sizeof(failed), "cannot replace %s: Is a directory", live);
	ck_assert_str_eq(said_by_repair(), failed);
	remove_dir();
}
END_TEST

SUITE("record_files", a_record_replaces_all_three, a_check_changes_none_of_them,
      mode_and_owner_of_the_live_file_stay, what_is_no_link_is_not_replaced_by_one,
      a_long_history_loses_its_older_half, the_history_grows,
      a_line_for_which_there_is_no_room_leaves_no_part_and_is_there_once_when_there_is,
      a_directory_that_is_gone_fails_the_check,
      behind_a_link_the_live_file_is_replaced_and_the_link_stays,
      what_is_no_regular_file_is_never_replaced, an_edit_is_corrected_and_said_beside_what_failed);
