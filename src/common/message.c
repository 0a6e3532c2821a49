#include <slotd/cleanup.h>
#include <slotd/message.h>

#include <assert.h>
#include <string.h>

struct header {
	uint16_t type, reserved;
	uint32_t id, length;
	uint32_t padding; /* values start at a multiple of 8 */
};

struct field {
	uint16_t tag, reserved;
	uint32_t length;
};

_Static_assert(sizeof(struct header) == 16 && sizeof(struct field) == 8, "no padding");

static uint32_t padded(uint32_t n)
{
	return (n + 7) & ~7u;
}

void message_init(struct message *m, enum message_type type, uint32_t id)
{
	struct header h = {.type = (uint16_t)type, .id = id};

	m->type = type;
	m->id = id;
	m->n_fds = 0;
	m->error = 0;
	m->len = sizeof(h);
	memset(m->at, 0, sizeof(m->at));
	memcpy(m->buf, &h, sizeof(h));
}

void message_done(struct message *m)
{
	for (unsigned i = 0; i < m->n_fds; i++) {
		cleanup_closep(&m->fds[i]);
	}
	m->n_fds = 0;
}

static bool lists(const uint16_t *tags, enum message_tag tag)
{
	while (*tags && *tags != tag) {
		tags++;
	}
	return *tags;
}

/* What is sent is what the table says, so that it can be relied on. */
static bool may_carry(const struct message *m, enum message_tag tag)
{
	const struct message_row *row = message_row(m->type);

	return row && (lists(row->required, tag) || lists(row->optional, tag));
}

/* Room for one value; NULL (and a sticky error) when there is none. */
static unsigned char *put(struct message *m, enum message_tag tag, size_t len)
{
	struct field f = {.tag = (uint16_t)tag, .length = (uint32_t)len};
	unsigned char *p = m->buf + m->len;

	if (m->error) {
		return NULL;
	}
	if (tag <= TAG_NONE || tag >= TAG_MAX_ || m->at[tag] || !may_carry(m, tag)) {
		m->error = -EINVAL;
		return NULL;
	}
	if (len > MESSAGE_MAX || m->len + sizeof(f) + padded(f.length) > MESSAGE_MAX) {
		m->error = -EMSGSIZE;
		return NULL;
	}
	memcpy(p, &f, sizeof(f));
	m->at[tag] = m->len + (uint32_t)sizeof(f);
	m->len += (uint32_t)sizeof(f) + padded(f.length);
	memset(p + sizeof(f) + len, 0, padded(f.length) - len);
	return p + sizeof(f);
}

void message_put_u64(struct message *m, enum message_tag tag, uint64_t value)
{
	unsigned char *p = put(m, tag, sizeof(value));

	if (p) {
		memcpy(p, &value, sizeof(value));
	}
}

void message_put_i64(struct message *m, enum message_tag tag, int64_t value)
{
	message_put_u64(m, tag, (uint64_t)value);
}

void message_put_text(struct message *m, enum message_tag tag, const char *text)
{
	size_t len = text ? strnlen(text, MESSAGE_BYTES_MAX) : 0;
	unsigned char *p = text ? put(m, tag, len + 1) : NULL;

	if (p) {
		memcpy(p, text, len);
		p[len] = '\0';
	}
}

void message_put_bytes(struct message *m, enum message_tag tag, const void *data, size_t len)
{
	unsigned char *p = put(m, tag, len);

	if (p && len) {
		memcpy(p, data, len);
	}
}

void message_put_fd(struct message *m, int fd)
{
	if (m->n_fds == MESSAGE_FDS_MAX) {
		m->error = -EINVAL;
		return;
	}
	m->fds[m->n_fds++] = fd;
}

static const unsigned char *get(const struct message *m, enum message_tag tag, uint32_t *ret_len)
{
	assert(tag > TAG_NONE && tag < TAG_MAX_);
	if (!m->at[tag]) {
		*ret_len = 0;
		return NULL;
	}
	memcpy(ret_len, m->buf + m->at[tag] - sizeof(uint32_t), sizeof(uint32_t));
	return m->buf + m->at[tag];
}

bool message_has(const struct message *m, enum message_tag tag)
{
	return m->at[tag] != 0;
}

