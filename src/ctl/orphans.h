#pragma once

/**
 * How many workers outlived their slotd, as far as this user may see: leaders of process groups
 * with the environment of a worker, whose parent is neither slotd nor supervisord.
 */
unsigned orphans_count(void);
