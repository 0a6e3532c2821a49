#include <slotd/network.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static int bad_network(const char *text, struct diag *diag)
{
	return diag_set(diag, -EINVAL,
			"'%.100s' is not a network; write one such as 10.0.0.0/8, 2001:db8::/32, "
			"or an address",
			text);
}

static int parse_bits(const char *text, unsigned most, unsigned *ret)
{
	unsigned n = 0;

	if (!*text) {
		return -EINVAL;
	}
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text)) {
			return -EINVAL;
		}
		n = n * 10 + (unsigned)(*text - '0');
		if (n > most) {
			return -EINVAL;
		}
	}
	*ret = n;
	return 0;
}

int network_parse(const char *text, struct network *ret, struct diag *diag)
{
	struct network n = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	const unsigned most = n.family == AF_INET6 ? 128 : 32;
	const char *slash = strchr(text, '/');
	const size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN];

	n.bits = most;
	if (len >= sizeof(address)) {
		return bad_network(text, diag);
	}
	memcpy(address, text, len);
	address[len] = '\0';
	if (inet_pton(n.family, address, n.address) != 1 ||
	    (slash && parse_bits(slash + 1, most, &n.bits) < 0)) {
		return bad_network(text, diag);
	}
	*ret = n;
	return 0;
}

/* NULL: it has no IP address of that family. */
static const unsigned char *bytes_of(const struct sockaddr *address, int family)
{
	const struct in6_addr *in6;

	if (address->sa_family == AF_INET && family == AF_INET) {
		return (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
	}
	if (address->sa_family != AF_INET6) {
		return NULL;
	}
	in6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	if (family == AF_INET) {
		return IN6_IS_ADDR_V4MAPPED(in6) ? &in6->s6_addr[12] : NULL;
	}
	return in6->s6_addr;
}

bool network_has(const struct network *n, const struct sockaddr *address)
{
	const unsigned char *bytes = bytes_of(address, n->family);
	const unsigned whole = n->bits / 8, rest = n->bits % 8;

	if (!bytes || memcmp(bytes, n->address, whole) != 0) {
		return false;
	}
	return rest == 0 || ((bytes[whole] ^ n->address[whole]) >> (8 - rest)) == 0;
}
