#pragma once

/** Commands about services, and who asks for a command. */

#include "call.h"

/** Writes who asks, as people know that one: a user's name, or "uid 1001". Returns buf. */
const char *call_who(const struct call *c, char *buf, size_t size);

/* Each answers, at once or later. */
void command_swap(const struct call *c);
void command_deploy(const struct call *c);
void command_dry_run(const struct call *c);
void command_rollback(const struct call *c);
void command_restart(const struct call *c);
void command_abort(const struct call *c);
void command_canary(const struct call *c);
void command_promote(const struct call *c);
void command_ab(const struct call *c);
void command_drain_now(const struct call *c);
void command_pause(const struct call *c);
void command_resume(const struct call *c);
void command_offline(const struct call *c);
void command_online(const struct call *c);
void command_freeze(const struct call *c);
void command_unfreeze(const struct call *c);
void command_notify_test(const struct call *c);
void command_whoami(const struct call *c);

/** As sup->decide. */
void service_commands_decide(struct supervisor *sup, uint32_t id, int r, const char *text);
