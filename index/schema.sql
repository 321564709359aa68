-- The tables of one index file. A stack of such files is the index: the rows
-- of the newest file win over equal keys of older ones (DESIGN.md).
--
-- Comments stand outside the statements, for sqlite keeps each statement's
-- text in the file, and a file may hold no more than one segment's rows.

PRAGMA application_id = 0x6b62616b;

-- One row. schema: this file's version. text: KB_JSONL_VERSION, the version of
-- the text view that all lengths are of.
CREATE TABLE info (schema INTEGER NOT NULL, text INTEGER NOT NULL);

-- Incarnations of topics; key counts within this file only. id: 16 bytes, all
-- zero where the broker has no topic ids.
CREATE TABLE topic (key INTEGER PRIMARY KEY, name TEXT NOT NULL,
	id BLOB NOT NULL, UNIQUE (name, id));

-- meta/<topic>/<id>/<n>.json, and its settings.
CREATE TABLE meta (topic INTEGER, n INTEGER, seen INTEGER NOT NULL,
	partitions INTEGER NOT NULL, replication INTEGER NOT NULL,
	PRIMARY KEY (topic, n)) WITHOUT ROWID;
CREATE TABLE setting (topic INTEGER, n INTEGER, name TEXT, value TEXT NOT NULL,
	PRIMARY KEY (topic, n, name)) WITHOUT ROWID;

-- Segments by covered start. until: where the next one starts. object: the
-- last part of its name. Times are ms, NULL when no record has one; undated
-- counts the records without.
CREATE TABLE segment (topic INTEGER, partition INTEGER, start INTEGER,
	until INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
	bytes INTEGER NOT NULL, records INTEGER NOT NULL,
	dropped INTEGER NOT NULL, min_time INTEGER, max_time INTEGER,
	undated INTEGER NOT NULL, text_length INTEGER NOT NULL, values_length INTEGER NOT NULL,
	raw_length INTEGER NOT NULL, leader_epoch INTEGER NOT NULL,
	newline INTEGER NOT NULL, blocks INTEGER NOT NULL,
	sha256 BLOB NOT NULL, object TEXT NOT NULL,
	PRIMARY KEY (topic, partition, start)) WITHOUT ROWID;

-- The blocks of the segment at start, in this same file, by first record.
CREATE TABLE block (topic INTEGER, partition INTEGER, start INTEGER,
	first INTEGER, last INTEGER NOT NULL, position INTEGER NOT NULL,
	size INTEGER NOT NULL, records INTEGER NOT NULL,
	dropped INTEGER NOT NULL, min_time INTEGER, max_time INTEGER,
	undated INTEGER NOT NULL, text_length INTEGER NOT NULL, values_length INTEGER NOT NULL,
	raw_length INTEGER NOT NULL, newline INTEGER NOT NULL,
	PRIMARY KEY (topic, partition, start, first)) WITHOUT ROWID;

-- Offsets lost for ever. reason: as kb_gap_reason_name() has it.
CREATE TABLE gap (topic INTEGER, partition INTEGER, start INTEGER,
	until INTEGER, reason TEXT NOT NULL, noticed INTEGER NOT NULL,
	detail TEXT NOT NULL, PRIMARY KEY (topic, partition, start, until))
	WITHOUT ROWID;

-- runs/<n>.json.
CREATE TABLE run (n INTEGER PRIMARY KEY, started INTEGER NOT NULL,
	ended INTEGER NOT NULL, complete INTEGER NOT NULL,
	records INTEGER NOT NULL, bytes INTEGER NOT NULL,
	problems INTEGER NOT NULL);

-- Reserved: segments that were pruned. Carried along, not yet written.
CREATE TABLE tombstone (topic INTEGER, partition INTEGER, start INTEGER,
	until INTEGER NOT NULL, pruned INTEGER NOT NULL,
	PRIMARY KEY (topic, partition, start)) WITHOUT ROWID;

-- Derived when the file is finished: sums over this file's segments of each
-- partition, and, for finding a time, the segments whose newest record is
-- newer than that of all before them in this file (peak), and those whose
-- oldest is older than that of all behind them (trough). There a record
-- without a time is older than any.
CREATE TABLE span (topic INTEGER, partition INTEGER, lowest INTEGER NOT NULL,
	highest INTEGER NOT NULL, until INTEGER NOT NULL,
	first INTEGER NOT NULL, last INTEGER NOT NULL,
	segments INTEGER NOT NULL, records INTEGER NOT NULL,
	bytes INTEGER NOT NULL, text_length INTEGER NOT NULL,
	min_time INTEGER, max_time INTEGER,
	PRIMARY KEY (topic, partition)) WITHOUT ROWID;
CREATE TABLE peak (topic INTEGER, partition INTEGER, time INTEGER,
	start INTEGER NOT NULL, PRIMARY KEY (topic, partition, time))
	WITHOUT ROWID;
CREATE TABLE trough (topic INTEGER, partition INTEGER, time INTEGER,
	start INTEGER NOT NULL, PRIMARY KEY (topic, partition, time))
	WITHOUT ROWID;
