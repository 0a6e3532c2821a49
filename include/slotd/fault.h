#pragma once

/**
 * Faults of the API, as slotd decides them, slotd-control answers them and slotctl shows them.
 * Source: Supervisor's documentation, "XML-RPC API"; 100 and up are ours.
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
	FAULT_SUCCESS = 80, /* in results, not a fault */
	FAULT_ALREADY_ADDED = 90,
	FAULT_STILL_RUNNING = 91,
	FAULT_CANT_REREAD = 92,
	FAULT_BUSY = 100,
	FAULT_FORBIDDEN = 101,
	FAULT_REFUSED = 102,
};

/** "BAD_NAME"; "FAILED" for a number that is none. */
const char *fault_name(int code);
