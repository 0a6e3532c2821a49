#pragma once

/** What a killed predecessor had taken but not finished. Model: <slotd/lognote.h>. */

struct logger;

/** Finishes it; to be called once, before any stream is known. */
void recover(struct logger *lg);
