#include "web.h"

#include "call.h"
#include "control.h"
#include "encode.h"
#include "methods.h"
#include "page.h"
#include "slice.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	NAME_MAX_ = 512,
	MESSAGE_MAX_ = 1024,
	TAIL_BYTES = 1024,
	TAIL_BYTES_MAX = SLICE_MAX,
};

/* What a link asks for: methods one after the other, then a sentence. */
struct action {
	const char *name;
	bool named; /* of the process processname= */
	const char *methods[2];
	bool always;	  /* faults are not told: Supervisor's restart starts what did not run */
	const char *done; /* %s: the process, or the time */
};

static const struct action actions[] = {
	{.name = "refresh", .done = "Page refreshed at %s"},
	{.name = "restartall",
	 .methods = {"supervisor.stopAllProcesses", "supervisor.startAllProcesses"},
	 .always = true,
	 .done = "All restarted at %s"},
	{.name = "stopall",
	 .methods = {"supervisor.stopAllProcesses"},
	 .done = "All stopped at %s"},
	{.name = "start",
	 .named = true,
	 .methods = {"supervisor.startProcess"},
	 .done = "Process %s started"},
	{.name = "stop",
	 .named = true,
	 .methods = {"supervisor.stopProcess"},
	 .done = "Process %s stopped"},
	{.name = "restart",
	 .named = true,
	 .methods = {"supervisor.stopProcess", "supervisor.startProcess"},
	 .always = true,
	 .done = "Process %s restarted"},
	{.name = "clearlog",
	 .named = true,
	 .methods = {"supervisor.clearProcessLogs"},
	 .done = "Log for %s cleared"},
};

static const struct {
	int code;
	const char *text;
} faults[] = {
	{FAULT_BAD_NAME, "No such process named %s"},
	{FAULT_NO_FILE, "ERROR: Process %s: no such file"},
	{FAULT_NOT_EXECUTABLE, "ERROR: Process %s: file not executable"},
	{FAULT_ABNORMAL_TERMINATION, "ERROR: Process %s: abnormal termination"},
	{FAULT_SPAWN_ERROR, "ERROR: Process %s: spawn error"},
	{FAULT_ALREADY_STARTED, "ERROR: Process %s: already started"},
	{FAULT_NOT_RUNNING, "ERROR: Process %s: not running"},
};

struct web {
	struct request *rq;
	const struct action *action;
	size_t step;
	char name[NAME_MAX_];
	struct rpc_value values[3], params; /* name, offset, length */
	struct strbuf out;
	struct call call;
};

/* ---- answers */

static void reply_page(struct request *rq, struct strbuf *page)
{
	static const struct {
		const char *name, *value;
	} headers[] = {
		{"Pragma", "no-cache"},
		{"Cache-Control", "no-cache"},
		{"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"},
		{"X-Content-Type-Options", "nosniff"},
		{"Content-Security-Policy",
		 "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		request_set_header(rq, headers[i].name, headers[i].value);
	}
	request_reply(rq, MHD_HTTP_OK, "text/html;charset=utf-8", page);
}

/* 303, not Supervisor's 301: browsers would keep a permanent one and never act again. */
static void redirect(struct request *rq, const char *message)
{
	struct strbuf location = {0}, empty = {0};

	(void)strbuf_adds(&location, "?message="); /* relative, as the page's links */
	page_url(&location, message);
	request_set_header(rq, MHD_HTTP_HEADER_LOCATION, strbuf_str(&location));
	strbuf_done(&location);
	(void)strbuf_adds(&empty, "");
	request_reply(rq, MHD_HTTP_SEE_OTHER, "text/html;charset=utf-8", &empty);
}

static void time_text(char *buf, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	buf[0] = '\0';
	if (localtime_r(&now, &tm)) {
		(void)strftime(buf, size, "%c", &tm);
	}
}

/* The table's sentences hold one %s. */
static void fill(char *buf, size_t size, const char *sentence, const char *with)
{
	const char *mark = strstr(sentence, "%s");

	(void)snprintf(buf, size, "%.*s%s%s", (int)(mark - sentence), sentence, with, mark + 2);
}

static void tell_fault(struct web *w)
{
	const struct call *c = &w->call;
	char message[MESSAGE_MAX_];

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		if (faults[i].code == c->fault && w->action->named) {
			fill(message, sizeof(message), faults[i].text, w->name);
			redirect(w->rq, message);
			return;
		}
	}
	(void)snprintf(message, sizeof(message), "unexpected rpc fault [%d] %s", c->fault,
		       c->fault_text);
	redirect(w->rq, message);
}

