#include "fake.h"

#include <slotd/cleanup.h>
#include <slotd/switchboard.h>
#include <string.h>
#include <sys/mman.h>

enum {
	OWED_MAX = 64,
};

bool fake_relays_answer = true, fake_relays_drain = true;
unsigned fake_relays_cut;
struct relay_page *fake_relay_page;

static struct {
	pid_t relay;
	struct message m;
} owed[OWED_MAX];
static unsigned n_owed;

static char heard[16 * 1024];

const char *fake_relays_heard(void)
{
	static char copy[sizeof(heard)];

	memcpy(copy, heard, sizeof(copy));
	heard[0] = '\0';
	return copy;
}

/* "worker a up", "drain b", "listen unix:/x" */
static void write_down(const struct message *m)
{
	const char *name = message_type_name(m->type) + strlen("relay_");
	const char *what = m->type == MSG_RELAY_WORKER	  ? message_str(m, TAG_NAME)
			   : m->type == MSG_RELAY_LISTEN  ? message_str(m, TAG_ADDRESS)
			   : m->type == MSG_RELAY_SERVICE ? message_str(m, TAG_SERVICE)
			   : m->type == MSG_RELAY_DRAIN || m->type == MSG_RELAY_CUT
				   ? slot_name((enum slot_id)message_u64(m, TAG_SLOT))
				   : "";
	const char *up = m->type != MSG_RELAY_WORKER ? ""
			 : message_u64(m, TAG_UP)    ? " up"
						     : " down";
	size_t used = strlen(heard);

	(void)snprintf(heard + used, sizeof(heard) - used, "%s%s%s%s%s", used ? "; " : "", name,
		       *what ? " " : "", what, up);
}

static void answer(const struct fake_process *relay, const struct message *asked)
{
	struct message m;

	if (asked->type == MSG_RELAY_DRAIN) {
		message_init(&m, MSG_RELAY_DRAINED, asked->id);
		message_put_u64(&m, TAG_SERVICE_INDEX, message_u64(asked, TAG_SERVICE_INDEX));
		message_put_u64(&m, TAG_SLOT, message_u64(asked, TAG_SLOT));
	} else {
		message_init(&m, MSG_DONE, asked->id);
		message_put_i64(&m, TAG_CODE, 0);
		if (asked->type == MSG_RELAY_CUT) {
			message_put_u64(&m, TAG_COUNT, fake_relays_cut);
		}
	}
	fake_say(relay, &m);
}

static void set_up(struct message *m)
{
	int fd = message_take_fd(m, 1);

	fake_relay_done();
	fake_relay_page =
		mmap(NULL, sizeof(*fake_relay_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(fake_relay_page != MAP_FAILED, "no page of counts");
	cleanup_closep(&fd);
}

void fake_relay_told(const struct fake_process *relay, struct message *m)
{
	write_down(m);
	if (m->type == MSG_RELAY_SETUP) {
		set_up(m);
	}
	if (!m->id || (m->type == MSG_RELAY_DRAIN && !fake_relays_drain)) {
		return;
	}
	if (fake_relays_answer) {
		answer(relay, m);
		return;
	}
	must(n_owed < OWED_MAX, "too many answers are owed");
	owed[n_owed].relay = relay->pid;
	owed[n_owed++].m = *m;
}

void fake_relays_pay(void)
{
	for (unsigned i = 0; i < n_owed; i++) {
		const struct fake_process *relay = fake_process_of(owed[i].relay);

		if (relay && !relay->ended) {
			answer(relay, &owed[i].m);
		}
	}
	n_owed = 0;
}

void fake_relay_done(void)
{
	if (fake_relay_page) {
		(void)munmap(fake_relay_page, sizeof(*fake_relay_page));
		fake_relay_page = NULL;
	}
	n_owed = 0;
}
