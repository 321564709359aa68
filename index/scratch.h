/* A temporary file that sqlite can open by name. */
#ifndef KB_INDEX_SCRATCH_H
#define KB_INDEX_SCRATCH_H

#define KB_SCRATCH_PATH 200

/*
 * Makes an empty file below TMPDIR, or /var/tmp, or /tmp. The caller unlinks
 * it as soon as sqlite has it open, and closes *out_fd. -errno with a
 * sentence.
 */
int
kb_scratch_open(char out_path[KB_SCRATCH_PATH], int *out_fd);

#endif
