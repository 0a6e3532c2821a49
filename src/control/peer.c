#include "peer.h"

void peer_put(const struct peer *p, struct message *m)
{
	message_put_u64(m, TAG_INDEX, p->server);
	if (p->has_credentials) {
		message_put_u64(m, TAG_UID, p->credentials.uid);
		message_put_u64(m, TAG_GID, p->credentials.gid);
		message_put_i64(m, TAG_PID, p->credentials.pid);
	}
	message_put_text(m, TAG_WHO, p->who);
}
