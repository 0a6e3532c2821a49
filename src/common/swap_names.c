#include <slotd/swap_names.h>

/* CHECK_RECORD and FLIP are one step to people: the swap. */
static const struct {
	const char *state, *step;
} steps[SWAP_STEP_MAX_] = {
	[SWAP_NONE] = {"none", ""},
	[SWAP_PREPARE] = {"prepare", "prepare"},
	[SWAP_START] = {"start", "start"},
	[SWAP_GATE] = {"gate", "gate"},
	[SWAP_CHECK_RECORD] = {"check", "swap"},
	[SWAP_FLIP] = {"swap", "swap"},
	[SWAP_BAKE] = {"bake", "bake"},
	[SWAP_WAIT] = {"wait", "wait"},
	[SWAP_PRECHECK] = {"precheck", "record"},
	[SWAP_RECORD] = {"record", "record"},
	[SWAP_DRAIN] = {"drain", "drain"},
	[SWAP_VERIFY] = {"verify", "verify"},
	[SWAP_AFTER_SWAP] = {"after_swap", "after_swap"},
	[SWAP_ON_FAILURE] = {"on_failure", "on_failure"},
	[SWAP_RELEASE] = {"release", "release"},
	[SWAP_ROLL] = {"roll", "roll"},
	[SWAP_SETTLE] = {"settle", "settle"},
	[SWAP_CANARY] = {"canary", "canary"},
	[SWAP_SHARE] = {"share", "share"},
};

static const char *const kinds[SWAP_KIND_MAX_] = {
	[SWAP_KIND_SWAP] = "swap",	   [SWAP_KIND_DEPLOY] = "deploy",
	[SWAP_KIND_ROLLBACK] = "rollback", [SWAP_KIND_RESTART] = "restart",
	[SWAP_KIND_CANARY] = "canary",	   [SWAP_KIND_AB] = "ab",
	[SWAP_KIND_PROMOTE] = "promote",
};

static const char *const hooks[HOOK_MAX_] = {
	[HOOK_PREPARE] = "prepare",	    [HOOK_VERIFY] = "verify",
	[HOOK_AFTER_SWAP] = "after_swap",   [HOOK_ON_FAILURE] = "on_failure",
	[HOOK_RELEASE] = "release_command",
};

const char *swap_step_name(enum swap_step step)
{
	return step >= 0 && step < SWAP_STEP_MAX_ ? steps[step].step : "?";
}

const char *swap_state_name(enum swap_step step)
{
	return step >= 0 && step < SWAP_STEP_MAX_ ? steps[step].state : "?";
}

const char *hook_name(enum hook hook)
{
	return hook >= 0 && hook < HOOK_MAX_ ? hooks[hook] : "?";
}

const char *swap_kind_name(enum swap_kind kind)
{
	return kind >= 0 && kind < SWAP_KIND_MAX_ ? kinds[kind] : "?";
}
