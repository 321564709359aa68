/*
 * Whether a topic exists is asked of the cluster each time: somebody else may
 * have created or deleted it, and one question a file costs nothing beside the
 * file. The connection and the admin client are used by one thread at a time,
 * in turns that can be interrupted; librdkafka's client, which has threads of
 * its own, lives only while a topic is being created.
 */
#include "restore/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/wait.h"
#include "index/index.h"
#include "kafka/admin.h"
#include "kafka/cluster.h"
#include "kafka/conf.h"
#include "kafka/status.h"
#include "restore/restore.h"
#include "restore/settings.h"
#include "store/repo.h"

enum {
	UNKNOWN_TOPIC_OR_PARTITION = 3,
	TOPIC_AUTHORIZATION_FAILED = 29,
};

/* A name with a typing error in it shall not cost a cluster its peace. */
#define PARTITIONS_MAX 10000

struct kb_target {
	const struct kb_restore_options *o;
	struct kb_cluster *cluster;
	struct kb_cancel stop; /* the restore's, and the request's in hand */
	struct kb_wait wait;
	bool busy; /* somebody has the turn */
};

int
kb_target_open(const struct kb_restore_options *o, struct kb_target **out)
{
	struct kb_target *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return kb_err(-ENOMEM, "out of memory");
	t->o = o;
	r = kb_cancel_join(&t->stop, o->cancel);
	if (r == 0)
		r = kb_cluster_open(o->conf, &t->stop, &t->cluster);
	if (r < 0) {
		kb_cancel_release(&t->stop);
		free(t);
		return r;
	}
	kb_wait_init(&t->wait);
	*out = t;
	return 0;
}

void
kb_target_close(struct kb_target *t)
{
	if (!t)
		return;
	kb_cluster_close(t->cluster);
	kb_cancel_release(&t->stop);
	kb_wait_release(&t->wait);
	free(t);
}

/* ---- turns ---- */

static void
give_turn(struct kb_target *t)
{
	kb_cancel_watch(&t->stop, NULL);
	kb_wait_lock(&t->wait);
	t->busy = false;
	kb_wait_change(&t->wait);
	kb_wait_unlock(&t->wait);
}

/* With the turn, network waits end when this request is interrupted. */
static int
take_turn(struct kb_target *t, struct kb_cancel *interrupt)
{
	int64_t deadline = kb_clock_ms() +
			   kb_conf_get_int(t->o->conf, "message.timeout.ms");
	int r = 0;

	kb_wait_lock(&t->wait);
	while (t->busy && r == 0)
		r = kb_wait_moment(&t->wait, t->o->cancel, interrupt, deadline);
	if (r == 0)
		t->busy = true;
	kb_wait_unlock(&t->wait);
	if (r < 0)
		return r;
	r = kb_cancel_watch(&t->stop, interrupt);
	if (r < 0)
		give_turn(t);
	return r;
}

/* ---- asking ---- */

/* 0: *out is the topic, inside *out_all. 1: there is none. */
static int
look_up(struct kb_target *t, const char *topic, struct kb_metadata **out_all,
	const struct kb_metadata_topic **out)
{
	int r = kb_cluster_metadata(t->cluster, &topic, 1, out_all);

	if (r < 0)
		return r;
	*out = kb_metadata_find(*out_all, topic);
	if (!*out || (*out)->error == UNKNOWN_TOPIC_OR_PARTITION)
		return 1;
	if ((*out)->error)
		return kb_err((*out)->error == TOPIC_AUTHORIZATION_FAILED
				      ? -EACCES
				      : -EREMOTEIO,
			"topic %s: the cluster answers %s", topic,
			kb_status_name((*out)->error));
	return 0;
}

/* Is this topic the one that some backed-up records came from? */
static int
compare_source(void *ctx, const struct kb_index_topic *known)
{
	const struct kb_metadata_topic *topic = ctx;

	if (strcmp(known->name, topic->name) != 0 ||
		!kb_uuid_equal(&known->id, &topic->id))
		return 0;
	return kb_err(-EACCES,
		"topic %s is the very topic that was backed up: restore to "
		"another name, or ask for `append`",
		topic->name);
}

static int
check_source(struct kb_target *t, const struct kb_metadata_topic *topic)
{
	const char *id = t->o->repo->cluster_id;

	if (t->o->append || strcmp(id, kb_cluster_id(t->cluster)) != 0)
		return 0;
	return kb_index_topics(t->o->index, compare_source, (void *)topic);
}

/* ---- creating ---- */

