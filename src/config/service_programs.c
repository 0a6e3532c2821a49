/*
 * The second form of [service:x]: command= and two lists of ports make the programs x-a and x-b,
 * just as if they stood in the file with numprocs_start at the first port.
 */
#include "service_programs.h"

#include "groups.h"
#include "messages.h"
#include "program.h"
#include "service_making.h"
#include "values.h"

#include <slotd/cleanup.h>
#include <slotd/health.h>

#include <ctype.h>

struct ports {
	unsigned *at;
	size_t len, room;
};

bool service_makes_programs(const struct section *s)
{
	return section_option(s, "command") != NULL;
}

const char *service_name_of(struct loader *l, const struct section *s)
{
	const char *name = s->name + strlen("service:");
	struct diag diag;

	if (!name[0]) {
		config_error(l->config, s->place, "[service:] has no name; write [service:NAME]");
		return NULL;
	}
	if (value_check_name(name, &diag) < 0) {
		config_error(l->config, s->place, "[%s] %s", s->name, diag.text);
		return NULL;
	}
	return name;
}

/* "8001" or "8001-8005" at *text. */
static int parse_range(const char **text, unsigned *ret_first, unsigned *ret_last)
{
	const char *p = *text;
	unsigned long n[2];
	char *end;

	for (int i = 0; i < 2; i++) {
		while (isspace((unsigned char)*p)) {
			p++;
		}
		if (!isdigit((unsigned char)*p)) {
			return -EINVAL;
		}
		n[i] = strtoul(p, &end, 10);
		p = end;
		while (isspace((unsigned char)*p)) {
			p++;
		}
		if (n[i] < 1 || n[i] > 65535) {
			return -ERANGE;
		}
		if (i == 0 && *p != '-') {
			n[1] = n[0];
			break;
		}
		p += i == 0;
	}
	*text = p;
	*ret_first = (unsigned)n[0];
	*ret_last = (unsigned)n[1];
	return n[0] <= n[1] ? 0 : -EINVAL;
}

static bool has(const struct ports *ports, unsigned port)
{
	vec_for_each (p, ports) {
		if (*p == port) {
			return true;
		}
	}
	return false;
}

static int add_range(struct ports *ports, unsigned first, unsigned last, const char *text,
		     struct diag *diag)
{
	int r = 0;

	for (unsigned port = first; r == 0 && port <= last; port++) {
		if (ports->len >= GATE_WORKERS_MAX) {
			return diag_set(diag, -EINVAL, "'%.200s' has more than %d ports", text,
					GATE_WORKERS_MAX);
		}
		if (has(ports, port)) {
			return diag_set(diag, -EINVAL, "'%.200s' has port %u twice", text, port);
		}
		r = vec_push(ports, port);
	}
	return r;
}

static int parse_ports(const char *text, struct ports *ports, struct diag *diag)
{
	const char *p = text;
	unsigned first, last;

	for (;;) {
		int r = parse_range(&p, &first, &last);

		if (r == -ERANGE) {
			return diag_set(diag, -EINVAL,
					"'%.200s' contains a port that is not between 1 and 65535",
					text);
		}
		if (r < 0 || (*p && *p != ',')) {
			return diag_set(
				diag, -EINVAL,
				"'%.200s' is not a list of ports; write 8001-8005 or 8001,8003",
				text);
		}
		r = add_range(ports, first, last, text, diag);
		if (r < 0 || !*p) {
			return r;
		}
		p++;
	}
}

/* 1, 0 missing, -EINVAL told, -ENOMEM */
static int read_ports(struct loader *l, const struct section *s, enum slot_id slot,
		      struct ports *ports)
{
	const char *option = slot == SLOT_A ? "ports_a" : "ports_b";
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct diag diag = {0};
	int r = loader_text(l, s, service_option(option), &l->base, &text);

	if (r == 0) {
		config_error(l->config, s->place, "[%s] has command= but no %s=; add %s=8001-8005",
			     s->name, option, option);
	}
	if (r <= 0) {
		return r;
	}
	r = parse_ports(strbuf_str(&text), ports, &diag);
	if (r == -EINVAL) {
		config_error(l->config, loader_place(s, option), "[%s] %s: %s", s->name, option,
			     diag.text);
	}
	return r < 0 ? r : 1;
}

static bool is_taken(struct loader *l, const struct section *s, const char *name)
{
	const struct program_config *p = config_program(l->config, name);
	const struct group_config *g = config_group(l->config, name);
	struct config_place at;

	if (!p && !g) {
		return false;
	}
	at = p ? p->place : g->place;
	config_error(l->config, s->place,
		     "[%s] makes a program named %s, but there is one already at %s:%u; rename one",
		     s->name, name, at.file, at.line);
	return true;
}

static int make_program(struct loader *l, const struct section *s, const char *service,
			enum slot_id slot, const struct ports *ports)
{
	char name[DOCUMENT_NAME_MAX + 8];
	struct program_config *p;
	int r;

	(void)snprintf(name, sizeof(name), "%s-%s", service, slot_name(slot));
	if (is_taken(l, s, name)) {
		return 0;
	}
	r = load_program(l,
			 &(struct program_spec){
				 .section = s,
				 .name = name,
				 .group = name,
				 .kind = PROGRAM_PLAIN,
				 .service = service,
				 .nums = ports->at,
				 .n_nums = (unsigned)ports->len,
				 .slot = slot,
			 },
			 &p);
	return r < 0 || !p ? r : load_lone_group(l, p, p->priority);
}

static void refuse_numbering(struct loader *l, const struct section *s)
{
	static const char *const options[] = {"numprocs", "numprocs_start", "process_name"};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = section_option(s, options[i]);

		if (o) {
			config_error(
				l->config, o->place,
				"[%s] %s: the number and names of the workers come from ports_a "
				"and ports_b; remove the line",
				s->name, options[i]);
		}
	}
}

int load_service_programs(struct loader *l)
{
	int r = 0;

	vec_for_each (s, &l->document.sections) {
		const char *name;

		if (strncmp((*s)->name, "service:", strlen("service:")) != 0 ||
		    !service_makes_programs(*s)) {
			continue;
		}
		name = service_name_of(l, *s);
		refuse_numbering(l, *s);
		for (int slot = 0; name && r >= 0 && slot < SLOT_MAX_; slot++) {
			struct ports ports = {0};

			r = read_ports(l, *s, slot, &ports);
			if (r > 0) {
				r = make_program(l, *s, name, slot, &ports);
			}
			r = r == -ENOMEM ? r : 0;
			vec_done(&ports);
		}
	}
	return r < 0 ? r : 0;
}
