#include <slotd/address.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_port(const char *text, in_port_t *ret)
{
	unsigned port = 0;

	if (!*text) {
		return -EINVAL;
	}
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text)) {
			return -EINVAL;
		}
		port = port * 10 + (unsigned)(*text - '0');
		if (port > 65535) {
			return -ERANGE;
		}
	}
	*ret = htons((in_port_t)port);
	return 0;
}

static int parse_unix(const char *path, struct address *ret)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&ret->sa;
	size_t len = strlen(path);

	if (len == 0) {
		return -EINVAL;
	}
	if (len >= sizeof(un->sun_path)) {
		return -ENAMETOOLONG;
	}
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len + 1);
	ret->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	return 0;
}

static int parse_ipv6(const char *host, in_port_t port, struct address *ret)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret->sa;

	if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1) {
		return -EINVAL;
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = port;
	ret->len = sizeof(*in6);
	return 0;
}

static int parse_ipv4(const char *host, in_port_t port, struct address *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&ret->sa;

	if (inet_pton(AF_INET, host, &in->sin_addr) != 1) {
		return -EINVAL;
	}
	in->sin_family = AF_INET;
	in->sin_port = port;
	ret->len = sizeof(*in);
	return 0;
}

/* Host text between start and end, without the brackets of an IPv6 address. */
static int parse_inet(const char *start, const char *end, in_port_t port, struct address *ret)
{
	bool bracketed = *start == '[' && end > start + 1 && end[-1] == ']';
	char host[INET6_ADDRSTRLEN + 1];
	size_t len = (size_t)(end - start) - (bracketed ? 2u : 0u);

	if (len == 0 || len >= sizeof(host)) {
		return -EINVAL;
	}
	memcpy(host, start + bracketed, len);
	host[len] = '\0';
	return bracketed ? parse_ipv6(host, port, ret) : parse_ipv4(host, port, ret);
}

const char *address_text_path(const char *text)
{
	static const char scheme[] = "unix:";
	const size_t n = sizeof(scheme) - 1;

	return strncmp(text, scheme, n) == 0 ? text + n : NULL;
}

int address_parse(const char *text, struct address *ret)
{
	const char *path = address_text_path(text), *colon;
	struct address a = {0};
	in_port_t port = 0;
	int r;

	if (path) {
		r = parse_unix(path, &a);
	} else {
		colon = strrchr(text, ':');
		r = colon ? parse_port(colon + 1, &port) : -EINVAL;
		if (r == 0) {
			r = parse_inet(text, colon, port, &a);
		}
	}
	if (r == 0) {
		*ret = a;
	}
	return r;
}

const char *address_format(const struct address *a, char *buf, size_t size)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a->sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->sa;
	char host[INET6_ADDRSTRLEN];

	switch (a->sa.ss_family) {
	case AF_INET:
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		(void)snprintf(buf, size, "%s:%u", host, ntohs(in->sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		(void)snprintf(buf, size, "[%s]:%u", host, ntohs(in6->sin6_port));
		break;
	case AF_UNIX:
		(void)snprintf(buf, size, "unix:%s", address_path(a));
		break;
	default:
		(void)snprintf(buf, size, "?");
	}
	return buf;
}

int address_family(const struct address *a)
{
	return a->sa.ss_family;
}

bool address_is_unix(const struct address *a)
{
	return a->sa.ss_family == AF_UNIX;
}

unsigned address_port(const struct address *a)
{
	switch (a->sa.ss_family) {
	case AF_INET:
		return ntohs(((const struct sockaddr_in *)&a->sa)->sin_port);
	case AF_INET6:
		return ntohs(((const struct sockaddr_in6 *)&a->sa)->sin6_port);
	default:
		return 0;
	}
}

const char *address_path(const struct address *a)
{
	return address_is_unix(a) ? ((const struct sockaddr_un *)&a->sa)->sun_path : NULL;
}
