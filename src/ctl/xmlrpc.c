#include "xmlrpc.h"

#include <errno.h>
#include <expat.h>
#include <slotd/cleanup.h>
#include <slotd/utf8.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEPTH_MAX = 32, /* of values in values */
	VALUES_MAX = 4 * 1000 * 1000,
};

void xmlrpc_fault_done(struct xmlrpc_fault *f)
{
	free(f->text);
	*f = (struct xmlrpc_fault){0};
}

/* ---- writing ------------------------------------------------------------------------------- */

static void add_escaped(struct strbuf *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			(void)strbuf_adds(to, "&amp;");
			break;
		case '<':
			(void)strbuf_adds(to, "&lt;");
			break;
		case '>':
			(void)strbuf_adds(to, "&gt;");
			break;
		case '\r': /* a literal one would be read as a newline */
			(void)strbuf_adds(to, "&#13;");
			break;
		default:
			(void)strbuf_addc(to, *text);
		}
	}
}

/* XML 1.0, 2.2 */
static bool is_sendable(const char *text)
{
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' && !strchr("\t\n\r", *c)) {
			return false;
		}
	}
	return utf8_valid(text, strlen(text), NULL);
}

static int add_text(struct strbuf *to, const char *text)
{
	if (!is_sendable(text)) {
		return -EILSEQ;
	}
	(void)strbuf_adds(to, "<string>");
	add_escaped(to, text);
	return strbuf_adds(to, "</string>");
}

int xmlrpc_encode(struct strbuf *to, const char *method, const char *types, va_list ap)
{
	int r = 0;

	(void)strbuf_adds(to, "<?xml version='1.0'?>\n<methodCall>\n<methodName>");
	add_escaped(to, method);
	(void)strbuf_adds(to, "</methodName>\n<params>\n");
	for (; *types && r == 0; types++) {
		(void)strbuf_adds(to, "<param>\n<value>");
		switch (*types) {
		case 's':
			r = add_text(to, va_arg(ap, const char *));
			break;
		case 'b':
			(void)strbuf_addf(to, "<boolean>%d</boolean>", va_arg(ap, int) ? 1 : 0);
			break;
		default:
			(void)strbuf_addf(to, "<int>%d</int>", va_arg(ap, int));
		}
		(void)strbuf_adds(to, "</value>\n</param>\n");
	}
	(void)strbuf_adds(to, "</params>\n</methodCall>\n");
	return r < 0 ? r : to->error;
}

/* ---- reading ------------------------------------------------------------------------------- */

struct reader {
	XML_Parser parser;
	struct value *open[DEPTH_MAX]; /* the values that have begun, outermost first */
	unsigned depth;
	struct value root;
	struct strbuf text; /* of the innermost element */
	char *member_name;
	size_t n_values;
	bool has_root, is_fault, typed;
	int error;
};

static void fail(struct reader *r, int error)
{
	if (r->error == 0) {
		r->error = error;
		(void)XML_StopParser(r->parser, XML_FALSE);
	}
}

static void begin_value(struct reader *r)
{
	struct value *v;

	if (r->depth == DEPTH_MAX || ++r->n_values > VALUES_MAX) {
		fail(r, -EBADMSG);
		return;
	}
	if (r->depth == 0) {
		if (r->has_root) {
			fail(r, -EBADMSG);
			return;
		}
		r->has_root = true;
		v = &r->root;
	} else {
		struct value *parent = r->open[r->depth - 1];

		if (parent->kind != VALUE_ARRAY && parent->kind != VALUE_STRUCT) {
			fail(r, -EBADMSG);
			return;
		}
		v = value_append(
			parent); /* parent's earlier items may move: none of them is open */
		if (!v) {
			fail(r, -ENOMEM);
			return;
		}
		v->name = TAKE_PTR(r->member_name);
	}
	v->kind = VALUE_TEXT; /* a bare value is a string */
	r->open[r->depth++] = v;
	r->typed = false;
}

static enum value_kind scalar_kind(const char *element)
{
	static const struct {
		const char *element;
		enum value_kind kind;
	} rows[] = {
		{"string", VALUE_TEXT},
		{"int", VALUE_INT},
		{"i4", VALUE_INT},
		{"i8", VALUE_INT},
		{"boolean", VALUE_BOOL},
		{"double", VALUE_DOUBLE},
		{"base64", VALUE_TEXT},
		{"nil", VALUE_NIL},
		{"array", VALUE_ARRAY},
		{"struct", VALUE_STRUCT},
		{"dateTime.iso8601", VALUE_TEXT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].element, element) == 0) {
			return rows[i].kind;
		}
	}
	return VALUE_KIND_INVALID_;
}