static void tell_done(struct web *w)
{
	char message[MESSAGE_MAX_], now[64];

	time_text(now, sizeof(now));
	fill(message, sizeof(message), w->action->done, w->action->named ? w->name : now);
	redirect(w->rq, message);
}

/* ---- running */

static void set_text(struct rpc_value *v, char *text)
{
	*v = (struct rpc_value){.type = RPC_STRING, .text = text, .len = strlen(text)};
}

static enum call_result run_method(struct web *w, const char *method)
{
	strbuf_reset(&w->out);
	return method_run(&w->call, method, &w->params);
}

static void advance(struct web *w)
{
	const struct action *a = w->action;

	while (w->step < ARRAY_SIZE(a->methods) && a->methods[w->step]) {
		if (run_method(w, a->methods[w->step++]) == CALL_LATER) {
			return;
		}
		if (w->call.fault && !a->always) {
			break;
		}
	}
	if (w->call.fault && (!a->always || w->call.fault == FAULT_BAD_NAME)) {
		tell_fault(w);
	} else {
		tell_done(w);
	}
}

static void on_finished(struct call *c)
{
	struct web *w = container_of(c, struct web, call);

	if (c->fault && !w->action->always) {
		tell_fault(w);
	} else {
		advance(w);
	}
}

static struct web *web_new(struct request *rq, call_finished_fn *finished)
{
	const char *name = request_argument(rq, "processname");
	struct web *w = calloc(1, sizeof(*w));

	if (!w) {
		request_reply_status(rq, MHD_HTTP_SERVICE_UNAVAILABLE);
		return NULL;
	}
	w->rq = rq;
	(void)snprintf(w->name, sizeof(w->name), "%s", name ? name : "");
	w->call = (struct call){.control = request_control(rq),
				.peer = request_peer(rq),
				.out = &w->out,
				.finished = finished};
	w->params.type = RPC_ARRAY;
	set_text(&w->values[0], w->name);
	request_set_data(rq, w);
	return w;
}

void web_gone(struct request *rq)
{
	struct web *w = request_data(rq);

	if (w) {
		call_cancel(&w->call);
		strbuf_done(&w->out);
		free(w);
	}
}

static const struct action *action_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(actions[i].name, name) == 0) {
			return &actions[i];
		}
	}
	return NULL;
}

/* Is the host one of a list with commas? */
static bool is_listed(const char *list, const char *host, size_t len)
{
	while (list && *list) {
		size_t n = strcspn(list, ", ");

		if (n == len && strncasecmp(list, host, len) == 0) {
			return true;
		}
		list += n;
		list += strspn(list, ", ");
	}
	return false;
}

/* A proxy puts another Host into its requests, and may say what it was. A foreign page cannot: a
 * browser asks us before it sends a header of that page's choice. */
static bool is_our_host(struct request *rq, const char *host, size_t len)
{
	return is_listed(request_header(rq, MHD_HTTP_HEADER_HOST), host, len) ||
	       is_listed(request_header(rq, "X-Forwarded-Host"), host, len);
}

/* A link on somebody else's page must not act for who is logged in here. Without any of the headers
 * it is no browser. */
