#pragma once

/**
 * What an offline service answers: the file of offline_page, read by a child, because disks may
 * hang, as the user of the workers, into a memfd that the relays get.
 */

#include "service/service.h"

/**
 * Reads the page again and tells the handoff. Without offline_page, or if it cannot be read, which
 * is logged, the page that is built in is used.
 *
 * @then  called once the handoff was told, maybe now; NULL: nobody waits for that. A later caller
 *        replaces an earlier one.
 */
void offline_page_read(struct service *s, offline_page_fn *then);
/** Returns the Content-Type for a file, by the end of its name. */
const char *offline_page_type(const char *path);

/* A part of a service. */
int offline_page_init(struct service *s);
void offline_page_open(struct service *s);
void offline_page_done(struct service *s);
