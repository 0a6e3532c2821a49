#include "complete.h"

#include "commands.h"

#include <ctype.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void completions_done(struct completions *c)
{
	vec_for_each (word, &c->words) {
		free(*word);
	}
	vec_done(&c->words);
}

size_t completions_common(const struct completions *c)
{
	size_t n = c->words.len > 0 ? strlen(c->words.at[0]) : 0;

	for (size_t i = 1; i < c->words.len; i++) {
		for (size_t at = 0; at < n; at++) {
			if (c->words.at[i][at] != c->words.at[0][at]) {
				n = at;
			}
		}
	}
	return n;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct search {
	struct completions *found;
	const char *typed;
	size_t len;
};

static bool known(const struct completions *c, const char *word)
{
	for (size_t i = 0; i < c->words.len; i++) {
		if (strcmp(c->words.at[i], word) == 0) {
			return true;
		}
	}
	return false;
}

/* Takes word if it begins with what was typed and is not there yet. */
static int offer(struct search *s, const char *word)
{
	auto_free char *copy = NULL;
	int r;

	if (strncmp(word, s->typed, s->len) != 0 || known(s->found, word)) {
		return 0;
	}
	copy = strdup(word);
	r = copy ? vec_push(&s->found->words, copy) : -ENOMEM;
	if (r == 0) {
		copy = NULL;
	}
	return r;
}

static int offer_joined(struct search *s, const char *group, const char *name)
{
	char word[2048];

	(void)snprintf(word, sizeof(word), "%s:%s", group, name);
	return offer(s, word);
}

static int offer_commands(struct search *s, const struct value *status)
{
	enum command all[COMMAND_MAX_];
	size_t n = commands_by_name(all);
	int r = 0;

	(void)status;
	for (size_t i = 0; i < n && r == 0; i++) {
		if (command_row(all[i])->topic != TOPIC_NONE) {
			r = offer(s, command_name(all[i]));
		}
	}
	return r;
}

static int offer_groups(struct search *s, const struct value *status)
{
	int r = 0;

	value_for_each(worker, value_array(status, "workers"))
	{
		r = r < 0 ? r : offer(s, value_text(worker, "group"));
	}
	return r;
}

static int offer_workers(struct search *s, const struct value *status)
{
	bool joined = memchr(s->typed, ':', s->len) != NULL;
	int r = 0;

	value_for_each(worker, value_array(status, "workers"))
	{
		const char *group = value_text(worker, "group"), *name = value_text(worker, "name");

		if (joined || strcmp(group, name) != 0) {
			r = r < 0 ? r : offer_joined(s, group, name);
			r = r < 0 ? r : offer_joined(s, group, "*");
		} else {
			r = r < 0 ? r : offer(s, name);
		}
	}
	return r;
}

static int offer_services(struct search *s, const struct value *status)
{
	int r = 0;

	value_for_each(service, value_array(status, "services"))
	{
		r = r < 0 ? r : offer(s, value_text(service, "service"));
	}
	return r;
}

typedef int offer_fn(struct search *s, const struct value *status);

static offer_fn *const offers[COMPLETE_MAX_] = {
	[COMPLETE_COMMANDS] = offer_commands, [COMPLETE_GROUPS] = offer_groups,
	[COMPLETE_WORKERS] = offer_workers,   [COMPLETE_SERVICES] = offer_services,
	[COMPLETE_SIGNALS] = offer_workers,
};

/* The row of the line's first word; NULL while that is still being typed, or is none. */
static const struct command_row *row_of(const char *line, size_t word_start)
{
	auto_free char *name = NULL;
	size_t from = 0, to;

	while (from < word_start && isspace((unsigned char)line[from])) {
		from++;
	}
	for (to = from; to < word_start && !isspace((unsigned char)line[to]); to++) {
	}
	name = strndup(line + from, to - from);
	return command_row(name ? command_find(name) : COMMAND_NONE);
}

static bool only_blanks(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!isspace((unsigned char)line[i])) {
			return false;
		}
	}
	return true;
}

static int search(struct search *s, const char *line, complete_status_fn *status, void *data)
{
	const struct command_row *row;

	if (only_blanks(line, s->found->start)) {
		return offer_commands(s, NULL);
	}
	row = row_of(line, s->found->start);
	if (!row || !offers[row->completion]) {
		return 0;
	}
	return offers[row->completion](s,
				       row->completion == COMPLETE_COMMANDS ? NULL : status(data));
}

int completions_find(const char *line, size_t len, complete_status_fn *status, void *data,
		     struct completions *ret)
{
	struct search s = {.found = ret};
	int r;

	*ret = (struct completions){.start = len};
	while (ret->start > 0 && !isspace((unsigned char)line[ret->start - 1])) {
		ret->start--;
	}
	s.typed = line + ret->start;
	s.len = len - ret->start;
	r = search(&s, line, status, data);
	if (ret->words.len > 1) {
		qsort(ret->words.at, ret->words.len, sizeof(*ret->words.at), by_text);
	}
	return r;
}
