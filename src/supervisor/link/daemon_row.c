#include "link/daemon_row.h"

#include "supervisor.h"

#include <unistd.h>

void supervisor_commit(struct supervisor *sup)
{
	ledger_put_daemon(sup->ledger, &(struct ledger_daemon){
					       .pid = getpid(),
					       .mood = sup->mood,
					       .started = sup->started_wall,
					       .next_stream = sup->next_stream,
				       });
}
