#include <slotd/message.h>

#include <stdio.h>
#include <string.h>

/* Append only, like the enums: the numbers are the protocol. */
static const struct {
	const char *name;
	enum tag_type type;
} tags[TAG_MAX_] = {
	[TAG_NAME] = {"name", TAG_STRING},
	[TAG_GROUP] = {"group", TAG_STRING},
	[TAG_PROGRAM] = {"program", TAG_STRING},
	[TAG_SERVICE] = {"service", TAG_STRING},
	[TAG_SERVICE_INDEX] = {"service_index", TAG_U64},
	[TAG_SLOT] = {"slot", TAG_U64},
	[TAG_WORKER] = {"worker", TAG_U64},
	[TAG_STREAM] = {"stream", TAG_U64},
	[TAG_CHANNEL] = {"channel", TAG_U64},
	[TAG_GENERATION] = {"generation", TAG_U64},
	[TAG_INDEX] = {"index", TAG_U64},
	[TAG_COUNT] = {"count", TAG_U64},
	[TAG_CODE] = {"code", TAG_U64},
	[TAG_TEXT] = {"text", TAG_STRING},
	[TAG_BYTES] = {"bytes", TAG_BLOB},
	[TAG_STATUS] = {"status", TAG_U64},
	[TAG_LEVEL] = {"level", TAG_U64},
	[TAG_FIELDS] = {"fields", TAG_STRING},
	[TAG_PID] = {"pid", TAG_U64},
	[TAG_UID] = {"uid", TAG_U64},
	[TAG_GID] = {"gid", TAG_U64},
	[TAG_STATE] = {"state", TAG_U64},
	[TAG_SINCE] = {"since", TAG_U64},
	[TAG_STARTED] = {"started", TAG_U64},
	[TAG_STOPPED] = {"stopped", TAG_U64},
	[TAG_WHEN] = {"when", TAG_U64},
	[TAG_RESTARTS] = {"restarts", TAG_U64},
	[TAG_EXIT] = {"exit", TAG_U64},
	[TAG_SPAWNERR] = {"spawnerr", TAG_STRING},
	[TAG_LOST_LINES] = {"lost_lines", TAG_U64},
	[TAG_LOST_BYTES] = {"lost_bytes", TAG_U64},
	[TAG_PRIORITY] = {"priority", TAG_U64},
	[TAG_HEALTHY] = {"healthy", TAG_U64},
	[TAG_PENDING] = {"pending", TAG_U64},
	[TAG_PATH] = {"path", TAG_STRING},
	[TAG_STDOUT_PATH] = {"stdout_path", TAG_STRING},
	[TAG_STDERR_PATH] = {"stderr_path", TAG_STRING},
	[TAG_MAXBYTES] = {"maxbytes", TAG_U64},
	[TAG_BACKUPS] = {"backups", TAG_U64},
	[TAG_SYSLOG] = {"syslog", TAG_U64},
	[TAG_CAPTURE] = {"capture", TAG_U64},
	[TAG_EVENTS] = {"events", TAG_U64},
	[TAG_STRIP_ANSI] = {"strip_ansi", TAG_U64},
	[TAG_MODE] = {"mode", TAG_U64},
	[TAG_ECHO] = {"echo", TAG_U64},
	[TAG_JOURNAL] = {"journal", TAG_U64},
	[TAG_IDENTIFIER] = {"identifier", TAG_STRING},
	[TAG_VERSION] = {"version", TAG_STRING},
	[TAG_ADDRESS] = {"address", TAG_STRING},
	[TAG_LIVE] = {"live", TAG_U64},
	[TAG_STEP] = {"step", TAG_U64},
	[TAG_RELEASE] = {"release", TAG_STRING},
	[TAG_BALANCE] = {"balance", TAG_U64},
	[TAG_CONNECT] = {"connect", TAG_U64},
	[TAG_WORKER_MAX] = {"worker_max", TAG_U64},
	[TAG_PROXY_PROTOCOL] = {"proxy_protocol", TAG_U64},
	[TAG_HOLD_TIMEOUT] = {"hold_timeout", TAG_U64},
	[TAG_CONNECT_TIMEOUT] = {"connect_timeout", TAG_U64},
	[TAG_DRAIN] = {"drain", TAG_U64},
	[TAG_UP] = {"up", TAG_U64},
	[TAG_READY] = {"ready", TAG_U64},
	[TAG_TOTAL] = {"total", TAG_U64},
	[TAG_QUEUED] = {"queued", TAG_U64},
	[TAG_ACTIVE] = {"active", TAG_U64},
	[TAG_IDLE] = {"idle", TAG_U64},
	[TAG_DEADLINE] = {"deadline", TAG_U64},
	[TAG_NOTE] = {"note", TAG_STRING},
	[TAG_KIND] = {"kind", TAG_U64},
	[TAG_HOST] = {"host", TAG_STRING},
	[TAG_HEADER] = {"header", TAG_STRING},
	[TAG_EXPECT] = {"expect", TAG_STRING},
	[TAG_TIMEOUT] = {"timeout", TAG_U64},
	[TAG_COMMAND] = {"command", TAG_U64},
	[TAG_ARG] = {"arg", TAG_STRING},
	[TAG_SIGNAL] = {"signal", TAG_STRING},
	[TAG_WAIT] = {"wait", TAG_U64},
	[TAG_FORCE] = {"force", TAG_U64},
	[TAG_USERNAME] = {"username", TAG_STRING},
	[TAG_PASSWORD] = {"password", TAG_STRING},
	[TAG_SECTION] = {"section", TAG_STRING},
	[TAG_JOB] = {"job", TAG_U64},
	[TAG_SEQ] = {"seq", TAG_U64},
	[TAG_DONE] = {"done", TAG_U64},
	[TAG_WHO] = {"who", TAG_STRING},
	[TAG_JSON] = {"json", TAG_STRING},
	[TAG_LISTENS] = {"listens", TAG_STRING},
	[TAG_PROTOCOL] = {"protocol", TAG_U64},
	[TAG_RETRY] = {"retry", TAG_U64},
	[TAG_DRAIN_IDLE] = {"drain_idle", TAG_U64},
	[TAG_DRAIN_SPREAD] = {"drain_spread", TAG_U64},
	[TAG_CLIENT_TIMEOUT] = {"client_timeout", TAG_U64},
	[TAG_IDLE_TIMEOUT] = {"idle_timeout", TAG_U64},
	[TAG_HALF_CLOSE_TIMEOUT] = {"half_close_timeout", TAG_U64},
	[TAG_DESCRIPTORS] = {"descriptors", TAG_STRING},
	[TAG_TROUBLES] = {"troubles", TAG_U64},
	[TAG_REMARK] = {"remark", TAG_U64},
	[TAG_SHARE] = {"share", TAG_U64},
	[TAG_TICKS] = {"ticks", TAG_U64},
	[TAG_INDENT] = {"indent", TAG_U64},
	[TAG_PACKS] = {"packs", TAG_U64},
	[TAG_RETRY_AFTER] = {"retry_after", TAG_U64},
	[TAG_PREVIEW] = {"preview", TAG_U64},
	[TAG_CANARY_BY] = {"canary_by", TAG_U64},
	[TAG_CANARY_COOKIE] = {"canary_cookie", TAG_STRING},
	[TAG_CANARY_FROM] = {"canary_from", TAG_STRING},
};

