#include "suite.h"
#include <slotd/proxy.h>

#include <arpa/inet.h>
#include <netinet/in.h>

static struct sockaddr_in in4(const char *text, unsigned port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	ck_assert_int_eq(inet_pton(AF_INET, text, &a.sin_addr), 1);
	return a;
}

static struct sockaddr_in6 in6(const char *text, unsigned port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

	ck_assert_int_eq(inet_pton(AF_INET6, text, &a.sin6_addr), 1);
	return a;
}

static unsigned char buf[PROXY_HEADER_MAX];

static size_t header(unsigned version, const void *client, const void *local)
{
	return proxy_header(version, client, local, buf);
}

START_TEST(version_1_tells_both_ends_in_words)
{
	struct sockaddr_in a = in4("192.0.2.7", 40000), b = in4("127.0.0.1", 8000);
	struct sockaddr_in6 c = in6("2001:db8::7", 40001), d = in6("::1", 8000);

	buf[header(1, &a, &b)] = '\0';
	ck_assert_str_eq((char *)buf, "PROXY TCP4 192.0.2.7 127.0.0.1 40000 8000\r\n");
	buf[header(1, &c, &d)] = '\0';
	ck_assert_str_eq((char *)buf, "PROXY TCP6 2001:db8::7 ::1 40001 8000\r\n");
}
END_TEST

START_TEST(version_1_does_not_know_unix_clients)
{
	const struct sockaddr a = {.sa_family = AF_UNIX};

	buf[header(1, &a, &a)] = '\0';
	ck_assert_str_eq((char *)buf, "PROXY UNKNOWN\r\n");
}
END_TEST

START_TEST(the_longest_version_1_header_fits)
{
	struct sockaddr_in6 a = in6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535);

	ck_assert_uint_eq(header(1, &a, &a), 104);
}
END_TEST

START_TEST(version_2_tells_both_ends_in_bytes)
{
	static const unsigned char wanted[] =
		"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\7\x7f\0\0\1"
		"\x9c\x40\x1f\x40";
	struct sockaddr_in a = in4("192.0.2.7", 40000), b = in4("127.0.0.1", 8000);

	ck_assert_uint_eq(header(2, &a, &b), sizeof(wanted) - 1);
	ck_assert_mem_eq(buf, wanted, sizeof(wanted) - 1);
}
END_TEST

START_TEST(version_2_tells_ipv6_and_of_others_that_it_does_not_tell)
{
	struct sockaddr_in6 a = in6("2001:db8::7", 40001);
	const struct sockaddr u = {.sa_family = AF_UNIX};

	ck_assert_uint_eq(header(2, &a, &a), 16 + 36);
	ck_assert_uint_eq(buf[13], 0x21);
	ck_assert_uint_eq(header(2, &u, &u), 16);
	ck_assert_uint_eq(buf[12], 0x20); /* LOCAL */
	ck_assert_uint_eq(buf[13], 0);
	ck_assert_uint_eq(buf[15], 0);
	ck_assert_uint_eq(header(2, &a, &u), 16);
}
END_TEST

START_TEST(a_check_tells_nobodys_address)
{
	buf[proxy_header_of_check(1, buf)] = '\0';
	ck_assert_str_eq((char *)buf, "PROXY UNKNOWN\r\n");
	ck_assert_uint_eq(proxy_header_of_check(2, buf), 16);
	ck_assert_uint_eq(buf[12], 0x20);
}
END_TEST

SUITE("proxy", version_1_tells_both_ends_in_words, version_1_does_not_know_unix_clients,
      the_longest_version_1_header_fits, version_2_tells_both_ends_in_bytes,
      version_2_tells_ipv6_and_of_others_that_it_does_not_tell, a_check_tells_nobodys_address);
