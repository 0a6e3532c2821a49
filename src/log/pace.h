#pragma once

/** How much a worker's pipe holds. */

struct stream;

/** Enlarges its pipe, once; refused where a user's pipes are limited: then it stays narrow. */
void pace_widen(struct stream *s);
