/* Anything a worker may say to a request: where the answer ends must not depend on how it is cut.
 */
#include "relay/answer.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char request[] = "GET / HTTP/1.1\r\n\r\n";

static bool hear(const uint8_t *data, size_t size, size_t step, size_t head)
{
	struct answer a = {0};
	bool last = false;

	answer_asked(&a, request, strlen(request), true);
	for (size_t at = 0; at < size;) {
		/* The head is known only where it comes in one piece. */
		size_t n = at == 0 && head > step ? head : step;

		n = n < size - at ? n : size - at;
		last = answer_heard(&a, data + at, n);
		at += n;
	}
	return last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
	size_t head = end ? (size_t)(end - data) + 4 : size;
	struct answer a = {0};

	if (hear(data, size, 1, head) && !hear(data, size, size, head)) {
		__builtin_trap();
	}
	answer_asked(&a, data, size, true);
	answer_asked(&a, data, size, false);
	return 0;
}
