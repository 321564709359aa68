/*
 * A range is found by what it stands for (partition, selector) and by its inode
 * number, and lives while the kernel remembers it. Its size is measured at
 * lookup, outside the lock, since that may decode two blocks. An open mostly
 * follows: it gets the very view that was measured, if that is small. A range
 * that can still grow is measured again each time somebody asks.
 */
#include "fs/ranges.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/log.h"
#include "format/segment.h"
#include "fs/facts.h"
#include "fs/ino.h"
#include "fs/selector.h"
#include "fs/sources.h"
#include "fs/hash.h"
#include "fs/tree.h"
#include "fs/view.h"

/* Segments of a view that is kept. */
#define SPARE_MAX 16

struct range {
	struct kb_link by_key;
	struct kb_link by_ino;
	const struct kb_place *place;
	struct kb_selector what;
	int64_t undated;
	uint64_t lookups;
	struct kb_node node;
	struct kb_view *spare; /* of a fixed one, for the first open; or NULL */
};

struct kb_ranges {
	struct kb_sources *sources;
	struct kb_index *index;
	pthread_mutex_t lock;
	struct kb_hash by_key;
	struct kb_hash by_ino;
	uint64_t next;
};

int
kb_ranges_new(struct kb_sources *s, struct kb_index *x, struct kb_ranges **out)
{
	struct kb_ranges *r = calloc(1, sizeof(*r));

	if (!r)
		return kb_err(-ENOMEM, "mount: out of memory");
	r->sources = s;
	r->index = x;
	r->next = 1;
	pthread_mutex_init(&r->lock, NULL);
	*out = r;
	return 0;
}

static struct range *
range_of_ino(struct kb_link *l)
{
	return l ? kb_link_entry(l, struct range, by_ino) : NULL;
}

static void
drop(struct kb_ranges *r, struct range *g)
{
	kb_hash_remove(&r->by_ino, &g->by_ino);
	kb_hash_remove(&r->by_key, &g->by_key);
	kb_view_close(g->spare);
	free(g);
}

