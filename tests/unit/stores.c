#include "stores.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "store/document.h"
#include "store/local.h"

char *
stores_make_dir(void)
{
	char *dir = strdup("/tmp/kb-store-XXXXXX");

	ck_assert_ptr_nonnull(dir);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	return dir;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
stores_remove_dir(char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(dir);
}

static void
run_local(void (*body)(struct kb_store *s), enum kb_temp_way way)
{
	char *dir = stores_make_dir();
	struct kb_store *s;

	ck_ok(kb_store_open_local(dir, false, &s));
	kb_local_set_way(s, way);
	body(s);
	kb_store_free(s);
	stores_remove_dir(dir);
}

void
stores_run(void (*body)(struct kb_store *s))
{
	struct kb_fault plan = {0};
	struct kb_store *s;

	ck_ok(kb_store_new_memory(&s));
	body(s);
	kb_store_free(s);

	ck_ok(kb_store_new_memory(&s));
	ck_ok(kb_fault_new(s, &plan, &s));
	body(s);
	kb_store_free(s);

	run_local(body, KB_TEMP_UNKNOWN);
	run_local(body, KB_TEMP_PROC);
	run_local(body, KB_TEMP_RENAME);
}

int
stores_put(struct kb_store *s, const char *name, const char *text)
{
	struct kb_blob_writer *w;
	int r = kb_store_create(s, name, &w);

	if (r < 0)
		return r;
	r = kb_blob_write(w, kb_slice_str(text));
	if (r < 0) {
		kb_blob_abandon(w);
		return r;
	}
	return kb_blob_publish(w);
}

int
stores_put_document(struct kb_store *s, const char *name, const char *text)
{
	json_t *o = json_loads(text, 0, NULL);
	char *sealed, *line;
	int r;

	if (!json_is_object(o)) {
		json_decref(o);
		return stores_put(s, name, text);
	}
	ck_ok(kb_document_seal(o));
	sealed = json_dumps(o, 0);
	ck_assert_int_gt(asprintf(&line, "%s\n", sealed), 0);
	r = stores_put(s, name, line);
	free(line);
	free(sealed);
	json_decref(o);
	return r;
}

bool
stores_holds(struct kb_store *s, const char *name, const char *text)
{
	struct kb_buf b = {0};
	bool same;

	same = kb_store_read_all(s, name, 1 << 20, &b) == 0 &&
	       b.len == strlen(text) &&
	       (!b.len || memcmp(b.data, text, b.len) == 0);
	kb_buf_release(&b);
	return same;
}

static int
append(void *ctx, const char *name, bool is_dir)
{
	char *text = ctx;

	sprintf(text + strlen(text), "%s%s%s", *text ? " " : "", name,
		is_dir ? "/" : "");
	return 0;
}

const char *
stores_list(struct kb_store *s, const char *prefix)
{
	static char text[4096];

	*text = '\0';
	ck_ok(kb_store_list(s, prefix, append, text));
	return text;
}
