/*
 * Made-up values: a function of the seed and the record's number. To make
 * them takes longer than to send them; with a pool the first ones are kept
 * and sent again in turn.
 */
#include "tests/tools/kfeed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SLACK 128 /* what a value may be longer than asked for */

struct kfeed_values {
	size_t size;
	uint64_t seed;
	int64_t pool; /* 0: each is made anew, in the first slot */
	char *text;   /* slots of size + SLACK bytes */
	size_t *len;  /* of each slot's value; 0: not made yet */
};

/* splitmix64. */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static const char *const words[] = {"amber", "birch", "cedar", "delta", "ember",
	"fjord", "grove", "haven", "inlet", "jade", "knoll", "lumen", "maple",
	"north", "ocean", "pine", "quartz", "ridge", "slate", "tarn", "umber",
	"vale", "willow", "xenon", "yarrow", "zephyr", "açaí", "größe", "naïve",
	"東京", "\\\"so\\\"", "\\n"};

/* JSON of about `size` bytes in text, which has room for size + SLACK. */
static size_t
make_value(char *text, size_t size, uint64_t seed, int64_t i)
{
	uint64_t state = seed * 1000003u + (uint64_t)i;
	size_t len;

	len = (size_t)sprintf(text,
		"{\"id\":%" PRId64 ",\"customer\":\"c%04" PRIu64
		"\",\"cents\":%" PRIu64 ",\"note\":\"",
		i, next_random(&state) % 5000, next_random(&state) % 100000);
	while (len + 2 < size) {
		const char *word = words[next_random(&state) %
					 (sizeof(words) / sizeof(*words))];

		len += (size_t)sprintf(text + len, "%s ", word);
	}
	return len + (size_t)sprintf(text + len, "\"}");
}

struct kfeed_values *
kfeed_values_new(const struct kfeed_options *o)
{
	struct kfeed_values *v = malloc(sizeof(*v));
	size_t slots = o->pool > 0 ? (size_t)o->pool : 1;

	if (!v)
		kfeed_die("out of memory");
	v->size = o->size;
	v->seed = o->seed;
	v->pool = o->pool;
	v->text = calloc(slots, o->size + SLACK);
	v->len = calloc(slots, sizeof(*v->len));
	if (!v->text || !v->len)
		kfeed_die("out of memory");
	return v;
}

void
kfeed_values_free(struct kfeed_values *v)
{
	free(v->text);
	free(v->len);
	free(v);
}

const void *
kfeed_values_get(struct kfeed_values *v, int64_t i, size_t *out_len)
{
	size_t slot = v->pool > 0 ? (size_t)(i % v->pool) : 0;
	char *text = v->text + slot * (v->size + SLACK);

	if (v->pool <= 0 || !v->len[slot])
		v->len[slot] = make_value(text, v->size, v->seed, i);
	*out_len = v->len[slot];
	return text;
}