static void XMLCALL element_begins(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = data;
	enum value_kind kind;

	(void)attributes;
	if (r->error < 0) {
		return;
	}
	strbuf_reset(&r->text);
	if (strcmp(name, "value") == 0) {
		begin_value(r);
		return;
	}
	if (strcmp(name, "fault") == 0) {
		r->is_fault = true;
		return;
	}
	kind = scalar_kind(name);
	if (kind < 0) {
		return;
	}
	if (r->depth == 0 || r->typed) { /* no value around it, or one that has its type */
		fail(r, -EBADMSG);
		return;
	}
	r->open[r->depth - 1]->kind = kind;
	r->typed = true;
}

/* Of its own size: a long list has thousands. */
static char *copied(struct reader *r)
{
	char *text = strndup(strbuf_str(&r->text), r->text.len);

	if (!text) {
		fail(r, -ENOMEM);
	}
	return text;
}

static void set_scalar(struct reader *r, struct value *v)
{
	const char *text = strbuf_str(&r->text);

	switch (v->kind) {
	case VALUE_INT:
	case VALUE_BOOL:
		v->number = strtoll(text, NULL, 10);
		break;
	case VALUE_DOUBLE:
		v->real = strtod(text, NULL);
		break;
	case VALUE_TEXT:
		v->text_len = r->text.len;
		v->text = copied(r);
		break;
	default:
		break;
	}
}

static void XMLCALL element_ends(void *data, const XML_Char *name)
{
	struct reader *r = data;

	if (r->error < 0) {
		return;
	}
	if (r->text.error < 0) {
		fail(r, r->text.error == -ENOMEM ? -ENOMEM : -EBADMSG);
		return;
	}
	if (strcmp(name, "name") == 0) {
		free(r->member_name);
		r->member_name = copied(r);
	} else if (strcmp(name, "value") == 0 && r->depth > 0) {
		struct value *v = r->open[--r->depth];

		if (!r->typed) {
			set_scalar(r, v);
		}
		r->typed = true;
	} else if (r->depth > 0 && scalar_kind(name) >= 0) {
		set_scalar(r, r->open[r->depth - 1]);
	}
	strbuf_reset(&r->text);
}

static void XMLCALL text_comes(void *data, const XML_Char *text, int len)
{
	struct reader *r = data;

	(void)strbuf_add(&r->text, text, (size_t)len);
}

/* A reply has no business to declare entities: refuse them instead of bounding their growth. */
static void XMLCALL doctype_begins(void *data, const XML_Char *name, const XML_Char *system_id,
				   const XML_Char *public_id, int has_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_subset;
	fail(data, -EBADMSG);
}

static void reader_done(struct reader *r)
{
	XML_ParserFree(r->parser);
	value_done(&r->root);
	strbuf_done(&r->text);
	free(r->member_name);
}

static int take_fault(struct reader *r, struct xmlrpc_fault *ret)
{
	char *text = strdup(value_text(&r->root, "faultString"));

	if (!text) {
		return -ENOMEM;
	}
	*ret = (struct xmlrpc_fault){.code = (int)value_int(&r->root, "faultCode"), .text = text};
	return -EREMOTE;
}

int xmlrpc_decode(const char *data, size_t len, struct diag *diag, struct value *ret,
		  struct xmlrpc_fault *ret_fault)
{
	CLEANUP(reader_done) struct reader r = {.parser = XML_ParserCreate("UTF-8")};

	if (!r.parser) {
		return -ENOMEM;
	}
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, element_begins, element_ends);
	XML_SetCharacterDataHandler(r.parser, text_comes);
	XML_SetStartDoctypeDeclHandler(r.parser, doctype_begins);
	if (len > INT32_MAX) {
		return diag_set(diag, -EBADMSG, "the reply is too long");
	}
	if (XML_Parse(r.parser, data, (int)len, XML_TRUE) == XML_STATUS_ERROR && r.error == 0) {
		return diag_set(diag, -EBADMSG, "%s: line %lu, column %lu",
				XML_ErrorString(XML_GetErrorCode(r.parser)),
				XML_GetCurrentLineNumber(r.parser),
				XML_GetCurrentColumnNumber(r.parser));
	}
	if (r.error < 0 || !r.has_root) {
		return diag_set(diag, r.error < 0 ? r.error : -EBADMSG, "not an XML-RPC reply");
	}
	if (r.is_fault) {
		return take_fault(&r, ret_fault);
	}
	*ret = r.root;
	r.root = (struct value){0};
	return 0;
}
