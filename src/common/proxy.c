#include <slotd/proxy.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const unsigned char v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

enum {
	V2_LOCAL = 0x20, /* version 2, command LOCAL: the addresses of the connection itself */
	V2_PROXY = 0x21, /* version 2, command PROXY */
	V2_TCP4 = 0x11,
	V2_TCP6 = 0x21,
};

static const struct sockaddr_in *in4(const struct sockaddr *sa)
{
	return (const struct sockaddr_in *)(const void *)sa;
}

static const struct sockaddr_in6 *in6(const struct sockaddr *sa)
{
	return (const struct sockaddr_in6 *)(const void *)sa;
}

static size_t text_header(const struct sockaddr *client, const struct sockaddr *local, char *buf)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	const bool six = client->sa_family == AF_INET6;
	unsigned from_port, to_port;

	if (client->sa_family != local->sa_family || (!six && client->sa_family != AF_INET)) {
		return (size_t)snprintf(buf, PROXY_HEADER_MAX, "PROXY UNKNOWN\r\n");
	}
	if (six) {
		(void)inet_ntop(AF_INET6, &in6(client)->sin6_addr, from, sizeof(from));
		(void)inet_ntop(AF_INET6, &in6(local)->sin6_addr, to, sizeof(to));
		from_port = ntohs(in6(client)->sin6_port);
		to_port = ntohs(in6(local)->sin6_port);
	} else {
		(void)inet_ntop(AF_INET, &in4(client)->sin_addr, from, sizeof(from));
		(void)inet_ntop(AF_INET, &in4(local)->sin_addr, to, sizeof(to));
		from_port = ntohs(in4(client)->sin_port);
		to_port = ntohs(in4(local)->sin_port);
	}
	return (size_t)snprintf(buf, PROXY_HEADER_MAX, "PROXY TCP%d %s %s %u %u\r\n", six ? 6 : 4,
				from, to, from_port, to_port);
}

static size_t append(unsigned char *buf, size_t len, const void *data, size_t n)
{
	memcpy(buf + len, data, n);
	return len + n;
}

static size_t binary_addresses(const struct sockaddr *client, const struct sockaddr *local,
			       unsigned char *buf, unsigned char *ret_family)
{
	size_t len = 0;

	if (client->sa_family == AF_INET && local->sa_family == AF_INET) {
		*ret_family = V2_TCP4;
		len = append(buf, len, &in4(client)->sin_addr, 4);
		len = append(buf, len, &in4(local)->sin_addr, 4);
		len = append(buf, len, &in4(client)->sin_port, 2);
		return append(buf, len, &in4(local)->sin_port, 2);
	}
	if (client->sa_family == AF_INET6 && local->sa_family == AF_INET6) {
		*ret_family = V2_TCP6;
		len = append(buf, len, &in6(client)->sin6_addr, 16);
		len = append(buf, len, &in6(local)->sin6_addr, 16);
		len = append(buf, len, &in6(client)->sin6_port, 2);
		return append(buf, len, &in6(local)->sin6_port, 2);
	}
	*ret_family = 0; /* none is told: receivers refuse AF_UNIX without paths */
	return 0;
}

static size_t binary_header(const struct sockaddr *client, const struct sockaddr *local,
			    unsigned char *buf)
{
	unsigned char *head = buf + sizeof(v2_signature);
	size_t len = binary_addresses(client, local, head + 4, &head[1]);
	uint16_t wire_len = htons((uint16_t)len);

	memcpy(buf, v2_signature, sizeof(v2_signature));
	head[0] = len ? V2_PROXY : V2_LOCAL;
	memcpy(head + 2, &wire_len, sizeof(wire_len));
	return sizeof(v2_signature) + 4 + len;
}

size_t proxy_header(unsigned version, const struct sockaddr *client, const struct sockaddr *local,
		    unsigned char buf[PROXY_HEADER_MAX])
{
	return version == 2 ? binary_header(client, local, buf)
			    : text_header(client, local, (char *)buf);
}

size_t proxy_header_of_check(unsigned version, unsigned char buf[PROXY_HEADER_MAX])
{
	static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	return proxy_header(version, &nobody, &nobody, buf);
}
