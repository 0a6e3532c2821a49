#include "decode.h"

#include <slotd/cleanup.h>
#include <slotd/strbuf.h>

#include <expat.h>
#include <limits.h>
#include <nettle/base64.h>
#include <stdbool.h>
#include <string.h>

enum element {
	EL_DOCUMENT,
	EL_METHOD_CALL,
	EL_METHOD_NAME,
	EL_PARAMS,
	EL_PARAM,
	EL_VALUE,
	EL_ARRAY,
	EL_DATA,
	EL_STRUCT,
	EL_MEMBER,
	EL_NAME,
	EL_INT,
	EL_BOOLEAN,
	EL_STRING,
	EL_DOUBLE,
	EL_BASE64,
	EL_NIL,
	EL_MAX_,
};

struct frame {
	enum element element;
	struct rpc_value *value; /* the one being filled; borrowed from the tree */
	bool typed;		 /* VALUE: a type element was there. STRUCT's MEMBER: a value was */
};

struct decoder {
	XML_Parser parser;
	int error;
	unsigned values, depth;
	struct frame stack[DECODE_DEPTH_MAX];
	struct strbuf text; /* of the innermost element */
	char *name;	    /* of the member whose value comes next */
	struct rpc_request request;
};

typedef int end_fn(struct decoder *d, struct frame *f);
static end_fn end_method_name, end_value, end_member, end_name, end_int, end_boolean, end_string,
	end_double, end_base64, end_nil;

#define IN(element) (1u << (element))

static const struct element_row {
	const char *name;
	enum element element;
	unsigned parents;
	end_fn *end;
} rows[] = {
	{"methodCall", EL_METHOD_CALL, IN(EL_DOCUMENT), NULL},
	{"methodName", EL_METHOD_NAME, IN(EL_METHOD_CALL), end_method_name},
	{"params", EL_PARAMS, IN(EL_METHOD_CALL), NULL},
	{"param", EL_PARAM, IN(EL_PARAMS), end_member},
	{"value", EL_VALUE, IN(EL_PARAM) | IN(EL_DATA) | IN(EL_MEMBER), end_value},
	{"array", EL_ARRAY, IN(EL_VALUE), NULL},
	{"data", EL_DATA, IN(EL_ARRAY), NULL},
	{"struct", EL_STRUCT, IN(EL_VALUE), NULL},
	{"member", EL_MEMBER, IN(EL_STRUCT), end_member},
	{"name", EL_NAME, IN(EL_MEMBER), end_name},
	{"int", EL_INT, IN(EL_VALUE), end_int},
	{"i4", EL_INT, IN(EL_VALUE), end_int},
	{"i8", EL_INT, IN(EL_VALUE), end_int},
	{"boolean", EL_BOOLEAN, IN(EL_VALUE), end_boolean},
	{"string", EL_STRING, IN(EL_VALUE), end_string},
	{"dateTime.iso8601", EL_STRING, IN(EL_VALUE), end_string},
	{"double", EL_DOUBLE, IN(EL_VALUE), end_double},
	{"base64", EL_BASE64, IN(EL_VALUE), end_base64},
	{"nil", EL_NIL, IN(EL_VALUE), end_nil},
};

static void fail(struct decoder *d, int error)
{
	if (!d->error) {
		d->error = error;
		(void)XML_StopParser(d->parser, XML_FALSE);
	}
}

static const struct element_row *row_of(const char *name, enum element parent)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].name, name) == 0 && rows[i].parents & IN(parent)) {
			return &rows[i];
		}
	}
	return NULL;
}

/* ---- what an opening tag begins */

static int begin_value(struct decoder *d, const struct frame *parent, struct frame *f)
{
	struct rpc_value *v;

	if (++d->values > DECODE_VALUES_MAX) {
		return -E2BIG;
	}
	if ((parent->element == EL_MEMBER && !d->name) ||
	    (parent->element != EL_DATA && parent->typed)) {
		return -EBADMSG;
	}
	v = calloc(1, sizeof(*v));
	if (!v) {
		return -ENOMEM;
	}
	v->name = parent->element == EL_MEMBER ? TAKE_PTR(d->name) : NULL;
	rpc_value_append(f->value, v);
	f->value = v;
	return 0;
}

