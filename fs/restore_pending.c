/* Stands in for restore/ until that lands; removed then. */
#include <errno.h>

#include "common/err.h"
#include "restore/restore.h"

__attribute__((weak)) int
kb_restore_open(const struct kb_restore_options *o, struct kb_restore **out)
{
	(void)o;
	(void)out;
	return kb_err(-EOPNOTSUPP, "restore: not built yet");
}
__attribute__((weak)) void
kb_restore_close(struct kb_restore *r)
{
	(void)r;
}
__attribute__((weak)) int
kb_restore_make_topic(struct kb_restore *r, const char *topic)
{
	(void)r;
	(void)topic;
	return -ENOENT;
}
__attribute__((weak)) int
kb_sink_open(struct kb_restore *r, const char *topic, int32_t partition,
	const char *label, struct kb_sink **out)
{
	(void)r;
	(void)topic;
	(void)partition;
	(void)label;
	(void)out;
	return -EOPNOTSUPP;
}
__attribute__((weak)) int
kb_sink_write(struct kb_sink *s, uint64_t pos, struct kb_slice bytes,
	struct kb_cancel *interrupt, size_t *out_taken)
{
	(void)s;
	(void)pos;
	(void)bytes;
	(void)interrupt;
	(void)out_taken;
	return -EOPNOTSUPP;
}
__attribute__((weak)) int
kb_sink_flush(struct kb_sink *s, struct kb_cancel *interrupt)
{
	(void)s;
	(void)interrupt;
	return -EOPNOTSUPP;
}
__attribute__((weak)) uint64_t
kb_sink_size(const struct kb_sink *s)
{
	(void)s;
	return 0;
}
__attribute__((weak)) void
kb_sink_close(struct kb_sink *s)
{
	(void)s;
}
