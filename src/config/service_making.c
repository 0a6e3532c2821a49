#include "service_making.h"

#include "messages.h"
#include "sections.h"
#include "unknown.h"

#include <stdarg.h>
#include <stdio.h>

void service_error(struct service_making *m, const char *option, const char *fmt, ...)
{
	char text[DIAG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	config_error(m->l->config, loader_place(m->section, option), "[%s] %s", m->section->name,
		     text);
}

void service_missing(struct service_making *m, const char *option, const char *sentence)
{
	if (!section_typo(m->section, option)) {
		service_error(m, option, "has no %s=; %s", option, sentence);
	}
}

const struct option_def *service_option(const char *name)
{
	const char *rest;

	return option_find(section_kind("service:", &rest), name);
}

void service_names(const struct service_making *m, enum slot_id slot, struct expansions *ret)
{
	*ret = (struct expansions){.parent = &m->l->base};
	expansions_text(ret, "service_name", m->service->name);
	if (slot >= 0) {
		expansions_text(ret, "slot", slot_name(slot));
	}
}
