#include "endpoint.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <string.h>
#include <sys/un.h>

#include "values.h"

static int parse_port(const char *text, const char *port, unsigned *ret, struct diag *diag)
{
	long n;

	if (!*port) {
		return diag_set(diag, -EINVAL, "no port number specified in '%.200s'", text);
	}
	if (!isdigit((unsigned char)*port) || value_integer(port, &n, NULL) < 0) {
		return diag_set(diag, -EINVAL, "not a valid port number: '%.200s'", text);
	}
	if (n < 1 || n > 65535) {
		return diag_set(diag, -EINVAL, "port %ld is not between 1 and 65535", n);
	}
	*ret = (unsigned)n;
	return 0;
}

static int parse_unix(const char *path, struct strbuf *out, struct diag *diag)
{
	if (path[0] != '/') {
		return diag_set(diag, -EINVAL, "unix:%.200s is not an absolute path", path);
	}
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		return diag_set(diag, -EINVAL,
				"unix:%.200s is longer than %zu bytes, the limit of "
				"socket paths",
				path, sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	}
	return strbuf_addf(out, "unix:%s", path);
}

static int parse_ipv6(const char *text, struct strbuf *out, struct diag *diag)
{
	const char *close = strchr(text, ']');
	char host[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	unsigned port;
	int r;

	if (!close || close[1] != ':' || (size_t)(close - text) > sizeof(host)) {
		return diag_set(diag, -EINVAL, "'%.200s' is not an address; write [::1]:8000",
				text);
	}
	(void)snprintf(host, sizeof(host), "%.*s", (int)(close - text - 1), text + 1);
	if (inet_pton(AF_INET6, host, &in6) != 1) {
		return diag_set(diag, -EINVAL, "'%.100s' is not an IPv6 address", host);
	}
	r = parse_port(text, close + 2, &port, diag);
	if (r < 0) {
		return r;
	}
	(void)inet_ntop(AF_INET6, &in6, host, sizeof(host));
	return strbuf_addf(out, "[%s]:%u", host, port);
}

static bool is_host(const char *host, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)host[i]) && !strchr(".-_", host[i])) {
			return false;
		}
	}
	return len > 0 && len < 254;
}

/* All digits and dots must be a full IPv4 address: "127.1" is taken for a mistake. */
static bool is_broken_ipv4(const char *host)
{
	struct in_addr in;

	return host[strspn(host, "0123456789.")] == '\0' && inet_pton(AF_INET, host, &in) != 1;
}

static int parse_inet(const char *text, struct strbuf *out, struct diag *diag)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	char host[256] = "0.0.0.0";
	unsigned port;
	int r = parse_port(text, colon ? colon + 1 : text, &port, diag);

	if (r < 0) {
		return r;
	}
	if (len > 0 && !(len == 1 && text[0] == '*')) {
		if (!is_host(text, len)) {
			return diag_set(diag, -EINVAL,
					"'%.200s' is not an address; write host:port, [::]:port or "
					"unix:/path",
					text);
		}
		for (size_t i = 0; i < len; i++) {
			host[i] = (char)tolower((unsigned char)text[i]);
		}
		host[len] = '\0';
	}
	if (is_broken_ipv4(host)) {
		return diag_set(diag, -EINVAL, "'%.200s' is not an IPv4 address", host);
	}
	return strbuf_addf(out, "%s:%u", host, port);
}

int endpoint_parse(const char *text, struct arena *memory, char **ret, struct diag *diag)
{
	CLEANUP(strbuf_done) struct strbuf out = {0};
	const char *path;
	char *copy;
	int r;

	while (isspace((unsigned char)*text)) {
		text++;
	}
	path = address_text_path(text);
	if (path) {
		path += strncmp(path, "///", 3) == 0 ? 2 : 0;
		r = parse_unix(path, &out, diag);
	} else if (text[0] == '[') {
		r = parse_ipv6(text, &out, diag);
	} else {
		r = parse_inet(text, &out, diag);
	}
	if (r < 0) {
		return r;
	}
	copy = arena_strbuf(memory, &out);
	if (!copy) {
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

void endpoint_split(const char *canonical, struct endpoint *ret)
{
	const char *colon = strrchr(canonical, ':');

	*ret = (struct endpoint){.path = address_text_path(canonical)};
	ret->unix_socket = ret->path;
	if (ret->path) {
		return;
	}
	ret->port = (unsigned)strtoul(colon + 1, NULL, 10);
	if (canonical[0] == '[') {
		(void)snprintf(ret->host, sizeof(ret->host), "%.*s", (int)(colon - canonical - 2),
			       canonical + 1);
	} else {
		(void)snprintf(ret->host, sizeof(ret->host), "%.*s", (int)(colon - canonical),
			       canonical);
	}
}

bool endpoint_is_numeric(const struct endpoint *a)
{
	struct in6_addr in6;
	struct in_addr in;

	return a->unix_socket || inet_pton(AF_INET, a->host, &in) == 1 ||
	       inet_pton(AF_INET6, a->host, &in6) == 1;
}

bool endpoint_is_wildcard(const struct endpoint *a)
{
	return strcmp(a->host, "0.0.0.0") == 0 || strcmp(a->host, "::") == 0;
}

bool endpoint_is_loopback(const struct endpoint *a)
{
	return a->unix_socket || strncmp(a->host, "127.", 4) == 0 ||
	       strcmp(a->host, "localhost") == 0 || strcmp(a->host, "::1") == 0;
}
