#include <slotd/health.h>
#include <slotd/utf8.h>

#include <string.h>

/* Cut between two characters; whoever reads it on a terminal reads no more than text. */
static void copy_status(struct sd_message *n, const char *value, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len;) {
		const unsigned char *c = (const unsigned char *)value + i;
		int wide = utf8_char(c, len - i);
		size_t take = wide > 0 ? (size_t)wide : 1;

		if (used + take >= sizeof(n->status)) {
			break;
		}
		if (wide <= 0 || *c < ' ' || *c == 0x7f ||
		    (take == 2 && c[0] == 0xc2 && c[1] < 0xa0)) {
			n->status[used++] = '?';
		} else {
			memcpy(n->status + used, c, take);
			used += take;
		}
		i += take;
	}
	n->status[used] = '\0';
	n->has_status = true;
}

static bool is(const char *line, size_t len, const char *what)
{
	return strlen(what) == len && memcmp(line, what, len) == 0;
}

static bool names(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);

	return len >= n && memcmp(line, name, n) == 0;
}

static void read_line(const char *line, size_t len, struct sd_message *n)
{
	const struct {
		const char *line;
		bool *flag;
	} flags[] = {
		{"READY=1", &n->ready},
		{"RELOADING=1", &n->reloading},
		{"STOPPING=1", &n->stopping},
		{"WATCHDOG=1", &n->watchdog},
		{"WATCHDOG=trigger", &n->trigger},
		{"BARRIER=1", &n->barrier},
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (is(line, len, flags[i].line)) {
			*flags[i].flag = true;
			return;
		}
	}
	n->main_pid = n->main_pid || names(line, len, "MAINPID=");
	n->watchdog_usec = n->watchdog_usec || names(line, len, "WATCHDOG_USEC=");
	if (names(line, len, "STATUS=")) {
		copy_status(n, line + strlen("STATUS="), len - strlen("STATUS="));
	}
}

void sd_message_parse(const char *text, size_t len, struct sd_message *ret)
{
	*ret = (struct sd_message){0};
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		read_line(text, n, ret);
		n += end != NULL;
		text += n;
		len -= n;
	}
}