static int begin(struct decoder *d, struct frame *parent, struct frame *f)
{
	int r = 0;

	switch (f->element) {
	case EL_VALUE:
		r = begin_value(d, parent, f);
		parent->typed = true;
		break;
	case EL_METHOD_NAME:
		return d->request.method ? -EBADMSG : 0;
	case EL_DOCUMENT:
	case EL_METHOD_CALL:
	case EL_PARAMS:
	case EL_PARAM:
	case EL_DATA:
	case EL_MEMBER:
	case EL_NAME:
		break;
	default: /* a type: one in a value */
		r = parent->typed ? -EBADMSG : 0;
		parent->typed = true;
		f->value->type = f->element == EL_ARRAY	   ? RPC_ARRAY
				 : f->element == EL_STRUCT ? RPC_STRUCT
							   : RPC_STRING;
		break;
	}
	return r;
}

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct decoder *d = data;
	struct frame *parent = &d->stack[d->depth], *f = parent + 1;
	const struct element_row *row = row_of(name, parent->element);
	int r;

	(void)attributes;
	if (d->error) {
		return;
	}
	if (!row) {
		fail(d, -EBADMSG);
		return;
	}
	if (d->depth + 1 == DECODE_DEPTH_MAX) {
		fail(d, -E2BIG);
		return;
	}
	*f = (struct frame){.element = row->element, .value = parent->value};
	d->depth++;
	strbuf_reset(&d->text);
	r = begin(d, parent, f);
	if (r < 0) {
		fail(d, r);
	}
}

/* ---- what a closing tag completes */

static int end_method_name(struct decoder *d, struct frame *f)
{
	(void)f;
	if (d->text.len > DECODE_METHOD_MAX) {
		return -E2BIG;
	}
	d->request.method = strdup(strbuf_str(&d->text));
	return d->request.method ? 0 : -ENOMEM;
}

static int take_text(struct decoder *d, struct rpc_value *v)
{
	v->len = d->text.len;
	v->text = v->len ? strbuf_take(&d->text) : strdup("");
	return v->text ? 0 : -ENOMEM;
}

/* A value without a type element is a string. */
static int end_value(struct decoder *d, struct frame *f)
{
	return f->typed ? 0 : take_text(d, f->value);
}

static int end_member(struct decoder *d, struct frame *f)
{
	(void)d;
	return f->typed ? 0 : -EBADMSG;
}

static int end_name(struct decoder *d, struct frame *f)
{
	(void)f;
	free(d->name);
	d->name = d->text.len ? strbuf_take(&d->text) : strdup("");
	return d->name ? 0 : -ENOMEM;
}

static int end_int(struct decoder *d, struct frame *f)
{
	const char *text = strbuf_str(&d->text);
	char *end;

	errno = 0;
	f->value->number = strtoll(text, &end, 10);
	if (errno || end == text || end[strspn(end, " \t\r\n")]) {
		return -EBADMSG;
	}
	f->value->type = RPC_INT;
	return 0;
}

static int end_boolean(struct decoder *d, struct frame *f)
{
	f->value->type = RPC_BOOLEAN;
	f->value->number = strcmp(strbuf_str(&d->text), "1") == 0;
	return 0;
}

static int end_string(struct decoder *d, struct frame *f)
{
	return take_text(d, f->value);
}

static int end_double(struct decoder *d, struct frame *f)
{
	char *end;

	(void)strtod(strbuf_str(&d->text), &end);
	if (!d->text.len || *end) {
		return -EBADMSG;
	}
	f->value->type = RPC_DOUBLE;
	return take_text(d, f->value);
}