uint64_t message_u64(const struct message *m, enum message_tag tag)
{
	uint64_t value = 0;
	uint32_t len;
	const unsigned char *p = get(m, tag, &len);

	if (p) {
		memcpy(&value, p, sizeof(value));
	}
	return value;
}

int64_t message_i64(const struct message *m, enum message_tag tag)
{
	return (int64_t)message_u64(m, tag);
}

const char *message_text(const struct message *m, enum message_tag tag)
{
	uint32_t len;

	return (const char *)get(m, tag, &len);
}

const char *message_str(const struct message *m, enum message_tag tag)
{
	const char *text = message_text(m, tag);

	return text ? text : "";
}

const void *message_bytes(const struct message *m, enum message_tag tag, size_t *ret_len)
{
	uint32_t len;
	const void *p = get(m, tag, &len);

	*ret_len = len;
	return p;
}

int message_take_fd(struct message *m, unsigned i)
{
	return i < m->n_fds ? TAKE_FD(m->fds[i]) : -EBADF;
}

/* Everything a row demands, of a message whose fields are already indexed. */
static const char *check_row(const struct message *m)
{
	const struct message_row *row = message_row(m->type);

	if (!row) {
		return "unknown type";
	}
	for (const uint16_t *tag = row->required; *tag; tag++) {
		if (!m->at[*tag]) {
			return "a required field is missing";
		}
	}
	if (m->n_fds < row->fds_min || m->n_fds > row->fds_max) {
		return "wrong number of descriptors";
	}
	return NULL;
}

int message_seal(struct message *m)
{
	uint32_t length = m->len - (uint32_t)sizeof(struct header);

	if (m->error) {
		return m->error;
	}
	memcpy(m->buf + offsetof(struct header, length), &length, sizeof(length));
	return check_row(m) ? -EINVAL : 0;
}

static const char *check_value(enum message_tag tag, const unsigned char *value, uint32_t len)
{
	switch (message_tag_type(tag)) {
	case TAG_U64:
		return len == sizeof(uint64_t) ? NULL : "a number is not 8 bytes long";
	case TAG_STRING:
		return len && memchr(value, '\0', len) == value + len - 1
			       ? NULL
			       : "a text does not end with its only NUL";
	case TAG_BLOB:
		break;
	}
	return NULL;
}

static const char *index_fields(struct message *m)
{
	uint32_t pos = sizeof(struct header);

	while (pos < m->len) {
		const char *why;
		struct field f;

		if (m->len - pos < sizeof(f)) {
			return "a field is cut short";
		}
		memcpy(&f, m->buf + pos, sizeof(f));
		pos += (uint32_t)sizeof(f);
		if (f.length > m->len - pos || padded(f.length) > m->len - pos) {
			return "a field is longer than the message";
		}
		if (f.tag > TAG_NONE && f.tag < TAG_MAX_) {
			if (m->at[f.tag]) {
				return "a field is there twice";
			}
			why = check_value((enum message_tag)f.tag, m->buf + pos, f.length);
			if (why) {
				return why;
			}
			m->at[f.tag] = pos;
		}
		pos += padded(f.length);
	}
	return NULL;
}

size_t message_span(const void *data, size_t len)
{
	struct header h;

	if (len < sizeof(h)) {
		return 0;
	}
	memcpy(&h, data, sizeof(h));
	return sizeof(h) + h.length;
}

static const char *decode(struct message *m, size_t len)
{
	struct header h;
	const char *why;

	if (len < sizeof(h) || len > MESSAGE_MAX) {
		return "shorter than a header";
	}
	memcpy(&h, m->buf, sizeof(h));
	if (h.length != len - sizeof(h)) {
		return "the length in the header is wrong";
	}
	m->type = h.type < MSG_TYPE_MAX_ ? (enum message_type)h.type : MSG_NONE;
	m->id = h.id;
	m->len = (uint32_t)len;
	why = index_fields(m);
	return why ? why : check_row(m);
}

int message_decode(struct message *m, size_t len, const char **ret_why)
{
	const char *why;

	m->error = 0;
	memset(m->at, 0, sizeof(m->at));
	why = decode(m, len);
	if (ret_why) {
		*ret_why = why;
	}
	return why ? -EBADMSG : 0;
}
