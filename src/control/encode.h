#pragma once

/**
 * XML-RPC answers, in Supervisor's exact bytes. What XML 1.0 cannot carry (control characters,
 * bytes that are no UTF-8) is replaced by U+FFFD, so an answer can always be read.
 *
 *	encode_struct(out);
 *	encode_name(out, "pid");
 *	encode_int(out, 7);
 *	encode_member_end(out);
 *	encode_struct_end(out);
 *
 * Failures stick in the strbuf.
 */

#include <slotd/strbuf.h>

#include <stdbool.h>
#include <stdint.h>

/** Outside of what <int> can carry: the nearest that it can. */
void encode_int(struct strbuf *out, int64_t value);
void encode_bool(struct strbuf *out, bool value);
/** NULL is "". */
void encode_text(struct strbuf *out, const char *text);
void encode_bytes(struct strbuf *out, const void *data, size_t len);
void encode_array(struct strbuf *out);
void encode_array_end(struct strbuf *out);
void encode_struct(struct strbuf *out);
/** The name of the member whose value is written next. */
void encode_name(struct strbuf *out, const char *name);
void encode_member_end(struct strbuf *out);
void encode_struct_end(struct strbuf *out);

/** A name and its value. */
void encode_member_int(struct strbuf *out, const char *name, int64_t value);
void encode_member_bool(struct strbuf *out, const char *name, bool value);
void encode_member_text(struct strbuf *out, const char *name, const char *text);

/** {faultCode, faultString} as a value. */
void encode_fault(struct strbuf *out, int code, const char *text);

/** The whole answer around a value that was already written. */
void encode_reply(struct strbuf *out, const struct strbuf *value);
void encode_fault_reply(struct strbuf *out, int code, const char *text);

/** Text as XML: for what is not a value. */
void encode_escaped(struct strbuf *out, const void *data, size_t len);
