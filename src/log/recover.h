#pragma once

/** Finishes what a killed slotd-log had taken from pipes. The model is in <slotd/lognote.h>. */

struct logger;

/** Writes what is in the staging window to its file. To be called once, before any stream is known;
 * what could not be written is kept in lg->streams.orphan. */
void recover(struct logger *lg);
