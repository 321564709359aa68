/*
 * Our own questions to a cluster and topic administration, driven from a
 * shell. What it prints is meant to be compared.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/uuid.h"
#include "kafka/admin.h"
#include "kafka/cluster.h"
#include "kafka/conf.h"

static const char usage[] =
	"usage: kcluster BROKERS VERB [ARG]...\n"
	"  topics [NAME]...          NAME ID ERROR PARTITIONS REPLICAS\n"
	"  leader TOPIC ID P         NODE EPOCH; ID - for none\n"
	"  offset TOPIC ID P TIME    of committed records; -1 latest,\n"
	"                            -2 earliest, or ms\n"
	"  end TOPIC ID P            of all records\n"
	"  epoch TOPIC ID P EPOCH    EPOCH END\n"
	"  settings TOPIC            NAME=VALUE lines\n"
	"  create TOPIC P R [NAME=VALUE]...\n";

static struct kb_conf *conf;
static struct kb_cluster *cluster;

static int
number(const char *s)
{
	return (int)strtol(s, NULL, 10);
}

/* ---- verbs: 0 or an error ---- */

static int
topics(int argc, char **argv)
{
	struct kb_metadata *m;
	char id[KB_UUID_TEXT];
	int r;

	r = kb_cluster_metadata(cluster,
		argc ? (const char *const *)argv : NULL, (size_t)argc, &m);
	if (r < 0)
		return r;
	for (size_t i = 0; i < m->topic_count; i++) {
		const struct kb_metadata_topic *t = &m->topics[i];

		kb_uuid_format(&t->id, id);
		printf("%s %s %d %zu %d\n", t->name, id, t->error,
			t->partition_count,
			t->partition_count ? t->partitions[0].replicas : 0);
	}
	kb_metadata_free(m);
	return 0;
}

static struct kb_uuid
id_of(const char *text)
{
	struct kb_uuid id = {{0}};

	if (strcmp(text, "-") != 0 && kb_uuid_parse(text, &id) < 0) {
		fprintf(stderr, "kcluster: %s: not an id\n", text);
		exit(2);
	}
	return id;
}

static int
leader(char **argv)
{
	struct kb_uuid id = id_of(argv[1]);
	int32_t node, epoch;
	int r = kb_cluster_leader(
		cluster, argv[0], &id, number(argv[2]), true, &node, &epoch);

	if (r == 0)
		printf("%d %d\n", node, epoch);
	return r;
}

static int
offset(char **argv, int64_t time, enum kb_isolation isolation)
{
	struct kb_uuid id = id_of(argv[1]);
	int64_t found;
	int r = kb_cluster_offset(cluster, argv[0], &id, number(argv[2]), time,
		isolation, &found);

	if (r == 0)
		printf("%" PRId64 "\n", found);
	return r;
}

static int
epoch_end(char **argv)
{
	struct kb_uuid id = id_of(argv[1]);
	int32_t epoch;
	int64_t end;
	int r = kb_cluster_epoch_end(cluster, argv[0], &id, number(argv[2]),
		number(argv[3]), &epoch, &end);

	if (r == 0)
		printf("%d %" PRId64 "\n", epoch, end);
	return r;
}

static int
print_setting(void *ctx, const char *name, const char *value)
{
	(void)ctx;
	printf("%s=%s\n", name, value);
	return 0;
}

static int
settings(struct kb_admin *admin, char **argv)
{
	return kb_admin_topic_settings(admin, argv[0], print_setting, NULL);
}

static int
create(struct kb_admin *admin, int argc, char **argv)
{
	struct kb_admin_setting list[16];
	size_t count = 0;

	for (int i = 3; i < argc && count < 16; i++, count++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			return kb_err(-EINVAL, "%s: NAME=VALUE", argv[i]);
		*value = '\0';
		list[count].name = argv[i];
		list[count].value = value + 1;
	}
	return kb_admin_create_topic(
		admin, argv[0], number(argv[1]), number(argv[2]), list, count);
}

/* ---- the rest ---- */

static int
is_verb(const char *verb, const char *name, int argc, int wanted)
{
	return !strcmp(verb, name) && argc >= wanted;
}

static int
ask_cluster(const char *verb, int argc, char **argv)
{
	int r = kb_cluster_open(conf, NULL, &cluster);

	if (r < 0)
		return r;
	if (is_verb(verb, "topics", argc, 0))
		r = topics(argc, argv);
	else if (is_verb(verb, "leader", argc, 3))
		r = leader(argv);
	else if (is_verb(verb, "offset", argc, 4))
		r = offset(argv, number(argv[3]), KB_READ_COMMITTED);
	else if (is_verb(verb, "end", argc, 3))
		r = offset(argv, KB_OFFSET_LATEST, KB_READ_UNCOMMITTED);
	else if (is_verb(verb, "epoch", argc, 4))
		r = epoch_end(argv);
	else
		r = kb_err(-EINVAL, "%s", usage);
	kb_cluster_close(cluster);
	return r;
}

static int
ask_admin(const char *verb, int argc, char **argv)
{
	struct kb_admin *admin;
	int r = kb_admin_new(conf, &admin);

	if (r < 0)
		return r;
	if (is_verb(verb, "settings", argc, 1))
		r = settings(admin, argv);
	else if (is_verb(verb, "create", argc, 3))
		r = create(admin, argc, argv);
	else
		r = kb_err(-EINVAL, "%s", usage);
	kb_admin_free(admin);
	return r;
}

int
main(int argc, char **argv)
{
	int r;

	if (argc < 3) {
		fputs(usage, stderr);
		return 2;
	}
	r = kb_conf_new(&conf);
	if (r == 0)
		r = kb_conf_set(conf, "bootstrap.servers", argv[1]);
	if (r == 0)
		r = kb_conf_set(conf, "message.timeout.ms", "60000");
	if (r == 0)
		r = kb_conf_check(conf);
	if (r == 0 &&
		(!strcmp(argv[2], "settings") || !strcmp(argv[2], "create")))
		r = ask_admin(argv[2], argc - 3, argv + 3);
	else if (r == 0)
		r = ask_cluster(argv[2], argc - 3, argv + 3);
	kb_conf_free(conf);
	if (r < 0)
		fprintf(stderr, "kcluster: %s: %s\n", strerror(-r),
			kb_err_text());
	return r < 0 ? 1 : 0;
}
