/*
 * A library to be preloaded: counts how often memory is asked for, by who asks
 * (the program, or one of its libraries). At the end the file that COUNTED_LOG
 * names gets a line for each: calls, a space, the base name of the object.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS 64

/* glibc's own, under names that nobody replaces. */
void *
__libc_malloc(size_t size);
void *
__libc_calloc(size_t count, size_t size);
void *
__libc_realloc(void *old, size_t size);
void *
__libc_memalign(size_t align, size_t size);

static struct object {
	_Atomic(void *) base; /* where it is mapped; NULL: a free place */
	_Atomic(const char *) path;
	atomic_ulong calls;
} objects[OBJECTS];

static void
count(void *caller)
{
	Dl_info info;

	if (!dladdr(caller, &info))
		return;
	for (int i = 0; i < OBJECTS; i++) {
		struct object *o = &objects[i];
		void *none = NULL;

		if (atomic_compare_exchange_strong(
			    &o->base, &none, info.dli_fbase))
			atomic_store(&o->path, info.dli_fname);
		else if (none != info.dli_fbase)
			continue;
		atomic_fetch_add(&o->calls, 1);
		return;
	}
	abort();
}

#define COUNT() count(__builtin_return_address(0))

void *
malloc(size_t size)
{
	COUNT();
	return __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	COUNT();
	return __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size)
{
	COUNT();
	return __libc_realloc(old, size);
}

void *
aligned_alloc(size_t align, size_t size)
{
	COUNT();
	return __libc_memalign(align, size);
}

int
posix_memalign(void **out, size_t align, size_t size)
{
	COUNT();
	*out = __libc_memalign(align, size);
	return *out ? 0 : ENOMEM;
}

__attribute__((destructor)) static void
tell(void)
{
	const char *log = getenv("COUNTED_LOG");
	FILE *f = log ? fopen(log, "w") : NULL;

	for (int i = 0; f && i < OBJECTS && objects[i].base; i++)
		fprintf(f, "%lu %s\n", objects[i].calls,
			strrchr(objects[i].path, '/') + 1);
	if (f)
		fclose(f);
}
