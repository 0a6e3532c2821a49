#include "shell.h"

#include "commands.h"
#include "complete.h"
#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <locale.h>
#include <slotd/cleanup.h>
#include <slotd/ownname.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum {
	HISTORY_MAX = 1000,
};

struct shell {
	struct ctl *ctl;
	char *prompt;
	EditLine *edit; /* NULL: lines come from a pipe */
	History *history;
	struct value status; /* for completion, until the next command */
};

/* ---- Tab ---- */

static const struct value *get_status(void *data)
{
	struct shell *sh = data;
	struct diag diag = {0};
	rpc_tick_fn *tick = sh->ctl->rpc.tick;

	if (sh->status.kind != VALUE_STRUCT) {
		sh->ctl->rpc.tick = NULL;
		if (session_everything(sh->ctl, &sh->status, &diag) < 0) {
			value_done(&sh->status); /* nothing to offer; a command will say why */
		}
		sh->ctl->rpc.tick = tick;
	}
	return &sh->status;
}

static void list_words(const struct completions *c)
{
	(void)putchar('\n');
	for (size_t i = 0; i < c->words.len; i++) {
		printf("%s%s", c->words.at[i], i + 1 < c->words.len ? "  " : "\n");
	}
	(void)fflush(stdout);
}

static unsigned char complete(EditLine *edit, wint_t ch)
{
	CLEANUP(completions_done) struct completions found = {0};
	const LineInfo *line = el_line(edit);
	size_t len = (size_t)(line->cursor - line->buffer), typed, common;
	struct shell *sh = NULL;
	auto_free char *rest = NULL;

	(void)ch;
	(void)el_get(edit, EL_CLIENTDATA, &sh);
	if (completions_find(line->buffer, len, get_status, sh, &found) < 0 ||
	    found.words.len == 0) {
		return CC_ERROR;
	}
	typed = len - found.start;
	common = completions_common(&found);
	if (found.words.len > 1 && common == typed) {
		list_words(&found);
		return CC_REDISPLAY;
	}
	if (asprintf(&rest, "%.*s%s", (int)(common - typed), found.words.at[0] + typed,
		     found.words.len == 1 ? " " : "") < 0) {
		return CC_ERROR;
	}
	return el_insertstr(edit, rest) < 0 ? CC_ERROR : CC_REFRESH;
}

/* ---- history: plain lines, as readline keeps them ---- */

/* NULL: there is none, or it cannot be opened. */
static FILE *open_history(const struct shell *sh, int flags, const char *mode, struct diag *diag)
{
	const char *path = sh->ctl->options->history_file;
	auto_close int fd = -EBADF;
	FILE *file;

	if (!path || own_file_open(path, flags, 0600, diag, &fd) < 0) {
		return NULL;
	}
	file = fdopen(fd, mode);
	if (file) {
		(void)TAKE_FD(fd);
	}
	return file;
}

static void load_history(struct shell *sh)
{
	auto_fclose FILE *file = open_history(sh, O_RDONLY, "r", NULL);
	auto_free char *line = NULL;
	size_t size = 0;
	HistEvent ev;

	while (file && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0]) {
			(void)history(sh->history, &ev, H_ENTER, line);
		}
	}
}

static void save_history(struct shell *sh)
{
	auto_fclose FILE *file = NULL;
	struct diag diag = {0};
	HistEvent ev;

	if (!sh->history) {
		return;
	}
	file = open_history(sh, O_WRONLY | O_CREAT, "w", &diag);
	if (!file) {
		if (diag.code && diag.code != -EINVAL) { /* /dev/null: none is wanted */
			(void)fprintf(stderr, "slotctl: %s\n", diag.text);
		}
		return;
	}
	if (ftruncate(fileno(file), 0) < 0) {
		(void)fprintf(stderr, "slotctl: %s: %s\n", sh->ctl->options->history_file,
			      strerror(errno));
		return;
	}
	for (int r = history(sh->history, &ev, H_LAST); r >= 0;
	     r = history(sh->history, &ev, H_PREV)) {
		(void)fprintf(file, "%s%s", ev.str, strchr(ev.str, '\n') ? "" : "\n");
	}
}

/* ---- lines ---- */

/* libedit's own waits in read(), which a Ctrl-C that came just before would not end. Bytes that
 * are no character are passed over, as there. */
