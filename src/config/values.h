#pragma once

/** The types of values, as Supervisor reads them. Each returns 0, or -EINVAL with diag. */

#include <slotd/diag.h>
#include <slotd/usec.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

int value_bool(const char *text, bool *ret, struct diag *diag);
int value_integer(const char *text, long *ret, struct diag *diag);
int value_size(const char *text, uint64_t *ret, struct diag *diag); /* negative: 0, no limit */
/** As value_size, for options that Supervisor does not have: 1G is 1GB. */
int value_space(const char *text, uint64_t *ret, struct diag *diag);
int value_octal(const char *text, mode_t *ret, struct diag *diag);
int value_seconds(const char *text, usec_t *ret, struct diag *diag);
int value_signal(const char *text, int *ret, struct diag *diag);
int value_exitcodes(const char *text, uint32_t ret[8], struct diag *diag);
/** Reads critical, error, warn, info, debug, trace or blather as a number of syslog. */
int value_loglevel(const char *text, int *ret, struct diag *diag);
/** Checks a name of a program, group or process. */
int value_check_name(const char *text, struct diag *diag);
/** Is text, without blanks around it, this word in any case? */
bool value_is_word(const char *text, const char *word);
