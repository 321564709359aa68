-- What schema.sql derives when a file is finished.

INSERT INTO span
SELECT topic, partition, min(start), max(start), max(until), min(first),
	max(last), count(*), sum(records), sum(bytes), sum(text_length),
	min(min_time), max(max_time)
FROM segment GROUP BY topic, partition;

INSERT OR IGNORE INTO peak
SELECT topic, partition,
	max(max_time) OVER (PARTITION BY topic, partition ORDER BY start
		ROWS UNBOUNDED PRECEDING), start
FROM segment WHERE max_time IS NOT NULL ORDER BY topic, partition, start;

INSERT OR IGNORE INTO trough
SELECT topic, partition,
	min(CASE WHEN undated > 0 THEN 0x8000000000000000 ELSE min_time END)
		OVER (PARTITION BY topic, partition ORDER BY start DESC
		ROWS UNBOUNDED PRECEDING), start
FROM segment ORDER BY topic, partition, start DESC;
