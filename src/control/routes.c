#include "follow.h"
#include "http.h"
#include "metrics.h"
#include "rpc.h"
#include "web.h"

#include <slotd/cleanup.h>

#include <string.h>

/* clang-format off */
static const struct route routes[] = {
	{ .path = "/RPC2", .prefix = true, .methods = HTTP_POST,
	  .begin = rpc_begin, .body = rpc_body, .run = rpc_run, .gone = rpc_gone },
	{ .path = "/logtail/", .prefix = true, .methods = HTTP_GET,
	  .run = follow_run, .gone = follow_gone },
	{ .path = "/mainlogtail", .prefix = true, .methods = HTTP_GET,
	  .run = follow_run_main, .gone = follow_gone },
	{ .path = "/", .methods = HTTP_GET | HTTP_HEAD | HTTP_POST, .role = ROLE_READ,
	  .run = web_run, .gone = web_gone },
	{ .path = "/index.html", .methods = HTTP_GET | HTTP_HEAD | HTTP_POST, .role = ROLE_READ,
	  .run = web_run, .gone = web_gone },
	{ .path = "/tail.html", .methods = HTTP_GET | HTTP_HEAD,
	  .run = web_run_tail, .gone = web_gone },
	{ .path = "/ok.html", .methods = HTTP_GET | HTTP_HEAD,
	  .run = web_run_ok },
	{ .path = "/metrics", .methods = HTTP_GET | HTTP_HEAD, .role = ROLE_METRICS, .ours = true,
	  .run = metrics_run, .gone = metrics_gone },
};
/* clang-format on */

const struct route *route_find(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		const struct route *r = &routes[i];

		if (r->prefix ? strncmp(path, r->path, strlen(r->path)) == 0
			      : strcmp(path, r->path) == 0) {
			return r;
		}
	}
	return NULL;
}
