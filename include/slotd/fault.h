#pragma once

/**
 * Faults of the API: slotd decides them, slotd-control answers with them and slotctl shows them.
 * Source: Supervisor's documentation, "XML-RPC API"; those from 100 on are slotd's own.
 */

enum fault {
	FAULT_NONE = 0,
	FAULT_UNKNOWN_METHOD = 1,
	FAULT_INCORRECT_PARAMETERS = 2,
	FAULT_BAD_ARGUMENTS = 3,
	FAULT_SIGNATURE_UNSUPPORTED = 4,
	FAULT_SHUTDOWN_STATE = 6,
	FAULT_BAD_NAME = 10,
	FAULT_BAD_SIGNAL = 11,
	FAULT_NO_FILE = 20,
	FAULT_NOT_EXECUTABLE = 21,
	FAULT_FAILED = 30,
	FAULT_ABNORMAL_TERMINATION = 40,
	FAULT_SPAWN_ERROR = 50,
	FAULT_ALREADY_STARTED = 60,
	FAULT_NOT_RUNNING = 70,
	FAULT_SUCCESS = 80, /* only in lists of results; not a fault */
	FAULT_ALREADY_ADDED = 90,
	FAULT_STILL_RUNNING = 91,
	FAULT_CANT_REREAD = 92,
	FAULT_BUSY = 100,
	FAULT_FORBIDDEN = 101,
	FAULT_REFUSED = 102,
	FAULT_UP_TO_DATE = 103, /* an upgrade to the same file */
	FAULT_FROZEN = 104,	/* deploys of the service are refused */
	FAULT_LOST = 105,	/* slotd was gone before it answered: it may be done or not */
};

/** Returns "BAD_NAME" and so on; "FAILED" for a number that is no fault. */
const char *fault_name(int code);
