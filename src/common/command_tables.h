#pragma once

/** The rows of the commands, by their topic; and the parameters that several of them have. */

#include <slotd/command.h>

/** NULL: the command stands in another of them. */
extern const struct command_row *const service_commands[COMMAND_MAX_];
extern const struct command_row *const process_commands[COMMAND_MAX_];
extern const struct command_row *const daemon_commands[COMMAND_MAX_]; /* and of the shell */

/* clang-format off */
#define NAME	{ "name", PARAM_TEXT, .tag = TAG_NAME }
#define FORCE	{ "force", PARAM_FLAG, .optional = true, .tag = TAG_FORCE }
#define SERVICE { "service", PARAM_TEXT, .tag = TAG_SERVICE }
#define SLICE	{ "offset", PARAM_INT }, { "length", PARAM_INT }

#define READ_HELP                                                                              \
	"If offset >= 0 and length > 0, these bytes; if length is 0, all from offset to the "   \
	"end; if offset < 0 and length is 0, the last -offset bytes. At most 4 MiB are "       \
	"returned, cut between characters."
/* clang-format on */
