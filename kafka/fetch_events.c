/*
 * An answer is looked over as a whole when it has come, and then handed out
 * partition by partition. Its lease is the fetcher's until the call after the
 * last one.
 */
#include "kafka/fetcher_impl.h"

#include <string.h>

#include "kafka/lease.h"

int
kb_fetch_events_begin(struct kb_fetch_request *q, struct kb_slice body)
{
	struct kb_fetch_answer a;
	struct kb_fetched got;
	int r = kb_fetch_answer_init(&a, q->version, body);

	q->answer = a;
	q->at = 0;
	q->empty = true;
	while (!r) {
		r = kb_fetch_answer_next(&a, &got);
		if (!r && got.records.len)
			q->empty = false;
	}
	return r < 0 ? r : 0;
}

static bool
is_about(const struct kb_fetched *got, const struct kb_fetch_part *p)
{
	if (got->partition != p->partition)
		return false;
	if (!got->topic.data)
		return kb_uuid_equal(&got->id, &p->id);
	return got->topic.len == strlen(p->topic) &&
	       !memcmp(got->topic.data, p->topic, got->topic.len);
}

/* Takes the partition out of the request; NULL: removed, or not asked for. */
static struct kb_fetch_part *
take_part(struct kb_fetcher *f, struct kb_fetch_request *q,
	const struct kb_fetched *got)
{
	for (size_t n = 0; n < q->count; n++) {
		size_t i = (q->at + n) % q->count;
		struct kb_fetch_part *p = q->parts[i];

		if (!p || !is_about(got, p))
			continue;
		q->parts[i] = NULL;
		q->at = i + 1;
		if (!p->removed)
			return p;
		kb_fetch_part_free(f, p);
		return NULL;
	}
	return NULL;
}

/* An error of the request as a whole is one of each partition in it. */
static int
next_refused(struct kb_fetcher *f, struct kb_fetch_request *q,
	struct kb_fetch_part **out_part, struct kb_fetched *out)
{
	struct kb_fetch_part *p;

	if (q->at == q->count)
		return 1;
	p = q->parts[q->at];
	q->parts[q->at++] = NULL;
	*out = (struct kb_fetched){.error = q->answer.error, .preferred = -1};
	*out_part = p->removed ? NULL : p;
	if (p->removed)
		kb_fetch_part_free(f, p);
	return 0;
}

/* *out_part is NULL when nobody asks for it any more. */
static int
next_fetched(struct kb_fetcher *f, struct kb_fetch_request *q,
	struct kb_fetch_part **out_part, struct kb_fetched *out)
{
	int r;

	if (q->answer.error)
		return next_refused(f, q, out_part, out);
	r = kb_fetch_answer_next(&q->answer, out);
	if (!r)
		*out_part = take_part(f, q, out);
	return r;
}

int
kb_fetch_events_next(struct kb_fetcher *f, struct kb_fetch_event *out)
{
	struct kb_fetch_request *q = TAILQ_FIRST(&f->landed);
	struct kb_fetched got;
	struct kb_fetch_part *p;
	int r;

	while (!(r = next_fetched(f, q, &p, &got))) {
		r = p ? kb_fetch_part_judge(f, p, q, &got, out) : 1;
		if (r != 1)
			return r;
	}
	/* Partitions that the broker left out. */
	kb_fetch_request_park(f, q, false);
	TAILQ_REMOVE(&f->landed, q, link);
	kb_fetch_request_free(f, q);
	return 1;
}
