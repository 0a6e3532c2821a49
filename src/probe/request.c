#include "request.h"

#include <slotd/cleanup.h>
#include <slotd/status_list.h>

#include <string.h>

static const char default_expect[] = "200-399";

/* A request target is one word: no blanks, no control bytes, and it begins with a slash. */
static bool path_usable(const char *path)
{
	if (*path != '/') {
		return false;
	}
	for (; *path; path++) {
		if ((unsigned char)*path <= ' ' || *path == 0x7f) {
			return false;
		}
	}
	return true;
}

static bool header_usable(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' && *text != '\n' && *text != '\t') {
			return false;
		}
	}
	return true;
}

static int copy(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

static int read_http(const struct message *m, struct request *r, const char **ret_why)
{
	const char *path = message_text(m, TAG_PATH), *host = message_text(m, TAG_HOST);
	const char *header = message_text(m, TAG_HEADER), *expect = message_text(m, TAG_EXPECT);

	path = path ? path : "/";
	expect = expect ? expect : default_expect;
	if (!path_usable(path)) {
		*ret_why = "the path must begin with / and contain no blanks";
		return -EINVAL;
	}
	if ((host && !header_usable(host)) || (header && !header_usable(header))) {
		*ret_why = "a header contains control characters";
		return -EINVAL;
	}
	if (status_list_check(expect) < 0) {
		*ret_why = "the expected statuses are not a list such as 200-399,404";
		return -EINVAL;
	}
	if (copy(path, &r->path) < 0 || copy(host, &r->host) < 0 || copy(header, &r->header) < 0 ||
	    copy(expect, &r->expect) < 0) {
		*ret_why = "out of memory";
		return -ENOMEM;
	}
	return 0;
}

int request_read(const struct message *m, struct request *ret, const char **ret_why)
{
	CLEANUP(request_done)
	struct request r = {
		.kind = (enum probe_kind)message_u64(m, TAG_KIND),
		.timeout = message_u64(m, TAG_TIMEOUT),
		.proxy_protocol = (unsigned)message_u64(m, TAG_PROXY_PROTOCOL),
	};
	int code;

	*ret_why = "";
	if (message_u64(m, TAG_KIND) >= PROBE_KIND_MAX_) {
		*ret_why = "this kind of check is not known";
		return -EINVAL;
	}
	if (address_parse(message_str(m, TAG_ADDRESS), &r.address) < 0) {
		*ret_why = "the address cannot be read";
		return -EINVAL;
	}
	if (copy(message_str(m, TAG_ADDRESS), &r.address_text) < 0) {
		*ret_why = "out of memory";
		return -ENOMEM;
	}
	code = r.kind == PROBE_HTTP ? read_http(m, &r, ret_why) : 0;
	if (code < 0) {
		return code;
	}
	*ret = r;
	r = (struct request){0};
	return 0;
}

void request_done(struct request *r)
{
	free(r->address_text);
	free(r->path);
	free(r->host);
	free(r->header);
	free(r->expect);
	*r = (struct request){0};
}

const char *request_url(const struct request *r, char *buf, size_t size)
{
	(void)snprintf(buf, size, "http://%s/",
		       address_is_unix(&r->address) ? "localhost" : r->address_text);
	return buf;
}

const char *request_host(const struct request *r)
{
	if (r->host) {
		return r->host;
	}
	return address_is_unix(&r->address) ? "localhost" : r->address_text;
}