static bool comes_from_here(struct request *rq)
{
	const char *from = request_header(rq, MHD_HTTP_HEADER_ORIGIN);
	const char *site = request_header(rq, "Sec-Fetch-Site");

	if (site) { /* the browser's own judgement, whatever a proxy made of Host */
		return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
	}
	from = from ? from : request_header(rq, MHD_HTTP_HEADER_REFERER);
	if (!from) {
		return true;
	}
	from = strstr(from, "://");
	if (!from) {
		return false;
	}
	from += strlen("://");
	return is_our_host(rq, from, strcspn(from, "/?#"));
}

static void act(struct request *rq, const char *name)
{
	const struct action *action = action_find(name);
	const char *process = request_argument(rq, "processname");
	struct web *w;

	if (!action || (action->named && !process)) {
		request_reply_status(rq, MHD_HTTP_BAD_REQUEST);
		return;
	}
	if (!comes_from_here(rq)) {
		request_reply_status(rq, MHD_HTTP_FORBIDDEN);
		return;
	}
	w = web_new(rq, on_finished);
	if (!w) {
		return;
	}
	w->action = action;
	w->params.first = w->params.last = action->named ? &w->values[0] : NULL;
	w->params.n = action->named ? 1 : 0;
	advance(w);
}

void web_run(struct request *rq)
{
	const char *action = request_argument(rq, "action");
	struct strbuf page = {0};

	if (action) {
		act(rq, action);
		return;
	}
	page_status(&page, &request_control(rq)->mirror, request_argument(rq, "message"),
		    usec_wall());
	reply_page(rq, &page);
}

/* ---- the end of a log */

/* What was read stands as a string value of XML: escaped for HTML, too. */
static void give_tail(struct call *c)
{
	static const char before[] = "<value><string>", after[] = "</string></value>\n";
	struct web *w = container_of(c, struct web, call);
	struct strbuf page = {0};
	char text[MESSAGE_MAX_];

	if (c->fault == FAULT_NO_FILE) {
		(void)snprintf(text, sizeof(text), "No file for %s", w->name);
	} else if (c->fault) {
		(void)snprintf(text, sizeof(text), "ERROR: unexpected rpc fault [%d] %s", c->fault,
			       c->fault_text);
	}
	if (c->fault) {
		strbuf_reset(&w->out);
		encode_text(&w->out, text);
	}
	if (w->out.len < strlen(before) + strlen(after)) {
		request_reply_status(w->rq, MHD_HTTP_SERVICE_UNAVAILABLE);
		return;
	}
	page_tail(&page, w->name, w->out.data + strlen(before),
		  w->out.len - strlen(before) - strlen(after));
	reply_page(w->rq, &page);
}

void web_run_tail(struct request *rq)
{
	static const char missing[] = "No process name found";
	const char *limit = request_argument(rq, "limit");
	long long bytes = limit ? strtoll(limit, NULL, 10) : 0;
	struct strbuf page = {0};
	struct web *w;

	if (!request_argument(rq, "processname")) {
		page_tail(&page, NULL, missing, strlen(missing));
		reply_page(rq, &page);
		return;
	}
	w = web_new(rq, give_tail);
	if (!w) {
		return;
	}
	bytes = bytes < TAIL_BYTES ? TAIL_BYTES : bytes > TAIL_BYTES_MAX ? TAIL_BYTES_MAX : bytes;
	w->values[1] = (struct rpc_value){.type = RPC_INT, .number = -bytes};
	w->values[2] = (struct rpc_value){.type = RPC_INT};
	w->values[0].next = &w->values[1];
	w->values[1].next = &w->values[2];
	w->params.first = &w->values[0];
	w->params.last = &w->values[2];
	w->params.n = 3;
	if (run_method(w, "supervisor.readProcessStdoutLog") == CALL_DONE) {
		give_tail(&w->call);
	}
}

void web_run_ok(struct request *rq)
{
	struct strbuf text = {0};

	(void)strbuf_adds(&text, "OK");
	request_reply(rq, MHD_HTTP_OK, "text/plain", &text);
}
