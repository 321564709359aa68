/*
 * A handle is a set of open layers. Reloading opens only what is not open yet
 * and closes what the stack no longer needs; files that are gone between the
 * listing and the opening were merged meanwhile, so the listing is repeated.
 *
 * A name may even be used twice: n-n is merged away, and a commit that had
 * listed the stack before that creates n-n once more, to remove it as soon as
 * it sees the wider file. So what was opened counts only when the stack, after
 * the opening, still needs that file: then no wider one has existed so far.
 *
 * Invariant: the layers of a handle always cover 1..top of one generation.
 * Only who holds `change` puts others in; so it may look at them without the
 * lock, and nobody uses those that were taken out.
 */
#include "index/index.h"

#include <errno.h>
#include <stdlib.h>

#include "common/err.h"
#include "index/handle.h"
#include "store/repo.h"
#include "store/store.h"

#define RELOADS 100

static struct kb_layer *
find_open(const struct kb_index *x, uint64_t generation,
	const struct kb_stack_file *f)
{
	for (size_t i = 0; i < x->count; i++) {
		struct kb_layer *l = x->layers[i];

		if (l->generation == generation && l->range.from == f->from &&
			l->range.to == f->to)
			return l;
	}
	return NULL;
}

static bool
holds(struct kb_layer *const *set, size_t count, const struct kb_layer *l)
{
	for (size_t i = 0; i < count; i++) {
		if (set[i] == l)
			return true;
	}
	return false;
}

/* Closes the layers of a that are not in b, and a itself. */
static size_t
close_others(struct kb_layer **a, size_t a_count, struct kb_layer *const *b,
	size_t b_count)
{
	size_t closed = 0;

	for (size_t i = 0; i < a_count; i++) {
		if (holds(b, b_count, a[i]))
			continue;
		kb_layer_close(a[i]);
		closed++;
	}
	free(a);
	return closed;
}

/* The layers of one listing: open ones are shared, the others opened. */
static int
open_layers(const struct kb_index *x, const struct kb_stack *k,
	struct kb_layer **fresh, size_t *out_count, size_t *out_opened)
{
	size_t n = 0, opened = 0;
	int r = 0;

	for (; n < k->count; n++) {
		fresh[n] = find_open(x, k->generation, &k->files[n]);
		if (fresh[n])
			continue;
		r = kb_layer_open(
			x->repo->store, k->generation, &k->files[n], &fresh[n]);
		if (r < 0)
			break;
		opened++;
	}
	*out_count = n;
	*out_opened = opened;
	return r;
}

/* Does the stack still need all files of k? -ENOENT: it does not. */
static int
check_again(struct kb_store *s, const struct kb_stack *k)
{
	struct kb_stack now = {0};
	int r = kb_stack_list(s, &now);

	if (r == 0 && now.generation != k->generation)
		r = -ENOENT;
	for (size_t i = 0; r == 0 && i < k->count; i++) {
		const struct kb_stack_file *f =
			kb_stack_find(&now, k->files[i].from);

		if (!f || f->from != k->files[i].from ||
			f->to != k->files[i].to)
			r = -ENOENT;
	}
	kb_stack_release(&now);
	return r;
}

/* Puts another set of layers in; gives back the one that was there. */
static struct kb_layer **
exchange(struct kb_index *x, struct kb_layer **layers, size_t count,
	uint64_t generation, size_t *out_count)
{
	struct kb_layer **old;

	pthread_mutex_lock(&x->lock);
	old = x->layers;
	*out_count = x->count;
	x->layers = layers;
	x->count = count;
	x->generation = generation;
	pthread_mutex_unlock(&x->lock);
	return old;
}

/* As kb_handle_reload(), for one listing. -ENOENT: it is out of date. */
static int
load(struct kb_index *x, const struct kb_stack *k)
{
	struct kb_layer **fresh = calloc(k->count + 1, sizeof(*fresh)), **old;
	size_t n = 0, opened = 0, old_count;
	int r;

	if (!fresh)
		return kb_err(-ENOMEM, "index: out of memory");
	if (!k->count && x->count) {
		free(fresh);
		return kb_err(-ESTALE,
			"%s/index: all files are gone: run `kbak reindex`",
			kb_store_name(x->repo->store));
	}
	r = open_layers(x, k, fresh, &n, &opened);
	if (r == 0 && opened)
		r = check_again(x->repo->store, k);
	if (r < 0) {
		close_others(fresh, n, x->layers, x->count);
		return r;
	}
	old = exchange(x, fresh, n, k->generation, &old_count);
	return close_others(old, old_count, fresh, n) || opened;
}

int
kb_handle_reload(struct kb_index *x)
{
	int r = -ENOENT;

	for (int i = 0; i < RELOADS && r == -ENOENT; i++) {
		struct kb_stack k = {0};

		r = kb_stack_list(x->repo->store, &k);
		if (r == 0)
			r = load(x, &k);
		kb_stack_release(&k);
	}
	return r == -ENOENT ? kb_err(-ESTALE, "index: it changes too fast") : r;
}

int
kb_index_open(struct kb_repo *repo, struct kb_index **out)
{
	struct kb_index *x = calloc(1, sizeof(*x));
	int r;

	if (!x)
		return kb_err(-ENOMEM, "index: out of memory");
	x->repo = repo;
	pthread_mutex_init(&x->change, NULL);
	pthread_mutex_init(&x->lock, NULL);
	r = kb_handle_reload(x);
	if (r < 0) {
		kb_index_close(x);
		return r;
	}
	*out = x;
	return 0;
}

void
kb_index_close(struct kb_index *x)
{
	if (!x)
		return;
	close_others(x->layers, x->count, NULL, 0);
	pthread_mutex_destroy(&x->lock);
	pthread_mutex_destroy(&x->change);
	free(x);
}

int
kb_index_refresh(struct kb_index *x)
{
	int r;

	pthread_mutex_lock(&x->change);
	r = kb_handle_reload(x);
	pthread_mutex_unlock(&x->change);
	return r;
}

static int
see_directory(void *ctx, const char *name, bool is_dir)
{
	(void)ctx;
	(void)name;
	return is_dir ? 1 : 0;
}

int
kb_index_require(struct kb_index *x)
{
	struct kb_store *s = x->repo->store;
	int r = kb_index_empty(x)
			? kb_store_list(s, "data", see_directory, NULL)
			: 0;

	if (r <= 0)
		return r;
	return kb_err(-ESTALE,
		"%s: holds data but its index is empty: run `kbak reindex %s`",
		kb_store_name(s), kb_store_name(s));
}

void
kb_index_shape(struct kb_index *x, uint64_t *out_generation, size_t *out_files)
{
	pthread_mutex_lock(&x->lock);
	*out_generation = x->generation;
	*out_files = x->count;
	pthread_mutex_unlock(&x->lock);
}

bool
kb_index_empty(struct kb_index *x)
{
	bool empty;

	pthread_mutex_lock(&x->lock);
	empty = x->count == 0;
	pthread_mutex_unlock(&x->lock);
	return empty;
}