static int end_base64(struct decoder *d, struct frame *f)
{
	struct base64_decode_ctx ctx;
	size_t len = BASE64_DECODE_LENGTH(d->text.len);
	uint8_t *bytes = calloc(1, len + 1);

	if (!bytes) {
		return -ENOMEM;
	}
	f->value->text = (char *)bytes;
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &len, bytes, d->text.len, strbuf_str(&d->text)) ||
	    !base64_decode_final(&ctx)) {
		return -EBADMSG;
	}
	bytes[len] = '\0';
	f->value->len = len;
	return 0;
}

static int end_nil(struct decoder *d, struct frame *f)
{
	(void)d;
	f->value->type = RPC_NIL;
	return 0;
}

static void XMLCALL on_end(void *data, const XML_Char *name)
{
	struct decoder *d = data;
	struct frame *f = &d->stack[d->depth];
	const struct element_row *row;
	int r = 0;

	if (d->error) {
		return;
	}
	d->depth--;
	row = row_of(name, d->stack[d->depth].element);
	if (row && row->end) {
		r = row->end(d, f);
	}
	strbuf_reset(&d->text);
	if (r < 0) {
		fail(d, r);
	}
}

static void XMLCALL on_text(void *data, const XML_Char *s, int len)
{
	struct decoder *d = data;

	if (!d->error && strbuf_add(&d->text, s, (size_t)len) < 0) {
		fail(d, d->text.error);
	}
}

static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *sysid,
			       const XML_Char *pubid, int internal)
{
	(void)name, (void)sysid, (void)pubid, (void)internal;
	fail(data, -EBADMSG);
}

/* ---- the whole */

void rpc_request_done(struct rpc_request *r)
{
	free(r->method);
	r->method = NULL;
	r->params = rpc_value_free(r->params);
}

struct decoder *decoder_free(struct decoder *d)
{
	if (d) {
		if (d->parser) {
			XML_ParserFree(d->parser);
		}
		strbuf_done(&d->text);
		free(d->name);
		rpc_request_done(&d->request);
		free(d);
	}
	return NULL;
}

static void decoder_freep(struct decoder **d)
{
	*d = decoder_free(*d);
}

int decoder_new(struct decoder **ret)
{
	CLEANUP(decoder_freep) struct decoder *d = calloc(1, sizeof(*d));

	if (!d) {
		return -ENOMEM;
	}
	d->parser = XML_ParserCreate(NULL);
	d->request.params = calloc(1, sizeof(*d->request.params));
	if (!d->parser || !d->request.params) {
		return -ENOMEM;
	}
	d->request.params->type = RPC_ARRAY;
	d->stack[0].value = d->request.params;
	XML_SetUserData(d->parser, d);
	XML_SetElementHandler(d->parser, on_start, on_end);
	XML_SetCharacterDataHandler(d->parser, on_text);
	XML_SetStartDoctypeDeclHandler(d->parser, on_doctype);
	*ret = TAKE_PTR(d);
	return 0;
}

static int parse(struct decoder *d, const void *data, size_t len, bool last)
{
	if (d->error) {
		return d->error;
	}
	if (XML_Parse(d->parser, data, (int)len, last) != XML_STATUS_OK && !d->error) {
		d->error = XML_GetErrorCode(d->parser) == XML_ERROR_NO_MEMORY ? -ENOMEM : -EBADMSG;
	}
	return d->error;
}

int decoder_feed(struct decoder *d, const void *data, size_t len)
{
	return len > INT_MAX / 2 ? -E2BIG : parse(d, data, len, false);
}

int decoder_end(struct decoder *d, struct rpc_request *ret)
{
	int r = parse(d, "", 0, true);

	if (r < 0) {
		return r;
	}
	if (!d->request.method || !*d->request.method) {
		return d->error = -EBADMSG;
	}
	*ret = d->request;
	d->request = (struct rpc_request){0};
	d->error = -EBADMSG; /* nothing more may be fed */
	return 0;
}
