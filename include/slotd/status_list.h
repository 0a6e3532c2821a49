#pragma once

/** Lists of HTTP statuses, as in health_status=: "200", "200-399", "200-299,404". */

#include <stdbool.h>

/** Returns 0; -EINVAL if text is not such a list; -ERANGE for a status outside 100..599. */
int status_list_check(const char *text);

/** Is status in the list? Nothing is in a list that status_list_check does not accept. */
bool status_list_has(const char *text, unsigned status);