/* What the log says of a new topic: a person has to know both. */
static void
say_created(struct kb_target *t, const char *topic, int32_t partitions,
	const struct kb_meta *meta, const struct kb_settings *chosen)
{
	struct kb_buf undo = {0};

	if (kb_settings_undo(meta, chosen, &undo) < 0 || !undo.len) {
		kb_log_warn("topic %s: created with %" PRId32 " partitions",
			topic, partitions);
		goto out;
	}
	kb_log_warn("topic %s: created with %" PRId32 " partitions, unlimited "
		    "retention and timestamps; to give it the settings of %s "
		    "once all is restored: kafka-configs.sh "
		    "--bootstrap-server %s --alter --entity-type topics "
		    "--entity-name %s%.*s",
		topic, partitions, meta->topic,
		kb_conf_get(t->o->conf, "bootstrap.servers"), topic,
		(int)undo.len, (const char *)undo.data);
out:
	kb_buf_release(&undo);
}

/* Only min.insync.replicas depends on it, so it is asked for only then. */
static int32_t
find_replication(struct kb_admin *admin, const struct kb_meta *meta)
{
	int32_t replication = -1;

	for (size_t i = 0; i < meta->setting_count; i++) {
		if (strcmp(meta->settings[i].name, "min.insync.replicas") ==
				0 &&
			kb_admin_default_replication(admin, &replication) < 0)
			kb_log_info("default replication factor: %s",
				kb_err_text());
	}
	return replication;
}

static int
create_with(struct kb_target *t, struct kb_admin *admin, const char *topic,
	int32_t partitions, const struct kb_meta *meta,
	enum kb_settings_limits limits)
{
	struct kb_settings chosen;
	int r = kb_settings_choose(meta, find_replication(admin, meta),
		t->o->exact_settings, limits, &chosen);

	if (r < 0)
		return r;
	r = kb_admin_create_topic(
		admin, topic, partitions, -1, chosen.items, chosen.count);
	if (r == 0)
		say_created(t, topic, partitions, meta, &chosen);
	kb_settings_release(&chosen);
	return r == -EEXIST ? 0 : r;
}

static int
create_as(struct kb_target *t, const char *topic, int32_t partitions,
	const struct kb_meta *meta)
{
	struct kb_admin *admin;
	int r;

	if (partitions < meta->partitions)
		partitions = meta->partitions;
	else if (partitions > PARTITIONS_MAX)
		return kb_err(-ENOENT,
			"topic %s is not at the target: create it there first "
			"if it shall have %" PRId32 " partitions",
			topic, partitions);
	r = kb_admin_new(t->o->conf, &admin);
	if (r < 0)
		return r;
	kb_admin_set_cancel(admin, &t->stop);
	r = create_with(
		t, admin, topic, partitions, meta, KB_LIMITS_BEFORE_AFTER);
	/* an older broker does not know these names */
	if (r == -EINVAL && !t->o->exact_settings)
		r = create_with(t, admin, topic, partitions, meta,
			KB_LIMITS_DIFFERENCE);
	if (r == -EINVAL)
		r = kb_err(-EREMOTEIO, "%s", kb_err_text());
	kb_admin_free(admin);
	return r;
}

static int
create(struct kb_target *t, const char *topic, const char *source,
	int32_t partitions)
{
	struct kb_index_topic known;
	struct kb_topic_ref ref;
	struct kb_meta meta = {0};
	int r = *source ? kb_index_topic(t->o->index, source, &known) : -ENOENT;

	if (r == -ENOENT)
		return kb_err(-ENOENT,
			"topic %s is not at the target, and the backup does "
			"not tell how to create it: create it there first",
			topic);
	if (r < 0)
		return r;
	ref = (struct kb_topic_ref){known.name, known.id};
	r = kb_index_meta(t->o->index, &ref, &meta);
	if (r == 0)
		r = create_as(t, topic, partitions, &meta);
	kb_meta_release(&meta);
	return r;
}

/* ---- both ---- */

int
kb_target_make(struct kb_target *t, const char *topic, const char *source,
	int32_t partitions, struct kb_cancel *interrupt)
{
	const struct kb_metadata_topic *found;
	struct kb_metadata *all = NULL;
	int r = take_turn(t, interrupt);

	if (r < 0)
		return r;
	r = look_up(t, topic, &all, &found);
	if (r > 0)
		r = create(t, topic, source, partitions);
	kb_metadata_free(all);
	give_turn(t);
	return r;
}

static int
check_partition(const struct kb_metadata_topic *topic, int32_t partition)
{
	if ((size_t)partition < topic->partition_count)
		return 0;
	return kb_err(-ENOENT,
		"topic %s has %zu partitions at the target, none has number "
		"%" PRId32 ": add partitions there first",
		topic->name, topic->partition_count, partition);
}

int
kb_target_admit(struct kb_target *t, const char *topic, int32_t partition,
	const char *source, struct kb_cancel *interrupt)
{
	const struct kb_metadata_topic *found;
	struct kb_metadata *all = NULL;
	int r = take_turn(t, interrupt);

	if (r < 0)
		return r;
	r = look_up(t, topic, &all, &found);
	if (r > 0) {
		r = create(t, topic, source, partition + 1);
	} else if (r == 0) {
		r = check_partition(found, partition);
		if (r == 0)
			r = check_source(t, found);
	}
	kb_metadata_free(all);
	give_turn(t);
	return r;
}
