#include "link/daemon_row.h"
#include "link/inheritance.h"
#include "supervisor.h"

#include <unistd.h>

/* Until all is taken over, how the former one ended is of use to the next one, too. */
static uint32_t mood_of(const struct supervisor *sup)
{
	return inheritance_there(sup) ? inherited_daemon(sup).mood : sup->mood;
}

void supervisor_commit(struct supervisor *sup)
{
	ledger_put_daemon(sup->ledger, &(struct ledger_daemon){
					       .pid = getpid(),
					       .mood = mood_of(sup),
					       .started = sup->started_wall,
					       .next_stream = sup->next_stream,
				       });
}