static int read_key(EditLine *edit, wchar_t *ret)
{
	mbstate_t state = {0};
	char byte;

	(void)edit;
	for (;;) {
		ssize_t got = interrupt_wait(STDIN_FILENO) < 0 ? -1 : read(STDIN_FILENO, &byte, 1);
		size_t n;

		if (got <= 0) {
			return (int)got;
		}
		n = mbrtowc(ret, &byte, 1, &state);
		if (n <= 1) {
			return 1;
		}
		if (n == (size_t)-1) {
			state = (mbstate_t){0};
		}
	}
}

static char *prompt(EditLine *edit)
{
	struct shell *sh = NULL;

	(void)el_get(edit, EL_CLIENTDATA, &sh);
	return sh->prompt;
}

static int open_editor(struct shell *sh)
{
	HistEvent ev;

	sh->edit = el_init("slotctl", stdin, stdout, stderr);
	sh->history = history_init();
	if (!sh->edit || !sh->history) {
		return -ENOMEM;
	}
	(void)history(sh->history, &ev, H_SETSIZE, HISTORY_MAX);
	(void)history(sh->history, &ev, H_SETUNIQUE, 1);
	(void)el_set(sh->edit, EL_CLIENTDATA, sh);
	(void)el_set(sh->edit, EL_PROMPT, prompt);
	(void)el_wset(sh->edit, EL_GETCFN, read_key);
	(void)el_set(sh->edit, EL_EDITOR, "emacs");
	(void)el_set(sh->edit, EL_HIST, history, sh->history);
	/* the wide form: libedit's other one copies the names and forgets the copies */
	(void)el_wset(sh->edit, EL_ADDFN, L"slotctl-complete", L"complete a name", complete);
	(void)el_set(sh->edit, EL_BIND, "^I", "slotctl-complete", NULL);
	(void)el_source(sh->edit, NULL); /* ~/.editrc has the last word */
	load_history(sh);
	return 0;
}

static void shell_done(struct shell *sh)
{
	save_history(sh);
	if (sh->edit) {
		el_end(sh->edit);
	}
	if (sh->history) {
		history_end(sh->history);
	}
	value_done(&sh->status);
	free(sh->prompt);
}

/* The next line, borrowed; NULL at the end. */
static const char *next_line(struct shell *sh, char **buf, size_t *size)
{
	const char *line;
	HistEvent ev;
	int n;

	if (!sh->edit) {
		printf("%s", sh->prompt);
		(void)fflush(stdout);
		return getline(buf, size, stdin) < 0 ? NULL : *buf;
	}
	(void)el_set(sh->edit, EL_PREP_TERM, 1); /* or a Ctrl-D at the prompt may be too early */
	line = el_gets(sh->edit, &n);
	if (line && n > 0 && line[strspn(line, " \t\n")]) {
		(void)history(sh->history, &ev, H_ENTER, line);
	}
	return n > 0 ? line : NULL;
}

static void loop(struct shell *sh)
{
	auto_free char *buf = NULL;
	size_t size = 0;
	const char *line = "status";

	while (line && !interrupt_taken()) {
		command_line(sh->ctl, line);
		(void)fflush(stdout);
		value_done(&sh->status);
		if (sh->ctl->leave) {
			return;
		}
		line = interrupt_taken() ? NULL : next_line(sh, &buf, &size);
	}
	(void)putchar('\n'); /* Ctrl-D, Ctrl-C */
}

void shell_run(struct ctl *ctl)
{
	CLEANUP(interrupt_done) struct interrupt interrupt = {0};
	CLEANUP(shell_done) struct shell sh = {.ctl = ctl};

	(void)setlocale(LC_CTYPE, ""); /* for the width of what is typed */
	if (asprintf(&sh.prompt, "%s> ", ctl->options->prompt) < 0) {
		sh.prompt = NULL;
		session_unexpected(ctl, -ENOMEM, NULL);
		return;
	}
	if (ctl->asks && open_editor(&sh) < 0) {
		session_unexpected(ctl, -ENOMEM, NULL);
		return;
	}
	interrupt_init(&interrupt, NULL);
	loop(&sh);
	ctl->exit_code = EXIT_DONE; /* a shell has done what was asked of it */
}
