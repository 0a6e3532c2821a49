/*
 * Whatever comes on a connection to slotd-control: all of it but its process, before a slotd that
 * answers as slotd might.
 *
 * The first byte of an input says by which server it comes (bit 0: the one with a password) and in
 * pieces of how many bytes; the rest is what the client sends before it hangs up. Afterwards
 * nothing of it may be left: no client, no bytes counted, no command.
 */
#include <control/control.h>
#include <slotd/cleanup.h>
#include <slotd/command.h>
#include <slotd/fault.h>
#include <slotd/log.h>

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	SERVERS = 2,
	TURNS_HALF = 20,  /* while a client has said all it wants to and reads */
	TURNS_MAX = 2000, /* until one that hung up is forgotten */
};

static struct {
	struct control control;
	struct channel channel; /* slotd's end */
	struct sockaddr_un address[SERVERS];
	socklen_t address_len[SERVERS];
	int log_fd;
} world;

static void insist(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "fuzz_http: %s\n", what);
		abort();
	}
}

/* ---- a slotd */

static void send_message(struct message *m)
{
	insist(channel_send(&world.channel, m) == 0, "the channel takes messages");
}

static void send_item(uint32_t id)
{
	struct message m;

	message_init(&m, MSG_ANSWER_ITEM, id);
	message_put_i64(&m, TAG_CODE, FAULT_SUCCESS);
	message_put_text(&m, TAG_GROUP, "web");
	message_put_text(&m, TAG_NAME, "web_1");
	send_message(&m);
}

/* A stop is never answered: its client hangs up while it is parked. */
static void received(struct channel *ch, struct message *asked)
{
	enum command command = (enum command)message_u64(asked, TAG_COMMAND);
	struct message m;

	(void)ch;
	if (asked->type == MSG_COMMAND_GONE || command == COMMAND_STOP) {
		return;
	}
	if (command == COMMAND_START || command == COMMAND_REREAD) {
		send_item(asked->id);
	}
	message_init(&m, MSG_ANSWER, asked->id);
	message_put_i64(&m, TAG_CODE, command == COMMAND_SWAP ? FAULT_FAILED : FAULT_SUCCESS);
	message_put_i64(&m, TAG_JOB, 1);
	if (command == COMMAND_TAIL || command == COMMAND_MAINTAIL) {
		message_put_fd(&m, world.log_fd);
	}
	send_message(&m);
}

static void send_server(uint64_t index)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un *address = &world.address[index];
	struct message m;

	address->sun_family = AF_UNIX;
	world.address_len[index] = sizeof(*address);
	insist(bind(fd, (struct sockaddr *)address, sizeof(sa_family_t)) == 0 && /* any name */
		       listen(fd, 8) == 0 &&
		       getsockname(fd, (struct sockaddr *)address, &world.address_len[index]) == 0,
	       "a socket listens");
	message_init(&m, MSG_CONTROL_LISTEN, 0);
	message_put_u64(&m, TAG_INDEX, index);
	message_put_text(&m, TAG_ADDRESS, "unix:");
	message_put_text(&m, TAG_SECTION, "unix_http_server");
	if (index == 1) {
		message_put_text(&m, TAG_USERNAME, "ana");
		message_put_text(&m, TAG_PASSWORD, "secret");
	}
	message_put_fd(&m, fd);
	send_message(&m);
}

static void send_daemon(void)
{
	struct message m;

	message_init(&m, MSG_STATE_DAEMON, 0);
	message_put_i64(&m, TAG_STATE, 1);
	message_put_i64(&m, TAG_PID, 1);
	message_put_text(&m, TAG_IDENTIFIER, "supervisor");
	message_put_text(&m, TAG_VERSION, SLOTD_VERSION);
	send_message(&m);
}

static void send_worker(uint64_t index, const char *group, const char *name, int64_t state)
{
	struct message m;

	message_init(&m, MSG_STATE_GROUP, 0);
	message_put_text(&m, TAG_NAME, group);
	message_put_i64(&m, TAG_PRIORITY, 999);
	send_message(&m);
	message_init(&m, MSG_STATE_WORKER, 0);
	message_put_u64(&m, TAG_WORKER, index);
	message_put_text(&m, TAG_GROUP, group);
	message_put_text(&m, TAG_NAME, name);
	message_put_i64(&m, TAG_STATE, state);
	message_put_u64(&m, TAG_GENERATION, 1);
	message_put_text(&m, TAG_STDOUT_PATH, "/log");
	send_message(&m);
}