#define TAGS(...) ((const uint16_t[]){__VA_ARGS__ __VA_OPT__(, ) TAG_NONE})

static const struct message_row rows[MSG_TYPE_MAX_] = {
	[MSG_READY] = {"ready", TAGS(), TAGS(TAG_VERSION, TAG_PACKS), 0, 0},
	[MSG_QUIT] = {"quit", TAGS(), TAGS(), 0, 0},
	[MSG_REPORT] = {"report", TAGS(TAG_LEVEL, TAG_TEXT), TAGS(), 0, 0},
	[MSG_KEEP_PUT] = {"keep_put", TAGS(TAG_NAME), TAGS(TAG_DESCRIPTORS), 1, 16},
	[MSG_KEEP_DROP] = {"keep_drop", TAGS(TAG_NAME), TAGS(), 0, 0},
	[MSG_KEEP_LIST] = {"keep_list", TAGS(), TAGS(), 0, 0},
	[MSG_KEEP_ITEM] = {"keep_item", TAGS(TAG_NAME), TAGS(TAG_DESCRIPTORS), 1, 16},
	[MSG_KEEP_END] = {"keep_end", TAGS(TAG_COUNT), TAGS(), 0, 0},
	[MSG_LOG_SETUP] = {"log_setup", TAGS(), TAGS(TAG_PACKS), 2, 2},
	[MSG_LOG_STREAM] = {"log_stream", TAGS(TAG_STREAM, TAG_NAME, TAG_GROUP, TAG_CHANNEL),
			    TAGS(TAG_PID, TAG_PATH, TAG_MAXBYTES, TAG_BACKUPS, TAG_SYSLOG,
				 TAG_CAPTURE, TAG_EVENTS, TAG_STRIP_ANSI, TAG_MODE, TAG_UID,
				 TAG_GID, TAG_IDENTIFIER, TAG_LOST_LINES, TAG_LOST_BYTES,
				 TAG_INDENT, TAG_DONE),
			    1, 2},
	[MSG_LOG_CLOSED] = {"log_closed", TAGS(TAG_STREAM), TAGS(TAG_LOST_LINES, TAG_LOST_BYTES), 0,
			    0},
	[MSG_LOG_OWN] = {"log_own", TAGS(TAG_LEVEL),
			 TAGS(TAG_PATH, TAG_MAXBYTES, TAG_BACKUPS, TAG_SYSLOG, TAG_JOURNAL,
			      TAG_ECHO, TAG_IDENTIFIER, TAG_MODE),
			 0, 2},
	[MSG_LOG_LINE] = {"log_line", TAGS(TAG_LEVEL, TAG_TEXT, TAG_WHEN),
			  TAGS(TAG_FIELDS, TAG_COUNT), 0, 0},
	[MSG_LOG_PRINT] = {"log_print", TAGS(TAG_BYTES), TAGS(), 0, 0},
	[MSG_LOG_REOPEN] = {"log_reopen", TAGS(), TAGS(), 0, 0},
	[MSG_LOG_CLEAR] = {"log_clear", TAGS(), TAGS(TAG_STREAM, TAG_PATH), 0, 0},
	[MSG_LOG_OPEN] = {"log_open", TAGS(), TAGS(TAG_STREAM, TAG_PATH, TAG_MODE), 0, 0},
	[MSG_LOG_OPENED] = {"log_opened", TAGS(TAG_CODE), TAGS(TAG_TEXT, TAG_PATH), 0, 1},
	[MSG_LOG_LOST] = {"log_lost", TAGS(TAG_STREAM, TAG_LOST_LINES, TAG_LOST_BYTES),
			  TAGS(TAG_CODE, TAG_TEXT), 0, 0},
	[MSG_LOG_EVENT] = {"log_event", TAGS(TAG_STREAM, TAG_CHANNEL, TAG_KIND, TAG_BYTES),
			   TAGS(TAG_PID, TAG_COUNT), 0, 0},
	[MSG_DONE] = {"done", TAGS(TAG_CODE), TAGS(TAG_TEXT, TAG_COUNT), 0, 0},
	[MSG_RELAY_SETUP] = {"relay_setup", TAGS(TAG_INDEX), TAGS(TAG_COUNT), 2, 3},
	[MSG_RELAY_SERVICE] = {"relay_service", TAGS(TAG_SERVICE, TAG_SERVICE_INDEX),
			       TAGS(TAG_BALANCE, TAG_CONNECT, TAG_WORKER_MAX, TAG_PROXY_PROTOCOL,
				    TAG_HOLD_TIMEOUT, TAG_CONNECT_TIMEOUT, TAG_DRAIN,
				    TAG_DRAIN_IDLE, TAG_PROTOCOL, TAG_RETRY, TAG_CLIENT_TIMEOUT,
				    TAG_IDLE_TIMEOUT, TAG_HALF_CLOSE_TIMEOUT, TAG_RETRY_AFTER,
				    TAG_PATH, TAG_PREVIEW, TAG_CANARY_BY, TAG_CANARY_COOKIE,
				    TAG_CANARY_FROM),
			       0, 0},
	[MSG_RELAY_SERVICE_GONE] = {"relay_service_gone", TAGS(TAG_SERVICE_INDEX), TAGS(), 0, 0},
	[MSG_RELAY_LISTEN] = {"relay_listen", TAGS(TAG_SERVICE_INDEX, TAG_INDEX, TAG_ADDRESS),
			      TAGS(TAG_PREVIEW), 1, 1},
	[MSG_RELAY_LISTEN_GONE] = {"relay_listen_gone", TAGS(TAG_SERVICE_INDEX, TAG_INDEX), TAGS(),
				   0, 0},
	[MSG_RELAY_WORKER] = {"relay_worker",
			      TAGS(TAG_SERVICE_INDEX, TAG_SLOT, TAG_WORKER, TAG_ADDRESS, TAG_UP),
			      TAGS(TAG_NAME), 0, 0},
	[MSG_RELAY_WORKER_GONE] = {"relay_worker_gone",
				   TAGS(TAG_SERVICE_INDEX, TAG_SLOT, TAG_WORKER), TAGS(), 0, 0},
	[MSG_RELAY_TABLE] = {"relay_table", TAGS(TAG_SERVICE_INDEX), TAGS(), 0, 0},
	[MSG_RELAY_FLIPPED] = {"relay_flipped", TAGS(TAG_SERVICE_INDEX, TAG_GENERATION), TAGS(), 0,
			       0},
	[MSG_RELAY_DRAIN] = {"relay_drain", TAGS(TAG_SERVICE_INDEX, TAG_SLOT), TAGS(TAG_WORKER), 0,
			     0},
	[MSG_RELAY_DRAINED] = {"relay_drained", TAGS(TAG_SERVICE_INDEX, TAG_SLOT), TAGS(), 0, 0},
	[MSG_RELAY_CUT] = {"relay_cut", TAGS(TAG_SERVICE_INDEX, TAG_SLOT),
			   TAGS(TAG_WORKER, TAG_DRAIN_SPREAD), 0, 0},
	[MSG_PROBE] = {"probe", TAGS(TAG_KIND, TAG_ADDRESS, TAG_TIMEOUT),
		       TAGS(TAG_PATH, TAG_HOST, TAG_HEADER, TAG_EXPECT, TAG_PROXY_PROTOCOL), 0, 0},
	[MSG_PROBE_RESULT] = {"probe_result", TAGS(TAG_CODE), TAGS(TAG_TEXT), 0, 0},
	[MSG_CONTROL_LISTEN] = {"control_listen", TAGS(TAG_INDEX, TAG_ADDRESS, TAG_SECTION),
				TAGS(TAG_USERNAME, TAG_PASSWORD, TAG_MODE), 1, 1},
	[MSG_STATE_DAEMON] = {"state_daemon", TAGS(TAG_STATE, TAG_PID, TAG_IDENTIFIER, TAG_VERSION),
			      TAGS(TAG_SINCE, TAG_COUNT, TAG_NOTE), 0, 0},
	[MSG_STATE_GROUP] = {"state_group", TAGS(TAG_NAME, TAG_PRIORITY), TAGS(), 0, 0},
	[MSG_STATE_GROUP_GONE] = {"state_group_gone", TAGS(TAG_NAME), TAGS(), 0, 0},
	[MSG_STATE_WORKER] = {"state_worker",
			      TAGS(TAG_WORKER, TAG_NAME, TAG_GROUP, TAG_STATE, TAG_GENERATION),
			      TAGS(TAG_PROGRAM, TAG_PID, TAG_SINCE, TAG_STARTED, TAG_STOPPED,
				   TAG_RESTARTS, TAG_EXIT, TAG_STATUS, TAG_SPAWNERR,
				   TAG_STDOUT_PATH, TAG_STDERR_PATH, TAG_SERVICE, TAG_SLOT,
				   TAG_ADDRESS, TAG_PRIORITY, TAG_HEALTHY, TAG_PENDING,
				   TAG_LOST_LINES, TAG_NOTE, TAG_DEADLINE, TAG_TEXT),
			      0, 0},
	[MSG_STATE_WORKER_GONE] = {"state_worker_gone", TAGS(TAG_WORKER), TAGS(), 0, 0},
	[MSG_STATE_SERVICE] = {"state_service",
			       TAGS(TAG_SERVICE, TAG_SERVICE_INDEX, TAG_LIVE, TAG_GENERATION),
			       TAGS(TAG_STEP, TAG_SINCE, TAG_LISTENS, TAG_NOTE, TAG_JOB, TAG_WHO,
				    TAG_TROUBLES),
			       0, 0},
	[MSG_STATE_SERVICE_GONE] = {"state_service_gone", TAGS(TAG_SERVICE_INDEX), TAGS(), 0, 0},
	[MSG_STATE_SLOT] = {"state_slot", TAGS(TAG_SERVICE, TAG_SERVICE_INDEX, TAG_SLOT, TAG_STATE),
			    TAGS(TAG_NAME, TAG_RELEASE, TAG_READY, TAG_TOTAL, TAG_SINCE,
				 TAG_DEADLINE, TAG_NOTE, TAG_REMARK, TAG_STEP, TAG_SHARE),
			    0, 0},
	[MSG_STATE_CONFIG] = {"state_config", TAGS(TAG_NAME, TAG_GROUP, TAG_JSON), TAGS(), 0, 0},
	[MSG_STATE_CONFIG_GONE] = {"state_config_gone", TAGS(), TAGS(TAG_NAME, TAG_GROUP), 0, 0},
	[MSG_STATE_SYNCED] = {"state_synced", TAGS(), TAGS(), 0, 0},
	[MSG_STATE_ALL] = {"state_all", TAGS(), TAGS(), 0, 0},
	[MSG_STATE_AGAIN] = {"state_again", TAGS(), TAGS(), 0, 0},
	[MSG_STATE_COUNTS] = {"state_counts", TAGS(TAG_INDEX), TAGS(), 1, 1},
	[MSG_COMMAND] = {"command", TAGS(TAG_COMMAND),
			 TAGS(TAG_NAME, TAG_SERVICE, TAG_ARG, TAG_SIGNAL, TAG_WAIT, TAG_FORCE,
			      TAG_UID, TAG_GID, TAG_PID, TAG_WHO, TAG_RELEASE, TAG_CHANNEL,
			      TAG_INDEX, TAG_JOB, TAG_BACKUPS),
			 0, 0},
	[MSG_COMMAND_GONE] = {"command_gone", TAGS(), TAGS(), 0, 0},
	[MSG_ANSWER_ITEM] = {"answer_item", TAGS(TAG_CODE), TAGS(TAG_NAME, TAG_GROUP, TAG_TEXT), 0,
			     0},
	[MSG_ANSWER] = {"answer", TAGS(TAG_CODE), TAGS(TAG_TEXT, TAG_JOB, TAG_PATH), 0, 1},
	[MSG_JOB] = {"job", TAGS(TAG_JOB, TAG_SERVICE, TAG_KIND, TAG_STEP),
		     TAGS(TAG_WHO, TAG_RELEASE, TAG_DONE, TAG_CODE, TAG_TEXT, TAG_STOPPED), 0, 0},
	[MSG_WAS_JOB_LINE] = {"was_job_line", TAGS(), TAGS(), 0, 0},
	[MSG_STDIN] = {"stdin", TAGS(TAG_NAME, TAG_BYTES),
		       TAGS(TAG_UID, TAG_GID, TAG_PID, TAG_WHO, TAG_INDEX), 0, 0},
	[MSG_EVENT] = {"event", TAGS(TAG_NAME, TAG_BYTES),
		       TAGS(TAG_UID, TAG_GID, TAG_PID, TAG_WHO, TAG_INDEX), 0, 0},
	[MSG_RELAY_DENIED] = {"relay_denied", TAGS(TAG_SERVICE_INDEX, TAG_WORKER, TAG_UP), TAGS(),
			      0, 0},
	[MSG_PING] = {"ping", TAGS(), TAGS(), 0, 0},
	[MSG_SPAWN] = {"spawn", TAGS(), TAGS(), 2, 6},
	[MSG_SPAWNED] = {"spawned", TAGS(TAG_CODE), TAGS(TAG_PID, TAG_TICKS), 0, 1},
	[MSG_RELAY_RETIRE] = {"relay_retire", TAGS(), TAGS(), 0, 0},
	[MSG_CONTROL_ACCESS] = {"control_access", TAGS(TAG_UID, TAG_STATE), TAGS(TAG_TEXT), 0, 0},
	[MSG_RELAY_PAGE] = {"relay_page", TAGS(TAG_SERVICE_INDEX), TAGS(TAG_TEXT), 0, 1},
};