void
kb_ranges_free(struct kb_ranges *r)
{
	struct kb_link *l;

	if (!r)
		return;
	while ((l = kb_hash_any(&r->by_ino)))
		drop(r, range_of_ino(l));
	kb_hash_release(&r->by_ino);
	kb_hash_release(&r->by_key);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static uint64_t
hash_key(const struct range *g)
{
	uint64_t h = kb_hash_mix(0, g->place->ordinal);

	h = kb_hash_mix(h, (uint64_t)g->what.form);
	h = kb_hash_mix(h, (uint64_t)g->what.first);
	h = kb_hash_mix(h, (uint64_t)g->what.last);
	h = kb_hash_mix(h, (uint64_t)g->what.period.from);
	return kb_hash_mix(h, (uint64_t)g->what.period.to);
}

static uint64_t
hash_ino(uint64_t ino)
{
	return kb_hash_mix(0, ino);
}

static struct range *
find_key(struct kb_ranges *r, const struct range *like)
{
	struct kb_link *l = kb_hash_find(&r->by_key, hash_key(like));

	for (; l; l = kb_hash_next(l)) {
		struct range *g = kb_link_entry(l, struct range, by_key);

		if (g->place == like->place &&
			kb_selector_equal(&g->what, &like->what))
			return g;
	}
	return NULL;
}

static struct range *
find_ino(struct kb_ranges *r, uint64_t ino)
{
	struct kb_link *l = kb_hash_find(&r->by_ino, hash_ino(ino));

	while (l && range_of_ino(l)->node.ino != ino)
		l = kb_hash_next(l);
	return range_of_ino(l);
}

/* The log says why a range is refused; damage has been said. */
static int
open_view(struct kb_ranges *r, const struct range *g, struct kb_view **out)
{
	int e = kb_view_open(r->sources, r->index, g->place, &g->what, out);

	if (e == -EINVAL)
		kb_log_warn("%s", kb_err_text());
	return e;
}

/* The caller closes the view. */
static int
measure(struct kb_ranges *r, const struct range *g, struct kb_node *node,
	struct kb_view **out)
{
	int e = open_view(r, g, out);

	if (e < 0)
		return e;
	node->size = kb_view_size(*out);
	node->mtime = kb_view_facts(*out)->max_timestamp;
	if (node->mtime == KB_NO_TIME)
		node->mtime = g->undated;
	return 0;
}

/* Puts a measured range into the tables; under the lock. */
static int
add(struct kb_ranges *r, const struct range *like, struct range **out)
{
	struct range *g = malloc(sizeof(*g));

	if (!g)
		return kb_err(-ENOMEM, "mount: out of memory");
	*g = *like;
	g->node.ino = KB_INO_VIEW | r->next++;
	if (kb_hash_add(&r->by_ino, &g->by_ino, hash_ino(g->node.ino)) < 0) {
		free(g);
		return kb_err(-ENOMEM, "mount: out of memory");
	}
	if (kb_hash_add(&r->by_key, &g->by_key, hash_key(g)) < 0) {
		kb_hash_remove(&r->by_ino, &g->by_ino);
		free(g);
		return kb_err(-ENOMEM, "mount: out of memory");
	}
	*out = g;
	return 0;
}

int
kb_ranges_lookup(struct kb_ranges *r, const struct kb_place *place,
	const struct kb_selector *what, bool fixed, int64_t undated,
	struct kb_node *out)
{
	struct range like = {.place = place,
		.what = *what,
		.undated = undated,
		.node = {.fixed = fixed, .mode = KB_FILE_MODE, .nlink = 1}};
	struct kb_view *v = NULL;
	struct range *g;
	int e = 0;

	pthread_mutex_lock(&r->lock);
	g = find_key(r, &like);
	if (!g || !g->node.fixed) {
		pthread_mutex_unlock(&r->lock);
		e = measure(r, &like, &like.node, &v);
		if (e < 0)
			return e;
		pthread_mutex_lock(&r->lock);
		g = find_key(r, &like);
	}
	if (!g) {
		e = add(r, &like, &g);
	} else if (!g->node.fixed) {
		like.node.ino = g->node.ino;
		g->node = like.node;
	}
	if (e == 0) {
		g->lookups++;
		*out = g->node;
	}
	if (e == 0 && v && fixed && kb_view_segments(v) <= SPARE_MAX) {
		struct kb_view *old = g->spare;

		g->spare = v;
		v = old;
	}
	pthread_mutex_unlock(&r->lock);
	kb_view_close(v);
	return e;
}

void
kb_ranges_forget(struct kb_ranges *r, uint64_t ino, uint64_t lookups)
{
	struct range *g;

	pthread_mutex_lock(&r->lock);
	g = find_ino(r, ino);
	if (g) {
		g->lookups -= lookups < g->lookups ? lookups : g->lookups;
		if (g->lookups == 0)
			drop(r, g);
	}
	pthread_mutex_unlock(&r->lock);
}

/* Copies what the range stands for; not its spare view. -ESTALE. */
static int
copy_of(struct kb_ranges *r, uint64_t ino, struct range *out)
{
	const struct range *g;

	pthread_mutex_lock(&r->lock);
	g = find_ino(r, ino);
	if (g) {
		*out = *g;
		out->spare = NULL;
	}
	pthread_mutex_unlock(&r->lock);
	return g ? 0 : kb_err(-ESTALE, "inode %" PRIx64 ": not known", ino);
}

int
kb_ranges_stat(struct kb_ranges *r, uint64_t ino, struct kb_node *out)
{
	struct kb_view *v = NULL;
	struct range g;
	int e = copy_of(r, ino, &g);

	if (e == 0 && !g.node.fixed)
		e = measure(r, &g, &g.node, &v);
	if (e == 0)
		*out = g.node;
	kb_view_close(v);
	return e;
}

int
kb_ranges_what(struct kb_ranges *r, uint64_t ino,
	const struct kb_place **out_place, struct kb_selector *out_what)
{
	struct range g;
	int e = copy_of(r, ino, &g);

	if (e < 0)
		return e;
	*out_place = g.place;
	*out_what = g.what;
	return 0;
}

int
kb_ranges_open(struct kb_ranges *r, uint64_t ino, struct kb_view **out)
{
	struct range *known, g;
	struct kb_view *v = NULL;
	int e;

	pthread_mutex_lock(&r->lock);
	known = find_ino(r, ino);
	if (known) {
		v = known->spare;
		known->spare = NULL;
	}
	pthread_mutex_unlock(&r->lock);
	if (v) {
		*out = v;
		return 0;
	}
	e = copy_of(r, ino, &g);
	return e < 0 ? e : open_view(r, &g, out);
}