static void send_rest(void)
{
	struct message m;

	message_init(&m, MSG_STATE_CONFIG, 0);
	message_put_text(&m, TAG_NAME, "cat");
	message_put_text(&m, TAG_GROUP, "cat");
	message_put_text(&m, TAG_JSON, "{\"autostart\": true, \"exitcodes\": [0]}");
	send_message(&m);
	message_init(&m, MSG_STATE_SERVICE, 0);
	message_put_text(&m, TAG_SERVICE, "shop");
	message_put_u64(&m, TAG_SERVICE_INDEX, 0);
	message_put_u64(&m, TAG_LIVE, 0);
	message_put_u64(&m, TAG_GENERATION, 1);
	send_message(&m);
	message_init(&m, MSG_JOB, 0);
	message_put_i64(&m, TAG_JOB, 1);
	message_put_text(&m, TAG_SERVICE, "shop");
	message_put_i64(&m, TAG_KIND, 0);
	message_put_i64(&m, TAG_STEP, 0);
	send_message(&m);
	message_init(&m, MSG_STATE_SYNCED, 0);
	send_message(&m);
}

static void quiet(void *data, int priority, const char *text, const struct log_field *fields,
		  unsigned n)
{
	(void)data, (void)priority, (void)text, (void)fields, (void)n;
}

static void set_up(void)
{
	static const struct channel_ops ops = {.received = received};
	static const char text[] = "one\ntwo\303\251\n\033[31m<&>\n";
	int ours, theirs;

	log_set_sink(quiet, NULL);
	world.log_fd = memfd_create("log", MFD_CLOEXEC);
	insist(world.log_fd >= 0 && write(world.log_fd, text, strlen(text)) > 0, "a log is there");
	insist(channel_pair(&ours, &theirs) == 0 &&
		       control_init(&world.control, theirs, -EBADF) == 0,
	       "slotd-control is there");
	channel_init(&world.channel, world.control.loop, ours, &ops, NULL);
	for (uint64_t i = 0; i < SERVERS; i++) {
		send_server(i);
	}
	send_daemon();
	send_worker(0, "web", "web_1", 20);
	send_worker(1, "web", "web_2", 0);
	send_worker(2, "cat", "cat", 200);
	send_rest();
	while (!world.control.http.accepting) {
		loop_turn(world.control.loop, true);
	}
}

/* ---- a client */

/* Takes what was answered; false once the other side hung up. */
static bool turn(int fd)
{
	char answer[16 * 1024];
	ssize_t n;

	loop_turn(world.control.loop, false);
	do {
		n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	} while (n > 0);
	return n < 0 && errno == EAGAIN;
}

static void send_pieces(int fd, const uint8_t *data, size_t size, size_t piece)
{
	bool open = true;

	for (size_t at = 0; at < size && open;) {
		size_t left = size - at;
		ssize_t n = send(fd, data + at, left < piece ? left : piece,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		at += n > 0 ? (size_t)n : 0;
		open = turn(fd) && (n > 0 || errno == EAGAIN);
	}
}

static bool forgotten(void)
{
	vec_for_each (s, &world.control.http.servers) {
		if ((*s)->first) {
			return false;
		}
	}
	return true;
}

static void run_client(unsigned server, const uint8_t *data, size_t size, size_t piece)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	insist(connect(fd, (struct sockaddr *)&world.address[server], world.address_len[server]) ==
		       0,
	       "a client connects");
	loop_turn(world.control.loop, false);
	send_pieces(fd, data, size, piece);
	(void)shutdown(fd, SHUT_WR);
	for (unsigned i = 0; i < TURNS_HALF && turn(fd); i++) {
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control *c = &world.control;

	if (!size) {
		return 0;
	}
	if (!c->loop) {
		set_up();
	}
	run_client(data[0] & 1, data + 1, size - 1, 1 + (data[0] >> 1) * 8u);
	for (unsigned i = 0; i < TURNS_MAX && !forgotten(); i++) {
		loop_turn(c->loop, false);
	}
	insist(forgotten(), "the client is still there");
	insist(!c->http.receiving && !c->http.replying, "bytes are still counted");
	insist(!c->commands.first && !c->followers, "a command is still there");
	return 0;
}