const struct message_row *message_row(enum message_type type)
{
	return type > MSG_NONE && type < MSG_TYPE_MAX_ && rows[type].name ? &rows[type] : NULL;
}

const char *message_type_name(enum message_type type)
{
	const struct message_row *row = message_row(type);

	return row ? row->name : "?";
}

const char *message_tag_name(enum message_tag tag)
{
	return tag > TAG_NONE && tag < TAG_MAX_ ? tags[tag].name : "?";
}

enum tag_type message_tag_type(enum message_tag tag)
{
	return tags[tag].type;
}

static size_t dump_value(const struct message *m, enum message_tag tag, char *buf, size_t size)
{
	size_t len;

	switch (tags[tag].type) {
	case TAG_U64:
		return (size_t)snprintf(buf, size, " %s=%lld", tags[tag].name,
					(long long)message_i64(m, tag));
	case TAG_STRING:
		return (size_t)snprintf(buf, size, " %s=\"%.200s\"", tags[tag].name,
					message_text(m, tag));
	case TAG_BLOB:
		break;
	}
	(void)message_bytes(m, tag, &len);
	return (size_t)snprintf(buf, size, " %s=[%zu bytes]", tags[tag].name, len);
}

const char *message_dump(const struct message *m, char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "%s #%u", message_type_name(m->type), m->id);

	for (int tag = TAG_NONE + 1; tag < TAG_MAX_ && used < size; tag++) {
		if (m->at[tag] &&
		    (tags[tag].type != TAG_STRING || strcmp(tags[tag].name, "password") != 0)) {
			used += dump_value(m, (enum message_tag)tag, buf + used, size - used);
		}
	}
	if (m->n_fds && used < size) {
		(void)snprintf(buf + used, size - used, " [%u fd]", m->n_fds);
	}
	return buf;
}
