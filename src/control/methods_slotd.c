/* slotd.*: what Supervisor does not have. */
#include "control.h"
#include "describe.h"
#include "encode.h"
#include "info.h"
#include "methods.h"

#include <slotd/cleanup.h>
#include <slotd/service_names.h>

#include <string.h>

/* ---- slotd.status */

static int64_t seconds(uint64_t usec)
{
	return (int64_t)(usec / SECONDS(1));
}

static void encode_daemon(struct strbuf *out, const struct control *c)
{
	const struct mirror_daemon *d = &c->mirror.daemon;
	int64_t state = daemon_state(c);

	encode_name(out, "daemon");
	encode_struct(out);
	encode_member_text(out, "identification", d->identifier);
	encode_member_text(out, "version", d->version);
	encode_member_int(out, "statecode", state);
	encode_member_text(out, "statename", daemon_statename(state));
	encode_member_int(out, "pid", d->pid);
	encode_member_int(out, "since", seconds(d->since));
	encode_member_int(out, "upgrades", (int64_t)d->upgrades);
	encode_member_text(out, "note", d->note);
	encode_member_bool(out, "alive", !c->commands.nobody);
	encode_struct_end(out);
	encode_member_end(out);
}

static void encode_worker(struct strbuf *out, const struct counts *counts,
			  const struct mirror_worker *w, uint64_t now)
{
	char text[64];

	encode_struct(out);
	encode_process_info(out, w, now);
	encode_member_text(out, "program", w->program);
	encode_member_int(out, "restarts", w->restarts);
	encode_member_text(out, "last_exit", worker_last_exit(w, text, sizeof(text)));
	encode_member_text(out, "service", w->service);
	encode_member_text(out, "slot", w->slot >= 0 ? slot_name((enum slot_id)w->slot) : "");
	encode_member_text(out, "address", w->address);
	encode_member_bool(out, "healthy", w->healthy != 0);
	encode_member_bool(out, "pending", w->pending != 0);
	encode_member_int(out, "lost_lines", w->lost_lines);
	encode_member_int(out, "retried", counts_retried(counts, w->index));
	encode_member_text(out, "note", w->note);
	encode_member_int(out, "next_run", (int64_t)(w->next_run / SECONDS(1)));
	encode_member_text(out, "says", w->says);
	encode_struct_end(out);
}

static void encode_slot(struct strbuf *out, const struct mirror_slot *s, enum slot_id slot,
			const struct slot_counts *counts)
{
	enum slot_remark remark = (enum slot_remark)s->remark;
	char note[128];

	encode_struct(out);
	encode_member_text(out, "slot", slot_name(slot));
	encode_member_text(out, "name", s->name);
	encode_member_int(out, "state", s->state);
	encode_member_text(out, "release", s->release);
	encode_member_int(out, "ready", s->ready);
	encode_member_int(out, "total", s->total);
	encode_member_int(out, "share", s->share);
	encode_member_int(out, "queued", counts->queued);
	encode_member_int(out, "silent", counts->silent);
	encode_member_int(out, "active", counts->active);
	encode_member_int(out, "idle", counts->idle);
	encode_member_int(out, "pinned", counts->pinned);
	encode_member_int(out, "retried", counts->retried);
	encode_member_int(out, "since", seconds(s->since));
	encode_member_int(out, "deadline", seconds(s->deadline));
	encode_member_text(out, "remark", slot_remark_name(remark));
	encode_member_text(out, "note",
			   slot_note_text((enum slot_state)s->state, remark,
					  (enum swap_step)s->step, note, sizeof(note)));
	encode_struct_end(out);
}

/* "a\nb" as an array. */
static void encode_lines(struct strbuf *out, const char *text)
{
	encode_array(out);
	while (*text) {
		size_t len = strcspn(text, "\n");

		encode_bytes(out, text, len);
		text += len + (text[len] == '\n');
	}
	encode_array_end(out);
}

