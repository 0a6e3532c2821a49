/* Any body of a POST to /RPC2: decode it, in pieces, and write what was read back as an answer. */
#include <control/decode.h>
#include <control/encode.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Depth is bounded by the decoder. */
static void write_back(struct strbuf *out, const struct rpc_value *v)
{
	switch (v->type) {
	case RPC_ARRAY:
		encode_array(out);
		for (const struct rpc_value *c = v->first; c; c = c->next) {
			write_back(out, c);
		}
		encode_array_end(out);
		break;
	case RPC_STRUCT:
		encode_struct(out);
		for (const struct rpc_value *c = v->first; c; c = c->next) {
			encode_name(out, c->name);
			write_back(out, c);
			encode_member_end(out);
		}
		encode_struct_end(out);
		break;
	case RPC_INT:
	case RPC_BOOLEAN:
		encode_int(out, v->number);
		break;
	default:
		encode_bytes(out, v->text, v->len);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_request request = {0};
	struct decoder *d;
	size_t step = size ? data[0] % 64 + 1 : 1;

	if (decoder_new(&d) < 0) {
		return 0;
	}
	for (size_t at = 0; at < size; at += step) {
		(void)decoder_feed(d, data + at, size - at < step ? size - at : step);
	}
	if (decoder_end(d, &request) == 0) {
		struct strbuf out = {0};

		write_back(&out, request.params);
		strbuf_done(&out);
		rpc_request_done(&request);
	}
	d = decoder_free(d);
	return 0;
}
