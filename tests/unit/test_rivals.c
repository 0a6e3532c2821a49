#include "suite.h"

#include <slotd/cleanup.h>
#include <slotd/rivals.h>

#include <string.h>

/* What one finds on a machine, and the file that it names. */
static const struct {
	const char *args;
	size_t len;
	const char *file;
} lines[] = {
#define LINE(args, file)                 \
	{                                \
		args, sizeof(args), file \
	}
	LINE("/usr/bin/python3\0/usr/bin/supervisord\0-n\0-c\0/etc/s.conf", "/etc/s.conf"),
	LINE("/usr/bin/python3\0/usr/bin/supervisord", ""),
	LINE("/usr/bin/python3\0-B\0/usr/bin/supervisord\0-c\0s.conf", "s.conf"),
	LINE("python3.11\0-m\0supervisor.supervisord\0-cs.conf", "s.conf"),
	LINE("/opt/env/bin/supervisord\0-nc\0s.conf", "s.conf"),
	LINE("supervisord\0--nodaemon\0--configuration=s.conf", "s.conf"),
	LINE("supervisord\0--conf\0s.conf\0-n", "s.conf"),
	LINE("supervisord\0-l\0-log\0-csecond", "second"),
	LINE("supervisord\0-c", ""),
	LINE("/usr/bin/python3\0/usr/bin/gunicorn\0-c\0s.conf", NULL),
	LINE("/usr/bin/python3", NULL),
	LINE("vi\0supervisord", NULL),
	LINE("", NULL),
#undef LINE
};

START_TEST(the_file_of_a_supervisord_is_read_from_its_command_line)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *file = rival_config_argument(lines[i].args, lines[i].len);

		ck_assert_msg(lines[i].file ? file && strcmp(file, lines[i].file) == 0 : !file,
			      "line %zu: %s", i, file ? file : "none");
	}
}
END_TEST

START_TEST(a_command_line_that_was_cut_is_nobodys)
{
	ck_assert_ptr_null(rival_config_argument("supervisord", strlen("supervisord")));
	ck_assert_ptr_null(rival_config_argument("", 0));
}
END_TEST

SUITE("rivals", the_file_of_a_supervisord_is_read_from_its_command_line,
      a_command_line_that_was_cut_is_nobodys);
