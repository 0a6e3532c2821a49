#include "view.h"

#include <slotd/canary_share.h>
#include <slotd/cleanup.h>
#include <stdio.h>
#include <string.h>

enum {
	COLUMNS = 8,
	CELL_MAX = 256,
};

struct row {
	char cells[COLUMNS][CELL_MAX];
};

static void set_cell(struct row *row, size_t column, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void set_cell(struct row *row, size_t column, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(row->cells[column], CELL_MAX, fmt, ap);
	va_end(ap);
}

static bool is_forgotten(const struct value *slot, int64_t state, usec_t now)
{
	return state == SLOT_CANARY &&
	       usec_add(SECONDS((usec_t)value_int(slot, "since")), CANARY_OLD) <= now;
}

/* "LIVE 2d 4h", "idle, stopped", "draining 2m10s": since is when it went live or idle. */
static void set_state(struct row *row, const struct value *slot, usec_t now)
{
	int64_t state = value_int(slot, "state");
	char ago[USEC_TEXT_MAX];

	if (state != SLOT_COLD && state != SLOT_STARTING && state != SLOT_STOPPING &&
	    value_int(slot, "since") > 0) {
		set_cell(row, 2, "%s %s%s", slot_words(state),
			 view_ago(value_int(slot, "since"), now, ago, sizeof(ago)),
			 is_forgotten(slot, state, now) ? " !" : "");
	} else {
		set_cell(row, 2, "%s", slot_words(state));
	}
}

/* What can be done about a slot that has a share, and what it comes to by itself. */
static void set_share_note(struct row *row, const struct value *service, const struct value *slot,
			   usec_t now)
{
	const bool by_hand =
		strcmp(value_text(slot, "remark"), slot_remark_name(SLOT_BY_HAND)) == 0;
	usec_t deadline = SECONDS((usec_t)value_int(slot, "deadline"));
	char in[USEC_TEXT_MAX] = "";

	if (deadline > now) {
		(void)usec_format(SECONDS(usec_sub(deadline, now) / SECONDS(1)), in, sizeof(in));
	}
	set_cell(row, 7, "slotctl promote|abort %s%s%s", value_text(service, "service"),
		 !*in	   ? ""
		 : by_hand ? "; given up in "
			   : "; next step in ",
		 in);
}

/* What comes next by itself, what can be done, and what slotd says besides. */
static void set_note(struct row *row, const struct value *service, const struct value *slot,
		     usec_t now)
{
	usec_t deadline = SECONDS((usec_t)value_int(slot, "deadline"));
	int64_t state = value_int(slot, "state");
	const char *note = slot_note(slot);
	char in[USEC_TEXT_MAX];

	if (state == SLOT_CANARY || state == SLOT_AB) {
		set_share_note(row, service, slot, now);
		return;
	}
	if (deadline <= now) {
		set_cell(row, 7, "%s", note);
		return;
	}
	(void)usec_format(SECONDS(usec_sub(deadline, now) / SECONDS(1)), in, sizeof(in));
	if (state == SLOT_DRAINING && value_int(slot, "pinned") > 0) {
		set_cell(row, 7,
			 "ends in %s at the latest; it waits for pinned connections: see drain= in "
			 "slotd.conf(5), or: slotctl drain --now %s",
			 in, value_text(service, "service"));
	} else if (state == SLOT_DRAINING) {
		set_cell(row, 7, "ends in %s, or: slotctl drain --now %s", in,
			 value_text(service, "service"));
	} else if (state == SLOT_WARM) {
		set_cell(row, 7, "stops in %s%s%s", in, note[0] ? "; " : "", note);
	} else {
		set_cell(row, 7, "%s", note);
	}
}

/* Of new connections, while any are taken. */
static void set_share(struct row *row, const struct value *slot)
{
	char share[32];

	(void)snprintf(share, sizeof(share), "%g%%", (double)value_int(slot, "share") / 100);
	set_cell(row, 5, "%4s", share);
}

static void set_row(struct row *row, const struct value *service, const struct value *slot,
		    bool first, usec_t now)
{
	static const char *const classes[] = {"queued", "silent", "active", "idle", "pinned"};
	long long n[ARRAY_SIZE(classes)], all = 0;
	int64_t state = value_int(slot, "state");

	set_cell(row, 0, "%s", first ? value_text(service, "service") : "");
	set_cell(row, 1, "%s", value_text(slot, "slot"));
	set_state(row, slot, now);
	set_cell(row, 3, "%s", value_text(slot, "release")[0] ? value_text(slot, "release") : "-");
	set_cell(row, 4, "%lld/%lld", (long long)value_int(slot, "ready"),
		 (long long)value_int(slot, "total"));
	set_share(row, slot);
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		n[i] = value_int(slot, classes[i]);
		all += n[i];
	}
	if (state == SLOT_COLD && all == 0) {
		set_cell(row, 6, "-");
	} else {
		set_cell(row, 6, "%lld/%lld/%lld/%lld/%lld", n[0], n[1], n[2], n[3], n[4]);
	}
	set_note(row, service, slot, now);
}

static void add_row(struct strbuf *to, const struct row *row, const size_t *widths)
{
	size_t last = row->cells[COLUMNS - 1][0] ? COLUMNS - 1 : COLUMNS - 2;

	for (size_t c = 0; c < last; c++) {
		view_pad(to, row->cells[c], widths[c] + 1);
	}
	(void)strbuf_addf(to, "%s\n", row->cells[last]);
}

/* The live slot first. */
static void visit(const struct value *const *services, size_t n, usec_t now, size_t *widths,
		  struct strbuf *to)
{
	struct row row;

	for (size_t i = 0; i < n; i++) {
		const struct value *slots = value_array(services[i], "slots");
		bool first = true;

		for (int pass = 0; pass < 2; pass++) {
			value_for_each(slot, slots)
			{
				bool live = strcmp(value_text(slot, "slot"),
						   value_text(services[i], "live")) == 0;

				if (live != (pass == 0)) {
					continue;
				}
				memset(&row, 0, sizeof(row));
				set_row(&row, services[i], slot, first, now);
				first = false;
				for (size_t c = 0; !to && c < COLUMNS; c++) {
					size_t width = view_width(row.cells[c]);

					widths[c] = width > widths[c] ? width : widths[c];
				}
				if (to) {
					add_row(to, &row, widths);
				}
			}
		}
		if (to) {
			(void)view_troubles(to, services[i]);
		}
	}
}

int view_slots(struct strbuf *to, const struct value *const *services, size_t n, usec_t now)
{
	static const char *const titles[COLUMNS] = {
		"SERVICE",
		"SLOT",
		"STATE",
		"RELEASE",
		"WORKERS",
		"SHARE",
		"QUEUED/SILENT/ACTIVE/IDLE/PINNED",
		"",
	};
	size_t widths[COLUMNS];
	struct row header = {0};

	for (size_t c = 0; c < COLUMNS; c++) {
		set_cell(&header, c, "%s", titles[c]);
		widths[c] = strlen(titles[c]);
	}
	visit(services, n, now, widths, NULL);
	add_row(to, &header, widths);
	visit(services, n, now, widths, to);
	return to->error;
}