/* All that is wrong as one text. */
static void encode_note(struct strbuf *out, const char *lines)
{
	CLEANUP(strbuf_done) struct strbuf note = {0};

	while (*lines) {
		size_t len = strcspn(lines, "\n");

		(void)strbuf_adds(&note, note.len ? "; " : "");
		(void)strbuf_add(&note, lines, len);
		lines += len + (lines[len] == '\n');
	}
	encode_member_text(out, "note", strbuf_str(&note));
}

static void encode_trouble(struct strbuf *out, const char *code, const char *text, size_t len)
{
	encode_struct(out);
	encode_member_text(out, "code", code);
	encode_name(out, "text");
	encode_bytes(out, text, len);
	encode_member_end(out);
	encode_struct_end(out);
}

/* A newer slotd's code that has no name here is shown by its text. */
static void encode_troubles(struct strbuf *out, uint64_t troubles, const char *lines)
{
	encode_name(out, "troubles");
	encode_array(out);
	for (int t = 0; t < 64 && *lines; t++) {
		size_t len = strcspn(lines, "\n");

		if (troubles >> t & 1) {
			encode_trouble(out, trouble_name((enum trouble)t), lines, len);
			lines += len + (lines[len] == '\n');
		}
	}
	encode_array_end(out);
	encode_member_end(out);
}

static void encode_service(struct strbuf *out, const struct control *control,
			   const struct mirror_service *s)
{
	const struct mirror *m = &control->mirror;
	struct slot_counts counts;

	encode_struct(out);
	encode_member_text(out, "service", s->service);
	encode_member_text(out, "live", slot_name((enum slot_id)s->live));
	encode_member_int(out, "generation", s->generation);
	encode_member_text(out, "step", swap_step_name((enum swap_step)s->step));
	encode_member_int(out, "since", seconds(s->since));
	encode_name(out, "listens");
	encode_lines(out, s->listens);
	encode_member_end(out);
	encode_note(out, s->note);
	encode_troubles(out, s->troubles, s->note);
	encode_member_int(out, "job", s->job);
	encode_member_int(out, "last_job", jobs_last(&control->jobs, s->service));
	encode_member_text(out, "who", s->who);
	encode_name(out, "slots");
	encode_array(out);
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		counts_sum(&control->counts, m, s, (enum slot_id)slot, &counts);
		encode_slot(out, &m->slots[s->index][slot], (enum slot_id)slot, &counts);
	}
	encode_array_end(out);
	encode_member_end(out);
	encode_struct_end(out);
}

/* only: NULL: of all services; programs: also what belongs to none. */
static void encode_all(struct call *c, const char *only, bool programs)
{
	const struct mirror *m = &c->control->mirror;
	uint64_t now = usec_wall();

	encode_name(c->out, "workers");
	encode_array(c->out);
	vec_for_each (w, &m->workers) {
		if (call_reads(c, (*w)->service) &&
		    (only ? strcmp((*w)->service, only) == 0 : programs || (*w)->service[0])) {
			encode_worker(c->out, &c->control->counts, *w, now);
		}
	}
	encode_array_end(c->out);
	encode_member_end(c->out);
	encode_name(c->out, "services");
	encode_array(c->out);
	vec_for_each (s, &m->services) {
		if (call_reads(c, (*s)->service) && (!only || strcmp((*s)->service, only) == 0)) {
			encode_service(c->out, c->control, *s);
		}
	}
	encode_array_end(c->out);
	encode_member_end(c->out);
}

enum call_result run_status(struct call *c)
{
	encode_struct(c->out);
	encode_daemon(c->out, c->control);
	encode_all(c, call_has(c, 0) ? call_text(c, 0) : NULL, true);
	encode_struct_end(c->out);
	return CALL_DONE;
}

enum call_result run_services(struct call *c)
{
	encode_struct(c->out);
	encode_all(c, NULL, false);
	encode_struct_end(c->out);
	return CALL_DONE;
}
