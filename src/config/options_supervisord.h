#pragma once

/** Options of [supervisord], [slotd], the servers, and what other programs read. */

#include "options.h"

extern const struct option_def supervisord_options[]; /* and [slotd] */
extern const struct option_def group_options[];
extern const struct option_def unix_server_options[];
extern const struct option_def inet_server_options[];
extern const struct option_def ctl_options[];
extern const struct option_def include_options[];
extern const struct option_def rpcinterface_options[];
extern const struct option_def ctlplugin_options[];
