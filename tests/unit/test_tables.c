/* All tables of names, and the tables of options, in one walk. */
#include "common/command_tables.h"
#include "config/sections.h"
#include "probe/verdict.h"
#include "relay/count.h"

#include <check.h>
#include <slotd/cleanup.h>
#include <slotd/command.h>
#include <slotd/event.h>
#include <slotd/level.h>
#include <slotd/message.h>
#include <slotd/reload_item.h>
#include <slotd/retire.h>
#include <slotd/swap_names.h>
#include <slotd/worker.h>
#include <string.h>
#include <syslog.h>

#include "suite.h"

/* One shape for all: a number to its name. */
#define NAME_OF(function, type)                           \
	static const char *name_of_##function(int number) \
	{                                                 \
		return function((type)number);            \
	}

NAME_OF(message_type_name, enum message_type)
NAME_OF(message_tag_name, enum message_tag)
NAME_OF(command_name, enum command)
NAME_OF(swap_state_name, enum swap_step)
NAME_OF(swap_kind_name, enum swap_kind)
NAME_OF(retire_state_name, enum retire_state)
NAME_OF(slot_name, enum slot_id)
NAME_OF(reload_item_name, enum reload_item)
NAME_OF(event_type_name, enum event_type)
NAME_OF(outcome_name, enum outcome_kind)
NAME_OF(conn_class_name, enum conn_class)

static const char *worker_state_name(int number)
{
	return worker_state_info((enum worker_state)number)->name;
}

enum {
	LEVEL_WORDS = 9,
};

static const char *level_name(int number)
{
	return level_words[number].name;
}

static const struct {
	const char *what;
	const char *(*name)(int number);
	int first, end;
} tables[] = {
	{"message_type", name_of_message_type_name, MSG_NONE + 1, MSG_TYPE_MAX_},
	{"message_tag", name_of_message_tag_name, TAG_NONE + 1, TAG_MAX_},
	{"command", name_of_command_name, COMMAND_NONE + 1, COMMAND_MAX_},
	{"reload_item", name_of_reload_item_name, 0, RELOAD_ITEM_MAX_},
	{"level", level_name, 0, LEVEL_WORDS},
	{"swap_step", name_of_swap_state_name, 0, SWAP_STEP_MAX_},
	{"swap_kind", name_of_swap_kind_name, 0, SWAP_KIND_MAX_},
	{"retire_state", name_of_retire_state_name, 0, RETIRE_STATE_MAX_},
	{"slot", name_of_slot_name, 0, SLOT_MAX_},
	{"event_type", name_of_event_type_name, 0, EVENT_TYPE_MAX_},
	{"outcome", name_of_outcome_name, 0, OUTCOME_MAX_},
	{"conn_class", name_of_conn_class_name, 0, CONN_CLASS_MAX_},
	{"worker_state", worker_state_name, 0, WORKER_STATE_MAX_},
};

START_TEST(every_number_has_a_name_of_its_own)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (int i = tables[t].first; i < tables[t].end; i++) {
			const char *name = tables[t].name(i);

			ck_assert_msg(name && *name && strcmp(name, "?") != 0, "%s %d has no name",
				      tables[t].what, i);
			for (int j = tables[t].first; j < i; j++) {
				ck_assert_msg(strcmp(name, tables[t].name(j)) != 0,
					      "%s: %d and %d are both \"%s\"", tables[t].what, j, i,
					      name);
			}
		}
	}
}
END_TEST

START_TEST(every_message_names_tags_that_exist_and_none_twice)
{
	for (int type = MSG_NONE + 1; type < MSG_TYPE_MAX_; type++) {
		const struct message_row *row = message_row((enum message_type)type);
		unsigned seen[TAG_MAX_] = {0};

		ck_assert_ptr_nonnull(row);
		for (const uint16_t *tag = row->required; *tag; tag++) {
			ck_assert_int_lt(*tag, TAG_MAX_);
			seen[*tag]++;
		}
		for (const uint16_t *tag = row->optional; *tag; tag++) {
			ck_assert_int_lt(*tag, TAG_MAX_);
			ck_assert_msg(++seen[*tag] == 1, "%s has %s twice", row->name,
				      message_tag_name((enum message_tag) * tag));
		}
		ck_assert_uint_le(row->fds_min, row->fds_max);
		ck_assert_uint_le(row->fds_max, MESSAGE_FDS_MAX);
	}
}
END_TEST

START_TEST(worker_states_have_supervisors_numbers)
{
	static const int codes[WORKER_STATE_MAX_] = {0, 10, 20, 30, 40, 100, 200, 1000};

	for (int i = 0; i < WORKER_STATE_MAX_; i++) {
		ck_assert_int_eq(worker_state_info((enum worker_state)i)->code, codes[i]);
		ck_assert_int_eq(worker_state_of_code(codes[i]), i);
	}
}
END_TEST

START_TEST(levels_are_found_in_upper_and_lower_case)
{
	ck_assert_uint_eq(n_level_words, LEVEL_WORDS);
	ck_assert_int_eq(level_find("WARN")->priority, LOG_WARNING);
	ck_assert_ptr_null(level_find("loud"));
}
END_TEST

/* ---- commands */

