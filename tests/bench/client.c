/*
 * client bulk PORT STREAMS BYTES   reads BYTES on each of STREAMS connections at once
 * client hold PORT CONNECTIONS     one request on each, then keeps them open until stdin ends
 *
 * Prints one line: seconds and bytes (bulk), or "holding N" once all are open (hold).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	STREAMS_MAX = 64,
	HOLD_MAX = 30000,
	BUFFER = 256 * 1024,
};

static double now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Source addresses 127.0.1.x spread over more ephemeral ports than one address has. */
static int dial(int port, int n)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in from = {.sin_family = AF_INET};
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.sin_addr.s_addr = htonl(0x7f000100u + 1 + (unsigned)(n / 10000));
	/* A port that is bound first is kept from whom we measure, for a minute longer than we
	 * live. */
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("client");
		exit(1);
	}
	return fd;
}

static void ask(int fd, unsigned long long bytes)
{
	char request[128];
	int n = snprintf(request, sizeof(request), "GET /%llu HTTP/1.1\r\nHost: x\r\n\r\n", bytes);

	if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n) {
		perror("client");
		exit(1);
	}
}

static void bulk(int port, int streams, unsigned long long bytes)
{
	static char buffer[BUFFER];
	struct pollfd fds[STREAMS_MAX];
	unsigned long long total = 0, wanted = bytes * (unsigned long long)streams;
	double began;

	for (int i = 0; i < streams; i++) {
		fds[i] = (struct pollfd){.fd = dial(port, 0), .events = POLLIN};
		ask(fds[i].fd, bytes);
	}
	began = now();
	while (total < wanted) {
		if (poll(fds, (nfds_t)streams, 10000) <= 0) {
			fprintf(stderr, "client: stalled after %llu bytes\n", total);
			exit(1);
		}
		for (int i = 0; i < streams; i++) {
			ssize_t n;

			if (!fds[i].revents) {
				continue;
			}
			n = recv(fds[i].fd, buffer, sizeof(buffer), MSG_DONTWAIT);
			if (n <= 0 && errno != EAGAIN) {
				fprintf(stderr, "client: a stream ended early\n");
				exit(1);
			}
			total += n > 0 ? (unsigned long long)n : 0;
		}
	}
	printf("%.6f %llu\n", now() - began, total);
}

static void hold(int port, int connections)
{
	static int fds[HOLD_MAX];
	char answer[512];

	for (int i = 0; i < connections; i++) {
		fds[i] = dial(port, i);
		ask(fds[i], 100);
		if (recv(fds[i], answer, sizeof(answer), 0) <= 0) {
			fprintf(stderr, "client: connection %d was not answered\n", i);
			exit(1);
		}
	}
	printf("holding %d\n", connections);
	(void)fflush(stdout);
	while (read(STDIN_FILENO, answer, sizeof(answer)) > 0) {
	}
}

int main(int argc, char **argv)
{
	struct rlimit files;

	(void)getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	if (argc == 5 && strcmp(argv[1], "bulk") == 0 && atoi(argv[3]) <= STREAMS_MAX) {
		bulk(atoi(argv[2]), atoi(argv[3]), strtoull(argv[4], NULL, 10));
	} else if (argc == 4 && strcmp(argv[1], "hold") == 0 && atoi(argv[3]) <= HOLD_MAX) {
		hold(atoi(argv[2]), atoi(argv[3]));
	} else {
		fprintf(stderr, "usage: client bulk PORT STREAMS BYTES | hold PORT CONNECTIONS\n");
		return 2;
	}
	return 0;
}
