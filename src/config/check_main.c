/* slotd -t */
#include <slotd/cleanup.h>
#include <slotd/config.h>

#include "file.h"
#include "messages.h"
#include "ports.h"

static unsigned count_warnings(const struct config *c)
{
	unsigned n = 0;

	vec_for_each (m, &c->messages) {
		n += !m->error;
	}
	return n;
}

static void free_config(struct config **c)
{
	*c = config_free(*c);
}

/* A kernel that does not tell gives no reason to warn. */
static void read_ports(const char *name, struct port_set *ret)
{
	char path[128], text[64 << 10];
	auto_fclose FILE *f = NULL;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	f = fopen(path, "re");
	if (f && fgets(text, sizeof(text), f)) {
		port_set_parse(ret, text);
	}
}

static void check_ports(struct config *c)
{
	struct port_set local = {0}, reserved = {0};

	read_ports("ip_local_port_range", &local);
	read_ports("ip_local_reserved_ports", &reserved);
	config_check_ports(c, &local, &reserved);
}

static const char *plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

/* Right as it is, but worth knowing: no warning, so --strict lets it pass. */
static void print_notes(const struct config *c)
{
	char span[USEC_TEXT_MAX];

	vec_for_each (at, &c->services) {
		const struct service_config *s = *at;
		const bool not_http = s->protocol == PROTOCOL_TCP || s->health != HEALTH_HTTP;

		if (s->drain.mode == DRAIN_REQUESTS && not_http) {
			fprintf(stderr,
				"%s:%u: note: [service:%s] drain=requests: after a swap, "
				"connections that are not HTTP/1 keep the old slot busy until they "
				"end, for %s at most (drain_timeout); drain=idle:DURATION closes "
				"those that are silent, and drain=worker lets the workers end "
				"them\n",
				s->place.file, s->place.line, s->name,
				usec_format(s->drain_timeout, span, sizeof(span)));
		}
	}
}

/* What is right here may still not be what runs. */
static void compare_with_unit(struct config *c)
{
	if (strcmp(c->file, FILE_OF_THE_UNIT) != 0) {
		config_warning(c, (struct config_place){.file = c->files.at[0]},
			       "read because there is no " FILE_OF_THE_UNIT
			       ", which is the file that slotd.service reads. To have it run this "
			       "one: mkdir -p /etc/slotd && ln -s %s " FILE_OF_THE_UNIT,
			       c->file);
	}
}

int config_check_main(const char *path, bool strict, const struct config_overrides *overrides)
{
	CLEANUP(free_config) struct config *c = NULL;
	struct diag diag = {0};
	int r = config_load(path, overrides, &diag, &c);
	unsigned warnings;

	if (c) {
		r = config_resolve(c); /* even of a file with errors: one run tells all */
		if (!path) {
			compare_with_unit(c);
		}
		config_insist(c);
		r = r == 0 && c->n_errors ? -EINVAL : r;
	}
	if (!c || r == -ENOMEM) {
		fprintf(stderr, "Error: %s\n", c ? "out of memory" : diag.text);
		return 2;
	}
	check_ports(c);
	config_sort_messages(c);
	config_print_messages(c, stderr);
	warnings = count_warnings(c);
	if (r < 0) {
		fprintf(stderr, "%s: %u error%s\n", c->file, c->n_errors, plural(c->n_errors));
		return 2;
	}
	if (warnings && strict) {
		fprintf(stderr, "%s: %u warning%s, and --strict allows none\n", c->file, warnings,
			plural(warnings));
		return 2;
	}
	print_notes(c);
	fprintf(stderr, "%s: ok: %zu service%s, %zu group%s\n", c->file, c->services.len,
		plural((unsigned)c->services.len), c->groups.len, plural((unsigned)c->groups.len));
	return 0;
}
