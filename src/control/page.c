#include "page.h"

#include "describe.h"
#include "encode.h"
#include "names.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <string.h>

static const char style[] =
	"<style>\n"
	"body{font:15px/1.4 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em}\n"
	"table{border-collapse:collapse;width:100%}\n"
	"td,th{text-align:left;padding:.35em .7em;border-bottom:1px solid #ddd}\n"
	".running{color:#17652b}.error{color:#a11;font-weight:bold}.nominal{color:#666}\n"
	".message{background:#eef;padding:.5em 1em}a{margin-right:.7em}\n"
	"pre{white-space:pre-wrap}footer{color:#888;margin-top:2em}\n"
	"</style>\n";

/* What may be done with a process, by its state. */
enum {
	MAY_STOP = 1,
	MAY_START = 2,
};

static const struct {
	int64_t state;
	const char *class;
	unsigned may;
} states[] = {
	{0, "nominal", MAY_START}, {10, "nominal", 0},	 {20, "running", MAY_STOP},
	{30, "error", 0},	   {40, "nominal", 0},	 {100, "nominal", MAY_START},
	{200, "error", MAY_START}, {1000, "nominal", 0},
};

/* Every link is relative: a proxy may show the page at another path. */
static const struct {
	const char *label, *before, *after; /* URL around the name */
	unsigned needs;			    /* 0: always */
} actions[] = {
	{"Start", "?action=start&amp;processname=", "", MAY_START},
	{"Restart", "?action=restart&amp;processname=", "", MAY_STOP},
	{"Stop", "?action=stop&amp;processname=", "", MAY_STOP},
	{"Clear Log", "?action=clearlog&amp;processname=", "", 0},
	{"Tail -f Stdout", "logtail/", "/stdout", 0},
	{"Tail -f Stderr", "logtail/", "/stderr", 0},
};

static void text(struct strbuf *out, const char *s)
{
	encode_escaped(out, s, strlen(s));
}

void page_url(struct strbuf *out, const char *s)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *s; s++) {
		if (strchr(plain, *s)) {
			(void)strbuf_addc(out, *s);
		} else {
			(void)strbuf_addf(out, "%%%02X", (unsigned char)*s);
		}
	}
}

static void head(struct strbuf *out, const char *title)
{
	(void)strbuf_addf(out,
			  "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
			  "<title>%s</title>\n%s</head>\n<body>\n",
			  title, style);
}

static void action_links(struct strbuf *out, const char *name, unsigned may)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (actions[i].needs && !(actions[i].needs & may)) {
			continue;
		}
		(void)strbuf_addf(out, "<a href=\"%s", actions[i].before);
		page_url(out, name);
		(void)strbuf_addf(out, "%s\">%s</a>\n", actions[i].after, actions[i].label);
	}
}

static void row(struct strbuf *out, const struct mirror_worker *w, uint64_t now)
{
	char name[2 * NAMESPEC_PART_MAX + 8], description[512], state[32];
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(states) && states[i].state != w->state) {
		i++;
	}
	(void)namespec_format(w->group, w->name, name, sizeof(name));
	(void)snprintf(state, sizeof(state), "%s", worker_statename(w->state));
	for (char *c = state; *c; c++) {
		*c = (char)(*c | 0x20);
	}
	(void)strbuf_addf(out, "<tr><td class=\"%s\">%s</td><td>", states[i].class, state);
	text(out, worker_description(w, now, description, sizeof(description)));
	(void)strbuf_adds(out, "</td><td><a href=\"tail.html?processname=");
	page_url(out, name);
	(void)strbuf_adds(out, "\" target=\"_blank\">");
	text(out, name);
	(void)strbuf_adds(out, "</a></td><td>\n");
	action_links(out, name, states[i].may);
	(void)strbuf_adds(out, "</td></tr>\n");
}

void page_status(struct strbuf *out, const struct mirror *m, const char *message, uint64_t now)
{
	head(out, "slotd");
	if (message) {
		(void)strbuf_adds(out, "<p class=\"message\">");
		text(out, message);
		(void)strbuf_adds(out, "</p>\n");
	}
	(void)strbuf_adds(out, "<p><a href=\"?action=refresh\">Refresh</a>\n"
			       "<a href=\"?action=restartall\">Restart All</a>\n"
			       "<a href=\"?action=stopall\">Stop All</a></p>\n");
	if (m->workers.len) {
		(void)strbuf_adds(out, "<table>\n<tr><th>State</th><th>Description</th>"
				       "<th>Name</th><th>Action</th></tr>\n");
		vec_for_each (w, &m->workers) {
			row(out, *w, now);
		}
		(void)strbuf_adds(out, "</table>\n");
	} else {
		(void)strbuf_adds(out, "<p>No programs to manage</p>\n");
	}
	(void)strbuf_adds(out, "<footer>slotd ");
	text(out, m->daemon.version ? m->daemon.version : "");
	(void)strbuf_adds(out, "</footer>\n</body>\n</html>\n");
}

void page_tail(struct strbuf *out, const char *name, const char *xml, size_t len)
{
	head(out, "slotd: log");
	(void)strbuf_adds(out, "<pre>");
	(void)strbuf_add(out, xml, len);
	(void)strbuf_adds(out, "</pre>\n");
	if (name) {
		(void)strbuf_adds(out, "<p><a href=\"tail.html?processname=");
		page_url(out, name);
		(void)strbuf_adds(out, "\">Refresh</a></p>\n");
	}
	(void)strbuf_adds(out, "</body>\n</html>\n");
}
