/* What a server may answer to slotctl: HTTP in pieces, an XML-RPC reply in it, the views of that.
 */
#include <ctl/http.h>
#include <ctl/view.h>
#include <ctl/xmlrpc.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *to, const char *bytes, size_t len)
{
	return strbuf_add(to, bytes, len);
}

/* In pieces of 1, 2, 4, ... bytes: where a piece ends must not matter to memory. */
static int read_http(const char *data, size_t size, struct strbuf *body)
{
	struct http_reply reply;
	size_t piece = 1;
	int r = 0;

	http_reply_init(&reply);
	for (size_t at = 0; at < size && r == 0; piece *= 2) {
		size_t n = size - at < piece ? size - at : piece;

		r = http_reply_feed(&reply, data + at, n, take, body);
		at += n;
	}
	return r < 0 ? r : http_reply_end(&reply);
}

static void look_at(const struct value *v)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	const struct value *services = value_array(v, "services");

	(void)view_status(&text, v, SECONDS(1000));
	for (size_t i = 0; i < services->len; i++) {
		const struct value *one = &services->items[i];

		(void)view_slots(&text, &one, 1, SECONDS(1000));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(xmlrpc_fault_done) struct xmlrpc_fault fault = {0};
	CLEANUP(strbuf_done) struct strbuf body = {.max = 1 << 20};
	CLEANUP(value_done) struct value reply = {0};
	struct diag diag = {0};

	if (read_http((const char *)data, size, &body) == 0 &&
	    xmlrpc_decode(strbuf_str(&body), body.len, &diag, &reply, &fault) == 0) {
		look_at(&reply);
	}
	return 0;
}
