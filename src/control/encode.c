#include "encode.h"

#include <slotd/utf8.h>

#include <string.h>

static void open_value(struct strbuf *out)
{
	(void)strbuf_adds(out, "<value>");
}

static void close_value(struct strbuf *out)
{
	(void)strbuf_adds(out, "</value>\n");
}

void encode_int(struct strbuf *out, int64_t value)
{
	value = value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : value;
	open_value(out);
	(void)strbuf_addf(out, "<int>%d</int>", (int)value);
	close_value(out);
}

void encode_bool(struct strbuf *out, bool value)
{
	open_value(out);
	(void)strbuf_adds(out, value ? "<boolean>1</boolean>" : "<boolean>0</boolean>");
	close_value(out);
}

/* U+FFFE and U+FFFF are no characters to XML. */
static bool forbidden(const unsigned char *p, int n)
{
	return n == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe;
}

static const char *escape(const unsigned char *p, int n)
{
	switch (*p) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\r':
		return "&#13;"; /* a bare one is a line end to every XML reader */
	case '\t':
	case '\n':
		return NULL;
	default:
		return *p < 0x20 || forbidden(p, n) ? UTF8_REPLACEMENT : NULL;
	}
}

void encode_escaped(struct strbuf *out, const void *data, size_t len)
{
	utf8_add_escaped(out, data, len, escape);
}

void encode_bytes(struct strbuf *out, const void *data, size_t len)
{
	open_value(out);
	(void)strbuf_adds(out, "<string>");
	encode_escaped(out, data, len);
	(void)strbuf_adds(out, "</string>");
	close_value(out);
}

void encode_text(struct strbuf *out, const char *text)
{
	text = text ? text : "";
	encode_bytes(out, text, strlen(text));
}

void encode_array(struct strbuf *out)
{
	(void)strbuf_adds(out, "<value><array><data>\n");
}

void encode_array_end(struct strbuf *out)
{
	(void)strbuf_adds(out, "</data></array></value>\n");
}

void encode_struct(struct strbuf *out)
{
	(void)strbuf_adds(out, "<value><struct>\n");
}

void encode_struct_end(struct strbuf *out)
{
	(void)strbuf_adds(out, "</struct></value>\n");
}

void encode_name(struct strbuf *out, const char *name)
{
	(void)strbuf_adds(out, "<member>\n<name>");
	encode_escaped(out, name, strlen(name));
	(void)strbuf_adds(out, "</name>\n");
}

void encode_member_end(struct strbuf *out)
{
	(void)strbuf_adds(out, "</member>\n");
}

void encode_member_int(struct strbuf *out, const char *name, int64_t value)
{
	encode_name(out, name);
	encode_int(out, value);
	encode_member_end(out);
}

void encode_member_bool(struct strbuf *out, const char *name, bool value)
{
	encode_name(out, name);
	encode_bool(out, value);
	encode_member_end(out);
}

void encode_member_text(struct strbuf *out, const char *name, const char *text)
{
	encode_name(out, name);
	encode_text(out, text);
	encode_member_end(out);
}

void encode_fault(struct strbuf *out, int code, const char *text)
{
	encode_struct(out);
	encode_member_int(out, "faultCode", code);
	encode_member_text(out, "faultString", text);
	encode_struct_end(out);
}

void encode_reply(struct strbuf *out, const struct strbuf *value)
{
	(void)strbuf_adds(out, "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n");
	(void)strbuf_add(out, strbuf_str(value), value->len);
	(void)strbuf_adds(out, "</param>\n</params>\n</methodResponse>\n");
}

void encode_fault_reply(struct strbuf *out, int code, const char *text)
{
	(void)strbuf_adds(out, "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n");
	encode_fault(out, code, text);
	(void)strbuf_adds(out, "</fault>\n</methodResponse>\n");
}
