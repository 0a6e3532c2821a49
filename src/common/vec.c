#include <slotd/vec.h>

#include <errno.h>

int vec_grow(void **at, size_t len, size_t *room, size_t size)
{
	size_t more;
	void *p;

	if (len < *room) {
		return 0;
	}
	more = *room ? *room * 2 : 8;
	p = reallocarray(*at, more, size);
	if (!p) {
		return -ENOMEM;
	}
	*at = p;
	*room = more;
	return 0;
}
