#include "rest.h"

usec_t rest_next(usec_t rest, unsigned filled)
{
	if (filled > 3 * REST_FULL / 8) {
		return rest / 2 < REST_MIN ? 0 : rest / 2;
	}
	if (filled > 3 * REST_FULL / 16) {
		return rest;
	}
	return rest < REST_MIN ? REST_MIN : rest * 2 > REST_MAX ? REST_MAX : rest * 2;
}
