/*
 * Any two addresses in a PROXY protocol header: a receiver that is strict reads from it what went
 * into it. The input: version, the family of each, then both addresses with their ports.
 */
#include <slotd/proxy.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct end {
	int family;
	unsigned char address[16], port[2];
};

static void insist(bool holds)
{
	if (!holds) {
		__builtin_trap();
	}
}

static size_t address_size(int family)
{
	return family == AF_INET ? 4 : 16;
}

static void to_socket(const struct end *e, struct sockaddr_storage *ret)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)e->family;
	if (e->family == AF_INET) {
		memcpy(&in.sin_addr, e->address, 4);
		memcpy(&in.sin_port, e->port, 2);
		memcpy(ret, &in, sizeof(in));
	} else if (e->family == AF_INET6) {
		memcpy(&in6.sin6_addr, e->address, 16);
		memcpy(&in6.sin6_port, e->port, 2);
		memcpy(ret, &in6, sizeof(in6));
	}
}

static bool same_end(const struct end *e, const char *address, unsigned port)
{
	unsigned char bytes[16];

	return inet_pton(e->family, address, bytes) == 1 &&
	       memcmp(bytes, e->address, address_size(e->family)) == 0 &&
	       port == (unsigned)(e->port[0] << 8 | e->port[1]);
}

static void read_text(const char *line, size_t len, const struct end ends[2], bool known)
{
	char kind[5], from[46], to[46], again[PROXY_HEADER_MAX];
	unsigned from_port, to_port;

	insist(len <= 107 && len > 8 && memcmp(line + len - 2, "\r\n", 2) == 0);
	insist(memchr(line, '\r', len) == line + len - 2 && strlen(line) == len);
	if (!known) {
		insist(strcmp(line, "PROXY UNKNOWN\r\n") == 0);
		return;
	}
	insist(sscanf(line, "PROXY %4s %45s %45s %u %u\r\n", kind, from, to, &from_port,
		      &to_port) == 5);
	insist(strcmp(kind, ends[0].family == AF_INET ? "TCP4" : "TCP6") == 0);
	insist(same_end(&ends[0], from, from_port) && same_end(&ends[1], to, to_port));
	(void)snprintf(again, sizeof(again), "PROXY %s %s %s %u %u\r\n", kind, from, to, from_port,
		       to_port);
	insist(strcmp(again, line) == 0); /* one space each, no zeroes in front */
}

static void read_bytes(const unsigned char *h, size_t len, const struct end ends[2], bool known)
{
	size_t n = address_size(ends[0].family);

	insist(len >= 16 && memcmp(h, "\r\n\r\n\0\r\nQUIT\n", 12) == 0);
	insist((size_t)(h[14] << 8 | h[15]) == len - 16);
	if (!known) {
		insist(h[12] == 0x20 && h[13] == 0 && len == 16);
		return;
	}
	insist(h[12] == 0x21 && h[13] == (ends[0].family == AF_INET ? 0x11 : 0x21));
	insist(len == 16 + 2 * n + 4);
	insist(memcmp(h + 16, ends[0].address, n) == 0 &&
	       memcmp(h + 16 + n, ends[1].address, n) == 0);
	insist(memcmp(h + 16 + 2 * n, ends[0].port, 2) == 0 &&
	       memcmp(h + 18 + 2 * n, ends[1].port, 2) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC};
	unsigned char buf[PROXY_HEADER_MAX + 1];
	struct sockaddr_storage addresses[2];
	struct end ends[2];
	bool known;
	size_t len;

	if (size < 3 + 2 * 18) {
		return 0;
	}
	for (int i = 0; i < 2; i++) {
		ends[i].family = families[data[1 + i] % 4];
		memcpy(ends[i].address, data + 3 + 18 * i, 16);
		memcpy(ends[i].port, data + 19 + 18 * i, 2);
		to_socket(&ends[i], &addresses[i]);
	}
	known = ends[0].family == ends[1].family && data[1] % 4 < 2;
	len = proxy_header(data[0] % 2 + 1, (struct sockaddr *)&addresses[0],
			   (struct sockaddr *)&addresses[1], buf);
	insist(len <= PROXY_HEADER_MAX);
	if (data[0] % 2 == 0) {
		insist(buf[len] == '\0');
		read_text((char *)buf, len, ends, known);
	} else {
		read_bytes(buf, len, ends, known);
	}
	return 0;
}