static void check_method(const struct command_row *row, const struct method *m)
{
	bool acts = m->kind >= METHOD_ACT && m->kind <= METHOD_RELOAD;

	ck_assert_msg(m->kind > METHOD_NONE && m->kind < METHOD_KIND_MAX_, "%s has no kind",
		      m->name);
	ck_assert_msg(m->help && *m->help, "%s has no help", m->name);
	ck_assert_msg((m->kind == METHOD_TEXT) == !!m->text, "%s: a text for METHOD_TEXT", m->name);
	ck_assert_msg(acts || m->about == ABOUT_NOTHING, "%s: nobody asks what it is about",
		      m->name);
	ck_assert_msg(m->about == ABOUT_NOTHING || m->about == ABOUT_ALL ||
			      strcmp(m->params[0].name, "name") == 0,
		      "%s is about no name", m->name);
	for (const struct param *p = m->params; acts && p->name; p++) {
		ck_assert_msg(p->tag != TAG_NONE, "%s: slotd does not learn %s", m->name, p->name);
	}
	for (int c = COMMAND_NONE + 1; c < COMMAND_MAX_; c++) {
		for (const struct method *o = command_row((enum command)c)->methods; o->name; o++) {
			ck_assert_msg(o == m || strcmp(o->name, m->name) != 0,
				      "%s stands in %s and in %s", m->name, row->name,
				      command_name((enum command)c));
		}
	}
}

static void check_row(const struct command_row *row)
{
	size_t n = 0;
	bool asks = command_asks_slotd(row);

	for (; row->methods[n].name; n++) {
		check_method(row, &row->methods[n]);
	}
	ck_assert_msg(n <= COMMAND_METHODS_MAX, "%s: too many methods", row->name);
	ck_assert_msg(n > 0 || row->usage, "%s is nothing", row->name);
	ck_assert_msg(!asks || row->may != MAY_ALL || row->methods[0].kind == METHOD_FOLLOW,
		      "%s: everybody may", row->name);
	ck_assert_msg(!row->usage || row->topic != TOPIC_NONE || (row->flags & HIDDEN),
		      "slotctl(1) has no place for %s", row->name);
	ck_assert_msg(!row->manual || row->manual[strlen(row->manual) - 1] == '.',
		      "%s: whole sentences", row->name);
	for (const char *line = row->usage; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		ck_assert_msg(strncmp(line, row->name, strlen(row->name)) == 0 &&
				      strcspn(line, "\t") < strcspn(line, "\n"),
			      "%s: usage is NAME ARGUMENTS<TAB>what it does", row->name);
	}
}

START_TEST(every_command_has_what_its_kind_needs)
{
	enum command all[COMMAND_MAX_];
	size_t n = commands_by_name(all);

	for (int c = COMMAND_NONE + 1; c < COMMAND_MAX_; c++) {
		ck_assert_ptr_nonnull(command_row((enum command)c));
		check_row(command_row((enum command)c));
		ck_assert_msg(
			!!service_commands[c] + !!process_commands[c] + !!daemon_commands[c] == 1,
			"%s stands twice", command_name((enum command)c));
	}
	for (size_t i = 1; i < n; i++) {
		ck_assert_int_lt(strcmp(command_name(all[i - 1]), command_name(all[i])), 0);
	}
	ck_assert_ptr_null(command_row(COMMAND_NONE));
	ck_assert_ptr_null(command_row(COMMAND_MAX_));
	ck_assert_str_eq(command_method(COMMAND_STOP, ABOUT_GROUP), "supervisor.stopProcessGroup");
	ck_assert_ptr_null(command_method(COMMAND_CLEAR, ABOUT_GROUP));
}
END_TEST

static void check_option(const struct section_kind *kind, const struct option_def *def)
{
	ck_assert_msg(def->help && *def->help, "[%s] %s has no help", kind->name, def->name);
	ck_assert_msg(option_type_name(def), "[%s] %s has no type", kind->name, def->name);
	ck_assert_msg(def->max == 0 || def->min <= def->max, "[%s] %s: empty range", kind->name,
		      def->name);
	ck_assert_msg(option_find(kind, def->name) == def, "[%s] has %s twice", kind->name,
		      def->name);
	for (const char *c = def->name; *c; c++) {
		ck_assert_msg(strchr("abcdefghijklmnopqrstuvwxyz0123456789_.", *c),
			      "[%s] %s: keys are lower case", kind->name, def->name);
	}
}

START_TEST(every_option_has_help_and_stands_once_in_its_section)
{
	for (const struct section_kind *kind = section_kinds; kind->name; kind++) {
		ck_assert_msg(kind->help && *kind->help, "[%s] has no help", kind->name);
		for (size_t i = 0; i < ARRAY_SIZE(kind->options) && kind->options[i]; i++) {
			for (const struct option_def *d = kind->options[i]; d->name; d++) {
				check_option(kind, d);
			}
		}
	}
}
END_TEST

SUITE("tables", every_number_has_a_name_of_its_own,
      every_message_names_tags_that_exist_and_none_twice, worker_states_have_supervisors_numbers,
      levels_are_found_in_upper_and_lower_case, every_command_has_what_its_kind_needs,
      every_option_has_help_and_stands_once_in_its_section);
