/* echo_supervisord_conf: prints a file to start from, as Supervisor's program of that name does. */
#include <slotd/config.h>

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	config_sample(stdout);
	if (fflush(stdout) != 0) {
		perror("echo_supervisord_conf");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
