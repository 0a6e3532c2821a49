#pragma once

/**
 * Ownership: cleanup attributes, and two macros that make a hand-over visible.
 *
 * Heap objects have x_new/x_free, embedded ones x_init/x_done. x_free and x_done accept NULL,
 * zeroed and half-built objects. An absent descriptor is -EBADF. Comments use three verbs: a
 * function *takes* what is no longer the caller's, even on failure; it *borrows* what it uses
 * during the call only; it *keeps* what must outlive the object.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define auto_free   CLEANUP(cleanup_freep)
#define auto_close  CLEANUP(cleanup_closep)
#define auto_fclose CLEANUP(cleanup_fclosep)

/** Hands a descriptor over: yields it and leaves -EBADF behind. */
#define TAKE_FD(fd)                                \
	({                                         \
		int *from_ = &(fd), was_ = *from_; \
		*from_ = -EBADF;                   \
		was_;                              \
	})

/** Hands a heap object over: yields it and leaves NULL behind. */
#define TAKE_PTR(p)                                         \
	({                                                  \
		__typeof__(p) *from_ = &(p), was_ = *from_; \
		*from_ = NULL;                              \
		was_;                                       \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/** Yields the object of TYPE whose member MEMBER is at PTR. */
#define container_of(ptr, type, member) \
	((type *)((char *)(1 ? (ptr) : &((type *)0)->member) - offsetof(type, member)))

/** For auto_free. p is the address of the pointer. */
static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

/** Closes *fd if it is open and leaves -EBADF. Keeps errno. */
static inline void cleanup_closep(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		(void)close(*fd); /* Linux frees the number whatever it returns: close(2) */
		errno = saved;
		*fd = -EBADF;
	}
}

/** For auto_fclose: an error of the last flush is lost; call fclose where it matters. */
static inline void cleanup_fclosep(FILE **f)
{
	if (*f) {
		(void)fclose(*f);
		*f = NULL;
	}
}
