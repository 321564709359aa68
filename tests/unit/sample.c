/* No sentence: a test has no use for going on without memory. */
#include "sample.h"

#include <stdlib.h>

#include "format/utf8.h"

static void
must(int r)
{
	if (r < 0)
		abort();
}

static void
put_code_point(struct random *random, struct kb_buf *b)
{
	static const uint32_t edges[] = {0, 0x1f, ' ', '"', '/', '\\', 0x7f,
		0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff};
	const size_t count = sizeof(edges) / sizeof(*edges);
	uint32_t c = (uint32_t)random_below(random, 0x110000);
	uint8_t utf8[4];

	if (random_below(random, 2))
		c = edges[random_below(random, count)];
	if (c >= 0xd800 && c < 0xe000)
		c -= 0x800;
	must(kb_buf_put(b, utf8, kb_utf8_write(utf8, c)));
}

void
sample_bytes(struct random *random, struct kb_buf *b, struct kb_slice *out)
{
	size_t kind = random_below(random, 6);
	size_t n = random_below(random, random_below(random, 8) ? 24 : 700);

	kb_buf_clear(b);
	must(kb_buf_reserve(b, 1));
	for (size_t i = 0; i < n; i++) {
		size_t bits = random_below(random, 256);

		if (kind <= 1)
			put_code_point(random, b);
		else if (kind == 2)
			must(kb_buf_put_i8(b, (int8_t)bits));
		else if (kind == 3)
			must(kb_buf_put_i8(b, (int8_t)(bits % 40)));
		else
			must(kb_buf_put_i8(b, (int8_t)(' ' + bits % 95)));
	}
	if (kind == 1 && b->len)
		b->data[random_below(random, b->len)] ^= 0x80;
	*out = kb_buf_slice(b);
	if (random_below(random, 8) == 0)
		*out = (struct kb_slice){0};
}

void
sample_next(struct sample *s)
{
	struct kb_record *r = &s->record;
	struct kb_buf name = {0}, value = {0};

	*r = (struct kb_record){
		.offset = (int64_t)(random_next(&s->random) >>
				    (1 + random_below(&s->random, 63))),
		.timestamp = (int64_t)random_next(&s->random) >>
			     random_below(&s->random, 64),
		.header_count =
			(uint32_t)random_below(&s->random, SAMPLE_HEADERS + 1),
	};
	r->logappend = r->timestamp != -1 && random_below(&s->random, 2);
	sample_bytes(&s->random, &s->key, &r->key);
	sample_bytes(&s->random, &s->value, &r->value);
	kb_buf_clear(&s->headers);
	for (uint32_t i = 0; i < r->header_count; i++) {
		struct kb_slice n, v;

		do {
			sample_bytes(&s->random, &name, &n);
		} while (!n.data);
		sample_bytes(&s->random, &value, &v);
		must(kb_headers_put(&s->headers, n, v));
	}
	r->headers = kb_buf_slice(&s->headers);
	kb_buf_release(&name);
	kb_buf_release(&value);
}

void
sample_release(struct sample *s)
{
	kb_buf_release(&s->key);
	kb_buf_release(&s->value);
	kb_buf_release(&s->headers);
}
