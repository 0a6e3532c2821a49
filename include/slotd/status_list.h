#pragma once

/** A list of HTTP statuses as health_status= has it: "200", "200-399", "200-299,404". */

#include <stdbool.h>

/** 0; -EINVAL when text is no such list; -ERANGE for a status outside 100..599. */
int status_list_check(const char *text);

/** Is status in a list that status_list_check accepted? An unreadable list has none. */
bool status_list_has(const char *text, unsigned status);
